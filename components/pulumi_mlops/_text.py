"""Texts with parts that may not be known yet."""

import pulumi


def formatted(pattern: str, *parts: pulumi.Input[str]) -> pulumi.Input[str]:
    """The pattern with its `{0}`, `{1}` … filled in; a plain string where all of the parts are."""
    if all(isinstance(part, str) for part in parts):
        return pattern.format(*parts)
    return pulumi.Output.format(pattern, *parts)
