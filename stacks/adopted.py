"""Resources that came from elsewhere keep what cannot be changed without replacing them, and what Pulumi knew them by.

Names, blocks and descriptions are computed by components, whose children have names of ours. `make adopt` writes what
differs into the setting `adopted`; `aliases` holds the old URNs of what was in a Pulumi state before. A transform of
the whole stack puts both into the resources, those inside remote components included.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import register_resource_transform


def keep(adopted: Mapping[str, Mapping[str, Any]], aliases: Mapping[str, str]) -> None:
    """Gives resources declared from here on their properties and their old URNs.

    Args:
        adopted: properties in the provider's own names, by `type::name`, the end of a resource's URN.
        aliases: URNs, by the same.
    """

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        key = f"{args.type_}::{args.name}"
        if key not in adopted and key not in aliases:
            return None
        before = pulumi.ResourceOptions(aliases=[aliases[key]] if key in aliases else [])
        opts = pulumi.ResourceOptions.merge(args.opts, before)
        return pulumi.ResourceTransformResult({**args.props, **adopted.get(key, {})}, opts)

    register_resource_transform(transform)
