"""Takes the node away: processes, pods, mounts, network, cgroups, files, kernel settings. Says what it found."""

import errno
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sized
from contextlib import suppress
from pathlib import Path

from local.node import machine, network, runtime
from local.node.machine import Sysctls
from local.node.processes import end, marked, other_owner

DISPOSABLE = (
    "etcd",
    "kubelet",
    "ipam",
    "pod-logs",
    "volumes",
    "volume-plugins",
    "cni",
    "manifests",
    "containerd/state",
)
"""What a stop removes of the node's directory. The rest makes the next start fast: certificates, images, ports."""

POD_SECONDS = 2
"""How long processes of pods have on SIGTERM: the node is disposable, and so is what they hold in memory."""
PROCESS_SECONDS = 3

POD_LOG_LINKS = Path("/var/log/containers")
CONTAINERD_RUN = Path("/run/containerd")
DEVICE_PLUGIN_SOCKET = Path("/var/lib/kubelet/device-plugins/kubelet.sock")
EMPTY_DIRECTORIES = (
    *(CONTAINERD_RUN / name for name in ("s", "io.containerd.runtime.v1.linux", "io.containerd.runtime.v2.task")),
    CONTAINERD_RUN,
    POD_LOG_LINKS,
    DEVICE_PLUGIN_SOCKET.parent,
    DEVICE_PLUGIN_SOCKET.parent.parent,
    network.CNI_RESULTS,
    network.CNI_RESULTS.parent,
)
"""Directories that containerd, kubelet and CNI make outside of ours without a setting for it."""


def sysctls(directory: Path) -> Sysctls:
    """The kernel settings that were written down when the node was started."""
    return Sysctls(directory / "sysctls.json")


def owns_machine(directory: Path) -> bool:
    """Whether bridge, cgroups and kernel settings are for the node of this directory to change.

    There is one of each on a machine: they are not an ordinary user's, nor ours while a node runs from elsewhere.
    """
    return os.geteuid() == 0 and other_owner(directory, "containerd") is None


def clean(directory: Path, *, wipe: bool) -> list[str]:
    """Removes everything of the node and returns a line for each kind of thing that was there.

    `wipe` removes the whole directory too, so that the next start begins from nothing.
    """
    found = []
    running = marked(directory)
    whole = owns_machine(directory)
    # The kubelet first: it would start again what is ended below.
    others = [p for p in running if p.leader and p.name != "containerd"]
    if ended := end([p.pid for p in sorted(others, key=lambda p: p.name != "kubelet")], PROCESS_SECONDS):
        found.append(f"{_count(ended, 'process', 'processes')}: {', '.join(sorted(p.name for p in others))}")
    if whole and (ended := end(machine.pids_of_pods(), POD_SECONDS)):
        found.append(f"{_count(ended, 'process', 'processes')} of pods")
    if any(p.leader and p.name == "containerd" for p in running):
        runtime.forget_containers(directory)
    if shims := runtime.end_shims(directory):
        found.append(f"{_count(shims, 'container shim', 'container shims')}")
    if rest := marked(directory):
        end([p.pid for p in rest], PROCESS_SECONDS)
        found.append(f"{_count(rest, 'process', 'processes')} of {', '.join(sorted({p.name for p in rest}))}")
    if mounts := _mounts(directory):
        for mount in sorted(mounts, key=len, reverse=True):
            subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)
        found.append(_count(mounts, "mount", "mounts"))
    if whole:
        found += network.down()
        if count := _remove_cgroups():
            found.append(f"{count} cgroups")
        found += sysctls(directory).restore()
        found += _remove_traces(directory)
    found += _remove_files(directory, wipe=wipe)
    return found


def left(directory: Path) -> list[str]:
    """What is still there of what `clean` removes, a line for each."""
    lines = [f"process {p.pid} ({p.command[:80]})" for p in marked(directory)]
    lines += [f"mount {mount}" for mount in _mounts(directory)]
    if owns_machine(directory):
        lines += network.left()
        lines += [f"cgroup {cgroup}" for cgroup in machine.left_cgroups()]
    return lines + [str(directory / name) for name in DISPOSABLE if (directory / name).exists()]


def _mounts(directory: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    # The kernel writes a blank in a path as \040.
    targets = [line.split()[1].encode().decode("unicode_escape") for line in lines]
    return [target for target in targets if target.startswith(f"{directory}/")]


def _remove_cgroups() -> int:
    deadline = time.monotonic() + 5
    count = 0
    while machine.left_cgroups() and time.monotonic() < deadline:
        count += machine.remove_cgroups()
        if machine.left_cgroups():  # the kernel takes a moment to see that the last process is gone
            time.sleep(0.1)
    return count


def _remove_traces(directory: Path) -> list[str]:
    """Removes what containerd, kubelet and CNI leave outside of our directory."""
    found = []
    links = [
        link
        for link in _entries(POD_LOG_LINKS)
        if link.is_symlink() and str(link.readlink()).startswith(f"{directory}/")
    ]
    for link in links:
        link.unlink(missing_ok=True)
    if links:
        found.append(f"{len(links)} links in {POD_LOG_LINKS}")
    if _dead(DEVICE_PLUGIN_SOCKET):
        DEVICE_PLUGIN_SOCKET.unlink()
    for place in EMPTY_DIRECTORIES:
        with suppress(OSError):
            place.rmdir()  # only if it is empty, so never another program's
    return found


def _remove_files(directory: Path, *, wipe: bool) -> list[str]:
    found = []
    for name in DISPOSABLE:
        place = directory / name
        if place.exists():
            if name in {"etcd", "volumes"} and any(place.iterdir()):
                found.append(f"data in {place}")
            shutil.rmtree(place, ignore_errors=True)
    if wipe and directory.exists():
        shutil.rmtree(directory, ignore_errors=True)
        found.append(f"the directory {directory}")
    return found


def _dead(place: Path) -> bool:
    """Whether this is the socket of a program that is gone."""
    if not place.is_socket():
        return False
    with socket.socket(socket.AF_UNIX) as caller:
        return caller.connect_ex(str(place)) == errno.ECONNREFUSED


def _count(things: Sized, one: str, many: str) -> str:
    return f"{len(things)} {one if len(things) == 1 else many}"


def _entries(directory: Path) -> list[Path]:
    return list(directory.iterdir()) if directory.is_dir() else []
