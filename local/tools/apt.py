"""Debian packages: installs the missing ones, and starts none of the services that come with them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.progress import StepFailed, step

POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this file before a package's installation starts a service; 101 means no."""

NO_SERVICES = "#!/bin/sh\n# Written by pulumi-mlops while it installs packages.\nexit 101\n"

LOCK_TIMEOUT_SECONDS = 300
"""How long apt waits for another apt, say the system's daily one."""


def missing(*packages: str) -> list[str]:
    """The packages that are not installed."""
    if shutil.which("dpkg-query") is None:
        return list(packages)
    query = ["dpkg-query", "--show", "--showformat=${Package}\t${db:Status-Status}\n", *packages]
    run = subprocess.run(query, capture_output=True, text=True, check=False)  # fails when one is unknown to it
    installed = {line.split("\t")[0] for line in run.stdout.splitlines() if line.endswith("\tinstalled")}
    return [package for package in packages if package not in installed]


def ensure(*packages: str) -> None:
    """Installs what is missing of the packages, from the sources that apt is configured with.

    Raises:
        StepFailed: this is no Debian, this user may not install, or apt failed; the message quotes apt's last lines.
    """
    wanted = missing(*packages)
    if not wanted:
        return
    names = " ".join(wanted)
    if shutil.which("apt-get") is None:
        raise StepFailed(
            f"Debian packages: there is no apt-get to install {names}; install these programs, then run again."
        )
    if os.geteuid() != 0:
        raise StepFailed(
            f"Debian packages: only root can install them; run `apt-get install {names}` as root, then again."
        )
    with step(f"Debian packages: installing {names}"), _services_stay_down():
        if not _known(wanted):
            _apt_get("update")
        try:
            _apt_get("install", "--yes", "--no-install-recommends", *wanted)
        except StepFailed:  # the lists may name versions that the mirror has dropped
            _apt_get("update")
            _apt_get("install", "--yes", "--no-install-recommends", *wanted)


def _known(packages: list[str]) -> bool:
    run = subprocess.run(["apt-cache", "show", "--no-all-versions", *packages], capture_output=True, check=False)
    return run.returncode == 0


def _apt_get(*arguments: str) -> None:
    command = ["apt-get", "--quiet", f"--option=DPkg::Lock::Timeout={LOCK_TIMEOUT_SECONDS}", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    run = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    if run.returncode != 0:
        tail = "\n".join(run.stdout.splitlines()[-12:])
        raise StepFailed(f"Debian packages: `{' '.join(command)}` failed with status {run.returncode}.\n{tail}")


@contextmanager
def _services_stay_down() -> Iterator[None]:
    """Refuses service starts during an installation, unless the machine's administrator has set a policy already."""
    ours = not POLICY.exists() or POLICY.read_text() == NO_SERVICES  # the latter was left by a run that was killed
    if ours:
        POLICY.write_text(NO_SERVICES)
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)
