"""What the node decides and how it handles processes, keys, ports and settings; nothing here needs privileges."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509

from local import paths
from local.node import cleanup, lifecycle, machine, network, ports, runtime, storage
from local.node.api import ApiError
from local.node.machine import Sysctls
from local.node.pki import Pki
from local.node.processes import Process, end, marked, other_owner
from local.progress import StepFailed

# ---------------------------------------------------------------- processes


@pytest.fixture
def process(tmp_path):
    """Makes processes of this test's directory, and ends them."""

    def make(name: str, script: str = "", ready=lambda: True, **settings) -> Process:
        # Without a script no shell that becomes another program: meanwhile it has no environment to be known by.
        command = ("/bin/sh", "-c", script) if script else ("/bin/sleep", "60")
        return Process(name, tmp_path, command, ready, **settings)

    yield make
    end([p.pid for p in marked(tmp_path)], 0)


def test_a_process_is_found_by_any_later_program_until_it_is_stopped(process, tmp_path):
    sleeper = process("sleeper")
    sleeper.launch()
    sleeper.wait()
    pid = sleeper.pid()
    found = subprocess.run(
        [sys.executable, "-c", f"from local.node.processes import *; print(marked(Path({str(tmp_path)!r}))[0].pid)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=paths.ROOT,
    )
    assert int(found.stdout) == pid
    assert sleeper.stop()
    assert sleeper.pid() is None
    assert not sleeper.stop()


def test_a_second_launch_of_a_running_process_starts_nothing(process, tmp_path):
    sleeper = process("sleeper")
    sleeper.launch()
    sleeper.launch()
    assert len(marked(tmp_path)) == 1


def test_a_process_that_runs_for_another_directory_is_told_apart(process, tmp_path):
    process("unique-sleeper").launch()
    assert other_owner(tmp_path / "ours", "unique-sleeper") == str(tmp_path)
    assert other_owner(tmp_path, "unique-sleeper") is None
    assert other_owner(tmp_path / "ours", "another") is None


def test_the_machine_is_not_changed_while_a_node_runs_from_elsewhere(process, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(cleanup, "other_owner", lambda _directory, name: "/elsewhere" if name == "containerd" else None)
    for untouchable in ("down", "left"):
        monkeypatch.setattr(network, untouchable, None)
    for untouchable in ("pids_of_pods", "left_cgroups", "remove_cgroups"):
        monkeypatch.setattr(machine, untouchable, None)
    process("sleeper").launch()
    assert cleanup.clean(tmp_path, wipe=False) == ["1 process: sleeper"]
    assert cleanup.left(tmp_path) == []


def test_a_process_of_another_directory_is_another_process(process, tmp_path):
    sleeper = process("sleeper")
    sleeper.launch()
    other = Process("sleeper", tmp_path / "other", sleeper.command, sleeper.ready)
    assert other.pid() is None
    assert not other.stop()
    assert sleeper.pid() is not None


def test_descendants_are_found_but_are_not_the_process_itself(process, tmp_path):
    parent = process("parent", "sleep 61 & sleep 62 & wait")
    parent.launch()
    deadline = time.monotonic() + 10
    while len(marked(tmp_path)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    leaders = [p.leader for p in marked(tmp_path)]
    assert sorted(leaders) == [False, False, True]


def test_settings_and_proxies_of_the_user_do_not_reach_a_process(process, monkeypatch):
    for name in ("HTTPS_PROXY", "no_proxy", "ETCD_DATA_DIR", "REGISTRY_HTTP_ADDR", "KUBECONFIG", "TRAEFIK_LOG_LEVEL"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("LANG", "C.UTF-8")
    printer = process("printer", "env; echo done", environment={"KUBECONFIG": "ours"})
    printer.launch()
    while "done" not in printer.log.read_text():
        time.sleep(0.02)
    printed = printer.log.read_text()
    assert "theirs" not in printed
    assert "KUBECONFIG=ours" in printed
    assert "LANG=C.UTF-8" in printed


def test_a_process_that_ends_while_it_starts_is_reported_with_its_log(process):
    broken = process("broken", "echo no such flag: --speling; exit 2", ready=lambda: False)
    broken.launch()
    with pytest.raises(StepFailed, match=r"broken ended while it started(.|\n)*no such flag: --speling"):
        broken.wait()


def test_a_process_that_does_not_get_ready_is_reported_with_its_log(process):
    def refused() -> bool:
        raise ConnectionRefusedError

    slow = process("slow", "echo still trying; exec sleep 60", ready=refused, ready_seconds=0.3)
    slow.launch()
    with pytest.raises(StepFailed, match=r"slow was not ready after 0 s(.|\n)*still trying"):
        slow.wait()


def test_a_program_that_cannot_be_run_is_named(tmp_path):
    with pytest.raises(StepFailed, match="ghost: cannot run /nowhere/ghost: No such file"):
        Process("ghost", tmp_path, ("/nowhere/ghost",), lambda: True).launch()


def test_a_process_that_ignores_sigterm_is_killed(process):
    stubborn = process("stubborn", "trap '' TERM; echo set; while :; do sleep 0.05; done", stop_seconds=0.3)
    stubborn.launch()
    while "set" not in stubborn.tail():
        time.sleep(0.02)
    assert stubborn.stop()
    assert stubborn.pid() is None


def test_a_pid_that_is_gone_is_not_signalled():
    child = subprocess.Popen(["/bin/true"])
    child.wait()
    assert end([child.pid], 0) == []


# ---------------------------------------------------------------- keys


def test_keys_are_made_once_and_only_their_owner_can_read_them(tmp_path):
    first = Pki(tmp_path / "pki").identity("admin", "admin", ["system:masters"])
    contents = {file.name: file.read_bytes() for file in (tmp_path / "pki").iterdir()}
    Pki(tmp_path / "pki").identity("admin", "admin", ["system:masters"])
    assert contents == {file.name: file.read_bytes() for file in (tmp_path / "pki").iterdir()}
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "pki").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700
    certificate = x509.load_pem_x509_certificate(first.certificate.read_bytes())
    assert certificate.subject.rfc4514_string() == "CN=admin,O=system:masters"


def test_a_certificate_is_made_again_for_other_hosts(tmp_path):
    pki = Pki(tmp_path)
    before = pki.identity("api", "api", hosts=["localhost", "127.0.0.1"]).certificate.read_bytes()
    assert pki.identity("api", "api", hosts=["localhost", "127.0.0.1"]).certificate.read_bytes() == before
    assert pki.identity("api", "api", hosts=["localhost", "10.88.0.1"]).certificate.read_bytes() != before


@pytest.mark.parametrize("damaged", ["admin.crt", "admin.key", "ca.crt", "ca.key"])
def test_a_damaged_file_is_made_again_with_what_depends_on_it(tmp_path, damaged):
    Pki(tmp_path).identity("admin", "admin")
    (tmp_path / damaged).write_text("cut off")
    pki = Pki(tmp_path)
    admin = x509.load_pem_x509_certificate(pki.identity("admin", "admin").certificate.read_bytes())
    admin.verify_directly_issued_by(x509.load_pem_x509_certificate(pki.authority.certificate.read_bytes()))


# ---------------------------------------------------------------- ports


def test_ports_are_kept_for_a_directory_and_differ_from_each_other(tmp_path):
    first = ports.choose(tmp_path, ("a", "b"))
    assert ports.choose(tmp_path, ("b", "a", "c")) | first == ports.choose(tmp_path, ("a", "b", "c"))
    assert len(set(ports.choose(tmp_path, ("a", "b", "c")).values())) == 3


def test_a_port_is_waited_for_while_its_last_holder_ends():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        place = holder.getsockname()
        assert not ports.becomes_free(*place, seconds=0.1)
        threading.Timer(0.3, holder.close).start()
        assert ports.becomes_free(*place, seconds=30)


def test_a_port_that_is_in_use_is_not_chosen(tmp_path):
    free = ports.choose(tmp_path, ("a",))["a"]
    (tmp_path / "ports.json").unlink()
    with socket.create_server(("127.0.0.1", free)):
        assert ports.in_use("127.0.0.1", free)
        assert ports.choose(tmp_path, ("a",))["a"] != free


def test_who_listens_at_a_port_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert f"(pid {os.getpid()})" in ports.listener(server.getsockname()[1])


# ---------------------------------------------------------------- machine


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A directory of kernel settings in place of /proc/sys."""
    monkeypatch.setattr(machine, "_sysctl", lambda name: tmp_path / name)
    (tmp_path / "kernel.panic").write_text("0\n")
    (tmp_path / "vm.overcommit_memory").write_text("2\n")
    return tmp_path


def test_settings_are_put_back_and_what_had_changed_is_said(kernel):
    sysctls = Sysctls(kernel / "record.json")
    sysctls.remember(["kernel.panic", "vm.overcommit_memory", "no.such.setting"])
    machine.write_sysctl("kernel.panic", "10")
    assert sysctls.restore() == ["sysctl kernel.panic = 0 (was 10)"]
    assert machine.read_sysctl("kernel.panic") == "0"
    assert sysctls.restore() == []


def test_a_start_that_is_continued_does_not_take_changed_settings_for_the_old_ones(kernel):
    Sysctls(kernel / "record.json").remember(["kernel.panic"])
    machine.write_sysctl("kernel.panic", "10")
    again = Sysctls(kernel / "record.json")
    again.remember(["kernel.panic", "vm.overcommit_memory"])
    machine.write_sysctl("vm.overcommit_memory", "1")
    again.restore()
    assert (machine.read_sysctl("kernel.panic"), machine.read_sysctl("vm.overcommit_memory")) == ("0", "2")


def test_an_ordinary_user_cannot_run_containers_and_is_told_why(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert machine.can_run_containers() == "containers need root, this is user id 1000"


def test_root_without_capabilities_cannot_run_containers_and_is_told_which(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine, "_effective_capabilities", lambda: 1 << 12)
    assert machine.can_run_containers() == (
        "containers need the capabilities CAP_SYS_ADMIN, CAP_MKNOD, which this process does not have"
    )


def unified(directory: Path, controllers: str) -> Path:
    (directory / "cgroup.controllers").write_text(controllers)
    (directory / "cgroup.subtree_control").write_text("")
    (directory / "cgroup.procs").write_text("")
    return directory


def test_a_unified_hierarchy_without_a_controller_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "CGROUPS", unified(tmp_path, "cpu pids"))
    assert machine.version() == 2
    assert machine._cgroups_unusable() == f"{tmp_path} has no cgroup controller memory"


def test_a_hierarchy_per_controller_is_recognized(tmp_path, monkeypatch):
    for controller in ("cpu", "memory", "pids"):
        (tmp_path / controller).mkdir()
        for file in ("tasks", "cgroup.procs"):
            (tmp_path / controller / file).write_text("")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path)
    assert machine.version() == 1
    assert machine._cgroups_unusable() is None
    machine.prepare_cgroups()
    assert machine.left_cgroups() == [tmp_path / c / machine.CGROUP for c in ("cpu", "memory", "pids")]
    assert machine.remove_cgroups() == 3
    assert machine.left_cgroups() == []


# ---------------------------------------------------------------- network


def addresses(monkeypatch, *, address=(), route=()):
    answers = {"address": list(address), "route": list(route)}
    monkeypatch.setattr(network, "_ip", lambda *words: answers[words[1]])


def test_an_interface_in_the_nodes_subnet_is_a_conflict(monkeypatch):
    docker = {"ifname": "docker0", "addr_info": [{"local": "10.88.0.1", "prefixlen": 16}]}
    addresses(monkeypatch, address=[docker])
    assert network.conflict() == "interface docker0 has an address in 10.88.0.0/24, which the node needs for itself"


def test_a_route_that_covers_the_service_subnet_is_a_conflict(monkeypatch):
    addresses(monkeypatch, route=[{"dst": "10.0.0.0/8", "dev": "tun0"}])
    assert network.conflict() == "there is a route to 10.0.0.0/8 by tun0, which overlaps 10.88.0.0/24 of the node"


def test_the_nodes_own_bridge_and_other_networks_are_no_conflict(monkeypatch):
    bridge = {"ifname": network.BRIDGE, "addr_info": [{"local": network.ADDRESS, "prefixlen": 24}]}
    routes = [{"dst": "default", "dev": "eth0"}, {"dst": network.POD_SUBNET, "dev": network.BRIDGE}]
    addresses(monkeypatch, address=[bridge], route=[*routes, {"dst": "10.87.0.0/24", "dev": "eth0"}])
    assert network.conflict() is None


# ---------------------------------------------------------------- storage


def claim(**changes):
    spec = {
        "storageClassName": "shared",
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Gi"}},
        "volumeMode": "Filesystem",
    }
    metadata = {"name": "models", "namespace": "team", "uid": "u-1", "resourceVersion": "7"}
    return {"metadata": metadata, "spec": {**spec, **changes}}


class FakeApi:
    """Records requests; answers with the error it is given."""

    def __init__(self, error=None):
        self.requests = []
        self.error = error

    def request(self, method, path, body=None):
        self.requests.append((method, path))
        if self.error:
            raise self.error
        return {}


def test_a_claim_gets_a_directory_that_every_user_can_write(tmp_path):
    api = FakeApi()
    old = os.umask(0o077)
    try:
        storage.Provisioner(api, tmp_path).provision(claim())
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "pvc-u-1").stat().st_mode) == 0o777
    assert api.requests == [("POST", storage.VOLUMES)]
    volume = storage.volume_for(claim(), tmp_path)
    assert volume["spec"]["accessModes"] == ["ReadWriteMany"]
    assert volume["spec"]["claimRef"]["uid"] == "u-1"


@pytest.mark.parametrize(
    "other",
    [
        claim(volumeName="pvc-u-1"),
        claim(storageClassName="efs"),
        claim(volumeMode="Block"),
        claim(selector={"matchLabels": {"a": "b"}}),
    ],
    ids=["bound", "another class", "block", "selector"],
)
def test_a_claim_that_waits_for_nothing_of_ours_gets_nothing(tmp_path, other):
    api = FakeApi()
    storage.Provisioner(api, tmp_path).provision(other)
    assert api.requests == []


def test_a_claim_that_is_seen_twice_gets_one_volume(tmp_path):
    storage.Provisioner(FakeApi(ApiError(409, "already exists")), tmp_path).provision(claim())
    with pytest.raises(ApiError):
        storage.Provisioner(FakeApi(ApiError(403, "forbidden")), tmp_path).provision(claim())


def volume(phase: str, provisioner: str = storage.PROVISIONER):
    annotations = {"pv.kubernetes.io/provisioned-by": provisioner}
    metadata = {"name": "pvc-u-1", "annotations": annotations}
    return {"metadata": metadata, "spec": {"persistentVolumeReclaimPolicy": "Delete"}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("seen", "removed"),
    [(volume("Released"), True), (volume("Bound"), False), (volume("Released", "efs.csi.aws.com"), False)],
    ids=["released", "bound", "another's"],
)
def test_data_goes_with_a_claim_and_never_before(tmp_path, seen, removed):
    data = tmp_path / "pvc-u-1" / "model"
    data.parent.mkdir()
    data.write_text("weights")
    api = FakeApi()
    storage.Provisioner(api, tmp_path).release(seen)
    assert data.exists() != removed
    assert bool(api.requests) == removed


# ---------------------------------------------------------------- lifecycle


@pytest.fixture
def state(tmp_path, monkeypatch):
    """An empty state directory."""
    monkeypatch.setattr(paths, "STATE", tmp_path / "state")
    return tmp_path / "state"


def test_a_machine_that_cannot_run_containers_is_left_alone(state, monkeypatch):
    monkeypatch.setattr(machine, "can_run_containers", lambda: "containers need root, this is user id 1000")
    with pytest.raises(StepFailed, match=r"Node: containers need root, this is user id 1000\."):
        lifecycle.start()
    assert not state.exists()


def test_an_ordinary_user_who_stops_what_never_ran_is_told_so(state):
    if os.getuid() == 0:
        # May read what root has in its home directory (the interpreter), and do nothing else.
        only = ["--bounding-set=-all,+dac_read_search", "--inh-caps=-all,+dac_read_search"]
        prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *only]
        prefix += ["--ambient-caps=-all,+dac_read_search"]
    else:
        prefix = []
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o777)
        run = subprocess.run(
            [*prefix, sys.executable, "-m", "local.node", "stop"],
            cwd=paths.ROOT,
            env={**os.environ, "XDG_STATE_HOME": home, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    assert run.stderr.endswith("nothing: the node was not running\n")


def test_a_directory_that_is_too_deep_for_sockets_is_refused(state, monkeypatch):
    monkeypatch.setattr(machine, "can_run_containers", lambda: None)
    monkeypatch.setattr(paths, "STATE", state / ("x" * 100))
    with pytest.raises(StepFailed, match=r"too long for sockets below it; set XDG_STATE_HOME to a shorter one\."):
        lifecycle.start()
    assert not state.exists()


def test_two_starts_at_once_are_one_start_and_a_clear_refusal(state):
    with lifecycle._alone():
        script = "from local.node import stop; stop()"
        environment = {**os.environ, "XDG_STATE_HOME": str(state.parent)}
        (state.parent / "pulumi-mlops").symlink_to(state)
        other = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, cwd=paths.ROOT, env=environment, check=False
        )
    assert other.returncode == 1
    assert f"another start or stop is at work (pid {os.getpid()})" in other.stderr


def test_the_lock_of_a_killed_start_holds_nobody_up(state):
    script = (
        "import time; from local.node.lifecycle import _alone\nwith _alone(): print('held', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "XDG_STATE_HOME": str(state.parent)}
    state.mkdir()
    (state.parent / "pulumi-mlops").symlink_to(state)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=paths.ROOT, env=environment
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGKILL)
    with lifecycle._alone():
        pass


def test_nothing_runs_where_nothing_was_started(state):
    assert lifecycle.status() == []
    assert not state.exists()


def test_a_stop_keeps_what_makes_the_next_start_fast_and_a_wipe_does_not(tmp_path):
    for kept in ("pki/ca.key", "containerd/root/blob", "ports.json"):
        (tmp_path / kept).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / kept).write_text("x")
    for gone in ("etcd/member", "volumes/pvc-1/data", "kubelet/pods/x", "containerd/state/x"):
        (tmp_path / gone).mkdir(parents=True)
    found = cleanup._remove_files(tmp_path, wipe=False)
    assert found == [f"data in {tmp_path}/etcd", f"data in {tmp_path}/volumes"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["containerd", "pki", "ports.json"]
    assert cleanup._remove_files(tmp_path, wipe=True) == [f"the directory {tmp_path}"]
    assert not tmp_path.exists()


def test_only_the_socket_of_a_program_that_is_gone_is_removed(tmp_path):
    place = tmp_path / "kubelet.sock"
    assert not cleanup._dead(place)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen()
        assert not cleanup._dead(place)
    assert cleanup._dead(place)


def test_the_pause_image_is_a_whole_image(tmp_path):
    import io
    import tarfile

    binary = tmp_path / "pause"
    binary.write_bytes(b"\x7fELF")
    with tarfile.open(fileobj=io.BytesIO(runtime._pause_archive(binary))) as archive:
        (entry,) = json.load(archive.extractfile("manifest.json"))
        assert entry["RepoTags"] == [runtime.PAUSE_IMAGE]
        assert set(archive.getnames()) == {"config.json", "layer.tar", "manifest.json"}
