"""`ADD_ONS`, once it is asked for: the descriptions import the SDK of Kubernetes."""

import importlib
from collections.abc import Mapping
from typing import Any

from pulumi_mlops.platform import add_ons
from pulumi_mlops.platform.add_on import AddOn

ADD_ONS: Mapping[str, AddOn[Any]] = {
    name: importlib.import_module(f"{add_ons.__name__}.{name}").ADD_ON for name in add_ons.CONTROLLERS
}
"""Name, which is that of its module and of its entry in `EksPlatformArgs.add_ons` → description."""
