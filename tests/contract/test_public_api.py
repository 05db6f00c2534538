import ast
import importlib
import inspect
import subprocess
import sys
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, is_typeddict

import pulumi
import pulumi_mlops
import pytest

from tests.contract.api import COMPONENTS, EXPORTS, PACKAGES, args_of

ROOT = Path(pulumi_mlops.__file__).parent
MODULES = sorted(path for path in ROOT.rglob("*.py"))


def tree(path: Path | str) -> ast.Module:
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def class_definition(value: type) -> ast.ClassDef:
    path = inspect.getsourcefile(value)
    assert path
    (found,) = [node for node in tree(path).body if isinstance(node, ast.ClassDef) and node.name == value.__name__]
    return found


def undocumented(definition: ast.ClassDef) -> list[str]:
    """Annotated fields without a docstring behind them."""
    missing = []
    for node, after in zip(definition.body, [*definition.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if not documented and not node.target.id.startswith("_"):
                missing.append(node.target.id)
    return missing


def test_the_developer_api_is_exactly_this() -> None:
    assert pulumi_mlops.__all__ == [
        "AccessArgs",
        "ArgumentError",
        "AutoscalingArgs",
        "BuildArgs",
        "CanaryArgs",
        "CategoricalImputation",
        "ChecksArgs",
        "ClassWeight",
        "ColumnType",
        "DataFormat",
        "DatabaseBackend",
        "DatabaseBackupsArgs",
        "DatabaseEnvironment",
        "DatabaseManifestArgs",
        "DatabaseRestoreArgs",
        "DeliveryPipeline",
        "DeliveryPipelineArgs",
        "EndpointRuntime",
        "EnvironmentArgs",
        "EvaluationArgs",
        "FeaturesArgs",
        "ImagePullPolicy",
        "IntegrationTestsArgs",
        "JwtArgs",
        "Metric",
        "ModelEndpoint",
        "ModelEndpointArgs",
        "Monotone",
        "NotificationArgs",
        "NotificationForm",
        "NumericImputation",
        "ObjectStoreAccess",
        "Objective",
        "OpenAccessArgs",
        "PostgresDatabase",
        "PostgresDatabaseArgs",
        "PromotionMode",
        "RdsArgs",
        "RepositoryArgs",
        "RepositoryHost",
        "Scaling",
        "SearchArgs",
        "SinglePodArgs",
        "SourceArgs",
        "SourceType",
        "StepArgs",
        "StepsArgs",
        "Task",
        "TolerationArgs",
        "TolerationEffect",
        "TolerationOperator",
        "TrainingArgs",
        "TrainingPipeline",
        "TrainingPipelineArgs",
        "UnknownCategory",
        "Workspace",
        "WorkspaceArgs",
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_lists_its_exports_in_order_and_only_once(package: ModuleType) -> None:
    assert package.__all__ == sorted(set(package.__all__))


def test_type_checkers_see_the_same_names_as_the_interpreter() -> None:
    (block,) = [node for node in tree(ROOT / "__init__.py").body if isinstance(node, ast.If)]
    imported = {
        alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert sorted(imported) == pulumi_mlops.__all__
    for name, module in imported.items():
        assert module
        assert getattr(pulumi_mlops, name) is getattr(importlib.import_module(module), name)


def test_a_name_that_is_not_exported_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'pulumi_mlops' has no attribute 'Wokspace'"):
        _ = pulumi_mlops.Wokspace  # type: ignore[attr-defined]


def test_completion_offers_every_export() -> None:
    assert set(dir(pulumi_mlops)) >= set(pulumi_mlops.__all__)


def test_importing_the_package_imports_no_sdk() -> None:
    code = "import sys, pulumi_mlops; print(*(name for name in sys.modules if name.startswith('pulumi')))"
    path = str(ROOT.parent)
    loaded = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {*loaded} == {"pulumi_mlops", "pulumi_mlops._lazy"}


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_has_a_docstring_of_its_own(name: str) -> None:
    value = EXPORTS[name]
    if inspect.isclass(value) or inspect.isroutine(value):
        assert value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__


@pytest.mark.parametrize("name", [name for name, value in EXPORTS.items() if is_typeddict(value)])
def test_every_argument_is_explained(name: str) -> None:
    assert undocumented(class_definition(EXPORTS[name])) == []


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_output_is_explained(name: str) -> None:
    assert undocumented(class_definition(COMPONENTS[name])) == []


@pytest.mark.parametrize("name", COMPONENTS)
def test_the_type_token_is_a_literal_with_the_class_name(name: str) -> None:
    """A token that changes replaces every resource of every stack."""
    tokens = [
        node.args[0].value
        for node in ast.walk(class_definition(COMPONENTS[name]))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "__init__"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]
    assert tokens == [f"pulumi-mlops:index:{COMPONENTS[name].__name__}"]


@pytest.mark.parametrize("name", COMPONENTS)
def test_arguments_are_one_typed_dict_named_after_the_component(name: str) -> None:
    component = COMPONENTS[name]
    parameters = list(inspect.signature(component.__init__).parameters)
    assert parameters == ["self", "name", "args", "opts"]
    assert is_typeddict(args_of(component))
    assert args_of(component).__name__ == f"{component.__name__}Args"
    assert f"{name}Args" in EXPORTS


@pytest.mark.parametrize("name", COMPONENTS)
def test_there_are_few_outputs_and_each_is_registered_under_its_name(name: str) -> None:
    definition = class_definition(COMPONENTS[name])
    declared = [node.target.id for node in definition.body if isinstance(node, ast.AnnAssign)]  # type: ignore[union-attr]
    (registered,) = [
        node.args[0]
        for node in ast.walk(definition)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "register_outputs"
    ]
    assert isinstance(registered, ast.Dict)
    assert [ast.literal_eval(key) for key in registered.keys if key] == declared
    assert 1 <= len(declared) <= 6


def test_no_enum_member_differs_from_what_its_documentation_calls_it() -> None:
    """Members are spelt as the pipeline's settings document spells them, whatever the case."""
    enums: list[Any] = [value for value in EXPORTS.values() if inspect.isclass(value) and issubclass(value, Enum)]
    assert enums
    for enum in enums:
        for member in enum:
            assert isinstance(member.value, str)
            assert member.name.replace("_", "") == member.value.replace("_", "").upper()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_annotations_are_evaluated(path: Path) -> None:
    """The lazy form breaks the schema that Pulumi infers for other languages."""
    futures = [node for node in tree(path).body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert futures == []


COMMAND = {ROOT / "review" / "host" / "token.py", ROOT / "review" / "cli.py"}
"""Of a command: where the token for the Git host is read, and whether the terminal wants colours."""
CONTAINER_FILES = "_container_files"
"""Of programs in pods, the MLflow server and the restore drill, whose settings are their environment."""


OF_AN_AWS_CLIENT = "importlib.import_module('botocore.config')"
"""Whose `Config` has the timeouts of a client, and is no configuration of a stack."""
READS_THE_PLATFORM = ROOT / "platform_outputs.py"
"""The one setting of a team's stack: docs/decisions/0019."""


@pytest.mark.parametrize(
    "path",
    [one for one in MODULES if one not in COMMAND and one.parent.name != CONTAINER_FILES and one != READS_THE_PLATFORM],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_components_read_no_configuration_and_no_environment(path: Path) -> None:
    forbidden = {"Config", "StackReference", "get_stack", "get_project", "environ", "getenv"}
    attributes = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)]
    used = {node.attr for node in attributes if ast.unparse(node.value) != OF_AN_AWS_CLIENT}
    assert used.isdisjoint(forbidden)


def test_the_error_is_the_engines_clean_one() -> None:
    assert issubclass(pulumi_mlops.ArgumentError, pulumi.RunError)
