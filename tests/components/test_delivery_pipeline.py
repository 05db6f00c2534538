"""`DeliveryPipeline`: what it makes, which step knows which secret, and what starts a run."""

import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pulumi_mlops import ArgumentError, DeliveryPipeline, PromotionMode
from pulumi_mlops.delivery_pipeline import _build, _events
from pulumi_mlops.delivery_pipeline._arguments import ALLOWED_KINDS
from syrupy.assertion import SnapshotAssertion

from delivery.__main__ import FAILURES, _parser
from local.paths import ROOT
from tests.components.programs import DELIVERY, DELIVERY_FULL, with_changes
from tests.conftest import UNKNOWN, Build, Graph, unknown

COMMIT = "{{workflow.parameters.revision}}"
REPORTED = "pending.Succeeded || pending.Failed || pending.Errored"
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def pipeline(build: Build, /, preview: bool = False, **changes: Any) -> Graph:
    return build(lambda: DeliveryPipeline("web", with_changes(DELIVERY, **changes)), preview=preview)


def spec(graph: Graph, name: str = "web-workflow-template") -> dict[str, Any]:
    return graph[name].inputs["spec"]


def templates(graph: Graph) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in spec(graph)["templates"]}


def tasks(graph: Graph, dag: str = "delivery") -> dict[str, dict[str, Any]]:
    return {task["name"]: task for task in templates(graph)[dag]["dag"]["tasks"]}


def containers(graph: Graph) -> dict[str, dict[str, Any]]:
    """Every container of the workflow by <template> or <template>/<init container>."""
    found = {}
    for name, template in templates(graph).items():
        found |= {f"{name}/{one['name']}": one for one in template.get("initContainers", [])}
        found |= {name: template["container"]} if "container" in template else {}
    return found


def test_the_smallest_pipeline_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert pipeline(build).contract() == snapshot


def test_the_fullest_pipeline_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert pipeline(build, **DELIVERY_FULL).contract() == snapshot


def test_the_program_of_the_guide_builds(build: Build) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "guides" / "delivery.md").read_text(), re.DOTALL)
    graph = build(lambda: exec(code))
    assert list(tasks(graph)) == ["pending", "lint", "tests", "image", "staging", "approval", "production"]


def test_every_object_is_a_child_with_the_standard_labels(build: Build) -> None:
    graph = pipeline(build, **DELIVERY_FULL)
    children = [one for one in graph if one.name != "web"]
    for one in children:
        metadata = one.inputs["metadata"]
        assert one.parent == graph["web"].urn
        assert metadata["labels"]["app.kubernetes.io/name"] == "delivery-pipeline"
        assert metadata["labels"]["app.kubernetes.io/instance"] == "web"
        assert metadata["labels"]["team"] == "birds"
    elsewhere = {one.kind for one in children if one.inputs["metadata"]["namespace"] == "argo-cd"}
    assert elsewhere == {"AppProject", "Application", "Role", "RoleBinding"}
    assert {one.inputs["metadata"]["namespace"] for one in children} == {"argo-cd", "delivery"}


def test_two_live_in_one_namespace(build: Build) -> None:
    graph = build(lambda: (DeliveryPipeline("web", DELIVERY), DeliveryPipeline("model", DELIVERY)))
    children = [one for one in graph if "metadata" in one.inputs]
    places = [(one.kind, one.inputs["metadata"]["namespace"], one.inputs["metadata"]["name"]) for one in children]
    assert len(set(places)) == len(places) == 2 * 22


def test_a_preview_needs_no_value_that_another_resource_gives(build: Build) -> None:
    def program() -> None:
        repository = {**DELIVERY["repository"], "url": unknown("url")}
        DeliveryPipeline(
            "web", with_changes(DELIVERY, repository=repository, namespace=unknown("a"), image=unknown("b"))
        )

    graph = build(program, preview=True)
    assert graph["web-staging-application"].inputs["spec"]["source"]["repoURL"] == UNKNOWN


