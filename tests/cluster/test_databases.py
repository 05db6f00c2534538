"""Databases by manifest on this machine: Crossplane, its functions and CloudNativePG in pods, and psql in another.

The platform has them as an option, `database_api`; here they are installed beside it and taken away again.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_mlops import conventions
from pulumi_mlops.platform import LocalDatabaseApi

from local import database_api, tools
from local.cluster import target
from tests.engine.pulumi_cli import PulumiEnv

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]  # the first test waits for CloudNativePG's build

Manifest = dict[str, Any]
WAIT_SECONDS = 240
DESTINATION = "s3://data/databases"
CLAIM = """
apiVersion: database.example.org/v1alpha1
kind: PostgreSQLInstance
metadata: {name: my-db, namespace: default}
spec:
  parameters: {storageGB: 20}
  compositionSelector: {matchLabels: {provider: local, environment: production}}
  writeConnectionSecretToRef: {name: db-conn}
"""
NAMESPACED = """
apiVersion: database.example.org/v1alpha1
kind: PostgreSQLDatabase
metadata: {name: my-db, namespace: default}
spec:
  parameters: {storageGB: 20}
  crossplane:
    compositionSelector: {matchLabels: {provider: local, environment: development}}
"""


class Kubectl:
    """The kubectl of a developer."""

    def __init__(self, kubeconfig: Path) -> None:
        self._command = [str(tools.ensure("kubectl")["kubectl"]), f"--kubeconfig={kubeconfig}"]

    def run(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*self._command, *arguments], input=given, capture_output=True, text=True, check=False)

    def __call__(self, *arguments: str, given: str = "") -> str:
        done = self.run(*arguments, given=given)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def apply(self, manifest: str | Manifest) -> None:
        self("apply", "--filename=-", given=manifest if isinstance(manifest, str) else json.dumps(manifest))

    def get(self, kind: str, name: str, namespace: str = "default") -> Manifest:
        return json.loads(self("get", kind, name, f"--namespace={namespace}", "--output=json"))

    def of_database(self, name: str) -> Manifest:
        """The Cluster of the database manifest of this name."""
        listed = json.loads(self("get", "clusters.postgresql.cnpg.io", "--output=json"))["items"]
        (found,) = [one for one in listed if one["metadata"]["name"].rpartition("-")[0] == name]
        return found

    def ready(self, kind: str, name: str, namespace: str = "default") -> None:
        self(
            "wait", "--for=condition=Ready", f"--timeout={WAIT_SECONDS}s", f"{kind}/{name}", f"--namespace={namespace}"
        )


def until(reached: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while not (value := reached()):
        assert time.monotonic() < deadline, f"after {WAIT_SECONDS} s still not: {what}"
        time.sleep(0.5)
    return value


@pytest.fixture(scope="module")
def images(brought_up: str) -> dict[str, str]:
    cluster = target()
    database_api.install_always(cluster)
    return database_api.postgres(cluster)


@pytest.fixture(scope="module")
def kubectl(images: dict[str, str], pulumi_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    kubeconfig = target().kubeconfig
    args: Any = {
        "images": images,
        "keep_definitions": False,
        "backups": {"destination": DESTINATION},
        "restore_drill": "weekly",
    }
    stack = PulumiEnv.at(tmp_path_factory.mktemp("databases"), pulumi_home).stack(
        lambda: LocalDatabaseApi("databases", args), config={"kubernetes:kubeconfig": str(kubeconfig)}
    )
    kubectl = Kubectl(kubeconfig)
    # A workspace has it; the namespace `default` is none.
    credentials = kubectl.get("secret", conventions.OBJECT_STORE_CREDENTIALS_SECRET, conventions.OBJECT_STORE_NAMESPACE)
    metadata = {"name": conventions.OBJECT_STORE_CREDENTIALS_SECRET, "namespace": "default"}
    kubectl.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": credentials["data"]})
    try:
        stack.up()
        yield kubectl
    finally:
        kubectl("delete", "secret", metadata["name"])
        stack.destroy()
        database_api.remove(target())


def psql(kubectl: Kubectl, image: str, secret: str, statements: str, name: str) -> str:
    """What psql prints in a pod that has the Secret as files; it speaks TLS and checks the server's certificate."""
    environment = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/connection/ca"}
    script = 'psql --quiet --no-align --tuples-only "$(cat /connection/uri)" --set=ON_ERROR_STOP=1 --command="$0"'
    container = {
        "name": "psql",
        "image": image,
        "command": ["/bin/sh", "-c", script, statements],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "volumeMounts": [{"name": "connection", "mountPath": "/connection"}],
    }
    spec = {
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [{"name": "connection", "secret": {"secretName": secret}}],
    }
    kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec})
    phase = until(
        lambda: (found := kubectl.get("pod", name)["status"]["phase"]) in ("Succeeded", "Failed") and found,
        "psql's end",
    )
    output = kubectl("logs", name)
    assert phase == "Succeeded", output
    kubectl("delete", "pod", name, "--wait=false")
    return output.strip()


