"""Which stacks a change touches: in this repository, in a team's small one, and as Git tells it."""

import argparse
import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi_mlops.review import changed, stacks
from pulumi_mlops.review._imports import Tree

from local.paths import ROOT

FOUNDATION = ["foundation-dev", "foundation-prod"]
PLATFORM = ["platform-dev", "platform-local", "platform-prod"]
ALL = [*FOUNDATION, "penguins-local", *PLATFORM]
COMPONENTS = "components/pulumi_mlops"


@pytest.fixture(scope="module")
def repository() -> dict[str, str]:
    return stacks._files(ROOT)


def touched(files: dict[str, str], *paths: str) -> list[str]:
    return [one.name for one in changed.touched(files, paths)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("stacks/Pulumi.foundation-dev.yaml", ["foundation-dev"]),
        ("stacks/penguins.py", ["penguins-local"]),
        ("stacks/data/penguins.csv", ALL),
        ("stacks/settings.py", ALL),
        ("stacks/configuration.py", ALL),
        ("stacks/__main__.py", ALL),
        ("Pulumi.yaml", ALL),
        ("pyproject.toml", ALL),
        ("requirements/dev.txt", ALL),
        (f"{COMPONENTS}/_args.py", ALL),
        (f"{COMPONENTS}/__init__.py", ALL),
        (f"{COMPONENTS}/foundation/cluster.py", FOUNDATION),
        (f"{COMPONENTS}/foundation/_subnets.py", ALL),  # stacks/settings.py reads it to check existing subnets
        (f"{COMPONENTS}/model_endpoint/__init__.py", ["penguins-local"]),
        (f"{COMPONENTS}/training_pipeline/_workflow.py", ["penguins-local"]),
        (f"{COMPONENTS}/platform/mlflow/__init__.py", PLATFORM),
        # Imported by a computed name.
        (f"{COMPONENTS}/platform/add_ons/seldon.py", [*FOUNDATION, "platform-dev", "platform-prod"]),
        (f"{COMPONENTS}/platform/gateway.py", ["platform-local"]),
        (f"{COMPONENTS}/review/preview.py", []),
        ("tests/conftest.py", []),
        ("local/node/api.py", []),
        ("README.md", []),
        ("stacks/data/README.md", []),
        (".github/workflows/preview.yml", []),
        ("Makefile", []),
    ],
)
def test_the_stacks_of_this_repository(repository: dict[str, str], path: str, expected: list[str]) -> None:
    assert touched(repository, path) == expected


def test_every_module_of_the_layers_touches_its_own_stack(repository: dict[str, str]) -> None:
    for stack in changed.stacks(repository):
        assert stack.name in touched(repository, f"stacks/{stack.layer}.py")


@pytest.mark.parametrize("layer", ["foundation", "penguins", "platform"])
def test_what_python_says_that_a_layer_uses_touches_it(repository: dict[str, str], layer: str) -> None:
    """Every function, class and module in the namespaces of the modules that touch the layer, at any depth."""
    waiting = [importlib.import_module(f"stacks.{layer}")]
    used: set[str] = set()
    while waiting:
        module = waiting.pop()
        path = Path(inspect.getsourcefile(module) or "").relative_to(ROOT).as_posix()
        if path not in used:
            used.add(path)
            homes = {
                getattr(value, "__module__", None) or getattr(value, "__name__", "") for value in vars(module).values()
            }
            ours = {home for home in homes if str(home).partition(".")[0] in ("stacks", "pulumi_mlops")}
            waiting += [sys.modules[home] for home in ours]

    assert len(used) > 5
    tree = Tree({path: text for path, text in repository.items() if path.endswith(".py")})
    stack = next(one for one in changed.stacks(repository) if one.layer == layer)
    assert used - changed._modules(stack, tree) == set()


def test_several_paths_touch_what_each_of_them_does(repository: dict[str, str]) -> None:
    assert touched(repository, "stacks/penguins.py", "stacks/platform.py") == ["penguins-local", "platform-local"]
    assert touched(repository) == []