def test_checks_come_first_and_production_gets_what_passed_in_staging(build: Build) -> None:
    graph = pipeline(build, **with_changes(DELIVERY_FULL, promotion=PromotionMode.AUTOMATIC, soak_seconds=0,
                                           approval_timeout_seconds=None))  # fmt: skip
    made = tasks(graph)
    assert {name: task.get("depends") for name, task in made.items()} == {
        "pending": None,
        "lint": None,
        "tests": None,
        "image": f"lint.Succeeded && tests.Succeeded && ({REPORTED})",
        "staging": "image.Succeeded",
        "production": "staging.Succeeded",
    }
    built = [{"name": "image", "value": "{{tasks.image.outputs.parameters.image}}"}]
    assert made["staging"]["arguments"]["parameters"] == made["production"]["arguments"]["parameters"] == built
    assert made["production"]["when"] == "'{{tasks.staging.outputs.parameters.proceed}}' == 'true'"


def test_a_pull_request_takes_the_place_of_production_and_needs_no_right_in_the_cluster(build: Build) -> None:
    graph = pipeline(build, **with_changes(DELIVERY_FULL, promotion=PromotionMode.PULL_REQUEST, soak_seconds=0,
                                           approval_timeout_seconds=None))  # fmt: skip
    made = tasks(graph)["production"]
    assert (made["template"], made["depends"]) == ("production-propose", "staging.Succeeded")
    found = templates(graph)
    assert [one for one in found if one.startswith("production")] == ["production-propose"]
    step = found["production-propose"]
    assert "serviceAccountName" not in step
    assert step["synchronization"] == {"mutexes": [{"name": "delivery-web-production"}]}
    given = dict(pairwise(step["container"]["args"]))
    assert (given["--pull-request-branch"], given["--overlay"], given["--host"], given["--branch"]) == (
        "delivery/web-production",
        "deploy/overlays/production",
        "GITHUB",
        "release/1.x",
    )
    assert given["--image"] == "{{inputs.parameters.image}}"
    assert _parser().parse_args(step["container"]["args"]).command == "propose"
    steps = found["report"]["container"]["args"]
    assert steps[steps.index("--steps") + 1 :][-1] == "production-propose"


def test_without_lint_and_integration_tests_there_are_no_such_steps(build: Build) -> None:
    graph = pipeline(build)
    assert list(tasks(graph)) == ["pending", "tests", "image", "staging", "production"]
    assert list(tasks(graph, "staging")) == ["promote", "revert"]
    assert tasks(graph, "staging")["revert"]["depends"] == "promote.Failed || promote.Errored"


def test_an_approval_comes_after_the_soak_and_before_production(build: Build) -> None:
    graph = pipeline(build, **DELIVERY_FULL)
    made = tasks(graph)
    assert list(made)[-3:] == ["soak", "approval", "production"]
    assert [made[name]["depends"] for name in ("soak", "approval", "production")] == [
        "staging.Succeeded",
        "soak.Succeeded",
        "approval.Succeeded",
    ]
    assert templates(graph)["soak"]["suspend"] == {"duration": "600"}
    assert templates(graph)["approval"]["suspend"] == {}
    assert spec(graph)["activeDeadlineSeconds"] == 3600 + 600 + 86400


def test_the_commit_is_pending_at_first_and_in_the_end_gets_what_became_of_the_run(build: Build) -> None:
    graph = pipeline(build, **DELIVERY_FULL)
    first = tasks(graph)["pending"]
    ((last,),) = templates(graph)[spec(graph)["onExit"]]["steps"]
    given = [{one["name"]: one["value"] for one in task["arguments"]["parameters"]} for task in (first, last)]
    assert first["template"] == last["template"] == "report"
    assert given == [
        {"phase": "Running", "failures": "[]"},
        {"phase": "{{workflow.status}}", "failures": "{{workflow.failures}}"},
    ]
    assert last["continueOn"] == {"error": True, "failed": True}

    report = templates(graph)["report"]
    arguments = [one.replace("{{inputs.parameters.phase}}", "Failed") for one in report["container"]["args"]]
    known = _parser().parse_args(arguments)
    assert (known.phase, len(known.steps)) == ("Failed", 10)
    assert (known.command, known.repository, known.host) == ("report", "https://github.com/birds/web", "GITHUB")
    assert (known.context, known.revision, known.token_file) == ("delivery/web", COMMIT, Path("/etc/git-host/token"))
    assert known.target_url == "https://workflows.example.org/workflows/{{workflow.namespace}}/{{workflow.name}}"
    assert report["container"]["env"] == [{"name": FAILURES, "value": "{{inputs.parameters.failures}}"}]
    assert "failures" not in str(report["container"]["args"])
    assert "serviceAccountName" not in report


