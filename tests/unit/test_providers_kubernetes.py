"""Decisions of the Kubernetes provider stand-in: names, differences, replacement, ownership, readiness."""

import threading
from types import SimpleNamespace

import pytest

from standins.plugins import diff, paths, values
from standins.plugins.kubernetes import (
    diagnosis,
    helm,
    immutable,
    manifests,
    names,
    options,
    ownership,
    readiness,
    waitfor,
)
from standins.plugins.kubernetes.client import ApiError
from standins.plugins.kubernetes.cluster import Cluster, Task
from standins.plugins.kubernetes.names import Kind
from standins.plugins.plugin import EngineLog, Refused

DEPLOYMENT = Kind("apps", "v1", "Deployment")
CONFIG_MAP = Kind("", "v1", "ConfigMap")
ANNOTATION = "pulumi-mlops.dev/model-version"


def replacing(kind, old, new, **mutable):
    flags = {"mutable_config_map": False, "mutable_secret": False, **mutable}
    changes = diff.changes(old, new, immutable.replacing_paths(kind, old, new, **flags), [])
    return {paths.show(change.path): change.replaces for change in changes}


# Names


def test_a_token_gives_the_kind_of_builtin_and_custom_resources():
    assert names.kind_of("kubernetes:core/v1:Namespace", {}) == Kind("", "v1", "Namespace")
    assert names.kind_of("kubernetes:apps/v1:Deployment", {}).api_version == "apps/v1"
    custom = names.kind_of("kubernetes:argoproj.io/v1alpha1:WorkflowTemplate", {"kind": "WorkflowTemplate"})
    assert custom == Kind("argoproj.io", "v1alpha1", "WorkflowTemplate")


@pytest.mark.parametrize(
    ("token", "inputs", "reason"),
    [
        ("kubernetes:apps/v1:DeploymentPatch", {"kind": "Deployment"}, "is a Patch resource"),
        ("kubernetes:core/v1:ConfigMapList", {"items": []}, "is a list"),
        ("kubernetes:helm.sh/v4:Chart", {}, "is not implemented"),
        ("kubernetes:yaml/v2:ConfigFile", {}, "is not implemented"),
        ("kubernetes:kustomize/v2:Directory", {}, "is not implemented"),
        ("aws:s3/bucket:Bucket", {}, "is not a type of the Kubernetes provider"),
    ],
)
def test_what_is_not_one_object_is_refused(token, inputs, reason):
    with pytest.raises(Refused, match=reason):
        names.kind_of(token, inputs)


def test_a_name_is_generated_once_and_kept():
    first = names.with_name({}, {}, "settings", b"seed")
    name = first["metadata"]["name"]
    assert name.startswith("settings-")
    assert len(name) == len("settings-") + 8
    assert names.is_autonamed(first)
    assert names.with_name({}, first, "settings", b"another seed")["metadata"]["name"] == name
    assert names.with_name({"metadata": {"name": "fixed"}}, first, "settings", b"")["metadata"] == {"name": "fixed"}


def test_a_fixed_name_that_goes_away_gives_a_generated_one():
    old = {"metadata": {"name": "fixed"}}
    assert names.with_name({}, old, "settings", b"seed")["metadata"]["name"] != "fixed"


def test_names_left_to_the_server_are_refused():
    with pytest.raises(Refused, match="generateName"):
        names.with_name({"metadata": {"generateName": "x-"}}, {}, "x", b"")


def test_identifiers_are_namespace_and_name():
    assert names.identifier("team", "web") == "team/web"
    assert names.parse_identifier("team/web") == ("team", "web")
    assert names.parse_identifier("team") == (None, "team")


# Paths and differences


@pytest.mark.parametrize(
    "path",
    [("spec", "ports", 0, "name"), ("metadata", "annotations", ANNOTATION), ("a", 'quo"te', "b"), ("x",)],
)
def test_a_path_survives_being_written_and_read(path):
    assert paths.parse(paths.show(path)) == path


def test_a_path_that_is_none_is_refused():
    with pytest.raises(ValueError, match="property path"):
        paths.parse('spec["open')


