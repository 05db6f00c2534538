"""The base image `python`: this machine's own Debian release, reduced to Python and a shell.

The packages come by apt as it is configured here (mirror, proxy, keys), resolved for an empty system, and are only
unpacked: no maintainer script runs, so no init system, no package manager and no account ends up in the image. What
the scripts would have done that Python needs is done here and in python/Dockerfile. Takes a few seconds where
debootstrap takes a minute, and includes the security updates that it leaves out.
"""

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Container, Sequence
from pathlib import Path

from local.images.commands import run
from local.progress import StepFailed

PACKAGES = (
    "base-files",
    "coreutils",
    "dash",
    "findutils",
    "grep",
    "libc-bin",  # ldconfig, getent
    "libgomp1",  # OpenMP and the C++ library are what Python wheels expect of a system
    "libstdc++6",
    "python3",
    "python3-venv",
    "sed",
    "tzdata",  # schedules with a time zone, and zoneinfo
)

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""What this machine trusts, images trust: a registry or an index behind a private authority works in them too."""

LEAST_PYTHON = (3, 11)

SUPERFLUOUS = (
    "usr/share/locale",
    "usr/share/man",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/bug",
    "usr/share/zoneinfo/right",
    "usr/share/zoneinfo/posix",
    "usr/lib/*/gconv",
    "usr/lib/python3*/lib2to3",
    "usr/lib/python3*/pydoc_data",
    "etc/apt",
    "etc/cron.daily",
    "etc/logrotate.d",
    "usr/lib/apt",
    "usr/lib/dpkg",
    "var/lib/dpkg",
)
"""Paths that nothing in a container reads. The packages' copyright files stay."""

FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def release() -> str:
    """Code name of this machine's Debian release, such as `bookworm`.

    Raises:
        StepFailed: this machine is no Debian or derivative.
    """
    try:
        fields = platform.freedesktop_os_release()
    except OSError:
        fields = {}
    if "VERSION_CODENAME" not in fields or shutil.which("apt-get") is None:
        raise StepFailed(
            "Image python: it is made of Debian packages and this machine has no apt; run on Debian 12, "
            "Ubuntu 24.04 or later."
        )
    return fields["VERSION_CODENAME"]


def key() -> str:
    """Twelve hex digits over what the base is made of: the release, the packages, what is changed in them, the trust.

    The packages' versions are not among it: as with any base image, updates arrive when it is next built.
    """
    digest = hashlib.sha256(repr((release(), PACKAGES, SUPERFLUOUS, FILES)).encode())
    if CERTIFICATES.is_file():
        digest.update(CERTIFICATES.read_bytes())
    return digest.hexdigest()[:12]


def make(archive: Path, scratch: Path) -> None:
    """Writes the base's file system as a tar archive.

    Args:
        archive: the file to write.
        scratch: an empty directory on a file system that keeps owners; what is left in it may be removed.

    Raises:
        StepFailed: the packages could not be had, or this release's Python is too old.
    """
    root = _unpacked(PACKAGES, scratch, ())
    _complete(root)
    _archive(root, archive)


def make_addition(packages: Sequence[str], archive: Path, scratch: Path) -> None:
    """Writes what further packages add to the base's file system, as `make` writes the base."""
    there = scratch / "base"
    _download(PACKAGES, there)
    root = _unpacked((*PACKAGES, *packages), scratch, {package.name for package in there.glob("*.deb")})
    _strip(root)
    _archive(root, archive)


def _unpacked(packages: Sequence[str], scratch: Path, without: Container[str]) -> Path:
    root, downloaded = scratch / "root", scratch / "packages"
    _download(packages, downloaded)
    _unpack([package for package in sorted(downloaded.glob("*.deb")) if package.name not in without], root)
    return root


def _archive(root: Path, archive: Path) -> None:
    command = ["tar", "--create", "--sort=name", "--numeric-owner", f"--file={archive}", f"--directory={root}", "."]
    run("Image python", command)


def _download(names: Sequence[str], packages: Path) -> None:
    (packages / "partial").mkdir(parents=True)
    status = packages / "status"
    status.touch()  # an empty system: apt then resolves every dependency
    command = [
        "apt-get", "--quiet", "--yes", "--download-only",
        f"--option=Dir::State::status={status}",
        f"--option=Dir::Cache::archives={packages}",
        "--option=Dir::Cache::pkgcache=", "--option=Dir::Cache::srcpkgcache=",
        "--option=Debug::NoLocking=1",  # neither the system's packages nor its archive are touched
        "--option=APT::Sandbox::User=root",
        "--option=APT::Install-Recommends=0",
        "install", *names,
    ]  # fmt: skip
    try:
        run("Image python", command)
    except StepFailed:  # no package lists yet, or lists that name versions the mirror has dropped
        run("Image python", ["apt-get", "--quiet", "--option=DPkg::Lock::Timeout=300", "update"])
        run("Image python", command)


def _unpack(packages: Sequence[Path], root: Path) -> None:
    # One tree of programs and libraries under /usr, as every current Debian has it.
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for package in packages:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as content:
            command = ["tar", "--extract", f"--directory={root}", "--keep-directory-symlink", "--file=-"]
            run("Image python", command, stdin=content.stdout)
        if content.returncode != 0:
            raise StepFailed(f"Image python: {package.name} is damaged; run `make up` again to download it anew.")


def _strip(root: Path) -> None:
    for pattern in SUPERFLUOUS:
        for path in root.glob(pattern):
            shutil.rmtree(path)
    for path in (root / "usr/share/doc").rglob("*"):
        if path.name != "copyright" and not path.is_dir():
            path.unlink()


def _complete(root: Path) -> None:
    _strip(root)
    for path, text in FILES.items():
        (root / path).write_text(text)
    bundle = root / CERTIFICATES.relative_to("/")
    bundle.parent.mkdir(parents=True, exist_ok=True)
    if CERTIFICATES.is_file():
        shutil.copyfile(CERTIFICATES, bundle)
    if not (root / "usr/bin/python").exists():
        (root / "usr/bin/python").symlink_to("python3")
    _require_python(root)


def _library(root: Path) -> str:
    return "/" + str(next(root.glob("usr/lib/python3.*")).relative_to(root))


def _require_python(root: Path) -> None:
    version = tuple(int(part) for part in _library(root).rsplit("python", 1)[1].split("."))
    if version < LEAST_PYTHON:
        needed = ".".join(map(str, LEAST_PYTHON))
        raise StepFailed(
            f"Image python: {release()} has Python {'.'.join(map(str, version))}, at least {needed} is needed; run on "
            "Debian 12, Ubuntu 24.04 or later."
        )