def test_a_report_names_every_step_that_can_fail(build: Build) -> None:
    arguments = templates(pipeline(build, **DELIVERY_FULL))["report"]["container"]["args"]
    assert arguments[arguments.index("--steps") + 1 :] == [
        *("lint", "tests", "image", "staging-promote", "staging-tests", "staging-revert"),
        *("soak", "approval", "production-promote", "production-revert"),
    ]


def test_without_the_address_of_argo_workflows_a_commit_has_no_link(build: Build) -> None:
    assert "--target-url" not in templates(pipeline(build))["report"]["container"]["args"]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_release_that_fails_is_reverted_and_the_environment_still_fails(build: Build, environment: str) -> None:
    graph = pipeline(build, **DELIVERY_FULL)
    dag = templates(graph)[environment]["dag"]
    steps = [task["name"] for task in dag["tasks"]]
    assert dag["target"].split() == steps
    assert steps[-1] == "revert"
    for step in steps[:-1]:
        assert f"{step}.Failed" in dag["tasks"][-1]["depends"]
    arguments = templates(graph)[f"{environment}-revert"]["container"]["args"]
    assert arguments[0] == "revert"
    assert f"deploy/overlays/{environment}" in arguments
    assert templates(graph)[environment]["synchronization"] == {"mutexes": [{"name": f"delivery-web-{environment}"}]}


def test_only_the_program_delivery_gets_the_token_and_only_the_builder_the_registrys_login(build: Build) -> None:
    made = containers(pipeline(build, **DELIVERY_FULL))
    mounts = {name: {one["name"] for one in container["volumeMounts"]} for name, container in made.items()}
    ours = {name for name, one in made.items() if one["image"] == DELIVERY["delivery_image"]}

    assert {name for name, has in mounts.items() if "git-host" in has} == ours
    assert {name for name, has in mounts.items() if "registry" in has} == {"image"}
    assert made.keys() - ours == {"lint", "tests", "image", "staging-tests"}
    volumes = {one["name"]: one["secret"]["items"] for one in spec(pipeline(build))["volumes"] if "secret" in one}
    assert {name: [item["key"] for item in items] for name, items in volumes.items()} == {
        "git-host": ["token"],
        "registry": ["config.json"],
    }


def test_every_container_but_the_builders_is_restricted(build: Build) -> None:
    made = containers(pipeline(build, **DELIVERY_FULL))
    builder = made.pop("image")["securityContext"]
    assert {name for name, one in made.items() if one["securityContext"] != RESTRICTED} == set()
    assert builder["runAsUser"] == 1000
    assert "privileged" not in builder
    for name in ("web-event-source", "web-sensor"):
        template = spec(pipeline(build), name)["template"]
        assert template["container"]["securityContext"] == RESTRICTED
        assert template["securityContext"]["runAsNonRoot"] is True


