"""A version as an MLflow model: with signature and code, so that it loads where this project is not installed."""

import shutil
import tempfile
import warnings
from pathlib import Path

from pulumi_mlops import contract

from ml import bundle

CONTRACT = "components/pulumi_mlops/contract"  # where ml/__init__.py looks for it
REQUIREMENTS = ("numpy", "xgboost-cpu==3.2.0", "pandas")  # inference would list xgboost beside xgboost-cpu


def save(path: Path, version: bundle.Bundle) -> None:
    """Writes the version as an MLflow model that `mlflow.pyfunc.load_model` loads anywhere, with this code inside."""
    with warnings.catch_warnings(action="ignore"):  # MLflow complains of its own type hints when it is imported
        from mlflow.pyfunc import save_model  # noqa: PLC0415
    from mlflow.models import ModelSignature  # noqa: PLC0415
    from mlflow.types.schema import AnyType, ColSpec, Schema  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as directory:
        code = Path(directory)
        for package, place in ((Path(__file__).parent, "ml"), (Path(contract.__file__).parent, CONTRACT)):
            (code / place).mkdir(parents=True)
            for module in package.glob("*.py"):
                shutil.copy(module, code / place)
        # Any type: MLflow refuses integers and booleans for a double, and numbers for a string. The model itself
        # takes and judges them all, with a sentence of its own, and `metadata` says what each column is.
        inputs = [ColSpec(AnyType(), column["name"], required=False) for column in version.signature["inputs"]]
        outputs = [ColSpec("double", name) for name in version.signature["classes"] or [version.signature["target"]]]
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "(?s).*input example", UserWarning
            )  # the signature is not inferred from one
            save_model(
                path,
                loader_module="ml.mlflow_flavor",
                data_path=str(version.path),
                code_paths=[str(path) for path in code.iterdir()],
                signature=ModelSignature(Schema(inputs), Schema(outputs)),
                pip_requirements=list(REQUIREMENTS),
                metadata={
                    "model_name": version.name,
                    "version": version.version,
                    "columns": {column["name"]: column["kind"] for column in version.signature["inputs"]},
                    "xgboost": version.manifest.get("xgboost"),
                },
            )
