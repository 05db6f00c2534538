"""Who gets predictions at the gateway: arguments of `ModelEndpoint`, and what is wrong with them.

A gateway on the internet is closed: there an endpoint has `access`, or an exception with a reason and a last day, which
its route carries as a review's exceptions are written.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, NotRequired, TypedDict

import pulumi

from pulumi_mlops import _exceptions, conventions, platform_outputs
from pulumi_mlops._args import Argument, Arguments
from pulumi_mlops.contract import tokens
from pulumi_mlops.contract.rules import between, dns_label, not_empty

if TYPE_CHECKING:
    from pulumi_mlops.model_endpoint._arguments import ModelEndpointArgs


class JwtArgs(TypedDict):
    """Which tokens of an identity provider (OpenID Connect) the endpoint accepts, as its clients' `Bearer` token."""

    issuer: pulumi.Input[str]
    """The provider, an https URL, exactly as its tokens name it (`iss`). Servers read its keys from there, and a change
    of them within five minutes. An authority that the server's image trusts must have signed its certificate."""
    audiences: list[pulumi.Input[str]]
    """What a token must be made for (`aud`): one of these, at least one. Endpoints with audiences of their own do not
    accept each other's tokens."""
    groups: NotRequired[list[pulumi.Input[str]] | None]
    """Groups whose members have access; the others get 403. Default: everybody who has a token for the audience."""
    groups_claim: NotRequired[pulumi.Input[str]]
    """Claim that names a client's groups; default groups. Of `scope` and `scp` the text is split at spaces."""
    client_claim: NotRequired[pulumi.Input[str]]
    """Claim that names the client in metrics and for the rate limit; default sub."""


class AccessArgs(TypedDict):
    """Who gets predictions at the gateway: clients with an API key of `pulumi-mlops keys`, or with a token."""

    clients_secret: NotRequired[pulumi.Input[str] | None]
    """Name of the Secret with what is kept of the keys, in the endpoint's namespace; if it is left out,
    `<name>-clients`, or with `jwt` no key is accepted. Endpoints that name the same Secret have the same clients. Until
    it exists, no key is accepted."""
    jwt: NotRequired[JwtArgs | None]
    """Tokens of an identity provider that are accepted; default none."""
    requests_per_minute: NotRequired[int | None]
    """How many requests a minute of one client each replica answers, from 1 to 1000000; the others get 429 with
    Retry-After. Ten seconds' worth may come at once. Default: no limit."""


class OpenAccessArgs(TypedDict):
    """Why everybody who knows the URL gets predictions, and until when."""

    until: str
    """The last day, such as "2027-01-31", at most 366 days ahead. After it the program is refused. Plain, as the reason
    is: both are checked."""
    reason: str
    """Why clients need no key, in at least 10 characters."""


def _until(value: str) -> str | None:
    last, today = _exceptions.day(value), date.today()
    if last is None:
        return 'must be a day such as "2027-01-31"'
    if last < today:
        return "has ended: give the endpoint `access`, or look at the reason again and write another day"
    if (last - today).days > _exceptions.LONGEST_DAYS:
        return f"must be within {_exceptions.LONGEST_DAYS} days"
    return None


ARGUMENTS: Arguments = {
    "access.clients_secret": Argument(rule=dns_label),
    "access.jwt.issuer": Argument(rule=tokens.issuer_problem),
    "access.jwt.audiences": Argument(rule=not_empty),
    "access.jwt.groups": Argument(rule=not_empty),
    "access.jwt.groups_claim": Argument(default=tokens.GROUPS_CLAIM, rule=not_empty),
    "access.jwt.client_claim": Argument(default=tokens.CLIENT_CLAIM, rule=not_empty),
    "access.requests_per_minute": Argument(rule=between(1, 1_000_000, "requests")),
    "open_access.until": Argument(rule=_until),
    "open_access.reason": Argument(rule=_exceptions.reason_problem),
}


def problems(args: "ModelEndpointArgs", name: str) -> Iterator[str]:
    """An endpoint that everybody on the internet could ask, or that says two things about it."""
    if args["access"] is not None and (jwt := args["access"]["jwt"]) is not None:
        for field in ("audiences", "groups"):
            if jwt[field] == []:
                yield f"args.access.jwt.{field} must not be empty, got []"
    if args["access"] is not None and args["open_access"] is not None:
        yield "args.open_access must be left out where args.access is given: the endpoint asks everybody who they are"
    if args["access"] is None and args["open_access"] is None and _faces_the_internet(args, name):
        yield (
            "args.access must be given, since everybody who knows the URL would get predictions: {} lets in clients "
            "with an API key only; args.open_access, with a reason and a last day, is the exception"
        )


def annotations(args: "ModelEndpointArgs") -> Mapping[str, str]:
    """Annotations of the endpoint's route: the exception, in the form that a review reads."""
    exception = args["open_access"]
    if exception is None:
        return {}
    return {f"{_exceptions.PREFIX}{_exceptions.ENDPOINT_ACCESS}": f"{exception['until']} {exception['reason'].strip()}"}


def _faces_the_internet(args: "ModelEndpointArgs", name: str) -> bool:
    """Whether the endpoint's gateway does, by the platform's outputs.

    Without a platform's stack the gateway is that of the same cluster, as on one machine. Public host names tell
    another one, and nothing is known about a gateway that is not the platform's: both count as the internet.
    """
    if (args["gateway_name"], args["gateway_namespace"]) != (conventions.GATEWAY_NAME, conventions.GATEWAY_NAMESPACE):
        return True
    platform = platform_outputs.read("ModelEndpoint", name)
    if platform is platform_outputs.IN_CLUSTER:
        return args["hosts"] is not None
    return platform.get("public_gateway", "cluster_name" in platform)
