"""What the server reads from its environment, all of it, once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pulumi_mlops.contract.containers import MODELS_PATH, PORT, PUBLIC_PORT, Variable
from pulumi_mlops.contract.tokens import TokenRules, read


class BadSetting(ValueError):
    """An environment variable has a value that the server cannot use."""


@dataclass(frozen=True)
class Settings:
    """The server's settings; the field's name in capitals is the variable's."""

    model_name: str
    """Name of the model, the directory under `models_dir` and the name in Open Inference paths."""
    model_version: str = ""
    """Version to serve. Empty: none has been deployed yet, predictions are answered with 503."""
    model_version_file: Path | None = None
    """File whose content is the version to serve, watched for changes; takes the place of `model_version`."""
    models_dir: Path = Path(MODELS_PATH)
    endpoint_name: str = ""
    """Name of the endpoint in messages; default: the model's."""
    host: str = "0.0.0.0"  # noqa: S104 - a pod is reached by its own address
    port: int = PORT
    public_port: int | None = None
    """Where clients outside ask, by the gateway: only with a key or a token. None: nowhere."""
    clients_dir: Path | None = None
    """Directory with what is kept of the clients' keys; None: no key is accepted."""
    token_rules: TokenRules | None = None
    """Which tokens of an identity provider are accepted; None: none."""
    client_requests_per_minute: int | None = None
    """How many requests of one client are answered at the public port; None: all of them."""
    max_body_bytes: int = 4 * 1024 * 1024
    max_rows: int = 10_000
    max_in_flight: int = 256
    """Requests being answered at once; one more gets 503."""
    body_timeout_seconds: float = 10.0
    """How long a client may take to send a body."""
    drain_seconds: float = 3.0
    """How long to go on accepting after SIGTERM, while load balancers learn that this server is not ready."""
    grace_seconds: float = 20.0
    """How long requests that are then in flight may take."""

    @property
    def endpoint(self) -> str:
        """The name of the endpoint for messages."""
        return self.endpoint_name or self.model_name

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Reads and checks the variables; raises BadSetting in one sentence."""
        name = environment.get(Variable.MODEL_NAME, "")
        if not name:
            raise BadSetting("MODEL_NAME is not set, it must be the name of the model to serve")
        if environment.get(Variable.WORKERS, "1") != "1":
            raise BadSetting(
                f"WORKERS must be 1, got {environment[Variable.WORKERS]!r}: a server is one process, scale by replicas"
            )
        file = environment.get(Variable.MODEL_VERSION_FILE, "")
        public_port, clients = environment.get(Variable.PUBLIC_PORT, ""), environment.get(Variable.CLIENTS_DIR, "")
        rules = environment.get(Variable.TOKEN_RULES, "")
        if bool(public_port) != bool(clients or rules):
            raise BadSetting(
                "PUBLIC_PORT must be set together with CLIENTS_DIR, TOKEN_RULES or both: the public port answers "
                f"nobody but clients, got PUBLIC_PORT={public_port!r}, CLIENTS_DIR={clients!r}, TOKEN_RULES={rules!r}"
            )
        limited = environment.get(Variable.CLIENT_REQUESTS_PER_MINUTE, "")
        return cls(
            model_name=name,
            model_version=environment.get(Variable.MODEL_VERSION, "").strip(),
            model_version_file=Path(file) if file else None,
            models_dir=Path(environment.get(Variable.MODELS_DIR) or cls.models_dir),
            endpoint_name=environment.get(Variable.ENDPOINT_NAME, ""),
            host=environment.get("HOST") or cls.host,
            port=int(_number(environment, "PORT", cls.port, 0)),
            public_port=int(_number(environment, Variable.PUBLIC_PORT, PUBLIC_PORT, 0)) if public_port else None,
            clients_dir=Path(clients) if clients else None,
            token_rules=_rules(rules) if rules else None,
            client_requests_per_minute=int(_number(environment, Variable.CLIENT_REQUESTS_PER_MINUTE, 1, 1))
            if limited
            else None,
            max_body_bytes=int(_number(environment, "MAX_BODY_BYTES", cls.max_body_bytes, 1)),
            max_rows=int(_number(environment, "MAX_ROWS", cls.max_rows, 1)),
            max_in_flight=int(_number(environment, "MAX_IN_FLIGHT", cls.max_in_flight, 1)),
            body_timeout_seconds=_number(environment, "BODY_TIMEOUT_SECONDS", cls.body_timeout_seconds, 0.1),
            drain_seconds=_number(environment, "DRAIN_SECONDS", cls.drain_seconds, 0),
            grace_seconds=_number(environment, "GRACE_SECONDS", cls.grace_seconds, 0),
        )


def _rules(text: str) -> TokenRules:
    try:
        return read(text)
    except ValueError as error:
        raise BadSetting(f"{Variable.TOKEN_RULES} {error}, got {text!r}") from None


def _number(environment: Mapping[str, str], name: str, default: float, least: float) -> float:
    text = environment.get(name, "")
    if not text:
        return default
    try:
        value = float(text) if isinstance(default, float) else int(text)
    except ValueError:
        value = least - 1
    if not least <= value < float("inf"):
        raise BadSetting(f"{name} must be a number of at least {least:g}, got {text!r}")
    return value
