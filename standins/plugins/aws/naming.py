"""Names that the AWS provider generates for resources whose program gives none."""

import hashlib
import os
import time
from collections.abc import Mapping
from typing import Any

from standins.plugins.plugin import Refused
from standins.plugins.values import Object, has_unknowns


def prefix(name: str) -> str:
    """The property with the beginning of a generated name."""
    return f"{name}Prefix"


def generated(
    name: str, facts: Mapping[str, Any], inputs: Object, old: Object, *, logical: str, seed: bytes, rules: Any
) -> str | None:
    """The name that was generated before, or a new one; None while the prefix that it begins with is unknown.

    Args:
        name: the property that the name is.
        facts: what the type's facts say of names.
        inputs: the program's inputs, without a name.
        old: the inputs of the last run.
        logical: the resource's name in the program.
        seed: the engine's seed for this resource.
        rules: the engine's autonaming rules, or None.

    Raises:
        Refused: no name fits, or the engine's rules forbid generated names.
    """
    lead = inputs.get(prefix(name))
    before = old.get(name)
    if before and name in old.get("__defaults", ()) and old.get(prefix(name)) == lead:
        chosen = before
    elif lead is not None:
        if has_unknowns(lead):
            return None
        chosen = f"{lead}{time.strftime('%Y%m%d%H%M%S')}{hashlib.sha256(seed).hexdigest()[:12]}"
    elif rules is not None and rules.mode == rules.Mode.DISABLE:
        raise Refused(f"{name} is missing, and this project's autonaming is disabled")
    elif rules is not None and rules.proposed_name:
        chosen = rules.proposed_name
    else:
        suffix = hashlib.sha256(seed or os.urandom(32)).hexdigest()[:7]
        chosen = f"{facts.get('prefix', '')}{logical}-{suffix}"
        chosen = chosen.lower() if facts.get("lower_case") else chosen
    most = facts["plugin_maximum"]
    if len(chosen) > most:
        raise Refused(f"the generated name {chosen} has more than {most} characters: give {name}")
    return chosen
