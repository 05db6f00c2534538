"""Which images there are, what each is made of and what it is called.

An image's key is a hash over everything that decides its content: the Dockerfile and its target, every file that is
copied in, the base's key and the build's own settings. A build sees only the files that the key covers.
"""

import hashlib
import platform
import runpy
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from local import tools
from local.images import base, digests, of_delivery
from local.paths import ROOT
from local.progress import StepFailed
from local.tools import build
from local.tools.catalogue import BINARIES

BASE = "python"
"""The image that others are made on."""

ALL = (
    "pause",
    BASE,
    "ml-pipeline",
    "ml-server",
    "mlflow",
    "seaweedfs",
    "workflow-controller",
    "argoexec",
)
"""Every image's name."""

DELIVERY = of_delivery.NAMES
"""Images of `make deliver`."""

OF_DATABASES = (
    "postgresql",
    "cloudnative-pg",
    "crossplane",
    "function-patch-and-transform",
    "function-auto-ready",
)
"""Images of the database API, which is an option."""

FROM_TOOLS = ("pause", "workflow-controller", "argoexec")
"""Images of a program of the same name that `local.tools` builds."""

WITHOUT_TOOLS = tuple(name for name in ALL if name not in FROM_TOOLS)

RECIPES = Path(__file__).resolve().parent
"""Directory of the Dockerfiles, one directory a part."""

CODE = ("ml", "components/pulumi_mlops/contract")
"""What ml/Dockerfile copies of the checkout, besides the lock."""

VERSIONS = ROOT / "components" / "pulumi_mlops" / "versions.py"
"""Read as a file: importing the library takes longer than all the rest of a run that has nothing to do."""

FORMAT = "2"
"""Part of every key; raise it when the code here comes to put something else into images."""

POSTGRES_MAJORS = {"bookworm": "15", "trixie": "17", "noble": "16"}
"""Debian release -> its major version of Postgres."""


@dataclass(frozen=True)
class Image:
    """One image: its place in a registry and what it is made of."""

    name: str
    repository: str
    """Path in the registry."""
    dockerfile: Path
    files: Mapping[str, Path]
    """The build context: path in it -> file here."""
    version: str
    """What the tag says: upstream's own tag, or the version that the key is appended to."""
    base: "Image | None" = None
    """What the Dockerfile's argument BASE stands for."""
    upstream: bool = False
    """True for a part that upstream publishes under the same repository and tag."""
    target: str | None = None
    """Stage of the Dockerfile; the last one by default."""
    packages: tuple[str, ...] = ()
    """Debian packages that it adds to the base, as packages.tar in the build context."""

    @cached_property
    def key(self) -> str:
        """Twelve hex digits over everything that the image is made of."""
        digest = hashlib.sha256(f"{FORMAT} {platform.machine()} {self.target}".encode())
        if self.base is not None:
            digest.update(self.base.key.encode())
        if self.name == BASE:
            digest.update(base.key().encode())
        if self.packages:
            digest.update(f"\0{self.packages}".encode())
        for path, file in sorted({**self.files, "Dockerfile": self.dockerfile}.items()):
            digest.update(f"\0{path} {digests.of(file)} {file.stat().st_mode & 0o111 != 0}".encode())
        return digest.hexdigest()[:12]

    @property
    def tags(self) -> tuple[str, ...]:
        """The tag that pods use and, where that is upstream's and says nothing about content, one that has the key."""
        return (self.version, f"key-{self.key}") if self.upstream else (f"{self.version}-{self.key}",)


def load(names: Iterable[str]) -> list[Image]:
    """Returns the images of these names, after making sure of the programs that go into them.

    Raises:
        StepFailed: there is no such image, or a program that goes into one is missing and could not be built.
    """
    wanted = list(names)
    known = (*ALL, *OF_DATABASES, *DELIVERY)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise StepFailed(f"Images: there is no image {', '.join(unknown)}; there are {', '.join(known)}.")
    own = (name for name in wanted if name in (*FROM_TOOLS, *OF_DATABASES) and name != "postgresql")
    built = tools.ensure(*own, *of_delivery.programs(wanted))
    return [_of_delivery(name, built) if name in DELIVERY else _image(name, built.get(name)) for name in wanted]


