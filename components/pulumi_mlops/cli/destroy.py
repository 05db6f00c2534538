"""`pulumi-mlops destroy STACK`: `pulumi destroy` that deletes no data by surprise and strands no objects.

Does not own the checks before it (`leftovers`), nor what the program protects.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from pulumi_mlops.cli import import_file
from pulumi_mlops.cli.errors import DONE, CommandError, Findings
from pulumi_mlops.cli.import_file import Entry
from pulumi_mlops.cli.leftovers import obstacles, places, tidy
from pulumi_mlops.cli.output import say
from pulumi_mlops.cli.project import Project, short, stack_name
from pulumi_mlops.cli.pulumi import Pulumi
from pulumi_mlops.cli.state import StateResource
from pulumi_mlops.cli.urns import is_stack, name_of, plugin_version, type_of
from pulumi_mlops.cli.values import mapping

GENERATED = ("name", "bucket", "creationToken", "nodeGroupName")
"""Properties whose value Pulumi makes up where the program gives none."""
IN_NO_ACCOUNT = "pulumi:"
"""How the types of providers and of references to stacks begin."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="pulumi-mlops destroy",
        description="Destroys a stack of the project in the current directory by `pulumi destroy`, after it has looked "
        "for what prevents it, as `pulumi-mlops leftovers` does. Exit status: 0 destroyed, 1 failed, 3 refused.",
    )
    parser.add_argument("stack", type=stack_name, help="the stack's name")
    parser.add_argument(
        "--keep-data",
        action="store_true",
        help="keep what is protected and what that needs; how to import it again is written into the directory",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    given = parser.parse_args(arguments)
    destroy(given.stack, Project.find(Path.cwd()), Path.cwd(), keep_data=given.keep_data, confirmed=given.yes)
    return DONE


def destroy(stack: str, project: Project, target: Path, *, keep_data: bool, confirmed: bool) -> None:
    """Destroys the stack; with `keep_data` all but what is protected and what that needs.

    Args:
        stack: its name.
        project: the project that it is of.
        target: directory of the files about what stays, `<stack>.kept.import.json` and `<stack>.kept.settings.yaml`.
        keep_data: whether what is protected stays.
        confirmed: whether Pulumi need not ask.

    Raises:
        Findings: something prevents it; nothing was deleted.
        CommandError: the stack has no component of this library, a check could not be made, nobody can be asked to
            confirm, or Pulumi failed.
    """
    pulumi = Pulumi(project.directory)
    resources = pulumi.resources(stack)
    try:
        obstacle = next(obstacles(stack, resources, pulumi, keep_data=keep_data), None)
    except CommandError as error:
        raise CommandError(f"nothing was deleted, since {error}") from None
    if obstacle:
        raise Findings(f"nothing was deleted, since {obstacle.reason}\n{obstacle.advice}")
    if not confirmed and not sys.stdin.isatty():
        raise CommandError("nothing was deleted, since nobody can be asked without a terminal: add --yes")
    clusters = places(stack, resources, pulumi)
    options = [*(["--exclude-protected"] if keep_data else []), *(["--yes"] if confirmed else [])]
    pulumi.show("destroy", "--stack", stack, *options)
    remaining = pulumi.resources(stack) if keep_data or clusters else []
    for place in clusters:
        for line in tidy(place, remaining):
            say(line)
    if keep_data:
        _report(stack, project, remaining, target)


def kept(resources: Sequence[StateResource]) -> dict[str, object]:
    """The import file of what is left in a state."""
    entries = [
        Entry(one["urn"], one.get("parent") or "", one.get("importID") or one["id"], plugin_version(one["provider"]))
        for one in filter(_is_real, resources)
    ]
    return import_file.document(entries, {one["urn"]: one.get("parent") or "" for one in resources})


def names_of(resources: Sequence[StateResource]) -> dict[str, dict[str, object]]:
    """The setting `adopted`, to import them into a new state: the names that Pulumi generated."""
    found: dict[str, dict[str, object]] = {}
    for one in resources:
        inputs = mapping(one.get("inputs"))
        generated = {key: inputs[key] for key in inputs.get("__defaults", ()) if key in GENERATED and key in inputs}
        if generated:
            found[f"{type_of(one['urn'])}::{name_of(one['urn'])}"] = generated
    return found


def _report(stack: str, project: Project, left: Sequence[StateResource], target: Path) -> None:
    content = kept(left)
    if not content["resources"]:
        say(f"nothing of stack {stack} was protected: nothing stays")
        return
    name = short(stack)
    imports, settings = target / f"{name}.kept.import.json", target / f"{name}.kept.settings.yaml"
    import_file.write(imports, content)
    settings.write_text(yaml.safe_dump({f"{project.name}:adopted": names_of(left)}, sort_keys=False))
    print(json.dumps(content, indent=2))
    for one in filter(_is_real, left):
        say(f"stays: {name_of(one['urn'])} ({one['id']}){', protected' if one.get('protect') else ''}")
    say(f"they are still in the state of stack {stack}: `pulumi up` creates the others again")
    say(
        f"if that state is lost, add {settings} to the stack's settings, then run {import_file.command(stack, imports)}"
    )


def _is_real(resource: StateResource) -> bool:
    """Whether it exists outside the state."""
    token = type_of(resource["urn"])
    return bool(resource.get("custom")) and not is_stack(resource["urn"]) and not token.startswith(IN_NO_ACCOUNT)
