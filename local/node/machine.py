"""Privileges, kernel settings and cgroups: what the node needs of the machine, and how its changes are undone."""

import json
import os
import platform
from collections.abc import Iterable
from pathlib import Path

from local.node.files import write

CGROUPS = Path("/sys/fs/cgroup")
CGROUP = "pulumi-mlops-node"
"""Every pod's processes are below a cgroup of this name, in each hierarchy: that is how they are found again."""

CONTROLLERS = ("cpu", "memory", "pids")
"""Controllers without which the kubelet does not start."""

_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21, "CAP_MKNOD": 27}

SYSCTLS = (
    "net.ipv4.ip_forward",  # for pods, set by us and by the bridge plugin
    "net.bridge.bridge-nf-call-iptables",  # set by us
    "vm.overcommit_memory",  # the rest is set by the kubelet
    "vm.panic_on_oom",
    "kernel.panic",
    "kernel.panic_on_oops",
    "kernel.keys.root_maxkeys",
    "kernel.keys.root_maxbytes",
)


def can_run_containers() -> str | None:
    """Why this user cannot run pods on this machine, in one sentence; None when nothing speaks against it.

    Looks only; changes nothing.
    """
    if platform.system() != "Linux":
        return f"containers need Linux, this is {platform.system()}"
    if os.geteuid() != 0:
        return f"containers need root, this is user id {os.geteuid()}"
    lacking = [name for name, bit in _CAPABILITIES.items() if not _effective_capabilities() >> bit & 1]
    if lacking:
        return f"containers need the capabilities {', '.join(lacking)}, which this process does not have"
    uid_map = Path("/proc/self/uid_map").read_text().split()
    if uid_map != ["0", "0", "4294967295"]:
        return "this root is the root of a user namespace, which may not mount what containers need"
    if not os.access("/proc/sys/net/ipv4/ip_forward", os.W_OK):
        return "/proc/sys is read-only, so packets of pods cannot be forwarded"
    return _cgroups_unusable()


def version() -> int:
    """1 for a hierarchy per controller, 2 for the unified one."""
    return 2 if (CGROUPS / "cgroup.controllers").exists() else 1


def _cgroups_unusable() -> str | None:
    if version() == 2:
        available = (CGROUPS / "cgroup.controllers").read_text().split()
        missing = [controller for controller in CONTROLLERS if controller not in available]
        writable = os.access(CGROUPS / "cgroup.subtree_control", os.W_OK) and os.access(CGROUPS, os.W_OK)
    else:
        missing = [controller for controller in CONTROLLERS if not (CGROUPS / controller / "tasks").exists()]
        writable = all(os.access(CGROUPS / controller, os.W_OK) for controller in CONTROLLERS)
    if missing:
        return f"{CGROUPS} has no cgroup controller {', '.join(missing)}"
    return None if writable else f"the cgroups in {CGROUPS} are read-only"


def prepare_cgroups() -> None:
    """Makes the cgroup that all pods are below."""
    if version() == 2:
        _delegate()
    for hierarchy in hierarchies():
        (hierarchy / CGROUP).mkdir(exist_ok=True)
        if version() == 2:
            _enable_controllers(hierarchy / CGROUP)


def hierarchies() -> list[Path]:
    """The directories that a cgroup must be made in: one, or one per controller."""
    if version() == 2:
        return [CGROUPS]
    if not CGROUPS.is_dir():
        return []
    # Combined hierarchies have two names (cpu and cpu,cpuacct), one of them a link. The unified one may be there too.
    return sorted({d.resolve() for d in CGROUPS.iterdir() if (d / "cgroup.procs").exists()})


def pids_of_pods() -> list[int]:
    """Every process in a pod's cgroup."""
    found: set[int] = set()
    for hierarchy in hierarchies():
        for file in (hierarchy / CGROUP).rglob("cgroup.procs"):
            try:
                found |= {int(pid) for pid in file.read_text().split()}
            except OSError:  # removed meanwhile
                continue
    return sorted(found)


def remove_cgroups() -> int:
    """Removes our cgroups, which no process may be in any more; returns how many there were."""
    count = 0
    for top in left_cgroups():
        below = sorted((d for d in top.rglob("*") if d.is_dir()), key=lambda d: len(d.parts), reverse=True)
        for directory in [*below, top]:
            try:
                directory.rmdir()
                count += 1
            except OSError:  # still busy: the caller looks again at what is left
                continue
    return count


def left_cgroups() -> list[Path]:
    """Our cgroups that exist."""
    return [h / CGROUP for h in hierarchies() if (h / CGROUP).is_dir()]


class Sysctls:
    """Kernel settings that were written down before anything changed them, in a file that survives the process."""

    def __init__(self, record: Path) -> None:
        self._record = record

    def remember(self, names: Iterable[str] = SYSCTLS) -> None:
        """Writes down present values, except where an earlier start has written down older ones."""
        values = {name: value for name in names if (value := read_sysctl(name)) is not None}
        known = self._values()
        if values.keys() - known.keys():
            write(self._record, json.dumps({**values, **known}, indent=1))

    def restore(self) -> list[str]:
        """Puts the values back and forgets them; returns a line for each one that had changed."""
        changed = []
        for name, old in self._values().items():
            new = read_sysctl(name)
            if new is not None and new != old:
                write_sysctl(name, old)
                changed.append(f"sysctl {name} = {old} (was {new})")
        self._record.unlink(missing_ok=True)
        return changed

    def _values(self) -> dict[str, str]:
        try:
            return json.loads(self._record.read_text())
        except (OSError, ValueError):
            return {}


def read_sysctl(name: str) -> str | None:
    """The value of a kernel setting; None where the kernel has no such setting."""
    try:
        return _sysctl(name).read_text().strip()
    except OSError:
        return None


def write_sysctl(name: str, value: str) -> None:
    """Changes a kernel setting."""
    _sysctl(name).write_text(value)


def _sysctl(name: str) -> Path:
    return Path("/proc/sys", *name.split("."))


def _effective_capabilities() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("CapEff:")), 16)


def _delegate() -> None:
    """Lets the top cgroup hand its controllers on, also inside a container, where processes sit in the top cgroup.

    Such a cgroup hands nothing on, so these processes move to one of their own first.
    """
    try:
        _enable_controllers(CGROUPS)
    except OSError:
        aside = CGROUPS / "init"
        aside.mkdir(exist_ok=True)
        for pid in (CGROUPS / "cgroup.procs").read_text().split():
            try:
                (aside / "cgroup.procs").write_text(pid)
            except OSError:  # ended meanwhile
                continue
        _enable_controllers(CGROUPS)


def _enable_controllers(cgroup: Path) -> None:
    available = (cgroup / "cgroup.controllers").read_text().split()
    wanted = [f"+{controller}" for controller in available]
    (cgroup / "cgroup.subtree_control").write_text(" ".join(wanted))
