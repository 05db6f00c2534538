"""What a URN and a provider's reference say."""

import re

STACK = "pulumi:pulumi:Stack"
PROVIDER = "pulumi:providers:"
REFERENCE = "pulumi:pulumi:StackReference"
OURS = "pulumi-mlops:index:"
"""How the types of the library's components begin."""


def type_of(urn: str) -> str:
    """The token of the resource's type."""
    return urn.split("::")[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    """The resource's name in the program."""
    return urn.split("::", 3)[3]


def is_stack(urn: str) -> bool:
    """Whether it is the root of the stack."""
    return type_of(urn) == STACK if urn else False


def is_ours(urn: str) -> bool:
    """Whether it is a component of this library, or in one."""
    return any(one.startswith(OURS) for one in urn.split("::")[2].split("$"))


def plugin_version(provider: str) -> str:
    """Version in the reference of a default provider, such as `…::default_7_51_1::…`; empty for any other."""
    found = re.search(r"::default_(\d+)_(\d+)_(\d+)", provider)
    return ".".join(found.groups()) if found else ""
