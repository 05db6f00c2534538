"""A stack as its preview describes it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.review.json_data import document
from pulumi_mlops.review.preview import Operation, Preview
from pulumi_mlops.review.resources import AWS_PROVIDER, Resource, default_region, sides
from pulumi_mlops.review.values import is_hidden


@dataclass(frozen=True)
class Planned:
    """A stack as it would be after `up`."""

    preview: Preview

    @property
    def stack(self) -> str:
        """Its name."""
        return self.preview.stack

    @cached_property
    def region(self) -> str:
        """The region of the stack's AWS provider.

        Raises:
            CommandError: neither the settings nor a single provider of the program name one.
        """
        region = default_region(self.preview)
        if region:
            return region
        raise CommandError(
            f"stack {self.stack} names no region, or several: "
            f"`pulumi config set aws:region REGION --stack {self.stack}`"
        )

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """What a provider manages."""
        return sides(self.preview).after

    def of(self, *types: str) -> list[Resource]:
        """The resources of some types, whether they exist or not."""
        return [one for one in self.resources if one.type in types]

    def new(self, *types: str) -> list[Resource]:
        """The resources of some types that do not exist yet."""
        return [one for one in self.of(*types) if one.urn in self._created]

    def has(self, type_token: str) -> bool:
        """Whether a resource or a component of the type is in the stack, created or not."""
        return any(step.type == type_token for step in self.preview.steps)

    def provider_option(self, key: str) -> object:
        """An option of the AWS provider, of the stack's settings or else of one that the program makes; or None."""
        values = [self.preview.config.get(f"aws:{key}"), *(one.get(key) for one in self._providers())]
        value = next((one for one in values if one is not None and not is_hidden(one)), None)
        return value if (parsed := document(value)) is None else parsed

    def _providers(self) -> Iterator[Mapping[str, object]]:
        for step in self.preview.steps:
            if step.type == AWS_PROVIDER:
                yield step.state.inputs

    @cached_property
    def _created(self) -> frozenset[str]:
        return frozenset(step.urn for step in self.preview.steps if step.operation is Operation.CREATE)
