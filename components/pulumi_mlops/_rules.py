"""Rules of arguments that only components have; those that the steps of a pipeline share are in `contract.rules`."""

import ipaddress
from typing import cast

from pulumi_mlops.contract.rules import Rule, matches


def object_name(maximum: int) -> Rule:
    """The name can be that of a Service and of the objects derived from it."""
    return matches(
        rf"[a-z](?=.{{0,{maximum - 1}}}$)([-a-z0-9]*[a-z0-9])?",
        "a name of lower-case letters, digits and inner hyphens that starts with a letter, "
        f"at most {maximum} characters",
    )


def named_by(args: object, rule: Rule) -> Rule | None:
    """The rule of a component's name, which is free where `object_name` names its objects."""
    given = cast("dict[str, object]", args) if isinstance(args, dict) else {}
    return None if given.get("object_name") else rule


domain_name: Rule = matches(
    r"(?=.{1,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
    'a domain name such as "example.org", in lower case and without a dot at its end',
)

url: Rule = matches("https?://.*", 'a URL such as "https://s3.eu-central-1.amazonaws.com"')
"""Addresses of servers."""

image_registry: Rule = matches(
    r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
    'a registry as images name it, such as "mirror.example.org/platform", without https:// and a slash at its end',
)
"""What stands before an image's own path."""

quantity: Rule = matches(
    r"\d+(\.\d+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?",
    'a Kubernetes quantity such as "500m" (CPU) or "512Mi" (memory)',
)
"""CPU and memory amounts in Kubernetes' notation."""


def cidr(value: str) -> str | None:
    """The value is a block of addresses, written with its length: no API takes a bare address for one."""
    try:
        block = ipaddress.ip_network(value)
    except ValueError:
        return 'must be a block of addresses such as "10.0.0.0/16", without host bits'
    return None if "/" in value else f'must be a block of addresses, such as "{block}" for the one address'
