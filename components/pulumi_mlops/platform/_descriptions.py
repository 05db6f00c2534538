"""`ADD_ONS`, once it is asked for: the descriptions import the SDK of Kubernetes."""

from collections.abc import Mapping
from typing import Any

from pulumi_mlops.platform import add_ons
from pulumi_mlops.platform.add_on import AddOn

ADD_ONS: Mapping[str, AddOn[Any]] = add_ons.descriptions()
"""Name, which is that of its module and of its entry in `EksPlatformArgs.add_ons` → description."""