TEAM = {
    "Pulumi.yaml": "name: churn\nruntime: {name: python}\n",
    "Pulumi.dev.yaml": "config: {}\n",
    "Pulumi.prod.yaml": "",
    "__main__.py": "import pulumi_mlops\nfrom churn import endpoint\n",
    "churn/__init__.py": "",
    "churn/endpoint.py": "from . import names\nfrom ..churn.sizes import CPU\n",
    "churn/names.py": "",
    "churn/sizes.py": "",
    "churn/unused.py": "",
    "tests/test_churn.py": "import churn.endpoint\n",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Pulumi.dev.yaml", ["dev"]),
        ("__main__.py", ["dev", "prod"]),
        ("churn/names.py", ["dev", "prod"]),
        ("churn/sizes.py", ["dev", "prod"]),
        ("churn/__init__.py", ["dev", "prod"]),
        ("churn/policy.json", ["dev", "prod"]),
        ("churn/data/more/policy.json", ["dev", "prod"]),
        ("requirements.txt", ["dev", "prod"]),
        ("uv.lock", ["dev", "prod"]),
        ("churn/unused.py", []),
        ("tests/test_churn.py", []),
        ("tests/data.json", []),
        ("Pulumi.gone.yaml", []),
        (".gitignore", []),
    ],
)
def test_the_stacks_of_a_small_repository(path: str, expected: list[str]) -> None:
    assert touched(TEAM, path) == expected


def test_a_module_that_was_deleted_touches_who_still_imports_it() -> None:
    files = {path: text for path, text in TEAM.items() if path != "churn/names.py"}

    assert touched(files, "churn/names.py") == ["dev", "prod"]
    assert touched(files, "churn/never_there.py") == []


def test_a_name_leads_through_the_package_that_passes_it_on() -> None:
    files = {
        **TEAM,
        "__main__.py": "from library import Used as Ours\n",
        "library/__init__.py": "from library.a import Used\nfrom library.b import Other\n",
        "library/a.py": "from .c import deep\n",
        "library/b.py": "",
        "library/c.py": "",
    }

    assert touched(files, "library/__init__.py") == ["dev", "prod"]
    assert touched(files, "library/a.py") == ["dev", "prod"]
    assert touched(files, "library/c.py") == ["dev", "prod"]
    assert touched(files, "library/b.py") == []


@pytest.mark.parametrize(
    "program",
    [
        "import library\n",
        "from library import *\n",
        "from library import defined_there\n",
        "import library.a\n",
        "import importlib\nimportlib.import_module('library.b')\n",
        "__import__('library.b')\n",
        "def later():\n    from library import Other\n",
    ],
)
def test_what_may_use_the_whole_package_follows_all_of_it(program: str) -> None:
    files = {
        **TEAM,
        "__main__.py": program,
        "library/__init__.py": "from library.b import Other\n",
        "library/a.py": "",
        "library/b.py": "",
    }

    assert touched(files, "library/b.py") == ["dev", "prod"]


COMPUTED = "import importlib, sys\nimportlib.import_module(sys.argv[1])\n"


def test_a_computed_import_may_be_any_module_beside_the_one_that_computes_it() -> None:
    files = {**TEAM, "__main__.py": COMPUTED, "one.py": "import library\n", "library/__init__.py": COMPUTED}
    files |= {"library/a.py": "", "other/b.py": ""}

    assert touched(files, "one.py") == ["dev", "prod"]
    assert touched(files, "library/a.py") == ["dev", "prod"]
    assert touched(files, "other/b.py") == []
    assert touched({**files, "__main__.py": ""}, "one.py") == []


def test_a_layer_tells_which_module_the_program_computes() -> None:
    files = {**TEAM, "__main__.py": COMPUTED, "one.py": "", "two.py": "", "churn/computes.py": COMPUTED}
    files["Pulumi.dev.yaml"] = "config: {churn:layer: one}\n"
    files["Pulumi.prod.yaml"] = "config: {churn:layer: two}\n"

    assert touched(files, "one.py") == ["dev"]
    assert touched(files, "__main__.py") == ["dev", "prod"]
    assert touched({**files, "Pulumi.prod.yaml": "config: {churn:layer: gone}\n"}, "one.py") == ["dev", "prod"]


def test_a_program_with_an_error_in_it_is_touched_all_the_same() -> None:
    assert touched({**TEAM, "__main__.py": "import ("}, "__main__.py") == ["dev", "prod"]


def test_a_program_in_another_language_is_touched_by_all_below_it() -> None:
    files = {
        "infra/Pulumi.yaml": "name: infra\nruntime: nodejs\nmain: src\n",
        "infra/Pulumi.dev.yaml": "",
        "infra/src/index.ts": "",
    }

    assert touched(files, "infra/src/lib/x.ts") == ["dev"]
    assert touched(files, "infra/package.lock") == ["dev"]
    assert touched(files, "other/x.ts") == []


