"""Which bucket of a state the stack takes over, and for what: `--bucket` says it, since a name only suggests it."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

from pulumi_mlops.cli.adopt.expected import Expected
from pulumi_mlops.cli.adopt.terraform import Found
from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.urns import name_of

BUCKET = "aws_s3_bucket"
TOKEN = "aws:s3/bucket:Bucket"  # noqa: S105 - the token of a type
USE = "use"
"""The mark of a bucket that a person has named."""
OF_STATES = re.compile(r"tf-?state|terraform|tofu|opentofu")
"""In the usual names of buckets that hold Terraform's own states."""


def uses(given: Iterable[str]) -> dict[str, str]:
    """The names of buckets by their use, from `USE=NAME`.

    Raises:
        CommandError: one has another form, or a use or a bucket is there twice.
    """
    named: dict[str, str] = {}
    for one in given:
        use, _, name = one.partition("=")
        if not use or not name:
            raise CommandError(f"--bucket must be USE=NAME, such as data=acme-training-data, got {one!r}")
        if named.get(use, name) != name:
            raise CommandError(f"--bucket {use} must be one bucket, got {named[use]} and {name}")
        if other := next((key for key, value in named.items() if value == name and key != use), ""):
            raise CommandError(f"--bucket {use}={name}: this bucket is the one for {other} already; one has one use")
        named[use] = name
    return named


def marked(found: Sequence[Found], named: Mapping[str, str]) -> list[Found]:
    """The resources; the buckets among them that somebody named have their use.

    Raises:
        CommandError: a bucket is in none of the states.
    """
    by_name = {name: use for use, name in named.items()}
    known = {str(one.get("bucket")) for one in found if one.type == BUCKET and not one.deposed}
    for use, name in named.items():
        if name not in known:
            has = ", ".join(sorted(known)) or "none at all"
            raise CommandError(f"--bucket {use}={name}: no state has this bucket; they have {has}")
    return [_marked(one, by_name) for one in found]


def check_uses(expected: Iterable[Expected], named: Mapping[str, str]) -> None:
    """Raises a CommandError if the stack makes no bucket for what somebody named one for."""
    made = sorted(use_of(one) for one in expected if one.type == TOKEN)
    for use, name in named.items():
        if use not in made:
            makes = f"buckets for {', '.join(made)} alone" if made else "no bucket"
            raise CommandError(f"--bucket {use}={name}: the stack makes {makes}; it must be for one of these")


def use_of(bucket: Expected) -> str:
    """What a bucket of the stack is for: its name without that of the component that makes it."""
    return bucket.name.removeprefix(f"{name_of(bucket.parent)}-") if bucket.parent else bucket.name


def same_use(expected: Expected, found: Found) -> bool:
    """Whether somebody said that the bucket is for this."""
    return use_of(expected) == found.get(USE)


def proposal(found: Found, free: Sequence[Expected]) -> str:
    """Why a bucket that nobody named is not taken over, and how it would be.

    Args:
        found: the bucket.
        free: the stack's buckets that nothing is matched with.
    """
    name, wanted = str(found.get("bucket")), [use_of(one) for one in free]
    if OF_STATES.search(name):
        return "by its name it holds Terraform's states, and stays with Terraform"
    likely = [use for use in wanted if use in re.split("[-.]", name)]
    if likely:
        return f"by its name it could be for {likely[0]}: if it is, add `--bucket {likely[0]}={name}`"
    return f"only you know what it is for: if it is for {' or '.join(wanted)}, add `--bucket USE={name}`"


def _marked(one: Found, by_name: Mapping[str, str]) -> Found:
    use = by_name.get(str(one.get("bucket"))) if one.type == BUCKET and not one.deposed else None
    return dataclasses.replace(one, attributes={**one.attributes, USE: use}) if use else one
