"""The account that a provider is configured for: region, endpoints, clients, default tags, and errors in words."""

import json
import os
import re
import threading
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.config
import botocore.exceptions
import botocore.session

from standins.plugins.aws.simulated import Store
from standins.plugins.plugin import EngineLog, Refused
from standins.plugins.values import UNKNOWN, Object

HONOURED = (
    "accessKey", "defaultTags", "endpoints", "profile", "region", "s3UsePathStyle", "secretKey",
    "skipCredentialsValidation", "skipMetadataApiCheck", "skipRegionValidation", "skipRequestingAccountId", "token",
)  # fmt: skip
OF_THE_ENGINE = ("version", "pluginDownloadURL", "__internal", "pluginChecksums", "__defaults")
NO_ENDPOINT = (
    "the AWS provider stand-in never calls AWS: set AWS_ENDPOINT_URL, or the provider option endpoints, to an address "
    "on this machine, or use the published plugin"
)
GONE = re.compile(r"NotFound|NoSuch|NonExistent|DoesNotExist|^404$|\.Unknown$")


def parse(raw: Object) -> Object:
    """The provider's options by name, decoded: the engine sends every option as text.

    Raises:
        Refused: an option that this stand-in does not honour, or a region that does not exist.
    """
    options: Object = {}
    for name, value in raw.items():
        if name in OF_THE_ENGINE or value in (None, "", "null", "[]", "{}"):
            continue
        if name not in HONOURED:
            raise Refused(
                f"provider option {name} is not implemented by the AWS provider stand-in: leave it out, or use the "
                "published plugin"
            )
        options[name] = _decoded(value)
    region = options.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise Refused("no AWS region: set it with `pulumi config set aws:region eu-central-1`, or in AWS_REGION")
    if region != UNKNOWN and not options.get("skipRegionValidation") and region not in regions():
        raise Refused(f"{region!r} is not an AWS region: correct `pulumi config set aws:region`, or AWS_REGION")
    return {**options, "region": region}


def _decoded(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(("{", "[", "true", "false")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


@cache
def regions() -> frozenset[str]:
    """The names of all regions that botocore knows."""
    session = botocore.session.get_session()
    partitions = session.get_available_partitions()
    return frozenset(name for one in partitions for name in session.get_available_regions("ec2", partition_name=one))


@cache
def shape(service: str, operation: str) -> Any:
    """Botocore's shape of an operation's parameters, by the operation's Python name."""
    model = _service_model(service)
    names = {botocore.xform_name(name): name for name in model.operation_names}
    return model.operation_model(names[operation]).input_shape


@cache
def _service_model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


@dataclass
class Account:
    """What the calls of one provider have in common."""

    options: Object
    log: EngineLog
    lock: threading.Lock = field(default_factory=threading.Lock)
    announced: bool = False

    @property
    def region(self) -> str:
        """The region of every resource."""
        return self.options["region"]

    @property
    def default_tags(self) -> dict[str, str]:
        """Tags that every taggable resource gets."""
        return (self.options.get("defaultTags") or {}).get("tags") or {}

    @cached_property
    def clients(self) -> dict[str, Any]:
        """The clients made so far."""
        return {}

    @cached_property
    def number(self) -> str:
        """The account's number."""
        return self.client("sts").get_caller_identity()["Account"]

    @cached_property
    def store(self) -> Store:
        """What the API behind the endpoint cannot hold."""
        return Store.from_environment()

    def endpoint(self, service: str) -> str:
        """The address that answers for a service.

        Raises:
            Refused: there is none, or it is not on this machine.
        """
        given = {name: url for one in self.options.get("endpoints") or [] for name, url in one.items() if url}
        address = given.get(service.replace("-", "")) or os.environ.get("AWS_ENDPOINT_URL") or ""
        host = urlsplit(address).hostname or ""
        if not re.fullmatch(r"localhost|::1|127(\.\d{1,3}){3}", host):
            raise Refused(NO_ENDPOINT)
        return address

    def client(self, service: str) -> Any:
        """The boto3 client of a service."""
        with self.lock:
            if service not in self.clients:
                self.clients[service] = boto3.session.Session().client(
                    service,
                    region_name=self.region,
                    endpoint_url=self.endpoint(service),
                    aws_access_key_id=self.options.get("accessKey") or "stand-in",
                    aws_secret_access_key=self.options.get("secretKey") or "stand-in",
                    config=botocore.config.Config(
                        s3={"addressing_style": "path"}, retries={"total_max_attempts": 3}, max_pool_connections=64
                    ),
                )
            return self.clients[service]

    def call(self, service: str, operation: str, **parameters: Any) -> Object:
        """One call of the API.

        Raises:
            Missing: what it is about does not exist.
            Refused: any other error.
        """
        client = self.client(service)
        try:
            return getattr(client, operation)(**parameters)
        except botocore.exceptions.ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            kind = Missing if GONE.search(code) else Refused
            raise kind(f"{service} {operation}: {code}: {message}") from error
        except Exception as error:  # noqa: BLE001, RUF100 - whatever botocore makes of an answer or of parameters
            raise Refused(f"{service} {operation}: {str(error).splitlines()[0]}") from error


class Missing(Refused):
    """What a call is about does not exist."""
