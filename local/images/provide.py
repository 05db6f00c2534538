"""Makes sure that a registry has the images: leaves alone, pushes what was built earlier, or builds, in this order."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from local.images import base, buildah, catalogue, digests, registry
from local.images.catalogue import ALL, BASE, Image
from local.paths import CACHE
from local.progress import StepFailed, say, step
from local.tools import apt

AT_A_TIME = 2
"""A build is mostly one busy core: unpacking, compiling bytecode, compressing."""

DIRECTORY = CACHE / "images"


def build(registry_push: str, registry_pull: str, names: Iterable[str] = ALL) -> dict[str, str]:
    """Returns the reference of each image, after making sure that the registry has it.

    Args:
        registry_push: the registry as this machine reaches it: host, port and optionally a path.
        registry_pull: the same registry as pods' image references name it.
        names: which images; all by default.

    Raises:
        StepFailed: the registry does not answer, or an image could not be built or pushed.
    """
    images = catalogue.load(names)
    missing = [image for image in images if not registry.has(registry_push, image.repository, image.tags)]
    if missing:
        _work(missing, registry_push)
    return _references(images, registry_pull)


def references(registry_pull: str, names: Iterable[str]) -> dict[str, str]:
    """What `build` would return for these images, which need not be there: their tags follow from their sources."""
    return _references(catalogue.load(names), registry_pull)


def _references(images: Iterable[Image], registry_pull: str) -> dict[str, str]:
    return {image.name: f"{registry_pull}/{image.repository}:{image.tags[0]}" for image in images}


def prepare(names: Iterable[str] = catalogue.WITHOUT_TOOLS) -> None:
    """Builds images ahead of a `build`, without a registry: by default those that can be had while tools compile.

    Raises:
        StepFailed: an image could not be built.
    """
    images = [image for image in catalogue.load(names) if not buildah.stored(image)]
    if images:
        _work(images, None)


def _work(images: list[Image], registry_push: str | None) -> None:
    if os.geteuid() != 0:
        names = ", ".join(image.name for image in images)
        raise StepFailed(f"Images: only root can build and push {names}; run the same command as root.")
    apt.ensure("buildah", "skopeo")
    with _alone(), ThreadPoolExecutor(AT_A_TIME) as pool:
        to_build = [image for image in images if not buildah.stored(image)]
        bases = {image.base.key: image.base for image in to_build if image.base is not None}
        made = {key: pool.submit(_build, image) for key, image in bases.items()}
        work = [pool.submit(_one, image, made, registry_push) for image in images]
        try:
            for future in as_completed(work):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _one(image: Image, bases: Mapping[str, Future[None]], registry_push: str | None) -> None:
    if image.key in bases:
        bases[image.key].result()
    else:
        if image.base is not None and image.base.key in bases:
            bases[image.base.key].result()
        _build(image)
    if registry_push is not None:
        with step(f"image {image.name}: pushing"):
            buildah.push(image, registry_push)


def _build(image: Image) -> None:
    """Makes the image in buildah's storage, unless it is there."""
    if buildah.stored(image):
        return
    with step(f"image {image.name}: building"), tempfile.TemporaryDirectory(dir=_scratch()) as scratch:
        context = Path(scratch) / "context"
        context.mkdir()
        for path, file in image.files.items():
            _place(file, context / path)
        if replace(image).key != image.key:
            raise StepFailed(f"Image {image.name}: its files were changed while they were read; run `make up` again.")
        if image.name == BASE:
            base.make(context / "rootfs.tar", Path(scratch))
        if image.packages:
            base.make_addition(image.packages, context / "packages.tar", Path(scratch))
        buildah.build(image, context)


def _scratch() -> Path:
    directory = DIRECTORY / "scratch"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _place(file: Path, destination: Path) -> None:
    """Puts a file into the build context: a copy, or a hard link of a large one if the file systems allow."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    if file.stat().st_size < digests.SMALL_BYTES:
        shutil.copy2(file, destination)
        return
    try:
        os.link(file.resolve(), destination)
    except OSError:
        shutil.copy2(file, destination)


@contextmanager
def _alone() -> Iterator[None]:
    """Holds a lock that ends with the process, so that two runs never build the same image side by side."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with (DIRECTORY / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("images: another process is building, waiting …")
            fcntl.flock(file, fcntl.LOCK_EX)
        for leftover in DIRECTORY.glob("scratch/*"):  # of a run that was killed
            shutil.rmtree(leftover)
        buildah.clean_up()
        yield