def test_a_difference_names_the_exact_property():
    old = {"spec": {"containers": [{"name": "a", "image": "x:1"}], "gone": 1}}
    new = {"spec": {"containers": [{"name": "a", "image": "x:2"}, {"name": "b"}], "new": {"deep": 1}}}
    found = {paths.show(path): way for path, way in diff.differences(old, new)}
    assert found == {
        "spec.containers[0].image": "UPDATE",
        "spec.containers[1]": "ADD",
        "spec.gone": "DELETE",
        "spec.new": "ADD",
    }


@pytest.mark.parametrize(
    ("path", "old", "new", "equal"),
    [
        (("resources", "limits", "cpu"), "1000m", "1", True),
        (("resources", "limits", "cpu"), "1000m", 1, True),
        (("resources", "requests", "memory"), "1024Mi", "1Gi", True),
        (("resources", "requests", "memory"), "1G", "1Gi", False),
        (("spec", "hard", "pods"), "10", 10, True),
        (("labels", "version"), "1000m", "1", False),
        (("spec", "replicas"), 1, True, False),
        (("spec", "weight"), 1, 1.0, True),
    ],
)
def test_quantities_are_compared_by_what_they_mean(path, old, new, equal):
    assert diff.same(old, new, path) is equal


def test_ignored_changes_are_not_reported():
    old = {"spec": {"template": {"metadata": {"annotations": {ANNOTATION: "a", "other": "1"}}}}}
    new = {"spec": {"template": {"metadata": {"annotations": {ANNOTATION: "b", "other": "2"}}}}}
    ignored = [paths.parse(f'spec.template.metadata.annotations["{ANNOTATION}"]')]
    assert [change.path[-1] for change in diff.changes(old, new, [], ignored)] == ["other"]


# Replacement


def test_the_published_providers_immutable_fields_replace():
    assert replacing(DEPLOYMENT, {"spec": {"selector": {"a": "1"}}}, {"spec": {"selector": {"a": "2"}}}) == {
        "spec.selector.a": True
    }
    assert replacing(DEPLOYMENT, {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}) == {"spec.replicas": False}
    assert replacing(Kind("batch", "v1", "Job"), {"spec": {}}, {"spec": {"template": {}}}) == {"spec.template": True}
    claim = Kind("", "v1", "PersistentVolumeClaim")
    assert replacing(claim, {"spec": {"storageClassName": "a"}}, {"spec": {"storageClassName": "b"}}) == {
        "spec.storageClassName": True
    }
    bigger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    smaller = {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}
    assert replacing(claim, smaller, bigger) == {"spec.resources.requests.storage": False}
    binding = Kind("rbac.authorization.k8s.io", "v1", "RoleBinding")
    assert replacing(binding, {"roleRef": {"name": "a"}}, {"roleRef": {"name": "b"}}) == {"roleRef.name": True}
    pod = Kind("", "v1", "Pod")
    assert replacing(pod, {"spec": {"containers": [{"image": "a"}]}}, {"spec": {"containers": [{"image": "b"}]}}) == {
        "spec.containers[0].image": True
    }


def test_the_parent_of_an_immutable_field_replaces_when_it_brings_the_field():
    assert replacing(DEPLOYMENT, {}, {"spec": {"selector": {"a": "1"}}}) == {"spec": True}
    assert replacing(DEPLOYMENT, {}, {"spec": {"replicas": 1}}) == {"spec": False}


def test_a_config_maps_data_replaces_unless_it_may_change():
    old, new = {"data": {"a": "1"}}, {"data": {"a": "2"}}
    assert replacing(CONFIG_MAP, old, new) == {"data.a": True}
    assert replacing(CONFIG_MAP, old, new, mutable_config_map=True) == {"data.a": False}
    fixed = {"immutable": True}
    assert replacing(CONFIG_MAP, {**old, **fixed}, {**new, **fixed}, mutable_config_map=True) == {"data.a": True}
    secret = Kind("", "v1", "Secret")
    assert replacing(secret, {"stringData": {"a": "1"}}, {"stringData": {"a": "2"}}) == {"stringData.a": True}
    assert replacing(secret, {"type": "a"}, {"type": "b"}, mutable_secret=True) == {"type": True}


