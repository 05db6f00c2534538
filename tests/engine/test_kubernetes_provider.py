"""The Kubernetes provider under the real engine, against a real API server without nodes."""

from collections.abc import Callable

import pulumi
import pulumi_kubernetes as k8s
import pytest
from pulumi_cli import Failed

pytestmark = pytest.mark.engine

Program = Callable[[], None]
NO_WAIT = {"pulumi.com/skipAwait": "true"}
MODEL_VERSION = "pulumi-mlops.dev/model-version"
POD_ANNOTATIONS = "spec.template.metadata.annotations"


@pytest.fixture
def stack(pulumi_env, cluster):
    """A stack on the API server, which ends with the session."""
    return pulumi_env.stack(lambda: None, config={"kubernetes:kubeconfig": str(cluster.kubeconfig)})


def deployment(name: str, namespace: str, image: str = "nothing:1", **template: str) -> dict:
    """Arguments of a Deployment that this cluster will never run."""
    labels = {"app": name}
    return {
        "metadata": {"name": name, "namespace": namespace, "annotations": NO_WAIT},
        "spec": {
            "selector": {"match_labels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": dict(template)},
                "spec": {
                    "containers": [
                        {
                            "name": "main",
                            "image": image,
                            "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}},
                        }
                    ]
                },
            },
        },
    }


def in_namespace(name: str, rest: Callable[[pulumi.ResourceOptions], None]) -> Program:
    """A program with a namespace, and what `rest` puts into it."""

    def program() -> None:
        namespace = k8s.core.v1.Namespace(name, metadata={"name": name})
        rest(pulumi.ResourceOptions(depends_on=[namespace]))

    return program


def test_a_program_lives_through_create_update_replace_refresh_and_destroy(stack, cluster):
    settings = {"data": {"rate": "1"}, "labels": {"tier": "a"}, "size": 3}

    def program() -> None:
        namespace = k8s.core.v1.Namespace("life", metadata={"name": "life", "labels": settings["labels"]})
        inside = pulumi.ResourceOptions(depends_on=[namespace])
        auto = k8s.core.v1.ConfigMap("auto", metadata={"namespace": "life"}, data=settings["data"], opts=inside)
        k8s.core.v1.ConfigMap(
            "fixed", metadata={"namespace": "life", "name": "fixed"}, data=settings["data"], opts=inside
        )
        schema = {"open_apiv3_schema": {"type": "object", "x_kubernetes_preserve_unknown_fields": True}}
        definition = k8s.apiextensions.v1.CustomResourceDefinition(
            "definition",
            metadata={"name": "widgets.example.org"},
            spec={
                "group": "example.org",
                "scope": "Namespaced",
                "names": {"kind": "Widget", "plural": "widgets"},
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
            },
        )
        k8s.apiextensions.CustomResource(
            "widget",
            api_version="example.org/v1",
            kind="Widget",
            metadata={"name": "widget", "namespace": "life"},
            spec={"size": settings["size"], "parts": [{"name": "x"}]},
            opts=pulumi.ResourceOptions(depends_on=[namespace, definition]),
        )
        k8s.apps.v1.Deployment("web", **deployment("web", "life"), opts=inside)
        pulumi.export("auto", auto.metadata["name"])

    first_preview = stack.preview(program)
    assert first_preview.changes["create"] == 7
    assert cluster.get("v1", "Namespace", "life") is None

    first = stack.up()
    assert first.changes["create"] == 7
    name = first.outputs["auto"]
    assert name.startswith("auto-")
    assert cluster.get("v1", "ConfigMap", name, "life")["data"] == {"rate": "1"}
    assert cluster.get("example.org/v1", "Widget", "widget", "life")["spec"]["size"] == 3

    assert stack.up().changed == {}

    settings.update(data={"rate": "2"}, labels={"tier": "b"}, size=4)
    second = stack.up()
    assert second.changed == {"update": 2, "replace": 2}
    assert second.diff("life") == {"metadata.labels.tier": "update"}
    assert second.diff("widget") == {"spec.size": "update"}
    assert second.diff("fixed") == {"data.rate": "update-replace"}
    assert second.outputs["auto"] != name
    assert cluster.get("v1", "ConfigMap", name, "life") is None
    assert cluster.get("v1", "ConfigMap", second.outputs["auto"], "life")["data"] == {"rate": "2"}
    assert cluster.get("v1", "ConfigMap", "fixed", "life")["data"] == {"rate": "2"}

    edited = {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "widget", "namespace": "life"}}
    cluster.apply({**edited, "spec": {"size": 9}}, "kubectl")
    cluster.delete("v1", "ConfigMap", "fixed", "life")
    assert stack.refresh().changes["delete"] == 1
    restored = stack.up()
    assert restored.changed == {"create": 1, "update": 1}
    assert restored.diff("widget") == {"spec.size": "update"}
    assert cluster.get("example.org/v1", "Widget", "widget", "life")["spec"]["size"] == 4

    stack.destroy()
    assert cluster.get("v1", "Namespace", "life") is None
    assert cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.example.org") is None


