"""Which stacks a change touches, from the paths that it changed and the text of the tree.

A stack is touched by its settings, its project's file, whatever pins dependencies, every module that its program
imports, and files beside those modules. Where that cannot be told, the stack counts as touched: a preview too many
costs minutes, one too few an outage. Documents touch nothing. Does not run any of the programs.
"""

import fnmatch
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import cast

import yaml

from pulumi_mlops.review import _directories
from pulumi_mlops.review._directories import is_below, join, parent
from pulumi_mlops.review._imports import Tree
from pulumi_mlops.review.json_data import Json, mapping

PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")
NAME = r"[A-Za-z0-9_.-]{1,100}"
"""Of a project or a stack, as Pulumi allows it; a file of any other name is no settings file."""
SETTINGS_FILE = re.compile(rf"Pulumi\.({NAME})\.ya?ml")
TEMPLATE = re.compile(r"^name:.*(?:\$\{|\{\{|<%)", re.MULTILINE)
"""The name of a project that is a template, such as `${PROJECT}`: nothing is deployed from it."""
LAYER = "layer"
"""Setting `<project>:layer`: the module beside the program that it imports by that name, as `stacks/` does."""
DEPENDENCIES = re.compile(
    r"(requirements|constraints)[\w.-]*\.(txt|in)|pyproject\.toml|setup\.(py|cfg)|Pipfile|[\w.-]+\.lock|Pipfile\.lock"
)
REQUIREMENTS_DIRECTORY = "requirements"
DOCUMENTS = (".md", ".rst")


class StacksError(Exception):
    """The stacks cannot be told; the message is one sentence for its reader."""


@dataclass(frozen=True)
class Stack:
    """One stack that has a settings file."""

    name: str
    project: str
    directory: str
    """Of the project's file; empty for the root."""
    main: str
    """Directory of the program; empty for the root."""
    program: str | None
    """The program's file; None where it is not in Python."""
    settings: str
    runtime: str = "python"
    layer: str | None = None


def is_read(path: str) -> bool:
    """Whether `touched` wants the text of this file."""
    name = PurePosixPath(path).name
    ours = path.endswith(".py") or name in PROJECT_FILES or bool(SETTINGS_FILE.fullmatch(name))
    return ours or _directories.is_read(path)


def stacks(files: Mapping[str, str]) -> list[Stack]:
    """All stacks of the tree: `files` maps paths to texts, at least those that `is_read` tells.

    Raises:
        StacksError: a project's or a stack's file is no YAML mapping, or a project has no name.
    """
    found = [stack for path in sorted(files) if PurePosixPath(path).name in PROJECT_FILES for stack in _of(path, files)]
    return sorted(found, key=lambda one: (one.directory, one.name))


def touched(files: Mapping[str, str], changed: Collection[str]) -> list[Stack]:
    """The stacks that the changed paths touch; a path that is not in `files` was deleted, or is of no concern."""
    # Who still imports a module that was deleted is touched by that.
    texts = {path: "" for path in changed if path.endswith(".py")}
    tree = Tree({**texts, **{path: text for path, text in files.items() if path.endswith(".py")}})
    paths = [
        path for path in changed if _directories.is_pin(path) or not (path.startswith(".") or path.endswith(DOCUMENTS))
    ]
    every = stacks(files)
    return [stack for stack in every if _touches(stack, every, tree, files, paths)]


def named(chosen: list[Stack]) -> dict[str, Stack]:
    """The stacks by a name that is unique: their own, with the project before it where two projects share it.

    Raises:
        StacksError: one stack has two settings files.
    """
    names = [stack.name for stack in chosen]
    found: dict[str, Stack] = {}
    for stack in chosen:
        name = stack.name if names.count(stack.name) == 1 else f"{stack.project}.{stack.name}"
        if name in found:
            raise StacksError(f"stack {name} has two settings files, {found[name].settings} and {stack.settings}")
        found[name] = stack
    return found


def matching(chosen: list[Stack], pattern: str) -> list[Stack]:
    """Those whose names fit a shell pattern."""
    return [stack for stack in chosen if fnmatch.fnmatchcase(stack.name, pattern)]