def test_two_projects_keep_their_stacks_apart() -> None:
    files = {f"{place}/{path}": text for place in ("birds", "churn") for path, text in TEAM.items()}
    files["birds/Pulumi.yaml"] = "name: birds\nruntime: python\nstackConfigDir: settings\n"
    files["birds/settings/Pulumi.dev.yaml"] = ""

    assert list(changed.named(changed.stacks(files))) == ["birds.dev", "churn.dev", "prod"]
    (only,) = changed.touched(files, ["birds/__main__.py"])
    assert (only.project, only.directory, only.settings) == ("birds", "birds", "birds/settings/Pulumi.dev.yaml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "Pulumi.yaml is no YAML: see line 1"),
        ("since: 2026-02-30", "Pulumi.yaml is no YAML"),
        ("- a", "Pulumi.yaml must hold a YAML mapping"),
        ("runtime: python", "Pulumi.yaml: name must be letters, .*, got None"),
        ("name: $(id)", "Pulumi.yaml: name must be letters"),
    ],
)
def test_a_file_that_is_no_settings_file_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(changed.StacksError, match=says):
        changed.stacks({"Pulumi.yaml": text})


@pytest.mark.parametrize("name", ["a b", "*", "$(id)", "a\nb", "ä"])
def test_what_pulumi_takes_for_no_stack_is_none(name: str) -> None:
    assert [one.name for one in changed.stacks({**TEAM, f"Pulumi.{name}.yaml": ""})] == ["dev", "prod"]


def test_two_files_of_one_stack_are_an_error() -> None:
    with pytest.raises(changed.StacksError, match=r"has two settings files, Pulumi.dev.yaml and Pulumi.dev.yml"):
        changed.named(changed.stacks({**TEAM, "Pulumi.dev.yml": ""}))


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small repository, with a branch `change` off `main`; the current directory is inside it."""
    for path, text in TEAM.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch", "main")
    commit("first")
    git("switch", "--quiet", "--create", "change")
    return tmp_path


def git(*arguments: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def commit(message: str) -> None:
    git("add", "--all")
    git("commit", "--quiet", "--message", message)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*options: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        stacks.add_command(parser.add_subparsers(required=True))
        arguments = parser.parse_args(["stacks", *options])
        status = arguments.run(arguments)
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


def test_the_command_lists_what_the_branch_changed(checkout: Path, run: Run) -> None:
    (checkout / "Pulumi.dev.yaml").write_text("config: {a: b}\n")
    commit("a setting")
    git("switch", "--quiet", "main")
    (checkout / "__main__.py").write_text("# of somebody else, later\n")
    commit("on main")
    git("switch", "--quiet", "change")

    assert run("--changed", "--base", "main") == (0, "dev\n", "")
    assert run() == (0, "dev\nprod\n", "")
    assert run("--match", "pr*")[1] == "prod\n"
    assert json.loads(run("--changed", "--base", "main", "--format", "json")[1]) == [
        {"name": "dev", "stack": "dev", "directory": "."}
    ]


def test_the_command_lists_nothing_where_nothing_is_touched(checkout: Path, run: Run) -> None:
    assert run("--changed", "--base", "main") == (0, "", "")
    assert run("--changed", "--base", "main", "--format", "json") == (0, "[]\n", "")


def test_the_command_sees_what_is_not_committed_and_both_ends_of_a_move(checkout: Path, run: Run) -> None:
    (checkout / "Pulumi.new.yaml").write_text("")
    assert run("--changed", "--base", "main")[1] == "new\n"

    git("mv", "churn/names.py", "churn/other.py")
    assert run("--changed", "--base", "main")[1] == "dev\nnew\nprod\n"


def test_a_base_that_is_not_there_is_one_sentence(checkout: Path, run: Run) -> None:
    status, out, err = run("--changed", "--base", "origin/main")

    assert (status, out) == (1, "")
    assert err.startswith("stacks: `git merge-base` failed: ")
    assert "Not a valid object name origin/main; name the branch by --base, or get it by `git fetch origin`" in err
    assert len(err.splitlines()) == 1


def test_a_base_that_looks_like_an_option_is_none(checkout: Path, run: Run) -> None:
    assert run("--changed", "--base=--all")[0] == 1


def test_outside_of_a_repository_is_one_sentence(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert run()[2].startswith("stacks: `git rev-parse` failed: fatal: not a git repository")
