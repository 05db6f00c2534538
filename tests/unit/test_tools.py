"""Building tools with a `go` of the test's own, installing Debian packages with an `apt-get` of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pulumi_mlops import versions

from local import paths
from local.progress import StepFailed
from local.tools import apt, build, ensure
from local.tools.catalogue import BINARIES, TOOLS, Probe

GO_THAT_WORKS = """
echo "$@" >> "$GO_CALLS"
while [ "$1" != -o ]; do shift; done
target=$2; shift 2
for package in "$@"; do
    case "$target" in */) binary=$target${package##*/};; *) binary=$target;; esac
    printf '#!/bin/sh\\n' > "$binary"; chmod 755 "$binary"
done
"""


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Puts shell scripts on an otherwise empty PATH; the cache is empty too."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("GO_CALLS", str(tmp_path / "calls"))
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    for name in ("cat", "chmod", "sleep"):
        (directory / name).symlink_to(f"/bin/{name}")

    def add(name: str, script: str) -> Path:
        program = directory / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return program

    return add


def calls(tmp_path: Path) -> list[str]:
    file = tmp_path / "calls"
    return file.read_text().splitlines() if file.exists() else []


def test_the_versions_of_the_modules_are_those_that_the_library_names():
    assert BINARIES["kubelet"].version == versions.KUBERNETES
    assert BINARIES["argoexec"].version == versions.ARGO_WORKFLOWS
    assert BINARIES["crossplane"].version == versions.CROSSPLANE
    assert BINARIES["function-auto-ready"].version == versions.CROSSPLANE_AUTO_READY
    # The newest that Go's module proxy serves; the other functions are images.
    assert (
        BINARIES["function-patch-and-transform"].version.split(".")[:2]
        == (versions.CROSSPLANE_PATCH_AND_TRANSFORM.split(".")[:2])
    )


def test_every_tool_has_its_module_with_checksums():
    for tool in TOOLS:
        assert (tool.directory / "go.mod").exists()
        assert (tool.directory / "go.sum").exists() or tool.module is None
        assert tool.version


def test_a_tool_is_built_once_and_then_found(programs, tmp_path):
    programs("go", GO_THAT_WORKS)
    first = ensure("etcd", "pause")
    second = ensure("etcd", "pause")
    assert first == second
    assert all(os.access(place, os.X_OK) for place in first.values())
    assert len(calls(tmp_path)) == 2


def test_the_binaries_of_one_tool_are_one_build_and_only_the_missing_ones_are_built(programs, tmp_path):
    programs("go", GO_THAT_WORKS)
    ensure("kubectl")
    places = ensure("kubelet", "kubectl", "kube-proxy")
    assert [place.name for place in places.values()] == ["kubelet", "kubectl", "kube-proxy"]
    first, second = calls(tmp_path)
    assert first.endswith("kubectl k8s.io/kubernetes/cmd/kubectl")
    assert second.endswith(".unfinished/ k8s.io/kubernetes/cmd/kubelet k8s.io/kubernetes/cmd/kube-proxy")


def test_every_binary_of_a_tool_with_several_is_named_like_its_package():
    for tool in TOOLS:
        for name, binary in tool.binaries.items():
            assert len(tool.binaries) == 1 or binary.package.endswith(f"/{name}")


def test_an_unknown_tool_is_refused_before_anything_is_built(programs, tmp_path):
    programs("go", GO_THAT_WORKS)
    with pytest.raises(StepFailed, match=r"No such tool: kubctl; there are .*kubectl"):
        ensure("etcd", "kubctl")
    assert calls(tmp_path) == []


def test_without_go_the_error_says_what_to_install(programs):
    with pytest.raises(StepFailed, match=r"Tool etcd: go is not on PATH; install Go 1\.\d+ or later"):
        ensure("etcd")


def test_a_failed_build_publishes_nothing_and_quotes_go(programs):
    programs("go", 'echo "go: downloading x"; echo "verifying y: checksum mismatch"; exit 1')
    with pytest.raises(StepFailed) as failure:
        ensure("helm")
    message = str(failure.value)
    assert "Tool helm" in message
    assert "run `python -m local.tools helm` again" in message
    assert "verifying y: checksum mismatch" in message
    assert "downloading" not in message
    assert str(paths.CACHE / "tools" / "logs" / "helm.log") in message
    assert build.cached("helm") is None


def test_what_a_killed_build_left_is_not_taken_for_a_binary(programs, tmp_path):
    programs("go", GO_THAT_WORKS)
    unfinished = build.directory(BINARIES["helm"]) / "bin" / ".unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "helm").write_text("half")
    assert ensure("helm")["helm"].read_text() == "#!/bin/sh\n"
    assert not unfinished.exists()
    assert len(calls(tmp_path)) == 1


def test_two_builds_run_side_by_side_and_no_third(programs, tmp_path):
    running = tmp_path / "running"
    running.mkdir()
    programs("ls", 'exec /bin/ls "$@"')
    programs("rm", 'exec /bin/rm "$@"')
    counting = f"echo x > {running}/$$; sleep 0.4; ls {running} | /usr/bin/wc -l >> {tmp_path}/counts; rm {running}/$$"
    programs("go", counting + GO_THAT_WORKS)
    ensure("etcd", "helm", "pause", "coredns", "pulumi")
    counts = {int(line) for line in (tmp_path / "counts").read_text().split()}
    assert max(counts) == 2


def test_two_runs_at_once_build_a_tool_once(programs, tmp_path):
    programs("go", "sleep 1" + GO_THAT_WORKS)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "shared"), "PYTHONPATH": str(paths.ROOT)}
    command = [sys.executable, "-m", "local.tools", "etcd"]
    runs = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert outputs[0][0] == outputs[1][0]
    assert len(calls(tmp_path)) == 1


def test_checksums_are_verified_and_go_mod_is_left_alone(programs, tmp_path, monkeypatch):
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    programs("go", 'echo "flags=$GOFLAGS sum=${GOSUMDB-unset} cgo=$CGO_ENABLED" >> "$GO_CALLS"' + GO_THAT_WORKS)
    monkeypatch.delenv("GOSUMDB", raising=False)
    ensure("pause")
    settings, command = calls(tmp_path)
    assert settings == "flags= sum=unset cgo=0"
    assert "-mod=readonly" in command


def test_a_good_version_on_path_is_used_instead_of_a_build(programs, tmp_path):
    kubectl = programs("kubectl", f'echo "Client Version: v{versions.KUBERNETES}"')
    assert ensure("kubectl") == {"kubectl": kubectl}
    assert calls(tmp_path) == []


@pytest.mark.parametrize(
    "script",
    ['echo "Client Version: v1.20.4"', f'echo "Client Version: v{versions.KUBERNETES}-alpha.1"', "exit 1", "echo none"],
    ids=["too old", "not a release", "fails", "says no version"],
)
def test_another_version_on_path_is_not_used(programs, script):
    programs("kubectl", script)
    programs("go", GO_THAT_WORKS)
    assert paths.CACHE in ensure("kubectl")["kubectl"].parents


def test_binaries_that_go_into_images_are_never_taken_from_path(programs):
    programs("argoexec", f'echo "argoexec: v{versions.ARGO_WORKFLOWS}"')
    assert build.on_path("argoexec") is None


@pytest.mark.parametrize(
    ("printed", "accepted"),
    [("v1.36.0", True), ("Kubernetes v1.36.9", True), ("v1.37.0", False), ("v1.35.9", False), ("v1.36.3-rc.0", False)],
)
def test_a_probe_takes_the_versions_of_its_range(printed, accepted):
    assert (Probe((), (1, 36), (1, 37)).accepts(printed) is not None) == accepted


def test_a_changed_module_is_another_cache_entry(tmp_path, monkeypatch):
    from local.tools import catalogue

    monkeypatch.setattr(catalogue, "MODULES", tmp_path)
    tool = next(tool for tool in TOOLS if tool.name == "pause")
    module = tmp_path / "pause"
    module.mkdir()
    (module / "go.mod").write_text("module x\n")
    before = build.directory(tool)
    (module / "main.go").write_text("package main\n")
    assert build.directory(tool) != before


def test_installed_packages_need_no_apt(programs):
    programs("dpkg-query", "printf 'runc\\tinstalled\\n'")
    apt.ensure("runc")


def test_a_removed_package_with_configuration_left_counts_as_missing(programs):
    programs("dpkg-query", "printf 'runc\\tconfig-files\\ncontainerd\\tinstalled\\n'; exit 1")
    assert apt.missing("runc", "containerd", "nftables") == ["runc", "nftables"]


def test_an_ordinary_user_is_told_what_root_must_install(programs, monkeypatch):
    programs("dpkg-query", "exit 1")
    programs("apt-get", "exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StepFailed, match="only root can install them; run `apt-get install runc` as root"):
        apt.ensure("runc")


def test_a_machine_without_apt_is_told_which_programs_it_needs(programs):
    with pytest.raises(StepFailed, match="there is no apt-get to install runc"):
        apt.ensure("runc")


def test_services_of_a_package_are_not_started_and_the_policy_goes_afterwards(programs, tmp_path, monkeypatch):
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(apt, "POLICY", policy)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    programs("dpkg-query", "exit 1")
    programs("apt-cache", "exit 0")
    programs("apt-get", f'cat {policy} >> "$GO_CALLS"; echo "$@" >> "$GO_CALLS"')
    apt.ensure("docker-registry")
    assert "exit 101" in calls(tmp_path)
    assert "--no-install-recommends" in calls(tmp_path)[-1]
    assert not policy.exists()


def test_the_administrators_own_policy_stays(programs, tmp_path, monkeypatch):
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    monkeypatch.setattr(apt, "POLICY", policy)
    with apt._services_stay_down():
        pass
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_lists_are_updated_once_when_apt_cannot_install_and_the_error_quotes_apt(programs, tmp_path, monkeypatch):
    monkeypatch.setattr(apt, "POLICY", tmp_path / "policy-rc.d")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    programs("dpkg-query", "exit 1")
    programs("apt-cache", "exit 0")
    programs("apt-get", 'echo "$@" >> "$GO_CALLS"; case "$*" in *install*) echo "E: no such file"; exit 100;; esac')
    with pytest.raises(StepFailed, match="E: no such file"):
        apt.ensure("runc")
    assert [("update" in call, "install" in call) for call in calls(tmp_path)] == [
        (False, True),
        (True, False),
        (False, True),
    ]
    assert not (tmp_path / "policy-rc.d").exists()


def test_the_callers_own_setting_of_go_goes_before_ours(programs, monkeypatch):
    programs("go", f'echo "$GOGC $GOMEMLIMIT" > "$GO_CALLS.collector"\n{GO_THAT_WORKS}')
    monkeypatch.setenv("GOMEMLIMIT", "512MiB")
    monkeypatch.delenv("GOGC", raising=False)

    ensure("etcd")

    assert Path(f"{os.environ['GO_CALLS']}.collector").read_text() == "off 512MiB\n"
