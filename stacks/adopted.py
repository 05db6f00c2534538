"""Resources that came from elsewhere keep what cannot be changed without replacing them: names, blocks, descriptions.

Components compute these. `make adopt` writes those that differ into the setting `adopted`, and a transform of the
whole stack puts them into the resources' inputs, those inside remote components included.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import register_resource_transform


def keep(adopted: Mapping[str, Mapping[str, Any]]) -> None:
    """Gives resources declared from here on the properties of `adopted`, which are in the provider's own names.

    Args:
        adopted: by `type::name`, the end of a resource's URN.
    """

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        kept = adopted.get(f"{args.type_}::{args.name}")
        return pulumi.ResourceTransformResult({**args.props, **kept}, args.opts) if kept else None

    register_resource_transform(transform)
