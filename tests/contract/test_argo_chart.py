"""The stand-in chart of Argo Workflows, rendered by the real helm: it takes upstream's keys and does what they say."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_mlops import versions
from pulumi_mlops.platform import ArgoWorkflows
from pulumi_mlops.platform.add_ons import argo_workflows

from local import tools
from local.paths import ROOT
from tests.components.addons import filled

CHART = ROOT / "standins" / "charts" / "argo-workflows"
UPSTREAM_KEYS = ROOT / "tests" / "data" / "argo-workflows-value-keys.txt"
ONLY_IN_UPSTREAM_COMMENTS = {
    *(f"controller.pdb.{key}" for key in ("minAvailable", "maxUnavailable")),
    *(f"controller.resourceRateLimit.{key}" for key in ("limit", "burst")),
    *(f"controller.retentionPolicy.{key}" for key in ("completed", "failed", "errored")),
    "controller.workflowRestrictions.templateReferencing",
}
"""Keys that upstream's values.yaml shows in comments, where a list of its keys cannot have them."""

LEAST: dict[str, Any] = {"server": {"enabled": False}, "crds": {"full": False}}
"""What everybody has to set: the two things that this chart cannot do."""

Object = dict[str, Any]


@pytest.fixture(scope="module")
def helm() -> Path:
    return tools.ensure("helm")["helm"]


@pytest.fixture
def template(helm, tmp_path):
    """Renders the chart: a function from values to objects by kind and name."""

    def render(values: Object | None = None, release: str = "argo-workflows") -> dict[tuple[str, str], Object]:
        done = run(helm, tmp_path, {**LEAST, **(values or {})}, release)
        assert done.returncode == 0, done.stderr
        objects = [document for document in yaml.safe_load_all(done.stdout) if document]
        by_name = {(o["kind"], _place(o)): o for o in objects}
        assert len(by_name) == len(objects), "two objects have the same kind and name"
        return by_name

    return render


@pytest.fixture
def refusal(helm, tmp_path):
    """Renders the chart with values that it must refuse, and gives helm's message."""

    def render(values: Object) -> str:
        done = run(helm, tmp_path, values, "argo-workflows")
        assert done.returncode != 0, done.stdout
        return done.stderr

    return render


def run(helm: Path, directory: Path, values: Object, release: str) -> subprocess.CompletedProcess[str]:
    file = directory / "values.json"
    file.write_text(json.dumps(values))
    command = [helm, "template", release, CHART, "--namespace", "argo", "--values", file]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _place(o: Object) -> str:
    namespace = o["metadata"].get("namespace")
    return f"{namespace}/{o['metadata']['name']}" if namespace else o["metadata"]["name"]


def config(objects: dict[tuple[str, str], Object]) -> Object:
    [found] = [o for (kind, _), o in objects.items() if kind == "ConfigMap"]
    return yaml.safe_load(found["data"]["config"])


def controller(objects: dict[tuple[str, str], Object]) -> Object:
    [found] = [o for (kind, _), o in objects.items() if kind == "Deployment"]
    return found


def container(objects: dict[tuple[str, str], Object]) -> Object:
    return controller(objects)["spec"]["template"]["spec"]["containers"][0]


def keys(schema: Object, prefix: str = "") -> Iterator[str]:
    for name, value in schema["properties"].items():
        yield f"{prefix}{name}"
        if "properties" in value:
            yield from keys(value, f"{prefix}{name}.")


def schema() -> Object:
    return json.loads((CHART / "values.schema.json").read_text())


def test_every_key_that_it_takes_is_upstreams():
    ours, upstreams = set(keys(schema())), set(UPSTREAM_KEYS.read_text().split())

    assert len(ours) > 100
    assert ours - upstreams - ONLY_IN_UPSTREAM_COMMENTS == set()


