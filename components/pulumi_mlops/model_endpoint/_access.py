"""Who gets predictions at the gateway: arguments of `ModelEndpoint`, and what is wrong with them.

A gateway on the internet is closed: there an endpoint has `access`, or an exception with a reason and a last day, which
its route carries as a review's exceptions are written.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, NotRequired, TypedDict

import pulumi

from pulumi_mlops import _exceptions, conventions, platform_outputs
from pulumi_mlops._args import Argument, Arguments, between, dns_label

if TYPE_CHECKING:
    from pulumi_mlops.model_endpoint import ModelEndpointArgs


class AccessArgs(TypedDict):
    """Who gets predictions at the gateway: clients with an API key, which `pulumi-mlops keys` makes."""

    clients_secret: NotRequired[pulumi.Input[str] | None]
    """Name of the Secret with what is kept of the keys, in the endpoint's namespace; if it is left out,
    `<name>-clients`. Endpoints that name the same Secret have the same clients. Until it exists, nobody has access."""
    requests_per_minute: NotRequired[int | None]
    """How many requests a minute of one client each replica answers, from 1 to 1000000; the others get 429 with
    Retry-After. Ten seconds' worth may come at once. Default: no limit."""


class OpenAccessArgs(TypedDict):
    """Why everybody who knows the URL gets predictions, and until when."""

    until: str
    """The last day, such as "2027-01-31", at most 366 days ahead. After it the program is refused. Plain, as the reason
    is: both are checked."""
    reason: str
    """Why nobody is asked for a key, in at least 10 characters."""


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
    "access.requests_per_minute": Argument(rule=between(1, 1_000_000, "requests")),
    "open_access.until": Argument(rule=_until),
    "open_access.reason": Argument(rule=_exceptions.reason_problem),
}


def problems(args: "ModelEndpointArgs", name: str) -> Iterator[str]:
    """An endpoint that everybody on the internet could ask, or that says two things about it."""
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
    """Whether the endpoint's gateway does, by what the platform says of it.

    Without a platform's stack the gateway is that of the same cluster, as on one machine. Public host names tell
    another one, and nothing is known about a gateway that is not the platform's: both count as the internet.
    """
    if (args["gateway_name"], args["gateway_namespace"]) != (conventions.GATEWAY_NAME, conventions.GATEWAY_NAMESPACE):
        return True
    platform = platform_outputs.read("ModelEndpoint", name)
    if platform is platform_outputs.IN_CLUSTER:
        return args["hosts"] is not None
    return platform.get("public_gateway", "cluster_name" in platform)