def test_a_fixed_name_is_deleted_before_it_is_made_again():
    fixed = {"metadata": {"name": "web", "namespace": "team"}}
    generated = names.with_name({"metadata": {"namespace": "team"}}, {}, "web", b"seed")
    assert immutable.delete_first(fixed, fixed)
    assert not immutable.delete_first(generated, generated)
    assert not immutable.delete_first(fixed, {"metadata": {"name": "web", "namespace": "other"}})


# Manifests


def test_the_live_object_is_read_in_the_shape_of_the_inputs():
    written = {
        "metadata": {"name": "web", "labels": {"a": "1"}},
        "spec": {
            "cpu": "1",
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "resources": {"limits": {"cpu": "1000m"}},
            "empty": {},
            "x_kubernetes_preserve_unknown_fields": True,
        },
    }
    live = {
        "metadata": {"name": "web", "uid": "1", "labels": {"a": "2", "injected": "x"}},
        "spec": {
            "cpu": "1",
            "defaulted": True,
            "env": [{"name": "INJECTED"}, {"name": "B", "value": "9"}, {"name": "A", "value": "1", "more": 1}],
            "resources": {"limits": {"cpu": "1"}},
            "x-kubernetes-preserve-unknown-fields": True,
        },
        "status": {"ready": True},
    }
    found = manifests.live_inputs(live, written)
    assert {paths.show(path): way for path, way in diff.differences(written, found)} == {
        "metadata.labels.a": "UPDATE",
        "spec.env[1].value": "UPDATE",
    }


def test_a_field_that_was_removed_by_hand_is_drift():
    assert manifests.live_inputs({"data": {"a": "1"}}, {"data": {"a": "1", "b": "2"}}) == {"data": {"a": "1"}}


def test_a_secrets_text_is_compared_with_its_encoded_data():
    written = {"apiVersion": "v1", "kind": "Secret", "stringData": values.secret({"a": "text", "b": "text"})}
    live = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "dGV4dA==", "b": "b3RoZXI="}}
    assert values.reveal(manifests.live_inputs(live, written))["stringData"] == {"a": "text", "b": "other"}


def test_the_state_hides_a_secrets_data_and_leaves_out_managed_fields():
    live = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "managedFields": [1]},
        "data": {"a": "YQ=="},
    }
    state = manifests.state(live, {"kind": "Secret", "apiVersion": "v1", "stringData": {"a": "a"}}, CONFIG_MAP, "me")
    assert values.is_secret(state["data"])
    assert values.is_secret(state["__inputs"]["stringData"])
    assert "managedFields" not in state["metadata"]
    assert state["__fieldManager"] == "me"


def test_an_annotation_that_would_be_ignored_is_refused():
    with pytest.raises(Refused, match="replaceUnready is not implemented"):
        manifests.check_annotations({"metadata": {"annotations": {"pulumi.com/replaceUnready": "true"}}})
    manifests.check_annotations({"metadata": {"annotations": {"pulumi.com/skipAwait": "true", "mine": "x"}}})


# Ownership