def test_every_key_with_a_default_is_in_the_schema_and_the_other_way_round():
    def paths(values: Object, at: Object, prefix: str = "") -> Iterator[str]:
        for name, value in values.items():
            yield f"{prefix}{name}"
            if "properties" in at["properties"][name]:
                yield from paths(value, at["properties"][name], f"{prefix}{name}.")

    defaults = set(paths(yaml.safe_load((CHART / "values.yaml").read_text()), schema()))

    assert set(keys(schema())) - defaults == ONLY_IN_UPSTREAM_COMMENTS
    assert defaults <= set(keys(schema()))


def test_it_says_what_it_stands_in_for_and_which_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["description"].startswith("Stand-in for upstream's chart of Argo Workflows")
    assert chart["appVersion"] == f"v{versions.ARGO_WORKFLOWS}"


def test_it_takes_the_values_of_the_library(template):
    objects = template(
        argo_workflows.values(
            "argo", filled(ArgoWorkflows, {"namespace": "argo", "image_mirror": "mirror.example.org"})
        )
    )

    tag = f"v{versions.ARGO_WORKFLOWS}"
    assert container(objects)["image"] == f"mirror.example.org/argoproj/workflow-controller:{tag}"
    arguments = container(objects)["args"]
    assert arguments[arguments.index("--executor-image") + 1] == f"mirror.example.org/argoproj/argoexec:{tag}"
    names = [variable["name"] for variable in container(objects)["env"]]
    assert sorted(names) == ["DEFAULT_REQUEUE_TIME", "LEADER_ELECTION_DISABLE", "LEADER_ELECTION_IDENTITY"]
    assert ("Deployment", "argo/argo-workflow-controller") in objects
    assert not any(name.endswith("-workflow") for _, name in objects), "workspaces make these"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({**LEAST, "server": {"enabled": True}}, "server.enabled must be false: this stand-in has no web interface"),
        ({**LEAST, "crds": {"full": True}}, "crds.full must be false: this stand-in has the small definitions only"),
        ({}, "must be false"),
        ({**LEAST, "extraObjects": [{}]}, "additional properties 'extraObjects' not allowed"),
        (
            {**LEAST, "controller": {"serviceMonitor": {"enabled": True}}},
            "at '/controller': additional properties 'serviceMonitor' not allowed",
        ),
        ({**LEAST, "controller": {"parallelism": "many"}}, "at '/controller/parallelism'"),
        ({**LEAST, "controller": {"instanceID": {"enabled": True}}}, "needs useReleaseName: true or an explicitID"),
        (
            {**LEAST, "controller": {"rbac": {"secretWhitelist": ["a"], "accessAllSecrets": True}}},
            "secretWhitelist must be empty",
        ),
    ],
)
def test_what_it_cannot_do_is_refused_with_the_key(refusal, values, reason):
    assert reason in refusal(values)


def test_definitions_are_those_of_every_resource_that_the_controller_watches(template):
    definitions = {name for kind, name in template() if kind == "CustomResourceDefinition"}

    assert definitions == {
        f"{plural}.argoproj.io"
        for plural in (
            "clusterworkflowtemplates", "cronworkflows", "workflowartifactgctasks", "workfloweventbindings",
            "workflows", "workflowtaskresults", "workflowtasksets", "workflowtemplates",
        )
    }  # fmt: skip


def test_definitions_can_be_left_out_or_kept_on_removal(template):
    def kept(crds: Object) -> set[str | None]:
        objects = template({"crds": {"full": False, **crds}})
        definitions = [o for (kind, _), o in objects.items() if kind == "CustomResourceDefinition"]
        return {o["metadata"].get("annotations", {}).get("helm.sh/resource-policy") for o in definitions}

    assert kept({}) == {"keep"}
    assert kept({"keep": False}) == {None}
    assert kept({"install": False}) == set()


def test_one_controller_runs_without_leader_election_and_several_with_it(template):
    def disabled(controller_values: Object) -> bool:
        return "LEADER_ELECTION_DISABLE" in [
            v["name"] for v in container(template({"controller": controller_values}))["env"]
        ]

    assert disabled({})
    assert not disabled({"replicas": 2})
    assert controller(template())["spec"]["strategy"] == {"type": "Recreate"}
    assert "strategy" not in controller(template({"controller": {"replicas": 2}}))["spec"]


