"""Starting, breaking, continuing and stopping a node, on a machine of its own: namespaces for network and mounts."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import yaml

from local import paths
from local.node import machine
from local.node.processes import Marked, end, marked
from tests.cluster.test_node_for_pods import pod

pytestmark = pytest.mark.cluster

CGROUP = "pulumi-mlops-test"
RUN = f"""
import sys
import tempfile
from local.node import machine
machine.CGROUP = {CGROUP!r}  # not that of the machine's own node
from local.node.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
LAYERED = ("/run", "/var/lib", "/var/log")
"""Directories in which containerd, kubelet and CNI leave things, whatever their settings say."""

ELSEWHERE = (
    "/run/containerd",
    "/run/netns",
    "/var/lib/kubelet",
    "/var/lib/cni",
    "/var/log/containers",
    "/var/log/pods",
)


class Machine:
    """A network and a view of the file system in which nothing else runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = directory / "pulumi-mlops" / "node"
        self._holder = subprocess.Popen(["unshare", "--net", "--mount", "sleep", "infinity"])
        while Path(f"/proc/{self._holder.pid}/comm").read_text() != "sleep\n":  # it has its namespaces by then
            time.sleep(0.01)
        self.run("ip", "link", "set", "lo", "up")
        self.run("sysctl", "--write", "net.ipv4.ip_forward=0")  # a new network takes over the machine's
        self.run("mount", "--make-rprivate", "/")
        for place in LAYERED:
            upper, work = directory / f"upper{place.replace('/', '-')}", directory / f"work{place.replace('/', '-')}"
            upper.mkdir()
            work.mkdir()
            options = f"lowerdir={place},upperdir={upper},workdir={work}"
            self.run("mount", "-t", "overlay", "-o", options, "overlay", place)
        self.run("rm", "-rf", *ELSEWHERE)  # in this view only: what another node has there

        self._inherited = self._mounts()  # those of the machine's own node, say, which come and go

    def _mounts(self) -> set[str]:
        return set(self.run("cat", "/proc/self/mounts").splitlines())

    def command(self, *command: str) -> list[str]:
        return ["nsenter", f"--target={self._holder.pid}", "--net", "--mount", *command]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "XDG_STATE_HOME": str(self.directory), "PYTHONPATH": str(paths.ROOT)}

    def run(self, *command: str, stdin: str | None = None) -> str:
        result = subprocess.run(
            self.command(*command),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            timeout=300,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def node(self, *words: str) -> subprocess.Popen[str]:
        """Runs `python -m local.node` there, in the background."""
        command = self.command(sys.executable, "-c", RUN, *words)
        output = subprocess.PIPE
        return subprocess.Popen(command, stdout=output, stderr=output, text=True, env=self.environment)

    def finish(self, *words: str) -> tuple[int, str]:
        """Runs `python -m local.node` there and returns its status and everything that it said."""
        return result_of(self.node(*words))

    def process(self, name: str) -> Marked | None:
        return next((p for p in marked(self.home) if p.leader and p.name == name), None)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        from local import tools

        program = str(tools.ensure("kubectl")["kubectl"])
        return self.run(program, "--kubeconfig", str(self.home / "admin.kubeconfig"), *arguments, stdin=stdin)

    def image(self) -> str:
        """Pushes the test image there and returns its name."""
        script = "from tests.cluster.test_node_for_pods import push; print(push('127.0.0.1:5000', 'test/busybox'))"
        return f"10.88.0.1:5000/test/busybox:{self.run(sys.executable, '-c', script).strip()}"

    def traces(self) -> dict[str, str]:
        """Everything that a node might leave behind."""
        settings = [f"/proc/sys/{name.replace('.', '/')}" for name in machine.SYSCTLS]
        cgroups = [str(place) for h in machine.hierarchies() for place in h.glob(f"{CGROUP}*")]
        files = self.run("sh", "-c", f"find /run {' '.join(ELSEWHERE)} 2>/dev/null; true")
        return {
            "addresses": self.run("ip", "-oneline", "address"),
            "routes": self.run("ip", "route"),
            "rules": self.run("nft", "list", "ruleset"),
            "mounts": "\n".join(sorted(self._mounts() - self._inherited)),
            "settings": self.run("grep", "-s", "", *settings),
            "cgroups": "\n".join(cgroups),
            "processes": "\n".join(p.command for p in marked(self.home)),
            "files": files,
        }

    def close(self) -> None:
        self.finish("stop", "--wipe")
        end([p.pid for p in marked(self.home)], 0)
        self._holder.kill()
        self._holder.wait()


def result_of(run: subprocess.Popen[str]) -> tuple[int, str]:
    output, errors = run.communicate(timeout=300)
    return run.returncode, output + errors


@pytest.fixture
def bare():
    """A machine on which no node has been started yet. Its directory has a short name, for sockets below it."""
    with tempfile.TemporaryDirectory(prefix="node-") as directory:
        made = Machine(Path(directory))
        yield made
        made.close()


def until(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("crashed", [False, True], ids=["", "after a crash"])
def test_a_stop_with_pods_running_leaves_the_machine_as_it_was(bare, crashed):
    before = bare.traces()
    status, said = bare.finish("start")
    assert status == 0, said
    image = bare.image()
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    bare.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(claim))
    stubborn = "trap '' TERM; echo x > /data/x; while :; do sleep 1; done"
    bare.kubectl("apply", "-f", "-", stdin=pod("stubborn", image, stubborn, claims=["data"]))
    bare.kubectl("wait", "pod/stubborn", "--for=condition=Ready", "--timeout=90s")

    if crashed:
        leaders = [p for p in marked(bare.home) if p.leader]
        subprocess.run(["kill", "-9", *(str(p.pid) for p in leaders)], check=True)
        until(lambda: not [p for p in marked(bare.home) if p.leader])
        assert any("containerd-shim" in p.command for p in marked(bare.home))
    status, said = bare.finish("stop")
    assert status == 0, said
    expected = ["of pods", "mounts", "bridge pmlops0 with its routes", "cgroups", "sysctl", "node/volumes"]
    for found in [*expected, "container shim" if crashed else "kube-apiserver"]:
        assert found in said
    after = bare.traces()
    assert after == before
    assert "nothing: the node was not running" in bare.finish("stop")[1]

    status, said = bare.finish("start")
    assert status == 0, said
    assert bare.kubectl("get", "pods", "--all-namespaces", "--output=name") == ""


def test_pods_reach_each_other_behind_a_filter_that_drops_what_it_does_not_know(bare):
    chain = "chain FORWARD {\n type filter hook forward priority filter; policy drop;\n}"
    bare.run("nft", "-f", "-", stdin=f"table ip filter {{\n{chain}\n}}\n")
    before = bare.traces()
    status, said = bare.finish("start")
    assert status == 0, said
    image = bare.image()
    bare.kubectl("apply", "-f", "-", stdin=pod("server", image, "while :; do echo hello | nc -l -p 8080; done"))
    bare.kubectl("expose", "pod", "server", "--name=web", "--port=80", "--target-port=8080")
    bare.kubectl("wait", "pod/server", "--for=condition=Ready", "--timeout=90s")
    ask = "until set -- $(getent hosts web) && nc -w 5 $1 80 </dev/null | grep hello; do sleep 0.2; done"
    bare.kubectl("apply", "-f", "-", stdin=pod("client", image, ask))
    bare.kubectl("wait", "pod/client", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    status, said = bare.finish("stop")
    assert status == 0, said
    assert "2 rules in the nftables chain ip filter FORWARD" in said
    assert bare.traces() == before


def test_a_start_that_was_killed_is_continued_by_the_next_one(bare):
    first = bare.node("start")
    until(lambda: bare.process("kube-apiserver") is not None)
    first.kill()  # nsenter has become the program that it was to run
    result_of(first)
    survivor = bare.process("etcd")
    assert survivor is not None
    status, said = bare.finish("start")
    assert status == 0, said
    assert "run already" in said
    assert bare.process("etcd") == survivor
    assert bare.finish("status")[0] == 0


def test_of_two_starts_at_once_one_works_and_the_other_says_why_not(bare):
    results = [result_of(run) for run in [bare.node("start"), bare.node("start")]]
    assert sorted(status for status, _ in results) == [0, 1]
    (refusal,) = [said for status, said in results if status == 1]
    assert "another start or stop is at work (pid " in refusal or "it is running already" in refusal
    assert len([p for p in marked(bare.home) if p.leader and p.name == "etcd"]) == 1


def test_a_second_node_is_refused_and_stopping_it_leaves_the_first_alone(bare):
    status, said = bare.finish("start")
    assert status == 0, said
    with tempfile.TemporaryDirectory(prefix="node-") as elsewhere:
        command = bare.command("env", f"XDG_STATE_HOME={elsewhere}", sys.executable, "-c", RUN)
        for word, expected in (("start", 1), ("stop", 0)):
            run = subprocess.run([*command, word], capture_output=True, text=True, check=False, env=bare.environment)
            assert run.returncode == expected, run.stderr
            assert word == "stop" or f"another one runs on this machine, from {bare.home}" in run.stderr
    assert bare.finish("status")[0] == 0
    assert "pmlops0" in bare.run("ip", "link")


def test_parts_that_died_are_started_again_and_the_rest_is_left_alone(bare):
    status, said = bare.finish("start")
    assert status == 0, said
    api_server = bare.process("kube-apiserver")
    victims = [bare.process(name).pid for name in ("kubelet", "containerd", "kube-proxy", "storage")]
    subprocess.run(["kill", "-9", *map(str, victims)], check=True)
    until(lambda: bare.process("kubelet") is None)
    assert bare.finish("status")[0] == 3
    status, said = bare.finish("start")
    assert status == 0, said
    assert bare.process("kube-apiserver") == api_server
    assert bare.finish("status")[0] == 0


def test_a_port_that_somebody_else_uses_is_named_before_anything_is_started(bare):
    listen = "import socket, time; s = socket.create_server(('', 80)); print('up', flush=True); time.sleep(300)"
    with subprocess.Popen(bare.command(sys.executable, "-c", listen), stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "up\n"
        status, said = bare.finish("start")
        other.kill()
    assert status == 1
    assert "port 80 of 10.88.0.1 is in use by python" in said
    assert "traefik needs it; end that program, then start again." in said
    assert marked(bare.home) == []


def test_a_network_that_somebody_else_uses_is_named_before_anything_is_started(bare):
    bare.run("ip", "link", "add", "other0", "type", "bridge")
    bare.run("ip", "address", "add", "10.88.0.7/16", "dev", "other0")
    status, said = bare.finish("start")
    assert status == 1
    assert "interface other0 has an address in 10.88.0.0/24" in said
    assert marked(bare.home) == []
