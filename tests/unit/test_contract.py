"""What components and steps share, apart from the settings: the order of the steps, and where it can be imported."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pulumi_mlops.contract import containers, steps

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "components" / "pulumi_mlops" / "contract"


@pytest.fixture
def outputs(tmp_path: Path):
    """A directory of output parameters whose evaluation says what it is told; the steps that ran."""
    ran: list[str] = []

    def run(passed: str) -> tuple[str | None, list[str]]:
        def execute(name: str) -> None:
            ran.append(name)
            for output in steps.STEPS[name].outputs:
                (tmp_path / output).write_text(passed if output == steps.PASSED else "x")

        return steps.run(execute, tmp_path), ran

    return run


def test_the_steps_run_in_their_order(outputs) -> None:
    assert outputs(steps.YES) == (None, ["load", "preprocess", "train", "evaluate", "deploy"])


@pytest.mark.parametrize("passed", [steps.NO, "", "True"])
def test_a_version_that_did_not_pass_is_not_deployed(outputs, passed: str) -> None:
    assert outputs(passed) == ("deploy", ["load", "preprocess", "train", "evaluate"])


def test_a_step_that_fails_ends_the_run(tmp_path: Path) -> None:
    def execute(name: str) -> None:
        if name == "train":
            raise OSError("the volume is full")

    with pytest.raises(OSError, match="the volume is full"):
        steps.run(execute, tmp_path)


def test_a_condition_is_about_an_output_of_an_earlier_step() -> None:
    earlier: dict[str, steps.Step] = {}
    for name, step in steps.STEPS.items():
        if step.only_if:
            assert step.only_if.output in earlier[step.only_if.step].outputs
        earlier[name] = step


def test_every_step_is_a_module_of_the_application() -> None:
    for name in steps.STEPS:
        assert "\ndef run(context: step.Context)" in (ROOT / "ml" / f"{name}.py").read_text()
        assert steps.module(name) == f"ml.{name}"


def test_variables_are_named_as_they_are_written() -> None:
    assert {variable.name: variable.value for variable in containers.Variable} == {
        name: name for name in containers.Variable.__members__
    }


def test_the_application_names_no_variable_of_the_contract_on_its_own() -> None:
    names = "|".join(containers.Variable)
    for file in (ROOT / "ml").rglob("*.py"):
        assert not re.findall(rf"""environment(?:\.get\(|\[)["'](?:{names})["']""", file.read_text()), file


def test_the_images_create_the_user_that_pods_run_as() -> None:
    text = (ROOT / "ml" / "Dockerfile").read_text()
    assert f"ml:x:{containers.USER}:{containers.USER}:" in text
    assert text.count(f"\nUSER {containers.USER}:{containers.USER}\n") == 2


PROGRAM = """
import sys
{first}
import ml.errors, ml.expressions, ml.settings
assert not [name for name in sys.modules if name == "pulumi" or name.startswith("pulumi.")]
print(sys.modules["pulumi_mlops.contract.steps"].__file__)
"""


@pytest.mark.parametrize("installed", [True, False])
def test_the_steps_need_of_the_library_only_the_contract(tmp_path: Path, installed: bool) -> None:
    """As in an image, which has `ml/` and the contract; and in a checkout, with or without the library installed."""
    place = ROOT
    if not installed:
        place = tmp_path
        (place / "components" / "pulumi_mlops").mkdir(parents=True)
        (place / "components" / "pulumi_mlops" / "contract").symlink_to(CONTRACT)
        (place / "ml").symlink_to(ROOT / "ml")
    # `ml` finds the contract beside itself; the editable installation of this environment is hidden.
    hide = (
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in type(f).__name__.lower() + repr(f).lower()]\n"
    )
    hide += "sys.path = [path for path in sys.path if 'components' not in path]"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(first=hide)], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("components/pulumi_mlops/contract/steps.py")


def test_the_contract_needs_the_standard_library_only() -> None:
    for file in CONTRACT.glob("*.py"):
        imported = re.findall(r"^(?:from|import) ([\w.]+)", file.read_text(), re.MULTILINE)
        foreign = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
        assert foreign <= {"pulumi_mlops"}, file
        assert all(name.startswith("pulumi_mlops.contract") for name in imported if name.startswith("pulumi_mlops"))
