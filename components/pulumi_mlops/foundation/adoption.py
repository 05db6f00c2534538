"""Resources that came from elsewhere keep what cannot be changed without replacing them, and what Pulumi knew them by.

Names, blocks and descriptions are computed by components, whose children have names of ours. `pulumi-mlops adopt`
writes what differs into the setting `adopted`; `aliases` holds the old URNs of what was in a Pulumi state before. A
transform of the whole stack puts both into the resources, those inside remote components included.

```python
import pulumi
from pulumi_mlops.foundation import S3ObjectStore, adoption

config = pulumi.Config()
kept = adoption.keep(config.get_object("adopted") or {}, namespace=config.name)
S3ObjectStore("birds", {"region": "eu-central-1", "buckets": ["data"]})
kept.complete()
```
"""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pulumi
from pulumi.runtime import register_resource_transform, register_stack_transformation

from pulumi_mlops._args import ArgumentError


def keep(
    adopted: Mapping[str, Mapping[str, object]], aliases: Mapping[str, str] | None = None, *, namespace: str = ""
) -> "Adoption":
    """Gives resources declared from here on their properties and their old URNs.

    Args:
        adopted: properties in the provider's own names, by `type::name`, the end of a resource's URN.
        aliases: URNs, by the same.
        namespace: of the settings that they are from, by which errors name them.
    """
    old = aliases or {}
    declared: list[pulumi.Resource] = []
    seen: set[str] = set()

    def remember(args: pulumi.ResourceTransformationArgs) -> None:
        declared.append(args.resource)

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        key = f"{args.type_}::{args.name}"
        seen.add(key)
        if key not in adopted and key not in old:
            return None
        before = pulumi.ResourceOptions(aliases=[old[key]] if key in old else [])
        opts = pulumi.ResourceOptions.merge(args.opts, before)
        return pulumi.ResourceTransformResult({**args.props, **adopted.get(key, {})}, opts)

    register_stack_transformation(remember)
    register_resource_transform(transform)
    label = f"setting {namespace}:" if namespace else ""
    return Adoption({f"{label}adopted": adopted, f"{label}aliases": old}, declared, seen)


@dataclass(frozen=True)
class Adoption:
    """What is to be kept, and which resources there are."""

    wanted: Mapping[str, Collection[str]]
    """What an error calls the keys → the keys."""
    declared: list[pulumi.Resource]
    seen: set[str]

    def complete(self) -> None:
        """Says that the program has declared all: the run fails if a key is that of no resource.

        Such a key is a resource that would be replaced, or made a second time, because of a slip.
        """
        # A URN is known once its resource is registered, that of a remote component once all in it is.
        urns = [one.urn for one in self.declared]
        pulumi.Output.all(*urns).apply(lambda _: check(self.wanted, self.seen))


def check(wanted: Mapping[str, Collection[str]], seen: Collection[str]) -> None:
    """Every key is that of a resource.

    Raises:
        ArgumentError: some are not; it names them, and the nearest that are.
    """
    problems = [_problem(name, key, seen) for name, keys in wanted.items() for key in keys if key not in seen]
    if problems:
        raise ArgumentError("; ".join(problems))


def _problem(name: str, key: str, seen: Collection[str]) -> str:
    near = difflib.get_close_matches(key, sorted(seen), n=1)
    hint = f'did you mean "{near[0]}"?' if near else "leave it out"
    return f"{name} has {key}, which the stack does not make; {hint}"