def test_a_variable_that_upstream_would_set_twice_is_refused(template, refusal):
    extra = [{"name": "LEADER_ELECTION_DISABLE", "value": "false"}]

    assert "must not repeat LEADER_ELECTION_DISABLE" in refusal({**LEAST, "controller": {"extraEnv": extra}})
    env = container(template({"controller": {"extraEnv": extra, "replicas": 2}}))["env"]
    assert [v["value"] for v in env if v["name"] == "LEADER_ELECTION_DISABLE"] == ["false"]


def test_the_controller_may_not_write_its_root_or_become_root(template):
    assert container(template())["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_configuration_has_what_was_set_and_nothing_empty(template):
    values = {
        "images": {"pullPolicy": "IfNotPresent"},
        "controller": {
            "parallelism": 3,
            "workflowDefaults": {"spec": {"activeDeadlineSeconds": 60}},
            "retentionPolicy": {"completed": 5},
            "instanceID": {"enabled": True, "explicitID": "blue"},
            "metricsConfig": {"enabled": True, "port": 9999},
        },
        "executor": {"resources": {"requests": {"cpu": "10m"}}},
        "mainContainer": {"env": [{"name": "A", "value": "b"}]},
        "artifactRepository": {
            "archiveLogs": True,
            "s3": {"bucket": "logs", "accessKeySecret": {"name": "s", "key": "k"}},
        },
    }

    found = config(template(values))

    assert found == {
        "parallelism": 3,
        "workflowDefaults": {"spec": {"activeDeadlineSeconds": 60}},
        "retentionPolicy": {"completed": 5},
        "instanceID": "blue",
        "metricsConfig": {"enabled": True, "path": "/metrics", "port": 9999, "ignoreErrors": False, "secure": False},
        "telemetryConfig": {"enabled": False},
        "nodeEvents": {"enabled": True},
        "workflowEvents": {"enabled": True},
        "executor": {"imagePullPolicy": "IfNotPresent", "resources": {"requests": {"cpu": "10m"}}},
        "mainContainer": {"imagePullPolicy": "IfNotPresent", "env": [{"name": "A", "value": "b"}]},
        "artifactRepository": {
            "archiveLogs": True,
            "s3": {"bucket": "logs", "accessKeySecret": {"name": "s", "key": "k"}},
        },
    }


def test_the_clouds_own_identity_needs_no_keys(template):
    s3 = {"bucket": "logs", "accessKeySecret": {"name": "s", "key": "k"}, "useSDKCreds": True}

    found = config(template({"useStaticCredentials": False, "artifactRepository": {"s3": s3}}))

    assert found["artifactRepository"] == {"s3": {"bucket": "logs", "useSDKCreds": True}}


def test_a_changed_configuration_replaces_the_pod(template):
    def annotations(parallelism: int) -> Object:
        return controller(template({"controller": {"parallelism": parallelism}}))["spec"]["template"]["metadata"]

    assert annotations(1) == annotations(1)
    assert annotations(1) != annotations(2)


def test_the_configuration_is_read_from_where_it_is_written(template):
    for configured, name in (({}, "argo-workflows-workflow-controller-configmap"), ({"name": "mine"}, "mine")):
        objects = template({"controller": {"configMap": configured}})
        arguments = container(objects)["args"]
        assert arguments[arguments.index("--configmap") + 1] == name
        assert ("ConfigMap", f"argo/{name}") in objects
    assert not any(kind == "ConfigMap" for kind, _ in template({"controller": {"configMap": {"create": False}}}))


def test_workflows_get_their_rights_in_every_workflow_namespace(template):
    values = {
        "controller": {"workflowNamespaces": ["red", "blue"]},
        "workflow": {
            "serviceAccount": {"create": True, "name": "runner"},
            "rbac": {"serviceAccounts": [{"name": "other", "namespace": "green"}]},
        },
    }

    objects = template(values)

    for namespace in ("red", "blue"):
        assert ("ServiceAccount", f"{namespace}/runner") in objects
        assert objects["Role", f"{namespace}/argo-workflows-workflow"]["rules"] == [
            {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
        ]
        subjects = objects["RoleBinding", f"{namespace}/argo-workflows-workflow"]["subjects"]
        assert [(s["name"], s["namespace"]) for s in subjects] == [("runner", namespace), ("other", "green")]


def test_a_single_namespace_needs_no_rights_in_others(template):
    values = {"singleNamespace": True, "createAggregateRoles": False, "crds": {"full": False, "install": False}}

    objects = template(values)

    assert {kind for kind, _ in objects} == {
        "ConfigMap", "Deployment", "Role", "RoleBinding", "ServiceAccount",
    }  # fmt: skip
    assert all(place.startswith("argo/") for _, place in objects)
    assert "--namespaced" in container(objects)["args"]


def test_no_right_reaches_secrets_in_general_unless_asked_for(template):
    def secrets(rbac: Object) -> list[Object]:
        objects = template({"controller": {"rbac": rbac}})
        rules = [r for (kind, _), o in objects.items() if kind == "ClusterRole" for r in o.get("rules", [])]
        assert not any("*" in r["resources"] + r["verbs"] + r["apiGroups"] for r in rules)
        return [r for r in rules if "secrets" in r["resources"]]

    assert [r["resourceNames"] for r in secrets({})] == [["argo-workflows-agent-ca-certificates"]]
    assert ["mine" in r["resourceNames"] for r in secrets({"secretWhitelist": ["mine"]})] == [True]
    assert ["resourceNames" in r for r in secrets({"accessAllSecrets": True})] == [False]


def test_bindings_refer_to_roles_and_accounts_that_exist(template):
    objects = template(
        {"controller": {"workflowNamespaces": ["red"]}, "workflow": {"serviceAccount": {"create": True}}}
    )

    for (kind, place), o in objects.items():
        if kind in ("RoleBinding", "ClusterRoleBinding"):
            namespace = place.rpartition("/")[0]
            role = o["roleRef"]["name"]
            assert (o["roleRef"]["kind"], f"{namespace}/{role}" if o["roleRef"]["kind"] == "Role" else role) in objects
            for subject in o["subjects"]:
                assert ("ServiceAccount", f"{subject['namespace']}/{subject['name']}") in objects


@pytest.mark.parametrize(
    ("release", "values", "name"),
    [
        ("argo-workflows", {}, "argo-workflows-workflow-controller"),
        ("one", {}, "one-argo-workflows-workflow-controller"),
        ("one", {"fullnameOverride": "two"}, "two-workflow-controller"),
        ("one", {"nameOverride": "aw", "controller": {"name": "c"}}, "one-aw-c"),
    ],
)
def test_names_are_upstreams(template, release, values, name):
    assert ("Deployment", f"argo/{name}") in template(values, release)


def test_metrics_and_disruption_budget_appear_when_asked_for(template):
    plain = {kind for kind, _ in template()}
    asked = template(
        {"controller": {"metricsConfig": {"enabled": True}, "pdb": {"enabled": True, "maxUnavailable": 0}}}
    )

    assert plain & {"Service", "PodDisruptionBudget"} == set()
    [service] = [o for (kind, _), o in asked.items() if kind == "Service"]
    [budget] = [o for (kind, _), o in asked.items() if kind == "PodDisruptionBudget"]
    labels = controller(asked)["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert service["spec"]["ports"][0]["targetPort"] in [port["name"] for port in container(asked)["ports"]]
    assert budget["spec"]["maxUnavailable"] == 0
    assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_common_labels_are_on_every_object_of_the_release(template):
    for o in template({"commonLabels": {"team": "red"}}).values():
        assert o["metadata"]["labels"]["team"] == "red", o["metadata"]["name"]


def test_no_template_names_an_address():
    for file in CHART.rglob("*"):
        if file.is_file() and file.name != "values.schema.json":
            assert re.search(r"\w+://", file.read_text()) is None, file