@pytest.fixture
def endpoint(stack, cluster):
    """A Deployment that ignores the property path it is made with, and whose version a pipeline moves."""
    return Endpoint(stack, cluster)


class Endpoint:
    """The Deployment of a model endpoint, in the namespace that is given."""

    def __init__(self, stack, cluster) -> None:
        self._stack, self._cluster = stack, cluster

    def create(self, namespace: str, ignored: str) -> None:
        self._namespace = namespace
        self._image = image = {"name": "nothing:1"}  # the program is pickled, and must not hold on to the cluster

        def rest(inside: pulumi.ResourceOptions) -> None:
            options = pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(ignore_changes=[ignored]))
            arguments = deployment("model", namespace, image["name"], **{MODEL_VERSION: ""})
            k8s.apps.v1.Deployment("model", **arguments, opts=options)

        self._stack.up(in_namespace(namespace, rest))
        assert self.version() == ""

    def train(self, version: str) -> None:
        """What the last step of a training run does."""
        manifest = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "model", "namespace": self._namespace},
            "spec": {"template": {"metadata": {"annotations": {MODEL_VERSION: version}}}},
        }
        self._cluster.apply(manifest, "training-pipeline")

    def change(self, image: str):
        self._image["name"] = image
        return self._stack.up()

    def version(self) -> str:
        live = self._cluster.get("apps/v1", "Deployment", "model", self._namespace)
        return live["spec"]["template"]["metadata"]["annotations"][MODEL_VERSION]


def test_pod_annotations_that_a_pipeline_took_over_are_ignored_and_neither_conflict_nor_are_reset(stack, endpoint):
    endpoint.create("endpoint", POD_ANNOTATIONS)
    endpoint.train("v7")
    assert stack.up().changed == {}
    changed = endpoint.change("nothing:2")
    assert changed.changed == {"update": 1}
    assert changed.diff("model") == {"spec.template.spec.containers[0].image": "update"}
    assert endpoint.version() == "v7"

    stack.refresh()
    assert stack.up().changed == {}
    assert endpoint.version() == "v7"

    endpoint.train("v8")
    endpoint.change("nothing:3")
    assert endpoint.version() == "v8"


def test_ignoring_one_annotation_with_a_dot_in_its_key_conflicts_with_the_pipeline_that_took_it_over(endpoint):
    endpoint.create("one-annotation", f'{POD_ANNOTATIONS}["{MODEL_VERSION}"]')
    endpoint.train("v7")
    with pytest.raises(Failed, match=r"model-version \(owned by 'training-pipeline'\)"):
        endpoint.change("nothing:2")
    assert endpoint.version() == "v7"


def test_an_ignored_field_that_pulumi_alone_owns_keeps_its_live_value(stack, cluster):
    wanted = {"replicas": 2, "image": "nothing:1"}

    def rest(inside: pulumi.ResourceOptions) -> None:
        arguments = deployment("scaled", "scaling", wanted["image"])
        arguments["spec"]["replicas"] = wanted["replicas"]
        options = pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(ignore_changes=["spec.replicas"]))
        k8s.apps.v1.Deployment("scaled", **arguments, opts=options)

    stack.up(in_namespace("scaling", rest))
    wanted.update(replicas=5, image="nothing:2")
    assert stack.up().diff("scaled") == {"spec.template.spec.containers[0].image": "update"}
    assert cluster.get("apps/v1", "Deployment", "scaled", "scaling")["spec"]["replicas"] == 2


def test_a_conflict_names_the_other_manager_and_the_field(stack, cluster):
    size = {"value": "1"}

    def rest(inside: pulumi.ResourceOptions) -> None:
        k8s.core.v1.ServiceAccount(
            "account",
            metadata={"name": "account", "namespace": "conflict", "annotations": {"size": size["value"]}},
            opts=inside,
        )

    stack.up(in_namespace("conflict", rest))
    manifest = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "account", "namespace": "conflict"}}
    manifest["metadata"]["annotations"] = {"size": "7"}
    cluster.apply(manifest, "somebody-else")
    size["value"] = "2"
    with pytest.raises(Failed, match=r"metadata\.annotations\.size \(owned by 'somebody-else'\)"):
        stack.up()
    assert cluster.get("v1", "ServiceAccount", "account", "conflict")["metadata"]["annotations"]["size"] == "7"


def test_an_immutable_field_replaces_the_object_and_deletes_first_when_the_name_is_fixed(stack, cluster):
    app = {"label": "one"}

    def rest(inside: pulumi.ResourceOptions) -> None:
        arguments = deployment("web", "replacing")
        arguments["spec"]["selector"]["match_labels"] = {"app": app["label"]}
        arguments["spec"]["template"]["metadata"]["labels"] = {"app": app["label"]}
        k8s.apps.v1.Deployment("web", **arguments, opts=inside)

    stack.up(in_namespace("replacing", rest))
    before = cluster.get("apps/v1", "Deployment", "web", "replacing")["metadata"]["uid"]
    app["label"] = "two"
    outcome = stack.up()
    assert outcome.changed == {"replace": 1}
    live = cluster.get("apps/v1", "Deployment", "web", "replacing")
    assert live["metadata"]["uid"] != before
    assert live["spec"]["selector"]["matchLabels"] == {"app": "two"}