def live_deployment(*managers):
    fields = {"f:spec": {"f:template": {"f:metadata": {"f:annotations": {f"f:{ANNOTATION}": {}}}}}}
    containers = {"f:spec": {"f:containers": {'k:{"name":"main"}': {".": {}, "f:image": {}}}}}
    return {
        "metadata": {
            "managedFields": [
                *({"manager": name, "operation": "Apply", "fieldsV1": fields} for name in managers),
                {"manager": "other", "operation": "Update", "fieldsV1": containers},
                {"manager": "scaler", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            ]
        },
        "spec": {
            "replicas": 3,
            "containers": [{"name": "main", "image": "live"}],
            "template": {"metadata": {"annotations": {ANNOTATION: "live"}}},
        },
    }


def wanted_deployment():
    return {"spec": {"replicas": 1, "template": {"metadata": {"annotations": {ANNOTATION: "old", "keep": "x"}}}}}


ANNOTATIONS = "spec.template.metadata.annotations"


def annotations_applied(ignored, *managers):
    applied = ownership.without_ignored(wanted_deployment(), live_deployment(*managers), [ignored], "me")
    return applied["spec"]["template"]["metadata"].get("annotations")


def test_an_ignored_field_of_another_manager_is_left_out():
    assert annotations_applied(ANNOTATIONS, "pipeline") is None


def test_an_ignored_field_of_our_own_keeps_its_live_value():
    for managers in (["me"], ["me", "pipeline"]):
        assert annotations_applied(ANNOTATIONS, *managers) == {ANNOTATION: "live"}


def test_an_ignored_key_that_needs_quotes_has_no_effect_on_what_is_applied():
    wanted = {ANNOTATION: "old", "keep": "x"}
    for key in (ANNOTATION, "with-dash"):
        for managers in (["pipeline"], ["me"], ["me", "pipeline"]):
            assert annotations_applied(f'{ANNOTATIONS}["{key}"]', *managers) == wanted


def test_an_ignored_field_in_a_list_has_no_effect_on_what_is_applied():
    wanted = {"spec": {"containers": [{"name": "main", "image": "old"}]}}
    for path in ("spec.containers[0].image", "spec.containers[*].image"):
        assert ownership.without_ignored(wanted, live_deployment(), [path], "me") == wanted


def test_a_plain_key_is_found_however_the_program_writes_it():
    for path in ("spec.replicas", 'spec["replicas"]', '["spec"].replicas'):
        applied = ownership.without_ignored({"spec": {"replicas": 1}}, live_deployment("me"), [path], "me")
        assert applied == {"spec": {}}, "the scaler owns it alone"


def test_an_ignored_path_through_a_value_without_fields_is_refused():
    with pytest.raises(Refused, match=r"'spec\.replicas\.minimum' from live object: 3 has no fields"):
        ownership.without_ignored({}, live_deployment(), ["spec.replicas.minimum"], "me")


def test_a_conflict_is_told_with_owner_field_and_what_to_do():
    cause = {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "hpa" using apps/v1',
        "field": ".spec.replicas",
    }
    text = ownership.explain_conflict("Deployment team/web", ApiError(409, "Conflict", "…", [cause]))
    assert "spec.replicas (owned by 'hpa')" in text
    assert "ignore_changes" in text
    assert ownership.conflicts(ApiError(409, "AlreadyExists", "…")) == {}


# Options


def test_options_come_as_text_and_unknown_ones_are_refused():
    assert options.parse({"enableConfigMapMutable": "true", "namespace": "team", "version": "4.34.2"}) == {
        "enableConfigMapMutable": True,
        "namespace": "team",
    }
    with pytest.raises(Refused, match="renderYamlToDirectory is not implemented"):
        options.parse({"renderYamlToDirectory": "out"})
    with pytest.raises(Refused, match="enableServerSideApply=false"):
        options.parse({"enableServerSideApply": "false"})


KUBECONFIG = """
current-context: a
clusters: [{name: ca, cluster: {server: "https://a", certificate-authority: pki/ca.crt}}]
contexts: [{name: a, context: {cluster: ca, user: u, namespace: team}}]
users: [{name: u, user: {token: t}}]
"""


def test_a_kubeconfig_is_text_or_a_path_and_its_files_are_found_beside_it(tmp_path, monkeypatch):
    (tmp_path / "config").write_text(KUBECONFIG)
    loaded = options.configure({"kubeconfig": str(tmp_path / "config")})
    assert loaded.kubeconfig["clusters"][0]["cluster"]["certificate-authority"] == str(tmp_path / "pki" / "ca.crt")
    assert loaded.namespace == "team"
    assert options.configure({"kubeconfig": KUBECONFIG}).context == "a"
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert "none cannot be read" in options.configure({}).unreachable
    assert "no context 'b' (it has: a)" in options.configure({"kubeconfig": KUBECONFIG, "context": "b"}).unreachable


def test_another_server_is_another_cluster():
    other = KUBECONFIG.replace("https://a", "https://b")
    assert options.cluster_of({"kubeconfig": KUBECONFIG}) != options.cluster_of({"kubeconfig": other})
    same = {"clusterIdentifier": "one"}
    assert options.cluster_of({"kubeconfig": KUBECONFIG, **same}) == options.cluster_of({"kubeconfig": other, **same})


# Readiness


class Lookup(SimpleNamespace):
    """A client that knows some objects."""

    def get(self, kind, namespace, name):
        return self.objects.get((kind.kind, name))

    def list(self, kind, namespace, **query):
        return self.objects.get(kind.kind, [])

    def serves(self, kind):
        return kind.kind in self.objects

    def log(self, *_, **__):
        return self.objects.get("log", "")


def nothing(**objects):
    return Lookup(objects=objects)


def test_a_deployment_is_ready_when_all_replicas_are_new_and_available():
    live = {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": {"observedGeneration": 1}}
    assert "has not seen it" in readiness.deployment(live, nothing()).message
    status = {"observedGeneration": 2, "updatedReplicas": 2, "replicas": 3, "availableReplicas": 2}
    assert "1 old replicas" in readiness.deployment({**live, "status": status}, nothing()).message
    assert readiness.deployment({**live, "status": {**status, "replicas": 2}}, nothing()).ready
    assert readiness.deployment({"spec": {"replicas": 0}}, nothing()).ready
    deadline = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too slow"}
    failed = readiness.deployment({**live, "status": {**status, "conditions": [deadline]}}, nothing())
    assert failed.failed


def test_stateful_and_daemon_sets_count_ready_and_updated_pods():
    live = {"spec": {"replicas": 2}, "status": {"readyReplicas": 2, "updatedReplicas": 1}}
    assert readiness.stateful_set(live, nothing()).message == "1 of 2 replicas updated"
    assert readiness.stateful_set({**live, "status": {"readyReplicas": 2, "updatedReplicas": 2}}, nothing()).ready
    status = {"desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 0}
    assert not readiness.daemon_set({"status": status}, nothing()).ready
    assert readiness.daemon_set({"status": {**status, "numberAvailable": 1}}, nothing()).ready


def test_a_job_is_ready_when_complete_and_fails_at_once():
    def with_condition(name):
        return {"status": {"conditions": [{"type": name, "status": "True", "reason": "R", "message": "m"}]}}

    assert readiness.job(with_condition("Complete"), nothing()).ready
    assert readiness.job(with_condition("Failed"), nothing()).failed
    assert readiness.job({"spec": {"suspend": True}}, nothing()).ready
    assert "0 of 1 pods succeeded" in readiness.job({}, nothing()).message


def test_a_claim_waits_for_its_volume_unless_its_class_waits_for_a_pod():
    live = {"spec": {"storageClassName": "slow"}, "status": {"phase": "Pending"}}
    lazy = {"volumeBindingMode": "WaitForFirstConsumer"}
    assert readiness.claim(live, nothing(**{})).message == "there is no StorageClass 'slow'"
    assert readiness.claim(live, Lookup(objects={("StorageClass", "slow"): lazy})).ready
    eager = Lookup(objects={("StorageClass", "slow"): {"volumeBindingMode": "Immediate"}})
    assert not readiness.claim(live, eager).ready
    assert readiness.claim({**live, "status": {"phase": "Bound"}}, nothing()).ready


def test_a_service_waits_for_a_ready_pod_only_when_it_selects_some():
    live = {"metadata": {"name": "web", "namespace": "t"}, "spec": {"selector": {"a": "b"}, "clusterIP": "10.0.0.1"}}
    assert "0 pods match" in readiness.service(live, nothing()).message
    waiting = nothing(EndpointSlice=[{"endpoints": [{"conditions": {"ready": False}}]}])
    assert "1 pods match its selector, none is ready" in readiness.service(live, waiting).message
    assert readiness.service(live, nothing(EndpointSlice=[{"endpoints": [{"conditions": {"ready": True}}]}])).ready
    for spec in ({"clusterIP": "None", "selector": {"a": "b"}}, {"type": "ExternalName"}, {}):
        assert readiness.service({**live, "spec": spec}, nothing()).ready
    balanced = {"type": "LoadBalancer"}
    assert "no address" in readiness.service({**live, "spec": balanced}, nothing()).message


def test_a_definition_is_ready_when_its_kind_is_served():
    spec = {"group": "g", "names": {"kind": "Widget"}, "versions": [{"name": "v1", "served": True}]}
    established = {"conditions": [{"type": "Established", "status": "True"}]}
    assert not readiness.definition({"spec": spec}, nothing()).ready
    assert not readiness.definition({"spec": spec, "status": established}, nothing()).ready
    assert readiness.definition({"spec": spec, "status": established}, nothing(Widget=[])).ready


@pytest.mark.parametrize(
    ("wanted", "ready"),
    [
        ("condition=Synced", True),
        ("condition=Synced=False", False),
        ("condition=Absent", False),
        ("jsonpath={.status.phase}=Running", True),
        ("jsonpath={.status.phase}=Done", False),
        ("jsonpath={.status.phase}", True),
        ("jsonpath={.status.none}", False),
        ("jsonpath={.status.list[0].name}=a", True),
        ('jsonpath={.status.list[?(@.name=="b")].ok}=true', True),
        ("jsonpath={.status['phase']}=Running", True),
        ('["condition=Synced", "jsonpath={.status.phase}=Done"]', False),
    ],
)
def test_a_programs_own_conditions_are_awaited(wanted, ready):
    status = {
        "phase": "Running",
        "list": [{"name": "a", "ok": False}, {"name": "b", "ok": True}],
        "conditions": [{"type": "Synced", "status": "True"}],
    }
    assert waitfor.parse(wanted)({"status": status}, nothing()).ready is ready


@pytest.mark.parametrize("wanted", ["ready", "jsonpath=", "jsonpath={status}", '["condition=A"', "[1]"])
def test_a_condition_that_says_nothing_is_refused(wanted):
    with pytest.raises(Refused, match="waitFor must be"):
        waitfor.parse(wanted)


# Diagnosis


def test_the_reason_quotes_waiting_containers_crashes_and_events():
    pod = {
        "metadata": {"name": "web-1", "namespace": "t"},
        "status": {
            "conditions": [{"type": "PodScheduled", "status": "True"}],
            "containerStatuses": [
                {"name": "a", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}},
                {
                    "name": "b",
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
                },
            ],
        },
    }
    live = {"metadata": {"name": "web", "namespace": "t"}, "spec": {"selector": {"matchLabels": {"a": "b"}}}}
    events = [{"reason": "FailedMount", "message": "no volume"}]
    client = nothing(Pod=[pod], ReplicaSet=[], Event=events, log="first\nlast words")
    text = "\n".join(diagnosis.explain(DEPLOYMENT, live, client))
    assert "container a is waiting: ImagePullBackOff: no such image" in text
    assert "container b exited with 3 (Error)" in text
    assert "    last words" in text
    assert "FailedMount: no volume" in text


def test_a_pod_that_fits_nowhere_says_why():
    unschedulable = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available: too big"}
    pod = {"metadata": {"name": "web-1"}, "status": {"conditions": [unschedulable]}}
    assert diagnosis.describe_pod(pod, nothing())[0] == ("pod web-1 is not scheduled: 0/1 nodes are available: too big")


# Helm releases


def test_a_preview_renders_no_chart(monkeypatch, tmp_path):
    rendered = []
    monkeypatch.setattr(helm, "run", lambda *words, what: rendered.append(words) or "")
    nowhere = Cluster(options.Options(), None, "there is none", EngineLog(""), threading.Event())
    task = Task(nowhere, "urn", preview=True)
    release = {"name": "cd", "namespace": "argocd", "version": "1.2.3", "values": {"replicas": 2}}

    far = {**release, "chart": "argo-cd", "repositoryOpts": {"repo": "https://charts.example.org"}}
    assert helm.create(task, far) == ("", far)
    assert rendered == []

    (tmp_path / "Chart.yaml").write_text("name: argo-cd\n")
    assert helm.create(task, {**release, "chart": str(tmp_path)})[1]["values"] == {"replicas": 2}
    assert rendered == []
