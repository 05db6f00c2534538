"""The Python language host under the real CLI: what a person reads when a program goes well, badly, or nowhere."""

import json
from pathlib import Path

import pytest
from pulumi_cli import PulumiEnv

pytestmark = pytest.mark.engine


def preview(pulumi_env: PulumiEnv, main: str, config: dict[str, str] | None = None, **files: str) -> tuple[int, str]:
    """Exit code of a preview of the program, and the diagnostics that the CLI prints at its end."""
    directory = pulumi_env.project(pulumi_env.directory / "project", main, config)
    for name, text in files.items():
        (directory / f"{name}.py").write_text(text)
    done = pulumi_env.run("preview", cwd=directory)
    return done.returncode, (done.stdout + done.stderr).partition("Diagnostics:")[2]


def test_a_program_reads_its_config_imports_its_neighbours_and_exports_values(pulumi_env: PulumiEnv):
    main = """
import sys
import pulumi, neighbour
assert not any(path.endswith("standins/plugins") for path in sys.path), sys.path
config = pulumi.Config()
pulumi.export("greeting", config.require("greeting") + neighbour.MARK)
pulumi.export("stack", f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
pulumi.export("preview", pulumi.runtime.is_dry_run())
"""
    directory = pulumi_env.project(pulumi_env.directory / "project", main, {"engine-tests:greeting": "hello"})
    (directory / "neighbour.py").write_text("MARK = '!'\n")
    done = pulumi_env.run("up", "--yes", "--skip-preview", cwd=directory)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    outputs = json.loads(pulumi_env.run("stack", "output", "--json", cwd=directory).stdout)
    assert outputs == {"greeting": "hello!", "stack": "organization/engine-tests/test", "preview": False}


def test_a_run_error_is_one_clean_line(pulumi_env: PulumiEnv):
    code, text = preview(
        pulumi_env, "import pulumi\nraise pulumi.RunError('settings.size must be at least 1, got 0')\n"
    )
    assert code
    assert text.count("error: settings.size must be at least 1, got 0") == 1
    assert "Traceback" not in text
    assert "exited with" not in text


def test_an_exception_is_told_once_from_the_users_first_line(pulumi_env: PulumiEnv):
    main = "import helper\nhelper.divide(1, 0)\n"
    code, text = preview(pulumi_env, main, helper="def divide(a, b):\n    return a / b\n")
    assert code
    assert text.count("ZeroDivisionError: division by zero") == 1
    assert text.count("Traceback (most recent call last)") == 1
    assert "helper.divide(1, 0)" in text
    assert "standins/plugins" not in text
    assert "runpy" not in text
    assert "asyncio" not in text


def test_an_exception_in_an_apply_is_told_once(pulumi_env: PulumiEnv):
    main = "import pulumi\npulumi.export('x', pulumi.Output.from_input(0).apply(lambda zero: 1 / zero))\n"
    code, text = preview(pulumi_env, main)
    assert code
    assert text.count("ZeroDivisionError: division by zero") == 1
    assert "standins/plugins" not in text


def test_what_a_program_prints_is_shown(pulumi_env: PulumiEnv):
    code, text = preview(pulumi_env, "print('a word of the program')\n")
    assert code == 0
    assert "a word of the program" in text


def test_a_missing_environment_and_another_toolchain_are_refused(pulumi_env: PulumiEnv):
    directory = pulumi_env.project(pulumi_env.directory / "project", "")
    settings = directory / "Pulumi.yaml"
    settings.write_text("name: engine-tests\nruntime: {name: python, options: {virtualenv: nowhere}}\n")
    missing = pulumi_env.run("preview", cwd=directory)
    assert missing.returncode
    assert "runtime.options.virtualenv 'nowhere' has no" in missing.stdout + missing.stderr
    settings.write_text("name: engine-tests\nruntime: {name: python, options: {toolchain: poetry}}\n")
    other = pulumi_env.run("preview", cwd=directory)
    assert other.returncode
    assert "toolchain 'poetry' is not implemented" in other.stdout + other.stderr


def test_a_project_without_a_program_says_where_it_was_looked_for(pulumi_env: PulumiEnv):
    directory = pulumi_env.project(pulumi_env.directory / "project", "")
    Path(directory, "__main__.py").unlink()
    done = pulumi_env.run("preview", cwd=directory)
    assert done.returncode
    assert "has no Python program: Pulumi.yaml's `main` names where it is" in done.stdout + done.stderr


def test_dependencies_are_listed_and_installing_is_refused(pulumi_env: PulumiEnv):
    directory = pulumi_env.project(pulumi_env.directory / "project", "")
    about = json.loads(pulumi_env.run("about", "--json", cwd=directory).stdout)
    assert "pulumi-random" in {one["name"].replace("_", "-") for one in about["dependencies"]}
    install = pulumi_env.run("install", cwd=directory)
    assert install.returncode
    assert "installs nothing" in install.stdout + install.stderr
