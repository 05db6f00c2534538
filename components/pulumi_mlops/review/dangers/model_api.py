"""What changes for the clients of a model: the input columns and the target in a training pipeline's settings document.

The order of a model's inputs is that of its data, not of the lists in the document: of those, only a SQL query decides
it. Labels come from the data as well; another target or task has others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pulumi_mlops.contract.containers import SETTINGS_FILE
from pulumi_mlops.contract.settings import ROW_COLUMNS, SCHEMA_VERSION
from pulumi_mlops.review.danger import Danger, DangerKind
from pulumi_mlops.review.json_data import JsonObject, document, mapping, strings
from pulumi_mlops.review.preview import Step
from pulumi_mlops.review.values import is_hidden

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
NUMERIC, CATEGORICAL = "numeric", "categorical"
MAX_NAMED = 5
"""How many columns a sentence names."""
BY_POSITION = "clients that send rows by position are refused or get wrong answers"
QUERY_WORD = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|\w+|\S", re.DOTALL)


def changed_for_clients(step: Step, stack: str) -> Iterator[Danger]:
    """What clients of the pipeline's model would notice once it is trained again."""
    if step.type != CONFIG_MAP or step.old is None or step.new is None:
        return
    before, after = (mapping(state.inputs.get("data")).get(SETTINGS_FILE) for state in (step.old, step.new))
    if not before or not after or before == after:
        return
    if is_hidden(before) or is_hidden(after):
        meaning = "gets settings that are known after apply: whether the model's inputs and target stay is not known"
        yield Danger(DangerKind.CLIENTS, stack, step.urn, meaning)
        return
    old, new = mapping(document(before)), mapping(document(after))
    if old.get("schema_version") == new.get("schema_version") == SCHEMA_VERSION:
        for meaning in _differences(old, new):
            when = f"changes the model {new.get('model_name')} when it is next trained"
            yield Danger(DangerKind.CLIENTS, stack, step.urn, f"{when}: {meaning}")


def _differences(old: JsonObject, new: JsonObject) -> Iterator[str]:
    if old.get("target") != new.get("target"):
        yield f"it predicts {new.get('target')} instead of {old.get('target')}, so clients misread its answers"
    if old.get("task") != new.get("task"):
        yield f"it answers a {new.get('task')} instead of a {old.get('task')}, so clients misread its answers"
    inputs = [*_inputs(_Columns.of(old), _Columns.of(new))]
    if inputs:
        yield f"{'; '.join(inputs)}: {BY_POSITION}"
    before, after = (mapping(one.get("source")).get("query") for one in (old, new))
    if before and after and _selected(str(before)) != _selected(str(after)):
        yield f"its query selects other columns, or selects them in another order: {BY_POSITION}"


@dataclass(frozen=True)
class _Columns:
    """Which columns of its data a model takes."""

    chosen: frozenset[str] | None
    """The names of the inputs; None where they are all columns of the data that are not left out."""
    left_out: frozenset[str]
    kinds: dict[str, str]
    """Declared kind of a column by its name."""
    sources: dict[str, str]
    """Name in the data of a renamed column by its name."""

    @classmethod
    def of(cls, settings: JsonObject) -> "_Columns":
        features, training = mapping(settings.get("features")), mapping(settings.get("training"))
        rows = [training.get(field.rpartition(".")[2]) for field in ROW_COLUMNS]
        left_out = frozenset((*strings(features.get("drop")), *strings(settings.get("target")), *strings(rows)))
        numeric, categorical = features.get(NUMERIC), features.get(CATEGORICAL)
        both = numeric is not None and categorical is not None
        kinds = {**dict.fromkeys(strings(numeric), NUMERIC), **dict.fromkeys(strings(categorical), CATEGORICAL)}
        return cls(
            chosen=frozenset(kinds) - left_out if both else None,
            left_out=left_out,
            kinds=kinds,
            sources={str(name): source for source, name in mapping(features.get("renames")).items()},
        )

    def takes(self, name: str) -> bool:
        """Whether a column that the data has is an input."""
        return name not in self.left_out if self.chosen is None else name in self.chosen


def _inputs(old: _Columns, new: _Columns) -> Iterator[str]:
    if (old.chosen is None) != (new.chosen is None):
        every, listed = "every column of its data that is not left out", "the columns of a list"
        yield f"it takes {every if new.chosen is None else listed} instead of {listed if new.chosen is None else every}"
        return
    renamed = {
        before: after
        for before, after in _renamings(old, new)
        if before != after and old.takes(before) and new.takes(after)
    }
    gone = (old.chosen - new.chosen) if old.chosen and new.chosen is not None else new.left_out - old.left_out
    come = (new.chosen - old.chosen) if new.chosen and old.chosen is not None else old.left_out - new.left_out
    if lost := gone - {*renamed}:
        yield f"it no longer takes {_listed(lost)}"
    if more := come - {*renamed.values()}:
        yield f"it takes {_listed(more)} as well"
    for before, after in sorted(renamed.items()):
        yield f"{before} is called {after}"
    for name in sorted(old.kinds.keys() & new.kinds.keys()):
        if old.kinds[name] != new.kinds[name] and old.takes(name) and new.takes(name):
            yield f"it takes {name} as {new.kinds[name]}, no longer as {old.kinds[name]}"


def _renamings(old: _Columns, new: _Columns) -> Iterator[tuple[str, str]]:
    """The names, before and after, of each column of the data that is renamed on one side at least."""
    names_before = {source: name for name, source in old.sources.items()}
    names_after = {source: name for name, source in new.sources.items()}
    for source in sorted(names_before.keys() | names_after.keys()):
        yield names_before.get(source, source), names_after.get(source, source)


def _listed(names: frozenset[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - MAX_NAMED} more" if len(ordered) > MAX_NAMED else ""
    return ", ".join(ordered[:MAX_NAMED]) + more


def _selected(query: str) -> tuple[str, ...]:
    """The words between the last SELECT and FROM that are in no parentheses; all words where there is none such."""
    words = [word for word in QUERY_WORD.findall(query) if not word.startswith(("--", "/*"))]
    depth, begin, found = 0, None, None
    for place, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word.lower() == "select":
            begin = place + 1
        elif depth == 0 and word.lower() == "from" and begin is not None:
            found, begin = words[begin:place], None
    return tuple(words if found is None else found)