def _of(path: str, files: Mapping[str, str]) -> Iterator[Stack]:
    if TEMPLATE.search(files[path]):
        return
    project = _mapping(path, files[path])
    directory = parent(path)
    name = project.get("name")
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise StacksError(f"{path}: name must be letters, digits, dots, underscores and hyphens, got {name!r}")
    runtime = project.get("runtime")
    runtime = runtime.get("name") if isinstance(runtime, dict) else runtime
    main, program = _program(join(directory, str(project.get("main") or "")), files)
    place = join(directory, str(project.get("stackConfigDir") or ""))
    for settings in files:
        match = SETTINGS_FILE.fullmatch(PurePosixPath(settings).name)
        if match and parent(settings) == place:
            layer = mapping(_mapping(settings, files[settings]).get("config")).get(f"{name}:{LAYER}")
            yield Stack(
                name=match[1],
                project=name,
                directory=directory,
                main=main,
                program=program if runtime == "python" else None,
                settings=settings,
                runtime=str(runtime),
                layer=layer if isinstance(layer, str) else None,
            )


def _program(main: str, files: Mapping[str, str]) -> tuple[str, str]:
    """Directory and file of a Python program; `main` is either."""
    if main in files:
        return parent(main), main
    return main, join(main, "__main__.py")


def _touches(stack: Stack, every: list[Stack], tree: Tree, files: Mapping[str, str], paths: list[str]) -> bool:
    project_files = {join(stack.directory, name) for name in PROJECT_FILES}
    if stack.settings in paths or project_files & set(paths):
        return True
    others = [path for path in paths if not SETTINGS_FILE.fullmatch(PurePosixPath(path).name)]
    if stack.program is None:
        return _touches_other(stack, every, files, others)
    if stack.program not in tree.texts:
        return any(is_below(path, stack.main) or _is_dependencies(path, {stack.main}) for path in others)
    modules = _modules(stack, tree)
    places = {parent(module) for module in modules}
    return any(
        path in modules if path.endswith(".py") else _is_dependencies(path, places) or _place(path, tree) in places
        for path in others
    )


def _touches_other(stack: Stack, every: list[Stack], files: Mapping[str, str], paths: list[str]) -> bool:
    """Of a program in another language. Where it is not known what it reads: all but what other projects own."""
    own = {stack.directory, stack.main}
    if stack.runtime in ("nodejs", "go"):
        reached = _directories.reached(stack.runtime, own, files)
        return any(reached.has(path) for path in paths)
    project = next(text for name in PROJECT_FILES if (text := files.get(join(stack.directory, name))) is not None)
    if stack.runtime == "yaml" and "../" not in project:
        return any(is_below(path, stack.directory) for path in paths)
    others = {one.directory for one in every} - {one for one in own if one} - {stack.directory}
    return any(
        any(is_below(path, one) for one in own) or not any(one and is_below(path, one) for one in others)
        for path in paths
    )


def _modules(stack: Stack, tree: Tree) -> frozenset[str]:
    """The files of the stack's program. A computed import may be any module beside the one that computes it."""
    program = cast("str", stack.program)
    layer = join(stack.main, f"{stack.layer}.py")
    told = stack.layer is not None and layer in tree.texts
    entries = {program, layer} if told else {program}
    while True:
        reached = tree.reached(sorted(entries), stack.main)
        places = {parent(path) for path in reached.dynamic if not (told and path == program)}
        # The package itself runs already, and what it only passes on is not among the modules in it.
        beside = {path for path in tree.texts if parent(path) in places and not path.endswith("/__init__.py")}
        if beside <= entries:
            return reached.files
        entries |= beside


def _place(path: str, tree: Tree) -> str | None:
    """The nearest directory above the path that holds modules: theirs is a file that is no module."""
    directory = parent(path)
    while directory not in tree.directories:
        if not directory:
            return None
        directory = parent(directory)
    return directory


def _is_dependencies(path: str, places: Collection[str]) -> bool:
    """Whether the path pins dependencies of what is in one of the places: from beside it or from above."""
    directory = PurePosixPath(path).parent
    of_directory = directory.name == REQUIREMENTS_DIRECTORY and path.endswith((".txt", ".in"))
    if not of_directory and not DEPENDENCIES.fullmatch(PurePosixPath(path).name):
        return False
    if of_directory:
        directory = directory.parent
    above = "" if str(directory) == "." else str(directory)
    return any(is_below(place, above) or place == above for place in places)


def _mapping(path: str, text: str) -> dict[str, Json]:
    try:
        value: Json = yaml.safe_load(text) or {}
    except (yaml.YAMLError, ValueError) as error:  # a date that does not exist is a ValueError
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        raise StacksError(f"{path} is no YAML" + ("" if line is None else f": see line {line + 1}")) from None
    if not isinstance(value, dict):
        raise StacksError(f"{path} must hold a YAML mapping")
    return value
