"""`make adopt`: from a Terraform state to a file with which `pulumi import` takes its resources over.

What the stack calls them is read from its own preview. Nothing on AWS is asked or changed, and nothing is written but
the two files that are named at the end.
"""

from pathlib import Path
from typing import Any

import yaml

from local import stack_files
from local.adoption import import_file, terraform
from local.adoption.expected import Expected, creates
from local.adoption.import_file import Entry
from local.adoption.kinds import BY_TOKEN
from local.adoption.matching import Matches, adopted, match
from local.adoption.survey import Survey, survey
from local.engine import PROJECT
from local.planning import FOUNDATION, layer, offline_engine
from local.progress import StepFailed, say


def adopt(state: Path, stack: str, target: Path) -> None:
    """Writes `<stack>.import.json` and `<stack>.settings.yaml` into the directory, and says what to do with them.

    Raises:
        StepFailed: the state cannot be read, or there is no such stack.
    """
    if not state.name:
        raise StepFailed("which state? `make adopt STATE=terraform.tfstate`; `terraform state pull` writes one")
    if layer(stack) != FOUNDATION:
        raise StepFailed(
            f"stack {stack} makes no network and no cluster; a Terraform state is adopted into a foundation on AWS: "
            "STACK=foundation-dev"
        )
    found = terraform.read(state)
    surveyed = survey(found, stack_files.settings(stack).get("domain_name", ""))
    expected = creates(_preview(stack, surveyed.settings))
    matches = match(expected, surveyed.found)
    if not matches.pairs:
        raise StepFailed(f"nothing in {state} is like what stack {stack} makes; it may be the state of something else")
    settings = {**surveyed.settings, **({"adopted": kept} if (kept := adopted(matches)) else {})}
    imports, changes = target / f"{stack}.import.json", target / f"{stack}.settings.yaml"
    import_file.write(imports, content(expected, matches))
    given = {f"{PROJECT}:{key}": value for key, value in settings.items() if value is not None}
    changes.write_text(yaml.safe_dump(given, sort_keys=False))
    _report(stack, surveyed, matches, imports, changes)


def content(expected: list[Expected], matches: Matches) -> dict[str, Any]:
    """The import file of the matched resources."""
    entries = [
        Entry(one.urn, one.parent, BY_TOKEN[one.type].identifier_of(found), one.version)
        for one, found in matches.pairs.values()
    ]
    return import_file.document(entries, {one.urn: one.parent for one in expected if not one.custom})


def _preview(stack: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What the stack would create in an empty account with these settings, asked of nobody."""
    with offline_engine() as engine:
        engine.configure(stack, settings)
        return engine.preview_json(stack)


def _report(stack: str, surveyed: Survey, matches: Matches, imports: Path, changes: Path) -> None:
    for one, other in matches.pairs.values():
        say(f"{other.address} -> {one.name} ({one.type})")
    for one, why in matches.left:
        setting = surveyed.by_id.get(id(one))
        say(f"{one.address}: by the setting {setting}, no import" if setting else f"NOT matched: {one.address}: {why}")
    for note in surveyed.notes:
        say(f"NOTE: {note}")
    say(f"{len(matches.pairs)} of {len(surveyed.found)} resources are matched; what is not stays with Terraform")
    gone = [key for key, value in surveyed.settings.items() if value is None]
    without = f", without {', '.join(gone)}" if gone else ""
    say(f"1. put {changes} under `config:` of stacks/Pulumi.{stack}.yaml, in the place of the same keys there{without}")
    say(f"2. {import_file.command(stack, imports)}")
    say(f"3. pulumi preview --stack {stack} --diff: it must replace and delete nothing; then pulumi up")
    say("4. terraform state rm … of each matched address, so that Terraform leaves it alone")
