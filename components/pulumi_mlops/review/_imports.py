"""Which files of a tree a Python program imports, read from their text; nothing is executed.

What cannot be told from the text counts as imported, or is named in `Reached.dynamic`. A name that a package only
passes on (`from package import Name`) leads to the module that has it, and not to the others that the package imports
beside it: they run, but what they define is not used.
"""

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

WHOLE = None
"""In the place of a name: everything that the module imports."""


@dataclass(frozen=True)
class Reached:
    """What a program imports."""

    files: frozenset[str]
    """Paths of the modules in the tree, the program's own included."""
    dynamic: frozenset[str]
    """Those of them that import modules whose names are computed."""


@dataclass(frozen=True)
class Import:
    """One import of a module."""

    module: str
    """Dotted name; relative ones without their dots."""
    level: int
    """Number of leading dots."""
    names: tuple[tuple[str, str], ...]
    """(name in the module, name here) of a `from` import; empty where the module itself is imported."""


@dataclass(frozen=True)
class Tree:
    """The Python files of a repository: path to text. Paths are relative to its root, with slashes."""

    texts: Mapping[str, str]
    _statements: dict[str, tuple[tuple[Import, ...], bool]] = field(
        default_factory=dict[str, tuple[tuple[Import, ...], bool]], repr=False
    )

    def reached(self, programs: Iterable[str], script_directory: str) -> Reached:
        """What the programs import, at any depth. `script_directory` is where Python looks first."""
        search = _Search(self, (script_directory, *self.roots))
        for program in programs:
            search.visit(program, WHOLE)
        return Reached(frozenset(search.files), frozenset(search.dynamic))

    @cached_property
    def directories(self) -> frozenset[str]:
        """Directories with modules in them."""
        return frozenset(_parent(path) for path in self.texts)

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """Where an absolute import may start: each directory that holds modules or packages and is no package."""
        packages = {_parent(path) for path in self.texts if path.rpartition("/")[2] == "__init__.py"}
        holders = self.directories | {_parent(package) for package in packages}
        return tuple(sorted(holders - packages))

    def statements(self, path: str) -> tuple[tuple[Import, ...], bool]:
        """The imports of a file, and whether it imports by a computed name."""
        if path not in self._statements:
            self._statements[path] = _statements(self.texts[path])
        return self._statements[path]


class _Search:
    def __init__(self, tree: Tree, roots: tuple[str, ...]) -> None:
        self.tree = tree
        self.roots = roots
        self.files: set[str] = set()
        self.dynamic: set[str] = set()
        self._visited: set[tuple[str, str | None]] = set()

    def visit(self, path: str, name: str | None) -> None:
        """Follows what the file imports; with a name, only what gives it that name, if an import does."""
        if (path, name) in self._visited:
            return
        self._visited.add((path, name))
        self.files.add(path)
        self._packages_of(path)
        imports, dynamic = self.tree.statements(path)
        if name is not WHOLE:
            # A lazy package computes names as well; those are in its TYPE_CHECKING block.
            passed_on = [one for one in imports if name in {here for _, here in one.names}]
            if not passed_on:
                self.visit(path, WHOLE)
            for one in passed_on:
                names = tuple(pair for pair in one.names if pair[1] == name)
                self._follow(path, Import(one.module, one.level, names))
            return
        if dynamic:
            self.dynamic.add(path)
        for one in imports:
            self._follow(path, one)

    def _follow(self, path: str, one: Import) -> None:
        starts = (_above(_parent(path), one.level - 1),) if one.level else self.roots
        if not one.names:
            parts = one.module.split(".")
            for end in range(1, len(parts) + 1):  # `import a.b` gives the name `a`, whose attributes may be used
                for found in self._resolve(".".join(parts[:end]), starts):
                    self.visit(found, WHOLE)
            return
        for name, _ in one.names:
            below = f"{one.module}.{name}" if one.module else name
            modules = list(self._resolve(below, starts)) if name != "*" else []
            for found in modules:
                self.visit(found, WHOLE)
            if not modules:
                for found in self._resolve(one.module, starts):
                    passes_on = found.endswith("/__init__.py") and name != "*"
                    self.visit(found, name if passes_on else WHOLE)

    def _packages_of(self, path: str) -> None:
        """Python runs the `__init__.py` of every package above; what they import serves other names."""
        directory = _parent(path)
        while directory and f"{directory}/__init__.py" in self.tree.texts:
            self.files.add(f"{directory}/__init__.py")
            directory = _parent(directory)

    def _resolve(self, module: str, starts: tuple[str, ...]) -> Iterator[str]:
        inner = module.replace(".", "/")
        for start in dict.fromkeys(starts):
            base = "/".join(part for part in (start, inner) if part)
            for path in (f"{base}.py", f"{base}/__init__.py"):
                if path in self.tree.texts:
                    yield path


def _statements(text: str) -> tuple[tuple[Import, ...], bool]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the text is not ours to mend
            module = ast.parse(text)
    except (SyntaxError, ValueError):
        return (), False  # the preview of its stack fails and says where
    found: list[Import] = []
    dynamic = False
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, 0, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = tuple((alias.name, alias.asname or alias.name) for alias in node.names)
            found.append(Import(node.module or "", node.level, names))
        elif isinstance(node, ast.Call) and _called(node.func) in ("import_module", "__import__"):
            named = node.args[0] if node.args else None
            if isinstance(named, ast.Constant) and isinstance(named.value, str) and not named.value.startswith("."):
                found.append(Import(named.value, 0, ()))
            else:
                dynamic = True
    return tuple(found), dynamic


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _parent(path: str) -> str:
    parent = str(PurePosixPath(path).parent)
    return "" if parent == "." else parent


def _above(directory: str, levels: int) -> str:
    for _ in range(levels):
        directory = _parent(directory)
    return directory
