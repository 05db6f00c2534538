"""containerd and runc, with all of their files below the node's directory."""

import hashlib
import io
import json
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path
from textwrap import dedent

from local import tools
from local.node import registry
from local.node.files import write
from local.node.network import CNI_PLUGINS
from local.node.processes import Process, end, marked
from local.progress import StepFailed
from local.tools import apt

PACKAGES = ("containerd", "runc", "containernetworking-plugins", "nftables", "iproute2", "docker-registry")
"""Debian packages that the node is made of."""

PAUSE_IMAGE = "localhost/pulumi-mlops/pause:1"
"""Image of every pod's first container; made from our own binary, in no registry."""


def install() -> None:
    """Installs the Debian packages that are not there."""
    apt.ensure(*PACKAGES)


def process(directory: Path) -> Process:
    """containerd, configured for the CRI."""
    _write(directory)
    program = _program("containerd")
    command = (program, "--config", str(directory / "etc" / "containerd.toml"))

    def ready() -> bool:
        return _ctr(directory, "version").returncode == 0

    return Process("containerd", directory, command, ready)


def socket(directory: Path) -> Path:
    """Where containerd listens."""
    return directory / "containerd" / "containerd.sock"


def import_pause(directory: Path) -> None:
    """Gives containerd the pause image, unless it has it.

    Raises:
        StepFailed: containerd refuses it.
    """
    if PAUSE_IMAGE in _ctr(directory, "images", "list", "--quiet").stdout.decode().split():
        return
    run = _ctr(directory, "images", "import", "-", stdin=_pause_archive(tools.ensure("pause")["pause"]))
    if run.returncode != 0:
        raise StepFailed(f"containerd: cannot import the pause image: {run.stderr.decode().strip()}")


def forget_containers(directory: Path) -> None:
    """Makes a running containerd forget containers whose processes have ended; images stay."""
    for kind in ("tasks", "containers"):
        ids = _ctr(directory, kind, "list", "--quiet").stdout.decode().split()
        if ids:
            _ctr(directory, kind, "delete", *(["--force"] if kind == "tasks" else []), *ids)


def end_shims(directory: Path) -> list[int]:
    """Ends the shims, which outlive containerd, and removes their sockets; returns the pids of those that ran."""
    shims = [process.pid for process in marked(directory) if "containerd-shim" in process.command.split(" ")[0]]
    for address in (directory / "containerd" / "state").glob("io.containerd.runtime.v2.task/*/*/address"):
        try:
            Path(address.read_text().strip().removeprefix("unix://")).unlink(missing_ok=True)
        except OSError:
            continue
    return end(shims, 0.5)


def _ctr(directory: Path, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [_program("ctr"), "--address", str(socket(directory)), "--namespace", "k8s.io", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)


def _program(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        raise StepFailed(f"containerd: {name} is not on PATH; install the Debian package containerd, then run again.")
    return program


def _write(directory: Path) -> None:
    home = directory / "containerd"
    home.mkdir(parents=True, exist_ok=True)
    configuration = f"""
        version = 2
        root = "{home}/root"
        state = "{home}/state"
        oom_score = 0
        [grpc]
          address = "{socket(directory)}"
        [ttrpc]
          address = "{socket(directory)}.ttrpc"
        [plugins."io.containerd.internal.v1.opt"]
          path = "{home}/opt"
        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = "{PAUSE_IMAGE}"
          disable_apparmor = true
          # Without CAP_SYS_RESOURCE a score below our own is refused, and with it every sandbox.
          restrict_oom_score_adj = true
          # Below our directory, so that one can tell which network namespaces are ours.
          netns_mounts_under_state_dir = true
          stream_server_address = "127.0.0.1"
          [plugins."io.containerd.grpc.v1.cri".containerd]
            snapshotter = "overlayfs"
            default_runtime_name = "runc"
            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
              runtime_type = "io.containerd.runc.v2"
              [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
                SystemdCgroup = false
                Root = "{home}/runc"
          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "{CNI_PLUGINS}"
            conf_dir = "{directory}/cni"
          [plugins."io.containerd.grpc.v1.cri".registry]
            config_path = "{directory}/etc/registries"
    """
    write(directory / "etc" / "containerd.toml", dedent(configuration).lstrip())
    # The name that pods use is served by the loopback server, without TLS.
    pull_from(directory, registry.FOR_PODS, f"http://{registry.FOR_PUSHES}")


def pull_from(directory: Path, name: str, url: str) -> None:
    """Makes containerd pull images of the registry `name` from `url`; it reads this anew at each pull."""
    mirror = directory / "etc" / "registries" / name / "hosts.toml"
    write(mirror, f'[host."{url}"]\n  capabilities = ["pull", "resolve"]\n')


def _pause_archive(binary: Path) -> bytes:
    """The image as `docker save` would write it: one layer with one static binary."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as files:
        entry = tarfile.TarInfo("pause")
        entry.size, entry.mode = binary.stat().st_size, 0o755
        with binary.open("rb") as content:
            files.addfile(entry, content)
    config = {
        "architecture": _architecture(),
        "os": "linux",
        "config": {"Entrypoint": ["/pause"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer.getvalue()).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [PAUSE_IMAGE], "Layers": ["layer.tar"]}]
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as files:
        for name, content in (
            ("config.json", json.dumps(config).encode()),
            ("layer.tar", layer.getvalue()),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            files.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