@pytest.mark.parametrize(
    ("manifest", "secret"), [(CLAIM, "db-conn"), (NAMESPACED, "my-db-connection")], ids=["claim", "namespaced"]
)
def test_a_manifest_becomes_a_database_that_grows_and_goes(
    kubectl: Kubectl, images: dict[str, str], manifest: str, secret: str
) -> None:
    (image,) = images.values()
    content = yaml.safe_load(manifest)
    kind, name = content["kind"].lower(), content["metadata"]["name"]
    statements = (
        "create table rows (n int); insert into rows values (1), (2); select sum(n), ssl from rows, pg_stat_ssl "
    )
    statements += "where pid = pg_backend_pid() group by ssl"
    start = time.monotonic()

    kubectl.apply(manifest)
    kubectl.ready(kind, name)
    until(lambda: len(kubectl.get("secret", secret)["data"]) == 7, "the whole Secret")
    assert psql(kubectl, image, secret, statements, f"psql-{kind}") == "3|t"
    print(f"{kind}: apply to psql's answer {time.monotonic() - start:.1f} s")

    content["spec"]["parameters"]["storageGB"] = 30
    kubectl.apply(content)
    volume = f"{kubectl.of_database(name)['metadata']['name']}-1"
    until(lambda: kubectl.get("pvc", volume)["status"]["capacity"]["storage"] == "30Gi", "30 GiB")
    content["spec"]["parameters"]["storageGB"] = 20
    refused = kubectl.run("apply", "--filename=-", given=json.dumps(content))
    assert refused.returncode != 0
    assert "storageGB can only grow: a volume cannot be made smaller" in refused.stderr

    kubectl("delete", kind, name)
    until(lambda: not json.loads(kubectl("get", "pods,pvc,clusters.postgresql.cnpg.io", "-o", "json"))["items"], "gone")
    assert kubectl.run("get", "secret", secret).returncode != 0


def test_a_lost_database_is_restored_to_a_moment_between_two_writes(kubectl: Kubectl, images: dict[str, str]) -> None:
    claim = yaml.safe_load(CLAIM)
    claim["metadata"]["name"] = "kept"
    kubectl.apply(claim)
    kubectl.ready("postgresqlinstance", "kept")
    lost = kubectl.of_database("kept")["metadata"]["name"]

    def sql(server: str, *statements: str) -> str:
        commands = [f"--command={one}" for one in statements]
        psql = ("psql", "--quiet", "--no-align", "--tuples-only", "--dbname=kept", *commands)
        return kubectl("exec", f"{server}-1", "--container=postgres", "--", *psql).strip()

    sql(lost, "create table notes (text text)", "insert into notes values ('before the backup')")
    until(lambda: _backed_up(kubectl, lost), "the backup")
    sql(lost, "insert into notes values ('before the moment')", "select pg_sleep(1)")
    moment = sql(lost, "select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    sql(lost, "select pg_sleep(1)", "insert into notes values ('after the moment')")
    segment = sql(lost, "select pg_walfile_name(pg_switch_wal())")
    until(lambda: sql(lost, "select last_archived_wal from pg_stat_archiver") >= segment, "the log in the store")
    assert re.fullmatch(r"20[-0-9]+T[0-9:]+Z: 3 rows in \d+ s", _drilled(kubectl, "kept"))
    kubectl("delete", "postgresqlinstance", "kept")
    until(lambda: kubectl.run("get", "pvc", f"{lost}-1").returncode != 0, "the volume is gone")

    claim["metadata"]["name"] = "again"
    claim["spec"]["parameters"]["restoreFrom"] = {"database": lost, "moment": moment}
    claim["spec"]["writeConnectionSecretToRef"]["name"] = "again-conn"
    start = time.monotonic()
    kubectl.apply(claim)
    kubectl.ready("postgresqlinstance", "again")
    print(f"restored in {time.monotonic() - start:.1f} s")

    name = kubectl.of_database("again")["metadata"]["name"]
    assert sql(name, "select text from notes order by text") == "before the backup\nbefore the moment"
    kubectl("delete", "postgresqlinstance", "again")


def _drilled(kubectl: Kubectl, database: str) -> str:
    """What a database's manifest tells of a drill that is run now."""
    drill, namespace = "databases-restore-drill", f"--namespace={conventions.CROSSPLANE_NAMESPACE}"
    kubectl("create", "job", "drill-now", f"--from=cronjob/{drill}", namespace)
    ended = ("Complete", "Failed")
    until(lambda: {one["type"] for one in _conditions(kubectl, "drill-now")} & {*ended}, "the drill's end")
    output = kubectl("logs", "job/drill-now", namespace)
    assert "Complete" in {one["type"] for one in _conditions(kubectl, "drill-now")}, output
    kubectl("delete", "job", "drill-now", namespace)
    return until(
        lambda: kubectl.get("postgresqlinstance", database)["status"].get("lastRestoreDrill"), "the drill's result"
    )


def _conditions(kubectl: Kubectl, job: str) -> list[Manifest]:
    return kubectl.get("job", job, conventions.CROSSPLANE_NAMESPACE)["status"].get("conditions", [])


def _backed_up(kubectl: Kubectl, cluster: str) -> bool:
    backups = json.loads(kubectl("get", "backups.postgresql.cnpg.io", "--output=json"))["items"]
    states = [one.get("status", {}) for one in backups if one["spec"]["cluster"]["name"] == cluster]
    assert not any(one.get("phase") == "failed" for one in states), states
    return any(one.get("phase") == "completed" for one in states)
