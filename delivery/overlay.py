"""One kustomize overlay: which image it deploys, and whether all of it deploys that one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from delivery.checkout import Checkout, run
from delivery.errors import DeliveryError
from delivery.masking import MASK

HOLD_FILE = "HOLD"
"""A file in an overlay; while it is there nothing is promoted into the overlay. It says why."""
RELEASE_FILE = "RELEASE"
"""A file in an overlay: the commit of the source that was promoted last. An image that the overlay has already makes a
commit by it, without which an older run that ends later would not know of the newer one."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LINE = 1_000
"""Characters; longer lines of a text are folded."""
FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True)
class Image:
    """An image by digest, and the name under which the manifests of the base know it."""

    name: str
    repository: str
    digest: str

    def __post_init__(self) -> None:
        if not DIGEST.fullmatch(self.digest):
            raise DeliveryError(f"an image is promoted by its digest, sha256 and 64 hex digits, got {self.digest!r}")

    @property
    def reference(self) -> str:
        """What a container of the overlay must say."""
        return f"{self.repository}@{self.digest}"


@dataclass(frozen=True)
class Overlay:
    """A directory of the repository with a kustomization in it."""

    checkout: Checkout
    path: str

    @property
    def directory(self) -> Path:
        """Where it is; raises DeliveryError where it is no overlay of the repository."""
        root = self.checkout.directory.resolve()
        place = (root / self.path).resolve()
        if root not in place.parents or not any((place / name).is_file() for name in FILES):
            raise DeliveryError(f"{self.path!r} must be a directory of the repository with a kustomization.yaml")
        return place

    def held(self) -> str | None:
        """Why nothing may be promoted into it; None where it may."""
        file = self.directory / HOLD_FILE
        return " ".join(file.read_text().split()) or "no reason given" if file.exists() else None

    def set(self, image: Image, revision: str) -> None:
        """Makes it deploy the image of a commit; raises DeliveryError where a part of it would keep another version."""
        (self.directory / RELEASE_FILE).write_text(f"{revision}\n")
        self._kustomize("edit", "set", "image", f"{image.name}={image.reference}")
        # As text: PyYAML makes an error of a string such as = or 2026-02-30, which kustomize writes without quotes.
        used = list(images(yaml.load_all(self._kustomize("build", "."), yaml.BaseLoader)))
        ours = [(where, name) for where, name in used if _repository(name) in (image.name, image.repository)]
        if not ours:
            raise DeliveryError(f"nothing in overlay {self.path} uses the image {image.name!r}")
        if stale := [f"{where} has {name}" for where, name in ours if name != image.reference]:
            raise DeliveryError(
                f"overlay {self.path} would mix two versions of {image.name!r}: {'; '.join(stale)}. kustomize "
                "does not know these fields as images: list them under `images` in a file that the kustomization names "
                "under `configurations`"
            )

    def rendered(self) -> str:
        """All of its objects as kustomize writes them, without the values of Secrets."""
        documents = [*yaml.compose_all(self._kustomize("build", "."), yaml.SafeLoader)]
        for one in documents:
            _mask_secret(one)
        return yaml.serialize_all(documents, Dumper=yaml.SafeDumper, width=LINE)

    def _kustomize(self, *arguments: str) -> str:
        """Runs without the means to get the repository's token: a base may be at an address of somebody else."""
        hidden = ("GIT_ASKPASS", "DELIVERY_TOKEN_FILE")
        environment = {key: value for key, value in self.checkout.environment.items() if key not in hidden}
        return run(["kustomize", *arguments], self.directory, environment)


def images(documents: Iterator[Any]) -> Iterator[tuple[str, str]]:
    """(Where, image) of every field `image` that is a text, in any kind of object."""
    for one in documents:
        if isinstance(one, dict):
            yield from _images(one, f"{one.get('kind')}/{one.get('metadata', {}).get('name')}")


def _mask_secret(document: yaml.Node) -> None:
    """Masks the values in a document that is a Secret."""
    fields = {key.value: value for key, value in document.value} if isinstance(document, yaml.MappingNode) else {}
    if "kind" in fields and fields["kind"].value == "Secret":
        for key in ("data", "stringData"):
            if isinstance(values := fields.get(key), yaml.MappingNode):
                values.value = [(name, yaml.ScalarNode("tag:yaml.org,2002:str", MASK)) for name, _ in values.value]


def _images(node: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "image" and isinstance(value, str):
                yield f"{where} {key}", value
            else:
                yield from _images(value, f"{where}.{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _images(value, f"{where}[{number}]")


def _repository(image: str) -> str:
    """The image without its tag and digest; a colon before the last slash is that of a port."""
    name, _, _ = image.partition("@")
    start, slash, last = name.rpartition("/")
    return f"{start}{slash}{last.partition(':')[0]}"
