"""Builds by buildah from Debian, and pushes to the registry what was built.

Everything is in a storage of our own under the cache, which also remembers the steps of Dockerfiles: a change of code
does not install the packages again, and a wiped registry is refilled without a build. The settings of the system's
container tools are not read.

No Dockerfile may use `RUN --mount`: the buildah of Debian 12 (1.28), when it takes such a mount away in a build of this
isolation, empties the image's root directory with it.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from local.images import package_settings, registry
from local.images.catalogue import Image
from local.images.commands import LOGS, run
from local.paths import CACHE

DIRECTORY = CACHE / "images"

OWN_MOUNTS = ("unshare", "--mount", "--propagation=private")
"""What a failed or killed build leaves mounted ends with its process, and the rest of the machine never sees it."""

COMPRESSION = "zstd"
"""Several times as fast as gzip on both sides; containerd reads it since 1.5."""


def build(image: Image, context: Path) -> None:
    """Runs the image's Dockerfile over the files in `context`; the result is in buildah's storage."""
    command = [
        *OWN_MOUNTS, "buildah", *_storage(), "bud", f"--layers={str(image.base is not None).lower()}",
        "--isolation=chroot", "--network=host", "--pull=never", f"--signature-policy={_settings()}/policy.json",
        f"--file={image.dockerfile}", f"--ignorefile={os.devnull}", f"--tag={_local(image)}",
    ]  # fmt: skip
    if image.target:
        command.append(f"--target={image.target}")
    if image.base:
        command.append(f"--build-arg=BASE={_local(image.base)}")
    with package_settings.for_build() as volumes:
        # Each leaves an empty mount point in the image, so there is one place for them, and none in the base.
        command += [f"--volume={volume}" for volume in volumes if image.base]
        _run(image, [*command, str(context)])
    _forget_older(image)


def clean_up() -> None:
    """Removes what builds that failed or were killed left in the storage; only while no other build runs."""
    shutil.rmtree(DIRECTORY / "run", ignore_errors=True)  # what was mounted: nothing is
    command = [*OWN_MOUNTS, "buildah", *_storage(), "rm", "--all"]
    run("Images", command, environment=_environment(), log=LOGS / "clean-up.log")


def _forget_older(image: Image) -> None:
    """Removes the image's earlier versions from the storage; those that others are built on stay."""
    listed = _ask("images", "--format={{.Name}}:{{.Tag}}").stdout.split()
    for name in listed:
        if name.startswith(f"localhost/{image.name}:") and name != _local(image):
            _ask("rmi", name)


def stored(image: Image) -> bool:
    """Says whether the image was built earlier and is still there."""
    if shutil.which("buildah") is None:
        return False
    return _ask("inspect", "--type=image", "--format={{.FromImageID}}", _local(image)).returncode == 0


def push(image: Image, address: str) -> None:
    """Copies the image to the registry, compressed, under all of its tags."""
    first, *others = (f"docker://{address}/{image.repository}:{tag}" for tag in image.tags)
    plain = str(not registry.is_plain(address)).lower()
    stored = f"containers-storage:[{_driver()}@{DIRECTORY / 'storage'}+{DIRECTORY / 'run'}]{_local(image)}"
    _copy(image, f"--dest-compress-format={COMPRESSION}", f"--dest-tls-verify={plain}", stored, first)
    for other in others:
        _copy(image, f"--src-tls-verify={plain}", f"--dest-tls-verify={plain}", first, other)


def _ask(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*OWN_MOUNTS, "buildah", *_storage(), *arguments]
    return subprocess.run(command, env={**os.environ, **_environment()}, capture_output=True, text=True, check=False)


def _copy(image: Image, *arguments: str) -> None:
    settings = _settings()
    policy = (f"--policy={settings}/policy.json", f"--registries.d={settings}/registries.d")
    _run(image, [*OWN_MOUNTS, "skopeo", *policy, "copy", "--quiet", *arguments])


def _run(image: Image, command: Sequence[str]) -> None:
    run(f"Image {image.name}", command, environment=_environment(), log=LOGS / f"{image.name}.log")


def _local(image: Image) -> str:
    return f"localhost/{image.name}:{image.key}"


def _storage() -> tuple[str, ...]:
    return (f"--root={DIRECTORY / 'storage'}", f"--runroot={DIRECTORY / 'run'}", f"--storage-driver={_driver()}")


def _driver() -> str:
    """Overlay, except where the cache itself is on an overlay, as in a container: the kernel does not stack them."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    kind = subprocess.run(
        ["stat", "--file-system", "--format=%T", DIRECTORY], capture_output=True, text=True, check=True
    )
    return "vfs" if kind.stdout.strip() == "overlayfs" else "overlay"


def _settings() -> Path:
    """Directory with settings of our own in place of the system's: nothing is fetched, so nothing is verified."""
    directory = DIRECTORY / "settings"
    (directory / "registries.d").mkdir(parents=True, exist_ok=True)
    for name, text in {
        "policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
        "registries.conf": "unqualified-search-registries = []\n",
        "storage.conf": f'[storage]\ndriver = "{_driver()}"\n',
        "containers.conf": "",
    }.items():
        file = directory / name
        if not file.is_file() or file.read_text() != text:  # another build may be reading it
            unfinished = directory / f"{name}.{os.getpid()}.{threading.get_ident()}"
            unfinished.write_text(text)
            unfinished.replace(file)
    return directory


def _environment() -> dict[str, str]:
    directory = _settings()
    return {
        "CONTAINERS_REGISTRIES_CONF": str(directory / "registries.conf"),
        "CONTAINERS_STORAGE_CONF": str(directory / "storage.conf"),
        "CONTAINERS_CONF": str(directory / "containers.conf"),
    }
