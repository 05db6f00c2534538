"""Starts MLflow: brings its database up to date, and lets in whom `kubernetes_identity` knows.

Everything in one process, because each `import mlflow` costs 4 CPU seconds. Two replicas that migrate an empty database
at the same moment disagree once; the loser is restarted and finds it done. No address is on a command line.
"""

import os
import re
import secrets
from configparser import ConfigParser
from pathlib import Path

import kubernetes_identity
from mlflow.cli import cli

SETTINGS = Path("/tmp/authentication.ini")  # noqa: S108 - a volume of the pod's own


def main() -> None:
    """Serves until the process is ended. Every other setting is in the environment."""
    database = with_driver(os.environ["MLFLOW_BACKEND_STORE_URI"])
    cli(["db", "upgrade", database], standalone_mode=False)
    os.environ |= {
        "MLFLOW_BACKEND_STORE_URI": database,
        "MLFLOW_AUTH_CONFIG_PATH": str(settings(database)),
        "MLFLOW_AUTH_ADMIN_USERNAME": kubernetes_identity.own_namespace(),
        # MLflow insists on both. Nobody can log in by a password, and no page has a form that the key would protect.
        "MLFLOW_AUTH_ADMIN_PASSWORD": secrets.token_urlsafe(),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_urlsafe(),
    }
    cli(["server", "--app-name", "basic-auth"])


def with_driver(address: str) -> str:
    """The database's address with the one Postgres driver that the image has; SQLAlchemy would choose another."""
    return re.sub(r"^postgres(ql)?([+]psycopg)?://", "postgresql+psycopg2://", address)


def settings(database: str) -> Path:
    """Writes the settings of MLflow's authentication, for which it has no variables, readable by the server alone."""
    content = ConfigParser(interpolation=None)
    content["mlflow"] = {
        "database_uri": database.replace("%", "%%"),  # MLflow reads them with interpolation
        "default_permission": "NO_PERMISSIONS",
        "authorization_function": f"{kubernetes_identity.__name__}:{kubernetes_identity.authenticate.__name__}",
    }
    SETTINGS.touch(mode=0o600)
    with SETTINGS.open("w") as file:
        content.write(file)
    return SETTINGS


if __name__ == "__main__":
    main()
