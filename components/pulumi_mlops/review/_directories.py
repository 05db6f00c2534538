"""What a program in TypeScript, JavaScript or Go reads, from the text of its files; nothing is executed.

Coarser than `_imports`: what an import leads to counts with all below it. Packages of a workspace, replaced modules,
references between projects and paths in texts lead on. Where a program computes what it reads, the whole tree counts.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pulumi_mlops.review.json_data import JsonObject, mapping

NODE_SOURCE = re.compile(r".*\.(?:ts|tsx|mts|cts|js|jsx|mjs|cjs)")
TSCONFIG = re.compile(r"tsconfig[\w.-]*\.json")
PINS = re.compile(
    r"package(?:-lock)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-(?:lock|workspace)\.yaml|\.pnpmfile\.cjs|bun\.lockb?|"
    r"tsconfig[\w.-]*\.json|jsconfig\.json|lerna\.json|nx\.json|turbo\.json|deno\.jsonc?|deno\.lock|"
    r"\.npmrc|\.yarnrc(?:\.yml)?|\.nvmrc|\.node-version|\.tool-versions|go\.(?:mod|sum|work|work\.sum)|"
    r"[\w.-]+\.(?:csproj|fsproj|props|targets|sln)|global\.json|pom\.xml|(?:build|settings)\.gradle(?:\.kts)?|"
    r"gradle\.properties"
)
"""Files that decide about the dependencies or the compilation of programs beside and below them."""

NODE_IMPORT = re.compile(r"""(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*(["'`])([^"'`\n]+)\1""")
COMPUTED = re.compile(r"""\b(?:require|import)\s*\(\s*(?!["'`)\s])|\b(?:require|import)\s*\(\s*`[^`]*\$\{""")
LITERAL = re.compile(r"""(["'`])(\.\.?(?:/[^"'`\n]*)?)\1""")
"""A text that is a relative path: of an asset, a chart, or a file that is read."""
LOCAL_DEPENDENCY = re.compile(r"(?:file|link|portal|workspace):(\.{1,2}/.*)")
ALIAS = re.compile(r"[~#]|@/")
"""How a path begins that only a compiler's settings explain."""
REFERENCE = re.compile(r'"(?:path|extends)"\s*:\s*"([^"]+)"')
SCRIPT = re.compile(r"\.[mc]?jsx?$")
GO_IMPORT = re.compile(r'^\s*(?:import\s+)?(?:[\w.]+\s+)?"([\w.~-]+(?:/[\w.~-]+)*)"\s*(?://.*)?$', re.MULTILINE)
GO_MODULE = re.compile(r"^module\s+(\S+)", re.MULTILINE)
GO_REPLACED = re.compile(r"=>\s*(\.{1,2}/\S*)")
COMMENTS = re.compile(r"^\s*//.*$|/\*.*?\*/", re.MULTILINE | re.DOTALL)


@dataclass
class Reached:
    """What a program reads."""

    places: set[str] = field(default_factory=set[str])
    """Directories with all below them, and files, with or without what their names end with; empty: the whole tree."""

    def has(self, path: str) -> bool:
        """Whether the path is at one of the places, or pins or configures what is there."""
        if any(_is_at(path, one) for one in self.places):
            return True
        above = parent(path)
        return is_pin(path) and any(is_below(one, above) for one in self.places)


def is_pin(path: str) -> bool:
    """Whether the file decides about dependencies or compilation."""
    return PINS.fullmatch(PurePosixPath(path).name) is not None


def is_read(path: str) -> bool:
    """Whether `reached` wants the text of this file."""
    name = PurePosixPath(path).name
    return bool(NODE_SOURCE.fullmatch(name) or TSCONFIG.fullmatch(name)) or (
        name in ("package.json", "go.mod") or name.endswith(".go")
    )


def reached(runtime: str, starts: set[str], files: Mapping[str, str]) -> Reached:
    """What a program reads that is in the directories `starts`: those of its project and of its main file."""
    found = Reached()
    waiting = sorted(starts)
    follow = {"nodejs": _node, "go": _go}[runtime]
    while waiting:
        place = waiting.pop()
        if not any(_is_at(place, one) for one in found.places):
            found.places.add(place)
            waiting += follow(place, min(starts, key=len), files)
    return found


def _node(place: str, project: str, files: Mapping[str, str]) -> Iterator[str]:
    """The places to which the files of one lead; the empty text, the whole tree, where that cannot be told."""
    packages = _packages(files)
    aliases = list(_aliases(files))
    if package := _nearest(place, "package.json", files):
        yield from _of_package(package, packages, files)
    for path, text in files.items():
        if not _is_at(path, place) or "node_modules/" in path:
            continue
        if TSCONFIG.fullmatch(PurePosixPath(path).name):
            for name in REFERENCE.findall(text):
                yield from [_joined(parent(path), name)] if name.startswith(".") else _named(name, packages, [])
        if NODE_SOURCE.fullmatch(path):
            code = COMMENTS.sub("", text)
            if COMPUTED.search(code):
                yield ""
            for _, name in NODE_IMPORT.findall(code):
                if not name.startswith("."):
                    yield from _named(name, packages, aliases)
            yield from _relative(path, project, code)


def _relative(path: str, project: str, code: str) -> Iterator[str]:
    """The places of the relative paths in a file: seen from it, or from the project, where the engine runs."""
    for _, literal in LITERAL.findall(code):
        if literal == "..":
            yield ""  # a part of a path that is put together
            continue
        for start in {parent(path), project}:
            known, computed, _ = literal.partition("${")
            yield parent(join(start, f"{known}x")) if computed else _joined(start, known)


def _named(name: str, packages: Mapping[str, str], aliases: list[tuple[str, str]]) -> Iterator[str]:
    """The directories of a package of the tree, or of an alias; none of a dependency, which a lock file pins."""
    parts = name.split("/")
    package = "/".join(parts[: 2 if name.startswith("@") else 1])
    if package in packages:
        yield packages[package]
        return
    targets = [target for prefix, target in aliases if name.startswith(prefix)]
    yield from targets
    if not targets and ALIAS.match(name):
        yield ""


def _packages(files: Mapping[str, str]) -> dict[str, str]:
    """Name → directory of each package of the tree."""
    found: dict[str, str] = {}
    for path, text in files.items():
        if PurePosixPath(path).name == "package.json" and isinstance(name := _json(text).get("name"), str):
            found[name] = parent(path)
    return found


def _of_package(path: str, packages: Mapping[str, str], files: Mapping[str, str]) -> Iterator[str]:
    """The directories of the packages of the tree on which a package depends."""
    document = _json(files[path])
    for key in ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies"):
        listed = document.get(key)
        for name, version in mapping(listed).items():
            if name in packages:
                yield packages[name]
            elif local := LOCAL_DEPENDENCY.match(str(version)):
                yield join(parent(path), local[1])


def _aliases(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Beginning of a name → directory, by the `paths` of the compiler's settings, which may have comments."""
    for path, text in files.items():
        if TSCONFIG.fullmatch(PurePosixPath(path).name):
            base = re.search(r'"baseUrl"\s*:\s*"([^"]*)"', text)
            start = join(parent(path), base[1] if base else "")
            for name, targets in re.findall(r'"([^"]+)"\s*:\s*\[([^\]]*)\]', text):
                for target in re.findall(r'"([^"]+)"', targets):
                    if "/" in target:
                        yield name.rstrip("*"), _joined(start, target.rstrip("*"))


def _go(place: str, project: str, files: Mapping[str, str]) -> Iterator[str]:
    """The directories of the packages that those at a place import, and of modules that stand in for others."""
    modules = {
        match[1]: parent(path)
        for path, text in files.items()
        if PurePosixPath(path).name == "go.mod" and (match := GO_MODULE.search(text))
    }
    if module := _nearest(place, "go.mod", files):
        yield from (join(parent(module), one) for one in GO_REPLACED.findall(files[module]))
    for path, text in files.items():
        if not path.endswith(".go") or not _is_at(path, place):
            continue
        code = COMMENTS.sub("", text)
        for name in GO_IMPORT.findall(code):
            inside = [one for one in modules if name == one or name.startswith(f"{one}/")]
            if inside:
                owner = max(inside, key=len)
                yield join(modules[owner], name.removeprefix(owner).lstrip("/"))
        yield from _relative(path, project, code)


def _joined(directory: str, path: str) -> str:
    """The place that a relative path leads to; `x.js` is what `x.ts` will be compiled to."""
    return SCRIPT.sub("", join(directory, path))


def _is_at(path: str, place: str) -> bool:
    return not place or path == place or path.startswith((f"{place}/", f"{place}."))


def _nearest(directory: str, name: str, files: Mapping[str, str]) -> str | None:
    """The file of this name in the directory, or in the nearest one above it."""
    while join(directory, name) not in files:
        if not directory:
            return None
        directory = parent(directory)
    return join(directory, name)


def _json(text: str) -> JsonObject:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return mapping(value)


def is_below(path: str, directory: str) -> bool:
    """Whether the path is below the directory; everything is below the empty text."""
    return not directory or path.startswith(f"{directory}/")


def join(directory: str, inner: str) -> str:
    """A path below a directory of the tree, without `.` and a slash at its end."""
    parts: list[str] = []
    for part in PurePosixPath(directory, inner).parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", "..", "/"):
            parts.append(part)
    return "/".join(parts)


def parent(path: str) -> str:
    """The directory that the path is in; empty for the root."""
    found = str(PurePosixPath(path).parent)
    return "" if found == "." else found
