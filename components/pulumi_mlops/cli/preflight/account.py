"""The AWS account that a stack goes into, asked with the credentials that the stack would be run with.

Every call only reads, and ends: slow and dead endpoints are given up after `TIMEOUTS`.
"""

import importlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.preflight.results import NotChecked

TIMEOUTS = {"connect_timeout": 5, "read_timeout": 20}
"""Seconds."""
ATTEMPTS = 2
ANY_REGION = "us-east-1"
"""A region that no account can turn off."""
EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
REJECTED = ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "UnauthorizedAccess")
LOG_IN = "`aws sso login`, or `aws configure`, or set AWS_PROFILE"


class Refused(Exception):
    """AWS refused a call for a reason other than a missing permission."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code


class Session(Protocol):
    """A session of boto3, which has no types."""

    def client(self, service_name: str, *, region_name: str, config: object) -> Any:
        """The client of a service."""
        ...

    def get_credentials(self) -> object:
        """The credentials; None where there are none."""
        ...


@dataclass(frozen=True)
class Account:
    """An account, as one caller sees it in one region."""

    session: Session
    region: str
    id: str
    """The account's 12 digits."""
    caller: str
    """ARN of the caller: a user, a role's session, or root."""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict["tuple[str, str]", Any], repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def open(cls, session: Session, region: str) -> "Account":
        """The account of the session's credentials.

        Raises:
            CommandError: there are no credentials, AWS does not accept them, or the region cannot be used.
        """
        reached = cls(session, region, "", "")
        try:
            found = reached.ask("sts", "GetCallerIdentity")
        except (NotChecked, Refused) as problem:
            raise _no_access(session, region, problem) from None
        return cls(session, region, found["Account"], found["Arn"])

    def ask(self, service: str, operation: str, region: str = "", **parameters: object) -> Mapping[str, Any]:
        """The answer to one call, such as `ask("ec2", "DescribeVpcs")`.

        Raises:
            NotChecked: the caller may not make the call, or nobody answered.
            Refused: AWS refused it for another reason.
        """
        return self._answers(service, operation, region, None, parameters)[0]

    def listed(self, service: str, operation: str, key: str, **parameters: object) -> list[Any]:
        """The list under a key of the answers to one call, all of its pages; raises as `ask` does."""
        answers = self._answers(service, operation, "", key, parameters)
        return [one for answer in answers for one in answer.get(key) or ()]

    def _answers(
        self, service: str, operation: str, region: str, key: str | None, parameters: Mapping[str, object]
    ) -> Sequence[Mapping[str, Any]]:
        exceptions = importlib.import_module("botocore.exceptions")
        client = self._client(service, region or self.region)
        method = importlib.import_module("botocore").xform_name(operation)
        try:
            if key and client.can_paginate(method):
                return list(client.get_paginator(method).paginate(**parameters))
            return [getattr(client, method)(**parameters)]
        except exceptions.ClientError as error:
            code, message = (str(error.response["Error"].get(part) or "") for part in ("Code", "Message"))
            if code in DENIED:
                action = f"{client.meta.service_model.signing_name}:{operation}"
                raise NotChecked(
                    f"{self.caller or 'the caller'} may not call {action}", f"allow {action} in a policy of the caller"
                ) from None
            raise Refused(code, message) from None
        except exceptions.BotoCoreError as error:
            raise NotChecked(" ".join(str(error).split())) from None
        except importlib.import_module("botocore.parsers").ResponseParserError:  # no BotoCoreError
            raise NotChecked(
                f"{client.meta.endpoint_url} does not answer {operation} as AWS does: a proxy in between?"
            ) from None

    def _client(self, service: str, region: str) -> Any:
        with self._lock:  # making a client from a shared session is not thread-safe; using it is
            if (service, region) not in self._clients:
                config = importlib.import_module("botocore.config").Config(
                    **TIMEOUTS, retries={"mode": "standard", "total_max_attempts": ATTEMPTS}
                )
                try:
                    client = self.session.client(service, region_name=region, config=config)
                except importlib.import_module("botocore.exceptions").BotoCoreError as error:
                    raise NotChecked(" ".join(str(error).split())) from None
                self._clients[service, region] = client
            return self._clients[service, region]


def session(profile: str) -> Session:
    """boto3's session, with a profile or the environment's credentials.

    Raises:
        CommandError: boto3 is not installed, or there is no such profile.
    """
    try:
        boto3 = importlib.import_module("boto3")
    except ModuleNotFoundError:
        raise CommandError(
            "AWS is asked through boto3, which is not installed: pip install 'pulumi-mlops[preflight]'"
        ) from None
    try:
        return boto3.Session(profile_name=profile or None)
    except importlib.import_module("botocore.exceptions").BotoCoreError as error:
        raise CommandError(f"{error}: `aws configure list-profiles` lists the profiles that exist") from None


def _no_access(session: Session, region: str, problem: Exception) -> CommandError:
    """Why the account cannot be asked: credentials or region, which AWS answers alike."""
    if isinstance(problem, Refused) and problem.code in EXPIRED:
        return CommandError(f"the credentials have expired ({problem}); log in again by {LOG_IN}")
    if session.get_credentials() is None:
        return CommandError(f"no AWS credentials: log in by {LOG_IN}")
    elsewhere = Account(session, ANY_REGION, "", "")
    if region != ANY_REGION:
        try:
            elsewhere.ask("sts", "GetCallerIdentity")
        except (NotChecked, Refused):
            pass
        else:
            return CommandError(
                f"the credentials are good in {ANY_REGION} and not in {region}: there is no such region, or the "
                f"account has not turned it on; `aws account enable-region --region-name {region}` does"
            )
    if isinstance(problem, Refused) and problem.code in REJECTED:
        return CommandError(f"AWS does not accept the credentials ({problem}); log in again by {LOG_IN}")
    return CommandError(f"AWS cannot be asked: {problem}; check the network, HTTPS_PROXY and the region")