def test_the_rights_are_those_of_each_part_and_no_more(build: Build) -> None:
    graph = pipeline(build)
    rules = {one.name: one.inputs["rules"] for one in graph.of_kind("Role")}
    results = [{"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}]
    assert rules == {
        "web-run-role": results,
        "web-promote-role": results,
        "web-events-role": [{"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["create"]}],
        "web-applications-role": [
            {
                "apiGroups": ["argoproj.io"],
                "resources": ["applications"],
                "resourceNames": ["web-staging", "web-production"],
                "verbs": ["get"],
            }
        ],
    }
    tokens = {one.name: one.inputs["automountServiceAccountToken"] for one in graph.of_kind("ServiceAccount")}
    assert tokens == {"web-run": True, "web-promote": True, "web-events": True, "web-webhook": False}
    users = {name: one.get("serviceAccountName") for name, one in templates(graph).items()}
    assert {name for name, user in users.items() if user} == {"staging-promote", "production-promote"}
    (binding,) = [one for one in graph.of_kind("RoleBinding") if one.name == "web-applications-role-binding"]
    assert binding.inputs["subjects"] == [
        {"kind": "ServiceAccount", "name": "web-delivery-promote", "namespace": "delivery"}
    ]


def test_argo_cd_may_deploy_this_repository_to_these_namespaces_and_nothing_of_the_cluster(build: Build) -> None:
    graph = pipeline(build)
    project = spec(graph, "web-project")
    assert project["sourceRepos"] == ["https://git.example.org/birds/web.git"]
    assert [one["namespace"] for one in project["destinations"]] == ["birds-staging", "birds"]
    assert project["clusterResourceWhitelist"] == []
    kinds = {f"{one['group']}/{one['kind']}".lstrip("/") for one in project["namespaceResourceWhitelist"]}
    assert kinds == set(ALLOWED_KINDS)
    assert not kinds & {"Secret", "rbac.authorization.k8s.io/Role", "networking.k8s.io/NetworkPolicy"}
    for environment, namespace in (("staging", "birds-staging"), ("production", "birds")):
        application = spec(graph, f"web-{environment}-application")
        assert application["project"] == "web"
        assert application["source"]["path"] == f"deploy/overlays/{environment}"
        assert application["destination"]["namespace"] == namespace


def test_argo_cd_leaves_the_field_of_a_training_pipeline_alone(build: Build) -> None:
    application = spec(pipeline(build), "web-production-application")
    assert application["ignoreDifferences"] == [
        {
            "group": "apps",
            "kind": "Deployment",
            "jsonPointers": ["/spec/template/metadata/annotations/pulumi-mlops.dev~1model-version"],
        }
    ]
    assert "RespectIgnoreDifferences=true" in application["syncPolicy"]["syncOptions"]


def test_the_webhook_is_behind_the_gateway_at_the_path_that_the_event_source_answers(build: Build) -> None:
    graph = pipeline(build)
    source = spec(graph, "web-event-source")
    (rule,) = spec(graph, "web-route")["rules"]
    (match,) = rule["matches"]
    webhook = source["github"]["push"]["webhook"]
    assert match == {"path": {"type": "Exact", "value": webhook["endpoint"]}, "method": "POST"}
    assert graph.outputs_of("web")["webhook_path"] == webhook["endpoint"] == "/webhooks/delivery/web"
    (port,) = source["service"]["ports"]
    assert rule["backendRefs"] == [{"name": "web-delivery-eventsource-svc", "port": port["port"]}]
    assert webhook["port"] == str(port["targetPort"])
    assert source["github"]["push"]["webhookSecret"] == {"name": "web-delivery", "key": "webhook"}


def test_filters_match_the_whole_of_the_repository_and_branch(build: Build) -> None:
    (dependency,) = spec(pipeline(build, **DELIVERY_FULL), "web-sensor")["dependencies"]
    filters = {(one["path"], one.get("comparator", "=")): one["value"] for one in dependency["filters"]["data"]}
    (branch,) = filters["body.ref", "="]
    assert re.search(branch, "refs/heads/release/1.x")
    for other in ("refs/heads/release/1.x-old", "refs/heads/release/1ax", "refs/tags/refs/heads/release/1.x"):
        assert not re.search(branch, other)
    (repository,) = filters["body.repository.full_name", "="]
    assert re.search(repository, "birds/web")
    assert not re.search(repository, "other-birds/web")
    (commit,) = filters["body.after", "="]
    assert re.search(commit, "0f" * 20)
    assert re.search(commit, "0f" * 32)
    assert not re.search(commit, "0f" * 20 + "; id")
    (deleted,) = filters["body.after", "!="]
    assert re.search(deleted, "0" * 40)
    assert not re.search(deleted, "0f" * 20)


def test_a_run_is_named_by_its_commit_so_that_there_is_one_of_it(build: Build) -> None:
    (trigger,) = spec(pipeline(build), "web-sensor")["triggers"]
    run = trigger["template"]["k8s"]["source"]["resource"]
    name, revision = trigger["template"]["k8s"]["parameters"]
    assert (name["dest"], name["operation"], run["metadata"]["name"]) == ("metadata.name", "append", "web-")
    assert name["src"]["dataTemplate"] == "{{ .Input.body.after | substr 0 12 }}"
    assert revision == {
        "src": {"dependencyName": "push", "dataKey": "body.after"},
        "dest": "spec.arguments.parameters.0.value",
    }
    assert run["spec"]["workflowTemplateRef"] == {"name": "web-delivery"}
    assert [one["name"] for one in run["spec"]["arguments"]["parameters"]] == ["revision"]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/birds/web", "birds/web"),
        ("https://git.example.org/birds/web.git", "birds/web"),
        ("https://example.org:8443/git/birds/web.git/", "birds/web"),
    ],
)
def test_the_repositorys_name_comes_from_its_address(url: str, name: str) -> None:
    assert _events.repository_name(url) == name


BUILDCTL = """#!/bin/sh
printf '%s\\n' "$@" > "$TRIAL/arguments"
while [ "$1" != --metadata-file ]; do shift; done
cat "$TRIAL/metadata" > "$2"
"""


@pytest.fixture
def build_image(tmp_path: Path) -> Any:
    """Runs the build's own script with a buildctl that only writes what it was asked for."""

    def run(metadata: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        program = tmp_path / "buildctl-daemonless.sh"
        program.write_text(BUILDCTL)
        program.chmod(0o755)
        (tmp_path / "metadata").write_text(metadata)
        variables = {
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "TRIAL": str(tmp_path),
            "CONTEXT": "/source/web",
            "DOCKERFILE": "Dockerfile",
            "TARGET": "",
            "IMAGE": "registry.example.org:5000/birds/web",
            "REVISION": "0f" * 20,
            "OUTPUTS": str(tmp_path / "outputs"),
            **environment,
        }
        script = _build.BUILD.replace("/tmp/metadata.json", str(tmp_path / "metadata.json"))
        done = subprocess.run(["sh", "-euc", script], env=variables, capture_output=True, text=True, check=False)
        return done, (tmp_path / "arguments").read_text().splitlines()

    return run


def test_a_build_ends_with_the_image_by_its_digest(build_image: Any, tmp_path: Path) -> None:
    digest = f"sha256:{'ab' * 32}"
    done, arguments = build_image(
        f'{{\n  "containerimage.config.digest": "sha256:{"cd" * 32}",\n  "containerimage.digest": "{digest}"\n}}'
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "outputs" / "image").read_text() == f"registry.example.org:5000/birds/web@{digest}"
    assert f"type=image,name=registry.example.org:5000/birds/web:{'0f' * 20},push=true" in arguments
    assert "type=registry,ref=registry.example.org:5000/birds/web:buildcache" in arguments
    assert not any(one.startswith("target=") for one in arguments)


def test_a_build_of_one_stage_names_it(build_image: Any) -> None:
    _, arguments = build_image(f'{{"containerimage.digest": "sha256:{"ab" * 32}"}}', TARGET="server; id")
    assert "target=server; id" in arguments


def test_a_build_without_a_digest_fails(build_image: Any, tmp_path: Path) -> None:
    done, _ = build_image("{}")
    assert done.returncode != 0
    assert "named no digest" in done.stderr
    assert not (tmp_path / "outputs" / "image").exists()


def at(args: Any, path: str, value: Any) -> Any:
    """A copy of the arguments with one value replaced."""
    head, _, rest = path.partition(".")
    return {**args, head: at(args[head], rest, value) if rest else value}


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("repository.url", "https://user@git.example.org/birds/web", "must be an https address that ends in"),
        ("repository.url", "https://git.example.org/web", "must be an https address that ends in"),
        ("repository.url", "git@github.com:birds/web.git", "must be an https address that ends in"),
        ("repository.host", "GITLAB", "must be one of"),
        ("repository.branch", "main; id", "must be the name of a branch"),
        ("repository.directory", "../other", "must be a directory of the repository"),
        ("image", "registry.example.org/birds/web:1", "must be an image with its registry and without a tag"),
        ("image", "registry.example.org/birds/web@sha256:00", "must be an image with its registry and without a tag"),
        ("staging.overlay", "/deploy/staging", "must be a directory of the repository"),
        ("staging.overlay", 'deploy/"x"', "must be a directory of the repository"),
        ("production.overlay", "deploy/overlays/staging", "must differ from args.staging.overlay"),
        ("production.namespace", "birds-staging", "must differ from args.staging.namespace"),
        ("staging.namespace", "delivery", "must differ from args.namespace: an overlay could change what deploys it"),
        ("production.namespace", "argo-cd", "must differ from args.argo_cd_namespace: an overlay"),
        ("checks.tests", "  ", "must not be empty"),
        ("checks.tests", "echo {{workflow.name}}", "must not have {{"),
        ("integration_tests.command", "echo {{inputs.parameters.image}}", "must not have {{"),
        ("soak_seconds", -1, "must be between 0 and"),
        ("deploy_timeout_seconds", 29, "must be at least 30 s"),
        ("timeout_seconds", 59, "must be at least 60 s"),
        ("allowed_kinds", ["Apps/v1/Deployment"], "must be <group>/<kind>"),
        ("promotion", "BY_MAIL", "must be one of"),
        ("promotion", "AUTOMATIC", "args.approval_timeout_seconds must be left out unless args.promotion is APPROVAL"),
        ("credentials_secret", "Web", "must be a DNS label"),
        ("argo_workflows_url", "workflows.example.org", "must be an address such as https://workflows.example.org"),
        ("argo_workflows_url", "https://workflows.example.org?a={{b}}", "must be an address such as"),
    ],
)
def test_what_cannot_work_is_refused_by_its_name(build: Build, path: str, value: Any, says: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(says)) as error:
        build(lambda: DeliveryPipeline("web", at(DELIVERY_FULL, path, value)))
    assert 'DeliveryPipeline "web"' in str(error.value)


@pytest.mark.parametrize("name", ["Web", "w" * 31, "1web", "web-"])
def test_a_name_that_its_objects_could_not_have_is_refused(build: Build, name: str) -> None:
    with pytest.raises(ArgumentError, match="name must be a name of lower-case letters"):
        build(lambda: DeliveryPipeline(name, DELIVERY))


def test_the_longest_name_leaves_room_for_what_argo_appends(build: Build) -> None:
    name = "w" * 30
    graph = build(lambda: DeliveryPipeline(name, DELIVERY))
    (backend,) = spec(graph, f"{name}-route")["rules"][0]["backendRefs"]
    assert len(backend["name"]) <= 63
    assert len(f"{name}-") + _events.NAME_DIGITS <= 63


def test_pods_reach_no_credentials_of_their_node(build: Build) -> None:
    graph = pipeline(build)
    policies = {one.name: one.inputs["spec"] for one in graph.of_kind("NetworkPolicy")}
    assert policies.keys() == {"web-webhook-network", "web-sensor-network", "web-runs-network"}
    blocks = [
        peer["ipBlock"]
        for policy in policies.values()
        for rule in policy["egress"]
        for peer in rule.get("to", [])
        if "ipBlock" in peer
    ]
    assert blocks
    assert all(block["except"] == ["169.254.0.0/16"] for block in blocks)
    assert [one["ingress"] for name, one in policies.items() if name != "web-webhook-network"] == [[], []]
    (rule,) = policies["web-webhook-network"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateway"}}}]
    for policy in policies.values():
        assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "web"
    assert COMMIT in str(templates(graph)["staging-promote"]["container"]["args"])


def test_every_container_of_a_step_leaves_the_end_of_its_log_where_it_fails(build: Build) -> None:
    graph = build(lambda: DeliveryPipeline("web", DELIVERY_FULL))
    steps = [one for one in templates(graph).values() if "container" in one]
    containers = [part for one in steps for part in (one["container"], *one.get("initContainers", []))]

    assert {one["terminationMessagePolicy"] for one in containers} == {"FallbackToLogsOnError"}
    assert len(containers) > len(steps) > 5