def _of_delivery(name: str, built: Mapping[str, Path]) -> Image:
    recipe = RECIPES / name / "Dockerfile"
    files, packages = of_delivery.files(name, recipe, built), of_delivery.PACKAGES.get(name, ())
    version = of_delivery.version(name)
    return Image(name, f"pulumi-mlops/{name}", recipe, files, version, _image(BASE), packages=packages)


def _image(name: str, program: Path | None = None) -> Image:
    recipe = RECIPES / name / "Dockerfile"
    if name == BASE:
        return Image(name, "pulumi-mlops/python", recipe, {}, base.release())
    if name == "pause":
        return Image(name, "pulumi-mlops/pause", recipe, {"pause": _given(program)}, "1")
    on, versions = _image(BASE), runpy.run_path(str(VERSIONS))
    if name in ("ml-pipeline", "ml-server"):
        lock = f"requirements/{name}.txt"
        code = [file for directory in CODE for file in (ROOT / directory).rglob("*.py")]
        files = {str(file.relative_to(ROOT)): file for file in (ROOT / lock, *code)}
        target = name.removeprefix("ml-")
        return Image(name, f"pulumi-mlops/{name}", ROOT / "ml" / "Dockerfile", files, versions["ML"], on, target=target)
    if name == "mlflow":
        files = {"requirements.txt": ROOT / "requirements" / "mlflow.txt"}
        return Image(name, "mlflow/mlflow", recipe, files, f"v{versions['MLFLOW']}-full", on, upstream=True)
    if name == "seaweedfs":
        files = {"weed": Path(sys.prefix) / "bin" / "weed"}
        return Image(name, "chrislusf/seaweedfs", recipe, files, versions["SEAWEEDFS"], on, upstream=True)
    if name == "postgresql":
        major = postgres_major()
        packages = (f"postgresql-{major}", "barman-cli-cloud")
        files = {"barman-cloud-backup": recipe.parent / "barman-cloud-backup"}
        return Image(name, "cloudnative-pg/postgresql", recipe, files, major, on, packages=packages)
    if name in OF_DATABASES:
        return _of_databases(name, recipe, _given(program), on)
    files = {name: _given(program), "ca-certificates.crt": base.CERTIFICATES}
    return Image(name, f"argoproj/{name}", recipe, files, f"v{versions['ARGO_WORKFLOWS']}", upstream=True)


def _of_databases(name: str, recipe: Path, program: Path, on: Image) -> Image:
    """What upstream's image has: the program, and what it reads beside it from its module."""
    tool = BINARIES[name]
    module = build.source(tool)
    beside = {
        "cloudnative-pg": (),
        "crossplane": (*module.glob("cluster/crds/*.yaml"), *module.glob("cluster/webhookconfigurations/*.yaml")),
    }.get(name, (module / "package" / "crossplane.yaml",))
    files = {str(file.relative_to(module)): file for file in beside}
    if name == "crossplane" or not beside:
        files["ca-certificates.crt"] = base.CERTIFICATES
    organisation = {"cloudnative-pg": "cloudnative-pg", "crossplane": "crossplane"}.get(name, "crossplane-contrib")
    repository = f"{organisation}/{name}"
    version = tool.version if name == "cloudnative-pg" else f"v{tool.version}"
    base_image = None if beside else on
    if name == "cloudnative-pg":
        architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        name = f"operator/manager_{architecture}"
    return Image(recipe.parent.name, repository, recipe, {**files, name: program}, version, base_image, upstream=True)


def postgres_major() -> str:
    """Major version of Postgres that this machine's Debian release has.

    Raises:
        StepFailed: the release is none of those known.
    """
    release = base.release()
    if release not in POSTGRES_MAJORS:
        known = ", ".join(POSTGRES_MAJORS)
        raise StepFailed(f"Image postgresql: the Postgres of {release} is not known; run on one of {known}.")
    return POSTGRES_MAJORS[release]


def _given(program: Path | None) -> Path:
    assert program is not None  # noqa: S101 - `load` asks for the program of every image that has one
    return program
