"""Outputs of another stack, asked for by name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi

from stacks.configuration import SettingsError


def outputs(
    stack: str,
    names: Sequence[str],
    on_request: Mapping[str, str] | None = None,
    optional: Sequence[str] = (),
    problem: Callable[[Mapping[str, Any]], str] = lambda _: "",
) -> dict[str, pulumi.Output[Any]]:
    """The named outputs of a stack of this project; secret ones stay secret. An `optional` one may be None.

    If one is missing, none of them has a value: nothing that needs any is made, and the run ends with a SettingsError
    that names all that are missing. `on_request` has those that the other stack has by a setting of its own: name of
    the output → name of the setting. `problem` says in one sentence what of all outputs does not fit, or nothing.
    """
    place = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    reference = pulumi.StackReference(stack, stack_name=place)
    # Names are no secrets, though the outputs together count as one where one of them is.
    complete = pulumi.Output.unsecret(
        reference.outputs.apply(lambda known: check(stack, known, names, on_request, problem))
    )

    def find(name: str) -> pulumi.Output[Any]:
        return pulumi.Output.all(reference.get_output(name), complete).apply(lambda both: both[0])

    return {name: find(name) for name in (*names, *optional)}


def check(
    stack: str,
    known: Mapping[str, Any] | None,
    names: Sequence[str],
    on_request: Mapping[str, str] | None = None,
    problem: Callable[[Mapping[str, Any]], str] = lambda _: "",
) -> bool:
    """True where a stack's outputs have all the names, and `problem` finds none.

    Raises:
        SettingsError: some are missing, or do not fit.
    """
    missing = [name for name in names if (known or {}).get(name) is None]
    if missing:
        by_setting = sorted({(on_request or {}).get(name, "") for name in missing})
        first = f"set {' and '.join(by_setting)} in stacks/Pulumi.{stack}.yaml first" if all(by_setting) else ""
        raise SettingsError(
            f'stack "{pulumi.get_stack()}": stack {stack} has no output {", no output ".join(missing)}; '
            f"{first or 'bring it up first'}: `pulumi up --stack {stack}`"
        )
    if sentence := problem(known or {}):
        raise SettingsError(f'stack "{pulumi.get_stack()}": {sentence}')
    return True
