"""`pulumi-mlops adopt STATE --stack S`: from a Terraform state to a file with which `pulumi import` takes it over.

What the stack calls the resources is read from its own preview. Nothing on AWS is changed, and nothing is written but
the files that are named at the end.
"""

import argparse
import json
import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pulumi_mlops.cli import import_file
from pulumi_mlops.cli.adopt import buckets, terraform
from pulumi_mlops.cli.adopt.expected import Expected, creates
from pulumi_mlops.cli.adopt.kinds import BY_TOKEN
from pulumi_mlops.cli.adopt.matching import Matches, adopted, match
from pulumi_mlops.cli.adopt.refusals import refuse
from pulumi_mlops.cli.adopt.survey import Survey, survey
from pulumi_mlops.cli.errors import DONE, CommandError
from pulumi_mlops.cli.import_file import Entry
from pulumi_mlops.cli.output import say
from pulumi_mlops.cli.project import Project, short, stack_name
from pulumi_mlops.cli.pulumi import Pulumi
from pulumi_mlops.cli.values import mapping

Settings = Mapping[str, object]
"""Settings of the project's own namespace, or of that before a colon; None for those that must not be there."""
Preview = Callable[[Settings], dict[str, object]]
"""What `pulumi preview --json` prints for the stack with these settings instead of its own."""


@dataclass(frozen=True)
class Written:
    """The files for the user."""

    imports: Path
    settings: Path
    removals: Path


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="pulumi-mlops adopt",
        description="Matches the resources of a Terraform state with those that a stack of the project in the current "
        "directory would create, and writes an import file and settings. Exit status: 0 written, 1 failed.",
    )
    parser.add_argument("state", type=Path, help="what `terraform state pull` writes")
    parser.add_argument(
        "--state",
        dest="further",
        type=Path,
        action="append",
        default=[],
        metavar="STATE",
        help="one more state, where network and cluster are in separate ones; may be repeated",
    )
    parser.add_argument(
        "--bucket",
        dest="buckets",
        action="append",
        default=[],
        metavar="USE=NAME",
        help="the bucket that the stack takes over for a use, such as data=acme-training-data; may be repeated",
    )
    parser.add_argument("--stack", type=stack_name, required=True, help="the stack that takes the resources over")
    given = parser.parse_args(arguments)
    states: list[Path] = [given.state, *given.further]
    stack: str = given.stack
    named = buckets.uses(given.buckets)
    project = Project.find(Path.cwd())
    adopt(states, stack, project, Path.cwd(), lambda settings: preview(stack, project, settings), named=named)
    return DONE


def adopt(
    states: Sequence[Path],
    stack: str,
    project: Project,
    target: Path,
    preview: Preview,
    *,
    named: Mapping[str, str] | None = None,
) -> None:
    """Writes the import file, the settings and the commands that take all from Terraform; says what to do with them.

    Args:
        states: files of Terraform states that together describe the environment.
        stack: the stack's name.
        project: the project that it is of.
        target: directory of the files `<stack>.import.json`, `<stack>.settings.yaml` and `<stack>.state-rm.sh`.
        preview: previews the stack.
        named: buckets of the states by what the stack takes them over for; no other bucket is matched.

    Raises:
        CommandError: a state cannot be read, the stack cannot be previewed, it makes nothing like it, or a named
            bucket is in no state or for no use of the stack's.
    """
    found = [one for file in dict.fromkeys(states) for one in terraform.read(file)]
    existing = mapping(project.setting(stack, "existing_buckets")).values()
    found = buckets.marked(found, named := named or {})
    domain, cluster = (str(project.setting(stack, key) or "") for key in ("domain_name", "cluster_name"))
    surveyed = survey(found, domain, [str(one) for one in existing], cluster)
    refuse(surveyed.found, str(project.setting(stack, "vpc_id") or ""))
    region = {"aws:region": surveyed.region} if surveyed.region not in ("", project.region(stack)) else {}
    expected = creates(preview({**surveyed.settings, **region}))
    buckets.check_uses(expected, named)
    matches = match(expected, surveyed.found)
    if not matches.pairs:
        raise CommandError(
            f"nothing in {', '.join(map(str, states))} is like what stack {stack} would create; it may be the state of "
            "something else, or the stack may have these resources already"
        )
    settings = {**surveyed.settings, **region, **({"adopted": kept} if (kept := adopted(matches)) else {})}
    imports, changes, removals = (
        target / f"{short(stack)}.{end}" for end in ("import.json", "settings.yaml", "state-rm.sh")
    )
    import_file.write(imports, content(expected, matches))
    given = {project.key(key): value for key, value in settings.items() if value is not None}
    changes.write_text(yaml.safe_dump(given, sort_keys=False))
    removals.write_text(state_rm(matches))
    _report(surveyed, matches)
    _next_steps(stack, project, settings, Written(imports, changes, removals))


def content(expected: list[Expected], matches: Matches) -> dict[str, object]:
    """The import file of the matched resources."""
    entries = [
        Entry(one.urn, one.parent, BY_TOKEN[one.type].identifier_of(found), one.version)
        for one, found in matches.pairs.values()
    ]
    return import_file.document(entries, {one.urn: one.parent for one in expected if not one.custom})


def state_rm(matches: Matches) -> str:
    """The commands after which Terraform leaves the matched resources alone, by the state that they are in."""
    matched = [found for _, found in matches.pairs.values() if terraform.INLINE not in found.address]
    lines = ["#!/bin/sh", "# After the import, in the directory of the configuration that each state is of."]
    for state in dict.fromkeys(one.state for one in matched):
        commands = (f"terraform state rm {shlex.quote(one.address)}" for one in matched if one.state == state)
        lines += ["", f"# {state}", *commands]
    return "\n".join([*lines, ""])


def preview(stack: str, project: Project, settings: Settings) -> dict[str, object]:
    """Previews the stack by the user's Pulumi CLI; its settings file stays as it is."""
    document = project.stack_document(stack)
    given = {project.key(key): value for key, value in settings.items()}
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


def _next_steps(stack: str, project: Project, settings: Settings, written: Written) -> None:
    gone = [key for key, value in settings.items() if value is None]
    without = f", without {', '.join(gone)}" if gone else ""
    settings_file = project.settings_file(stack).relative_to(project.directory)
    say(f"1. put {written.settings} under `config:` of {settings_file}, in the place of the same keys there{without}")
    if "adopted" in settings:
        say("   `adopted` is for the program, by `pulumi_mlops.foundation.adoption.keep`: it keeps names and addresses")
    say(f"2. {import_file.command(stack, written.imports)}")
    say(f"3. pulumi preview --stack {stack} --diff: it must replace and delete nothing; then pulumi up")
    say(f"4. the commands in {written.removals}, so that Terraform leaves what is matched alone")
