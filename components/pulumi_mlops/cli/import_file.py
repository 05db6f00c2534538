"""The file that `pulumi import --file` reads: resources by type, name and identifier, below their components."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pulumi_mlops.cli.urns import is_stack, name_of, type_of


@dataclass(frozen=True)
class Entry:
    """A resource to import, or a component that one is in."""

    urn: str
    parent: str
    """URN of the component or imported resource that it is in, or of the stack."""
    identifier: str = ""
    """What the provider imports it by; empty for a component."""
    version: str = ""
    """Of the plugin: another one than the stack's own would come in by another provider."""


def document(entries: Iterable[Entry], parents: Mapping[str, str]) -> dict[str, object]:
    """The file's content; the components that entries are in come with them.

    Args:
        entries: what to import; a resource comes before those whose parent it is.
        parents: the parent of every component, by URN.
    """
    wanted = _with_components(entries, parents)
    names = _unique_names(list(wanted))
    resources = [_resource(entry, names) for entry in wanted.values()]
    return {"nameTable": {}, "resources": resources}


def write(file: Path, content: Mapping[str, object]) -> None:
    """Writes the file."""
    file.write_text(json.dumps(content, indent=2) + "\n")


def command(stack: str, file: Path) -> str:
    """The command that imports the file, without code and protection, which are the program's."""
    return f"pulumi import --stack {stack} --file {file} --protect=false --generate-code=false"


def _with_components(entries: Iterable[Entry], parents: Mapping[str, str]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        chain: list[Entry] = []
        above = entry.parent
        while above and not is_stack(above) and above not in found:
            chain.append(Entry(above, parents[above]))
            above = parents[above]
        for one in [*reversed(chain), entry]:
            found.setdefault(one.urn, one)
    return found


def _unique_names(urns: list[str]) -> dict[str, str]:
    """A name for each within the file: its own where that is unique, else with its type."""
    given = [name_of(urn) for urn in urns]
    return {
        urn: name if given.count(name) == 1 else f"{name} {type_of(urn)}"
        for urn, name in zip(urns, given, strict=True)
    }  # fmt: skip


def _resource(entry: Entry, names: Mapping[str, str]) -> dict[str, object]:
    resource: dict[str, object] = {"type": type_of(entry.urn), "name": names[entry.urn]}
    if names[entry.urn] != name_of(entry.urn):
        resource["logicalName"] = name_of(entry.urn)
    if not is_stack(entry.parent) and entry.parent:
        resource["parent"] = names[entry.parent]
    if not entry.identifier:
        return {**resource, "component": True}
    return {**resource, "id": entry.identifier, **({"version": entry.version} if entry.version else {})}
