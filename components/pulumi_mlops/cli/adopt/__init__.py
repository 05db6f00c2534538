"""`pulumi-mlops adopt STATE --stack S`: from a Terraform state to a file with which `pulumi import` takes it over.

What the stack calls the resources is read from its own preview. Nothing on AWS is changed, and nothing is written but
the two files that are named at the end.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pulumi_mlops.cli import import_file
from pulumi_mlops.cli.adopt import terraform
from pulumi_mlops.cli.adopt.expected import Expected, creates
from pulumi_mlops.cli.adopt.kinds import BY_TOKEN
from pulumi_mlops.cli.adopt.matching import Matches, adopted, match
from pulumi_mlops.cli.adopt.survey import Survey, survey
from pulumi_mlops.cli.errors import DONE, CommandError
from pulumi_mlops.cli.import_file import Entry
from pulumi_mlops.cli.output import say
from pulumi_mlops.cli.project import Project, short
from pulumi_mlops.cli.pulumi import Pulumi
from pulumi_mlops.cli.values import mapping

Settings = Mapping[str, Any]
"""Settings of the project's own namespace; None for those that must not be there."""
Preview = Callable[[Settings], dict[str, Any]]
"""What `pulumi preview --json` says of the stack with these settings instead of its own."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="pulumi-mlops adopt",
        description="Matches the resources of a Terraform state with those that a stack of the project in the current "
        "directory would create, and writes an import file and settings. Exit status: 0 written, 1 failed.",
    )
    parser.add_argument("state", type=Path, help="what `terraform state pull` writes")
    parser.add_argument("--stack", required=True, help="the stack that takes the resources over")
    given = parser.parse_args(arguments)
    state: Path = given.state
    stack: str = given.stack
    project = Project.find(Path.cwd())
    adopt(state, stack, project, Path.cwd(), lambda settings: preview(stack, project, settings))
    return DONE


def adopt(state: Path, stack: str, project: Project, target: Path, preview: Preview) -> None:
    """Writes `<stack>.import.json` and `<stack>.settings.yaml`, and says what to do with them.

    Args:
        state: file of the Terraform state.
        stack: the stack's name.
        project: the project that it is of.
        target: directory of the two files.
        preview: previews the stack.

    Raises:
        CommandError: the state cannot be read, the stack cannot be previewed, or it makes nothing like it.
    """
    surveyed = survey(terraform.read(state), str(project.setting(stack, "domain_name") or ""))
    expected = creates(preview(surveyed.settings))
    matches = match(expected, surveyed.found)
    if not matches.pairs:
        raise CommandError(
            f"nothing in {state} is like what stack {stack} would create; it may be the state of something else, or "
            "the stack may have these resources already"
        )
    settings = {**surveyed.settings, **({"adopted": kept} if (kept := adopted(matches)) else {})}
    imports, changes = target / f"{short(stack)}.import.json", target / f"{short(stack)}.settings.yaml"
    import_file.write(imports, content(expected, matches))
    given = {f"{project.name}:{key}": value for key, value in settings.items() if value is not None}
    changes.write_text(yaml.safe_dump(given, sort_keys=False))
    _report(surveyed, matches)
    _next_steps(stack, project, settings, imports, changes)


def content(expected: list[Expected], matches: Matches) -> dict[str, Any]:
    """The import file of the matched resources."""
    entries = [
        Entry(one.urn, one.parent, BY_TOKEN[one.type].identifier_of(found), one.version)
        for one, found in matches.pairs.values()
    ]
    return import_file.document(entries, {one.urn: one.parent for one in expected if not one.custom})


def preview(stack: str, project: Project, settings: Settings) -> dict[str, Any]:
    """Previews the stack by the user's Pulumi CLI; its settings file stays as it is."""
    document = project.stack_document(stack)
    given = {f"{project.name}:{key}": value for key, value in settings.items()}
    config = {key: value for key, value in {**mapping(document.get("config")), **given}.items() if value is not None}
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / project.settings_file(stack).name
        file.write_text(yaml.safe_dump({**document, "config": config}, sort_keys=False))
        return json.loads(
            Pulumi(project.directory).run("preview", "--json", "--stack", stack, "--config-file", str(file))
        )


def _report(surveyed: Survey, matches: Matches) -> None:
    for one, other in matches.pairs.values():
        say(f"{other.address} -> {one.name} ({one.type})")
    for one, why in matches.left:
        setting = surveyed.by_id.get(id(one))
        say(f"{one.address}: by the setting {setting}, no import" if setting else f"NOT matched: {one.address}: {why}")
    for note in surveyed.notes:
        say(f"NOTE: {note}")
    say(f"{len(matches.pairs)} of {len(surveyed.found)} resources are matched; what is not stays with Terraform")


def _next_steps(stack: str, project: Project, settings: Settings, imports: Path, changes: Path) -> None:
    gone = [key for key, value in settings.items() if value is None]
    without = f", without {', '.join(gone)}" if gone else ""
    settings_file = project.settings_file(stack).relative_to(project.directory)
    say(f"1. put {changes} under `config:` of {settings_file}, in the place of the same keys there{without}")
    if "adopted" in settings:
        say("   `adopted` is for the program, by `pulumi_mlops.foundation.adoption.keep`: it keeps names and addresses")
    say(f"2. {import_file.command(stack, imports)}")
    say(f"3. pulumi preview --stack {stack} --diff: it must replace and delete nothing; then pulumi up")
    say("4. terraform state rm … of each matched address, so that Terraform leaves it alone")
