"""Previews that the real engine has made: written by tests/engine/test_review_recordings.py, which also checks them."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi_mlops.review.preview import Preview
from pulumi_mlops.review.reading import read
from pulumi_mlops.review.values import UNKNOWNS

from local.paths import ROOT
from tests.review import resource_names

DATA = Path(__file__).parent / "data"
CHART = Path(__file__).parent / "chart"
"""The chart of the recorded release."""
STATE = ("urn", "type", "id", "parent", "inputs", "protect", "retainOnDelete", "external", "custom", "aliases")
"""What is kept of a state. Outputs are what the stand-ins make of inputs, and differ at each run."""
STEP = ("op", "urn", "diffReasons", "replaceReasons", "detailedDiff")
EVENT_STEP = ("op", "urn", "diffs", "keys", "detailedDiff")
CHANCE = re.compile(r"(?<=-)(?:[0-9a-f]{7,8}|[0-9a-f]{17})(?![0-9a-zA-Z-])")
"""Ends of names and ids that the engine and the simulated cloud choose at random. URNs have none: theirs are hashes."""
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PLACE = "/checkout"


def text(name: str) -> str:
    """The text of a recording."""
    packed = DATA / f"{name}.json.gz"
    return gzip.decompress(packed.read_bytes()).decode() if packed.exists() else (DATA / f"{name}.json").read_text()


def preview(name: str, stack: str = "") -> Preview:
    """The preview of a recording."""
    return read(text(name), stack or name)


def names() -> list[str]:
    """All recordings."""
    return sorted(path.name.removesuffix(".gz").removesuffix(".json") for path in DATA.iterdir())


def write(name: str, said: str, packed: bool) -> None:
    """Keeps a recording, and the names of a stack's resources."""
    DATA.mkdir(exist_ok=True)
    if name.startswith("new-"):
        states = [step["newState"] for step in json.loads(said)["steps"]]
        resource_names.add(name.removeprefix("new-"), states)
    if packed:
        (DATA / f"{name}.json.gz").write_bytes(gzip.compress(said.encode(), mtime=0))
    else:
        (DATA / f"{name}.json").write_text(said)


def digest(said: str, *directories: Path) -> str:
    """What is kept of `pulumi preview --json`: nothing that differs from run to run or machine to machine."""
    document = json.loads(said)
    document.pop("duration", None)
    document["steps"] = sorted(
        (_step(one, STEP, "oldState", "newState") for one in document.get("steps", [])), key=lambda one: one["urn"]
    )
    return _steady(json.dumps(document, indent=1, ensure_ascii=False) + "\n", directories)


def events(said: str, *directories: Path) -> str:
    """The same of the streaming form: one event a line."""
    kept: list[dict[str, Any]] = []
    for line in said.splitlines():
        event = json.loads(line)
        kept += [
            {kind: {"metadata": _step(event[kind]["metadata"], EVENT_STEP, "old", "new")}}
            for kind in ("resourcePreEvent", "resOutputsEvent")
            if kind in event
        ]
        if "summaryEvent" in event:
            kept.append({"summaryEvent": {"resourceChanges": event["summaryEvent"]["resourceChanges"]}})
        if "preludeEvent" in event:
            kept.append({"preludeEvent": event["preludeEvent"]})
    head = {"sequence": 0, "timestamp": 0}
    kept.sort(key=_place)
    return _steady("".join(json.dumps({**head, **one}, ensure_ascii=False) + "\n" for one in kept), directories)


def without_pins(said: str, replaced: Callable[[str, dict[str, Any]], dict[str, Any]]) -> str:
    """The digest of a preview with a function of tests/pins.py applied to the inputs of each state."""
    document = json.loads(said)
    for step in document["steps"]:
        for side in {"oldState", "newState"} & {*step}:
            step[side]["inputs"] = replaced(step[side]["type"], step[side].get("inputs", {}))
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _place(event: dict[str, Any]) -> tuple[bool, str]:
    """Summaries last; else by resource, since the engine works on several at once."""
    (told,) = event.values()
    return "resourceChanges" in told, told.get("metadata", {}).get("urn", "")


def _step(step: dict[str, Any], keys: tuple[str, ...], *states: str) -> dict[str, Any]:
    sides = {side: _state(step[side]) for side in states if step.get(side)}
    told = {key: step[key] for key in keys if step.get(key)}
    return {**{key: sorted(one) if isinstance(one, list) else one for key, one in told.items()}, **sides}


def _state(state: dict[str, Any]) -> dict[str, Any]:
    kept = {key: state[key] for key in STATE if key in state}
    for key in {"id", "inputs"} & {*kept}:
        kept[key] = json.loads(CHANCE.sub(lambda found: "0" * len(found.group()), json.dumps(kept[key])))
    return {**kept, "id": "0"} if "id" in kept and kept["type"].startswith("random:") else kept


def _steady(said: str, directories: tuple[Path, ...]) -> str:
    for place in (*directories, ROOT, Path.home()):
        said = said.replace(str(place), PLACE)
    return UUID.sub(lambda found: found.group() if found.group() in UNKNOWNS else "0" * 8, said)