def test_an_object_that_exists_is_not_adopted(stack, cluster):
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "taken"}}, "somebody")
    with pytest.raises(Failed, match="Namespace taken already exists and is not in this stack"):
        stack.up(lambda: k8s.core.v1.Namespace("taken", metadata={"name": "taken"}) and None)
    assert cluster.get("v1", "Namespace", "taken") is not None


def test_secrets_are_encrypted_in_the_state_and_readable_by_get(stack, cluster):
    def rest(inside: pulumi.ResourceOptions) -> None:
        k8s.core.v1.Secret(
            "login",
            metadata={"name": "login", "namespace": "secrets"},
            string_data={"password": "plain-to-nobody"},
            opts=inside,
        )
        k8s.core.v1.ConfigMap(
            "mixed",
            metadata={"name": "mixed", "namespace": "secrets"},
            data={"token": pulumi.Output.secret("hidden-from-all"), "open": "seen-by-all"},
            opts=inside,
        )

    created = in_namespace("secrets", rest)

    def program() -> None:
        created()
        pulumi.export("admins", k8s.rbac.v1.ClusterRole.get("admin", "cluster-admin").rules[0].verbs)

    outcome = stack.up(program)
    assert outcome.outputs["admins"] == ["*"]
    state = stack.state()
    assert "plain-to-nobody" not in state
    assert "cGxhaW4tdG8tbm9ib2R5" not in state
    assert "hidden-from-all" not in state
    assert "seen-by-all" in state
    stack.refresh()
    assert stack.up().changed == {}


def test_a_deployment_that_never_gets_ready_fails_with_its_reason_and_the_next_run_goes_on(stack, cluster):
    patience = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="10s", update="60s"))
    replicas = {"count": 1}

    def rest(inside: pulumi.ResourceOptions) -> None:
        arguments = deployment("stuck", "waiting")
        del arguments["metadata"]["annotations"]
        arguments["spec"]["replicas"] = replicas["count"]
        k8s.apps.v1.Deployment("stuck", **arguments, opts=pulumi.ResourceOptions.merge(inside, patience))

    with pytest.raises(Failed) as failure:
        stack.up(in_namespace("waiting", rest))
    text = str(failure.value)
    assert "Deployment waiting/stuck was not ready after 10s: 0 of 1 replicas available" in text
    assert "has not been looked at by a scheduler" in text
    assert "look at: kubectl describe deployment stuck --namespace waiting" in text
    assert "Traceback" not in text

    replicas["count"] = 0
    again = stack.up()
    assert again.changed == {"update": 1}
    assert stack.up().changed == {}


def test_a_preview_without_a_cluster_shows_the_inputs_and_an_update_says_that_there_is_none(pulumi_env, tmp_path):
    nowhere = """
apiVersion: v1
kind: Config
current-context: nowhere
clusters: [{name: nowhere, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
users: [{name: nobody, user: {token: none}}]
"""
    program = in_namespace(
        "far",
        lambda inside: k8s.core.v1.ConfigMap("c", metadata={"namespace": "far"}, data={"a": "b"}, opts=inside) and None,
    )
    stack = pulumi_env.stack(program, config={"kubernetes:kubeconfig": nowhere})
    assert stack.preview().changes["create"] == 3
    with pytest.raises(
        Failed, match=r"the Kubernetes cluster is unreachable: https://127\.0\.0\.1:1 cannot be reached"
    ):
        stack.up()


def test_what_is_not_implemented_is_refused_in_one_sentence(stack):
    with pytest.raises(
        Failed, match="ConfigMapPatch is a Patch resource, which the Kubernetes provider stand-in does not"
    ):
        stack.preview(lambda: k8s.core.v1.ConfigMapPatch("patch", metadata={"name": "x"}, data={}) and None)
    with pytest.raises(Failed, match=r"yaml/v2:ConfigFile is not implemented by the kubernetes provider stand-in"):
        stack.preview(lambda: k8s.yaml.v2.ConfigFile("file", file="x.yaml") and None)


def test_a_field_that_the_kind_does_not_have_passes_the_preview_and_fails_in_up(stack):
    wrong = lambda: k8s.core.v1.ConfigMap("wrong", metadata={"name": "w", "lables": {}}, data={"a": "b"}) and None  # noqa: E731
    stack.preview(wrong)
    with pytest.raises(
        Failed, match=r"ConfigMap default/w could not be created: .*lables: field not declared in schema"
    ):
        stack.up(wrong)


def test_a_kind_that_the_server_does_not_serve_fails_only_when_it_is_created(stack):
    def program() -> None:
        k8s.apiextensions.CustomResource(
            "odd",
            api_version="nobody.example/v1",
            kind="Odd",
            metadata={"name": "odd", "namespace": "default"},
            opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="2s")),
        )

    assert stack.preview(program).changes["create"] == 2
    with pytest.raises(Failed, match="the API server does not serve nobody"):
        stack.up()
