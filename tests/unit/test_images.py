"""What images are made of and when they are built: with a registry of the test's own and no build tool.

That the builds themselves work is proven by the cluster tier, which runs the images.
"""

import dataclasses
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pulumi_mlops import versions

from local import images, tools
from local.images import base, buildah, catalogue, digests, package_settings, provide, registry
from local.images.catalogue import ALL, BASE, DELIVERY, Image
from local.images.commands import run
from local.paths import ROOT
from local.progress import StepFailed
from local.tools import apt

DOCKERFILES = sorted([ROOT / "ml" / "Dockerfile", *(ROOT / "local" / "images").glob("*/Dockerfile")])


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A Debian whose cache is empty and whose programs are built."""
    monkeypatch.setattr(base, "release", lambda: "trixie")
    monkeypatch.setattr(digests, "REMEMBERED", tmp_path / "digests.json")
    monkeypatch.setattr(provide, "DIRECTORY", tmp_path)
    certificates = tmp_path / "certificates.crt"
    certificates.write_text("certificates")
    monkeypatch.setattr(base, "CERTIFICATES", certificates)

    def ensure(*names):
        for name in names:
            (tmp_path / name).write_text(f"program {name}")
        return {name: tmp_path / name for name in names}

    monkeypatch.setattr(tools, "ensure", ensure)
    module = tmp_path / "module"
    for file in (
        "templates/home.tmpl",
        "examples/buildctl-daemonless/buildctl-daemonless.sh",
        "hack/git-verify-wrapper.sh",
    ):
        (module / file).parent.mkdir(parents=True)
        (module / file).write_text("upstream's")
    monkeypatch.setattr(tools, "source_of", lambda binary: module)
    return tmp_path


@pytest.fixture
def served(monkeypatch):
    """A registry on loopback: its address, and what it has as {(repository, tag): digest}."""
    content: dict[tuple[str, str], str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            repository, tag = re.fullmatch("/v2/(.+)/manifests/(.+)", self.path).groups()
            digest = content.get((repository, tag))
            if content.get("broken"):
                self.send_response(500)
            else:
                self.send_response(200 if digest else 404)
            self.send_header("Docker-Content-Digest", digest or "")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", content
    server.shutdown()
    server.server_close()


@pytest.fixture
def worked(served, monkeypatch):
    """What was built and pushed, in order; pushes reach the registry, builds stay stored."""
    _, content = served
    stored: set[str] = set()
    done: list[tuple[str, str]] = []

    def build(image, context):
        assert image.base is None or image.base.key in stored, f"{image.name} was built before its base"
        found = {str(file.relative_to(context)) for file in context.rglob("*") if file.is_file()}
        archives = {"rootfs.tar"} if image.name == BASE else {"packages.tar"} if image.packages else set()
        assert found == set(image.files) | archives
        stored.add(image.key)
        done.append(("build", image.name))

    def push(image, address):
        for tag in image.tags:
            content[image.repository, tag] = f"sha256:{image.key}"
        done.append(("push", image.name))

    monkeypatch.setattr(buildah, "build", build)
    monkeypatch.setattr(buildah, "push", push)
    monkeypatch.setattr(buildah, "stored", lambda image: image.key in stored)
    monkeypatch.setattr(buildah, "clean_up", lambda: None)
    monkeypatch.setattr(base, "make", lambda archive, scratch: archive.write_text("root"))
    monkeypatch.setattr(base, "make_addition", lambda wanted, archive, scratch: archive.write_text(" ".join(wanted)))
    monkeypatch.setattr(apt, "ensure", lambda *packages: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return done


def an_image(directory: Path, **changes) -> Image:
    (directory / "Dockerfile").write_text("FROM scratch")
    (directory / "a.py").write_text("a = 1")
    image = Image("one", "team/one", directory / "Dockerfile", {"a.py": directory / "a.py"}, "1")
    return dataclasses.replace(image, **changes)


def test_images_of_the_database_api_are_made_only_when_they_are_asked_for():
    assert not set(catalogue.OF_DATABASES) & {*ALL, *catalogue.WITHOUT_TOOLS}


def test_the_postgres_image_is_of_this_release_and_says_its_major_version_first(served, worked, monkeypatch):
    monkeypatch.setattr(base, "release", lambda: "trixie")
    (image,) = catalogue.load(["postgresql"])

    assert image.packages == ("postgresql-17", "barman-cli-cloud")
    assert re.fullmatch("17-[0-9a-f]{12}", image.tags[0])
    assert dataclasses.replace(image, packages=("postgresql-17",)).key != image.key

    monkeypatch.setattr(base, "release", lambda: "sid")
    with pytest.raises(StepFailed, match="the Postgres of sid is not known; run on one of bookworm, trixie, noble"):
        catalogue.load(["postgresql"])


def test_references_are_those_that_the_stacks_use(served, worked):
    address, _ = served

    references = images.build(address, "10.0.0.1:5000")

    assert list(references) == list(ALL)
    assert references["mlflow"] == f"10.0.0.1:5000/mlflow/mlflow:v{versions.MLFLOW}-full"
    assert references["seaweedfs"] == f"10.0.0.1:5000/chrislusf/seaweedfs:{versions.SEAWEEDFS}"
    assert references["argoexec"] == f"10.0.0.1:5000/argoproj/argoexec:v{versions.ARGO_WORKFLOWS}"
    controller = f"10.0.0.1:5000/argoproj/workflow-controller:v{versions.ARGO_WORKFLOWS}"
    assert references["workflow-controller"] == controller
    for name in ("ml-pipeline", "ml-server"):
        assert re.fullmatch(f"10.0.0.1:5000/pulumi-mlops/{name}:{versions.ML}-[0-9a-f]{{12}}", references[name])


def test_a_second_run_builds_and_pushes_nothing(served, worked):
    images.build(served[0], served[0])
    worked.clear()

    images.build(served[0], served[0])

    assert worked == []


def test_a_wiped_registry_is_refilled_without_a_build(served, worked):
    address, content = served
    images.build(address, address)
    worked.clear()
    content.clear()

    images.build(address, address)

    assert sorted(worked) == sorted(("push", name) for name in ALL)


def test_an_image_that_was_asked_for_alone_gets_its_base_first(served, worked):
    images.build(served[0], served[0], ["mlflow"])

    assert worked == [("build", "python"), ("build", "mlflow"), ("push", "mlflow")]


def test_images_can_be_built_before_there_is_a_registry(served, worked, monkeypatch):
    images.prepare()
    prepared, worked[:] = list(worked), []
    images.build(served[0], served[0])

    assert sorted(prepared) == sorted(("build", name) for name in ALL if name not in catalogue.FROM_TOOLS)
    assert sorted(name for what, name in worked if what == "build") == sorted(catalogue.FROM_TOOLS)


def test_the_images_of_the_delivery_are_built_for_those_who_ask_for_them(served, worked):
    address, _ = served
    images.build(address, address)
    worked.clear()

    references = images.build(address, address, DELIVERY)

    assert sorted(worked) == sorted((what, name) for what in ("build", "push") for name in DELIVERY)
    gitea = rf"{address}/pulumi-mlops/gitea:v{tools.version_of('gitea')}-[0-9a-f]{{12}}"
    assert re.fullmatch(gitea, references["gitea"])


def test_a_mirrored_part_is_built_again_when_its_content_changed_under_the_same_tag(served, worked, machine):
    address, content = served
    images.build(address, address, ["seaweedfs"])
    worked.clear()
    key = catalogue.load(["seaweedfs"])[0].key
    assert content["chrislusf/seaweedfs", versions.SEAWEEDFS] == content["chrislusf/seaweedfs", f"key-{key}"]

    base.CERTIFICATES.write_text("other certificates")
    images.build(address, address, ["seaweedfs"])

    assert worked == [("build", "python"), ("build", "seaweedfs"), ("push", "seaweedfs")]


def test_a_tag_that_somebody_else_pushed_over_is_not_taken_for_ours(served, worked):
    address, content = served
    images.build(address, address, ["argoexec"])
    worked.clear()
    content["argoproj/argoexec", f"v{versions.ARGO_WORKFLOWS}"] = "sha256:other"

    images.build(address, address, ["argoexec"])

    assert worked == [("push", "argoexec")]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: (d / "a.py").write_text("a = 2"),
        lambda d: (d / "a.py").chmod(0o755),
        lambda d: (d / "Dockerfile").write_text("FROM scratch\nUSER 1"),
    ],
    ids=["content", "mode", "recipe"],
)
def test_the_key_follows_every_input(tmp_path, change):
    image = an_image(tmp_path)
    before = image.key

    change(tmp_path)

    assert dataclasses.replace(image).key != before


def test_the_key_follows_target_file_names_and_base(tmp_path):
    image = an_image(tmp_path)
    others = [
        dataclasses.replace(image, target="server"),
        dataclasses.replace(image, files={"b.py": tmp_path / "a.py"}),
        dataclasses.replace(image, base=image),
        dataclasses.replace(image, packages=("git",)),
    ]

    assert len({image.key, *(other.key for other in others)}) == 5


def test_the_key_of_an_image_does_not_depend_on_names_or_times(tmp_path):
    image = an_image(tmp_path)
    os.utime(tmp_path / "a.py", (1, 1))

    assert dataclasses.replace(image, repository="other/place").key == image.key


def test_the_base_follows_release_packages_and_certificates(monkeypatch):
    keys = {base.key()}
    monkeypatch.setattr(base, "PACKAGES", (*base.PACKAGES, "git"))
    keys.add(base.key())
    base.CERTIFICATES.write_text("other certificates")
    keys.add(base.key())
    monkeypatch.setattr(base, "release", lambda: "forky")
    keys.add(base.key())

    assert len(keys) == 4


def test_a_large_file_is_read_once_until_it_changes(tmp_path, monkeypatch):
    file = tmp_path / "program"
    file.write_bytes(b"a" * digests.SMALL_BYTES)
    first = digests.of(file)
    monkeypatch.setattr(digests.hashlib, "file_digest", lambda *_: pytest.fail("read again"))
    assert digests.of(file) == first
    monkeypatch.undo()
    monkeypatch.setattr(digests, "REMEMBERED", tmp_path / "digests.json")

    file.write_bytes(b"b" * (digests.SMALL_BYTES + 1))

    assert digests.of(file) != first


def test_sources_that_change_while_they_are_read_are_refused(served, worked, tmp_path, monkeypatch):
    image = an_image(tmp_path)
    image.key  # noqa: B018 - computed before the change
    (tmp_path / "a.py").write_text("a = 2")
    monkeypatch.setattr(catalogue, "load", lambda names: [image])

    with pytest.raises(StepFailed, match="Image one: its files were changed while they were read; run `make up` again"):
        images.build(served[0], served[0], ["one"])


def test_an_unknown_image_is_refused_with_the_names_that_there_are(served):
    with pytest.raises(StepFailed, match="there is no image nginx; there are pause, python, ml-pipeline"):
        images.build(served[0], served[0], ["nginx"])


def test_an_ordinary_user_is_told_what_only_root_can_do(served, worked, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(StepFailed, match="only root can build and push python, mlflow; run the same command as root"):
        images.build(served[0], served[0], ["python", "mlflow"])
    assert worked == []


def test_an_ordinary_user_may_use_what_the_registry_has(served, worked, monkeypatch):
    images.build(served[0], served[0], ["mlflow"])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert list(images.build(served[0], served[0], ["mlflow"])) == ["mlflow"]


def test_a_registry_that_does_not_answer_is_named_with_the_next_step(worked):
    with pytest.raises(StepFailed, match=r"no registry answers at 127\.0\.0\.1:1 .*python -m local.node start"):
        images.build("127.0.0.1:1", "127.0.0.1:1", ["python"])


def test_a_registry_that_fails_is_not_taken_for_an_empty_one(served, worked):
    address, content = served
    content["broken"] = True

    with pytest.raises(StepFailed, match=f"the registry at {address} answers 500"):
        images.build(address, address, ["python"])


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("127.0.0.1:5000", True),
        ("localhost:5000", True),
        ("localhost/team", True),
        ("[::1]:5000", True),
        ("registry.example.org", False),
        ("registry.example.org:5000/team", False),
        ("10.0.0.1:5000", False),
    ],
)
def test_only_a_registry_on_loopback_is_spoken_to_without_tls(address, plain):
    assert registry.is_plain(address) is plain


def test_a_registry_may_have_a_path(served):
    address, content = served
    content["team/a/one", "1"] = "sha256:1"

    assert registry.has(f"{address}/team", "a/one", ["1"])
    assert not registry.has(f"{address}/other", "a/one", ["1"])


def test_a_failed_command_gives_the_end_of_its_output_the_log_and_what_to_run(tmp_path):
    log = tmp_path / "log"
    script = "import sys; print('\\n'.join(str(n) for n in range(100))); sys.exit(3)"

    with pytest.raises(StepFailed) as failure:
        run("Image one", [sys.executable, "-c", script], log=log)

    message = str(failure.value)
    assert message.startswith("Image one: `")
    assert "ended with status 3" in message
    assert str(log) in message
    assert "`python -m local.images`" in message
    assert message.endswith("\n98\n99")
    assert "\n80\n" not in message


def test_a_missing_program_is_named(tmp_path):
    with pytest.raises(StepFailed, match="Image one: no-such-program is not installed"):
        run("Image one", ["no-such-program"], log=tmp_path / "log")


def test_a_release_with_an_old_python_is_refused(tmp_path):
    (tmp_path / "usr/lib/python3.9").mkdir(parents=True)

    with pytest.raises(StepFailed, match=r"trixie has Python 3\.9, at least 3\.11 is needed; run on Debian 12"):
        base._require_python(tmp_path)


def test_a_release_with_a_newer_python_is_fine(tmp_path):
    (tmp_path / "usr/lib/python3.13").mkdir(parents=True)

    base._require_python(tmp_path)


LISTED = """\
:env:.default-timeout='180'
:env:.index-url='https://user:secret@mirror.example.org/simple'
global.cert='/etc/hostname'
global.index-url='https://other.example.org/simple'
global.cache-dir='/var/cache/pip'
install.find-links='/etc\\nhttps://wheels.example.org'
"""


def test_the_environment_wins_over_files_as_in_pip():
    settings = package_settings.parse(LISTED)

    assert settings == {
        "global": {
            "cert": "/etc/hostname",
            "index-url": "https://user:secret@mirror.example.org/simple",
            "default-timeout": "180",
        },
        "install": {"find-links": "/etc\nhttps://wheels.example.org"},
    }


def test_pip_reads_the_settings_that_it_listed(tmp_path):
    file = tmp_path / "pip.conf"
    file.write_text(package_settings.pip_conf(package_settings.parse(LISTED)))
    command = [sys.executable, "-m", "pip", "config", "list"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}

    listed = subprocess.run(
        command, env={**clean, "PIP_CONFIG_FILE": str(file)}, capture_output=True, text=True, check=True
    ).stdout

    assert "global.default-timeout='180'" in listed
    assert "global.index-url='https://user:secret@mirror.example.org/simple'" in listed
    assert "install.find-links='/run/build/0-etc\\nhttps://wheels.example.org'" in listed
    assert "global.cert='/run/build/1-hostname'" in listed


def test_uv_gets_settings_of_the_same_meaning():
    import tomllib

    settings = tomllib.loads(package_settings.uv_toml(package_settings.parse(LISTED)))

    assert settings["index-url"] == "https://user:secret@mirror.example.org/simple"
    assert settings["find-links"] == ["/run/build/0-etc", "https://wheels.example.org"]
    assert "extra-index-url" not in settings


def test_files_that_the_settings_name_are_lent_to_the_build_if_they_exist():
    settings = package_settings.parse(LISTED)
    settings["install"]["find-links"] += "\n/no/such/directory"

    assert package_settings.paths(settings) == {
        Path("/etc"): Path("/run/build/0-etc"),
        Path("/etc/hostname"): Path("/run/build/1-hostname"),
    }


def test_lent_settings_are_in_one_place_and_gone_after_the_build():
    with package_settings.for_build() as volumes:
        outer, *inner = [Path(volume.split(":")[1]) for volume in volumes]
        directory = Path(volumes[0].split(":")[0])
        assert outer == package_settings.LENT
        assert all(place.parent == outer and (directory / place.name).exists() for place in inner)
        assert directory.stat().st_mode & 0o077 == 0
        assert {"pip.conf", "uv.toml"} <= {file.name for file in directory.iterdir()}

    assert not directory.exists()


def test_every_image_has_a_recipe_and_every_file_that_it_copies(machine):
    for image in catalogue.load((*ALL, *DELIVERY)):
        text = image.dockerfile.read_text()
        assert ("ADD packages.tar /\n" in text) == bool(image.packages), image.name
        assert all(file.is_file() for file in image.files.values()), image.name
        assert image.target is None or f" AS {image.target}\n" in text


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_recipe_names_an_address_or_uses_a_mount(dockerfile):
    text = dockerfile.read_text()

    assert re.search(r"\w+://", text) is None
    assert "--mount" not in text  # see local/images/buildah.py


@pytest.mark.parametrize("dockerfile", [ROOT / "ml/Dockerfile", ROOT / "local/images/mlflow/Dockerfile"])
def test_python_images_run_as_an_ordinary_user_and_install_only_what_the_lock_has_hashes_of(dockerfile):
    *_, last = dockerfile.read_text().split("\nFROM ")

    assert "\nUSER 10001:10001\n" in last
    assert last.count("--require-hashes") == last.count("pip install") == 2


MODULES_OF_OTHER_NAMES = {
    "jwt": "pyjwt",
    "mlflow": "mlflow-skinny",
    "psycopg2": "psycopg2-binary",
    "sklearn": "scikit-learn",
    "xgboost": "xgboost-cpu",
}


@pytest.mark.parametrize(
    ("dockerfile", "locks"),
    [("ml/Dockerfile", ["ml-pipeline", "ml-server"]), ("local/images/mlflow/Dockerfile", ["mlflow"])],
)
def test_bytecode_is_made_of_packages_that_are_in_the_lock(dockerfile, locks):
    lists = re.findall(r"""find_spec.*?\]" \\\n(.+?)\n(?!  )""", (ROOT / dockerfile).read_text(), re.DOTALL)
    assert len(lists) == len(locks)

    for names, lock in zip(lists, locks, strict=True):
        locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / f"{lock}.txt").read_text(), re.MULTILINE))
        wanted = {name.partition(".")[0] for name in names.replace("\\", "").split()}
        assert wanted
        assert {MODULES_OF_OTHER_NAMES.get(n, n.replace("_", "-")) for n in wanted} - locked == set()


def test_plain_docker_builds_from_a_public_base_and_sees_only_what_is_copied():
    text = (ROOT / "ml" / "Dockerfile").read_text()
    ignored = (ROOT / "ml" / "Dockerfile.dockerignore").read_text().splitlines()

    assert "\nARG BASE=python:3.11-slim\n" in text
    copied = re.findall(r"^COPY (?!--from)(\S+)", text, re.MULTILINE)
    contract = "components/pulumi_mlops/contract/"
    locks = ["requirements/ml-pipeline.txt", "requirements/ml-server.txt"]
    assert sorted(copied) == [contract, contract, "ml/", "ml/", *locks]
    assert "*" in ignored
    assert {line for line in ignored if line.startswith("!")} == {
        "!ml", "!ml/**/*.py", "!components/pulumi_mlops/contract/*.py", "!requirements", "!requirements/ml-*.txt",
    }  # fmt: skip
