"""`make destroy STACK=…`: `pulumi destroy` of a stack on AWS in your own backend, that loses no data by surprise.

Does not own: the local stacks (`make down`), what the protection of a resource is (the stack's `protect_data`), what
others have in the cluster (`local/leftovers`).
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local import leftovers, tools
from local.adoption import import_file
from local.adoption.import_file import Entry
from local.adoption.urns import PROVIDER, is_stack, name_of, plugin_version, type_of
from local.engine import PROJECT
from local.paths import ROOT
from local.planning import PLATFORM, layer, on_aws
from local.progress import StepFailed, say

GENERATED = ("name", "bucket", "creationToken", "nodeGroupName")
"""Properties whose value Pulumi makes up where the program gives none."""


def destroy(stack: str, *, keep_data: bool, confirmed: bool, target: Path) -> None:
    """Destroys the stack; with `keep_data` all but what is protected and what that needs.

    Args:
        stack: its name.
        keep_data: whether what is protected stays; its import file is then written as `<stack>.kept.import.json`.
        confirmed: whether Pulumi need not ask.
        target: directory of the files about what stays.

    Raises:
        StepFailed: the stack is none on AWS, something in it is protected, something that needs it is left, or Pulumi
            failed.
    """
    if not stack:
        raise StepFailed("which stack? `make destroy STACK=foundation-dev`")
    if not on_aws(stack):
        raise StepFailed(f"stack {stack} is of this machine, not on AWS: `make down` removes it")
    resources = _resources(stack)
    protected = protected_of(resources)
    if protected and not keep_data:
        names = "".join(f"\n  - {name_of(urn)} ({type_of(urn)})" for urn in protected)
        raise StepFailed(
            f"nothing was deleted, since stack {stack} protects what holds data:{names}\n"
            f"`make destroy STACK={stack} KEEP_DATA=1` deletes all but these and what they need; to lose them as well, "
            f"set protect_data: false in stacks/Pulumi.{stack}.yaml, `pulumi up --stack {stack}`, then `make destroy`"
        )
    if layer(stack) == PLATFORM:
        leftovers.before_platform(stack, resources, _pulumi)
    else:
        leftovers.before_foundation(stack, resources, _pulumi, keep_data=keep_data)
    words = ["destroy", "--stack", stack, *(["--exclude-protected"] if keep_data else [])]
    _pulumi(*words, *(["--yes"] if confirmed else []), interactive=True)
    if keep_data:
        _report(stack, target)


def protected_of(resources: list[Mapping[str, Any]]) -> list[str]:
    """URNs of the protected resources of a state that exist outside it; components only group others."""
    return [one["urn"] for one in resources if one.get("protect") and one.get("custom")]


def kept(resources: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The import file of what is left in a state."""
    entries = [
        Entry(one["urn"], one.get("parent") or "", one.get("importID") or one["id"], plugin_version(one["provider"]))
        for one in filter(_is_on_aws, resources)
    ]
    return import_file.document(entries, {one["urn"]: one.get("parent") or "" for one in resources})


def names_of(resources: list[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The setting `adopted` for a state that has to learn of them anew: the names that Pulumi generated."""
    found: dict[str, dict[str, Any]] = {}
    for one in resources:
        inputs = one.get("inputs") or {}
        generated = {key: inputs[key] for key in inputs.get("__defaults", ()) if key in GENERATED and key in inputs}
        if generated:
            found[f"{type_of(one['urn'])}::{name_of(one['urn'])}"] = generated
    return found


def _report(stack: str, target: Path) -> None:
    left = _resources(stack)
    content = kept(left)
    if not content["resources"]:
        say(f"nothing of stack {stack} was protected: nothing stays")
        return
    imports, settings = target / f"{stack}.kept.import.json", target / f"{stack}.kept.settings.yaml"
    import_file.write(imports, content)
    settings.write_text(yaml.safe_dump({f"{PROJECT}:adopted": names_of(left)}, sort_keys=False))
    print(json.dumps(content, indent=2))
    for one in filter(_is_on_aws, left):
        say(f"stays: {name_of(one['urn'])} ({one['id']}){', protected' if one.get('protect') else ''}")
    say(f"they are still in the state of stack {stack}: `pulumi up` completes it around them")
    say(f"a state that is lost learns of them by {settings} in its settings, and {import_file.command(stack, imports)}")


def _is_on_aws(resource: Mapping[str, Any]) -> bool:
    return bool(resource.get("custom")) and not type_of(resource["urn"]).startswith(PROVIDER)


def _resources(stack: str) -> list[Mapping[str, Any]]:
    state = json.loads(_pulumi("stack", "export", "--stack", stack))
    return [one for one in (state.get("deployment") or {}).get("resources") or [] if not is_stack(one["urn"])]


def _pulumi(*words: str, interactive: bool = False) -> str:
    """Runs the CLI with the caller's own backend and login; returns what it printed, unless that is for the person."""
    asks = interactive and sys.stdin.isatty()
    done = subprocess.run(
        [str(tools.ensure("pulumi")["pulumi"]), *words, *([] if asks else ["--non-interactive"])],
        cwd=ROOT,
        env=os.environ,
        stdin=None if asks else subprocess.DEVNULL,
        stdout=None if interactive else subprocess.PIPE,
        stderr=None if interactive else subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        said = "the lines above say why" if interactive else (done.stderr or done.stdout or "").strip()
        raise StepFailed(f"`pulumi {' '.join(words)}` failed: {said}{_advice(said)}")
    return done.stdout or ""


def _advice(said: str) -> str:
    """What the CLI leaves out where nobody is logged in: it asks for a token of a service that need not be used."""
    if "PULUMI_ACCESS_TOKEN" not in said:
        return ""
    return "\nlog in to where the states of the stacks are first, by `pulumi login` (docs/aws.md, State and secrets)"
