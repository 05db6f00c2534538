import json
from typing import Any

import pytest
from pulumi_mlops import ArgumentError, conventions, versions
from pulumi_mlops.platform import ArgoCD
from pulumi_mlops.platform.add_ons import argo_cd
from syrupy.assertion import SnapshotAssertion

from tests.components.delivery_addons import ARGO_CD, ARGO_CD_FULL
from tests.conftest import Build, Graph, Secret, unknown


def program(name: str = "argocd", **changes: Any) -> ArgoCD:
    return ArgoCD(name, {**ARGO_CD, **changes})


def values(graph: Graph, name: str = "argocd") -> dict[str, Any]:
    return graph[f"{name}-release"].inputs["values"]


def test_the_smallest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(program).contract() == snapshot


def test_the_fullest_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert build(lambda: program(**ARGO_CD_FULL)).contract() == snapshot


def test_one_pinned_release_in_a_namespace_of_its_own_that_admits_restricted_pods_only(build: Build) -> None:
    graph = build(program)

    release = graph["argocd-release"].inputs
    assert (release["chart"], release["version"]) == ("argo-cd", versions.ARGO_CD_CHART)
    assert release["namespace"] == conventions.ARGO_CD_NAMESPACE
    labels = graph["argocd-namespace"].inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_nobody_gets_in_but_by_the_identity_provider(build: Build) -> None:
    configured = values(build(program))

    assert configured["configs"]["cm"]["admin.enabled"] == "false"
    assert configured["dex"] == {"enabled": False}
    assert json.loads(configured["configs"]["cm"]["oidc.config"]) == {
        "name": "SSO",
        "issuer": "https://id.example.org",
        "clientID": "argocd",
        "clientSecret": "$argocd-oidc:client-secret",
        "requestedScopes": ["openid", "profile", "email"],
    }


def test_who_is_in_no_group_may_do_nothing(build: Build) -> None:
    rbac = values(build(lambda: program(reader_groups=["data science"])))["configs"]["rbac"]

    assert rbac["policy.default"] == ""
    assert rbac["policy.csv"] == 'g, "platform", role:admin\ng, "data science", role:readonly\n'


def test_the_password_of_redis_is_secret_and_not_in_the_values(build: Build) -> None:
    graph = build(program)

    secret = graph["argocd-redis"]
    assert secret.inputs["metadata"]["name"] == "argocd-redis"
    assert isinstance(secret.inputs["stringData"], Secret)
    assert "Secret(value=" not in repr(graph["argocd-release"].inputs)
    assert values(graph)["redisSecretInit"] == {"enabled": False}
    assert secret.urn in graph["argocd-release"].dependencies


def test_redis_is_reached_by_the_parts_of_argo_cd_alone(build: Build) -> None:
    ha = values(build(program))["redis-ha"]

    assert ha["networkPolicy"] == {"enabled": True}
    proxy = ha["haproxy"]["networkPolicy"]
    assert proxy["enabled"] is True
    ((peer,),) = [rule["selectors"] for rule in proxy["ingressRules"]]
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/instance": "argocd"}
    (names,) = peer["podSelector"]["matchExpressions"]
    assert names["values"] == ["argocd-server", "argocd-repo-server", "argocd-application-controller"]


def test_the_route_is_the_last_to_come_and_leads_to_the_server(build: Build) -> None:
    graph = build(program)

    route = graph["argocd-route"]
    assert graph["argocd-release"].urn in route.dependencies
    assert route.inputs["spec"]["hostnames"] == ["argocd.example.org"]
    (rule,) = route.inputs["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": "argocd-server", "port": 80}]
    assert values(graph)["configs"]["params"] == {"server.insecure": "true"}


def test_every_part_has_requests_and_a_memory_limit(build: Build) -> None:
    for high_availability in (True, False):
        configured = values(build(lambda ha=high_availability: program(redis_high_availability=ha)))
        ha = configured.get("redis-ha", {})
        parts = [configured[name] for name in ("controller", "server", "repoServer", "applicationSet")]
        caches = ("redis", "sentinel", "init", "splitBrainDetection", "haproxy")
        parts += [*(ha[part] for part in caches), ha["haproxy"]["init"]] if ha else [configured["redis"]]
        assert high_availability is bool(ha)
        for part in parts:
            assert {"cpu", "memory"} == set(part["resources"]["requests"])
            assert set(part["resources"]["limits"]) == {"memory"}


def test_several_replicas_survive_a_drain_and_one_does_not_block_it(build: Build) -> None:
    for part in ("server", "repoServer", "applicationSet"):
        assert values(build(program))[part]["replicas"] == 2
        assert values(build(program))[part]["pdb"] == {"enabled": True, "maxUnavailable": 1}
        assert values(build(lambda: program(replicas=1)))[part]["pdb"] == {"enabled": False}
    assert values(build(program))["controller"]["replicas"] == 1


def test_service_accounts_are_those_that_a_trust_names(build: Build) -> None:
    configured = values(build(program))

    for part, account in (
        ("controller", argo_cd.CONTROLLER_SERVICE_ACCOUNT),
        ("server", argo_cd.SERVER_SERVICE_ACCOUNT),
        ("repoServer", argo_cd.REPOSITORY_SERVICE_ACCOUNT),
        ("applicationSet", argo_cd.APPLICATION_SET_SERVICE_ACCOUNT),
    ):
        assert configured[part]["serviceAccount"]["name"] == account


@pytest.mark.parametrize("high_availability", [True, False])
def test_one_mirror_serves_every_image(build: Build, high_availability: bool) -> None:
    changes = {"image_mirror": "mirror.example.org", "redis_high_availability": high_availability}
    text = str(values(build(lambda: program(**changes))))

    assert text.count("mirror.example.org/") == (3 if high_availability else 2)
    assert not [public for public in ("quay.io", "ecr-public", "docker.io", "ghcr.io") if public in text]


def test_crossplane_s_conditions_are_health(build: Build) -> None:
    cm = values(build(program))["configs"]["cm"]

    customized = json.loads(cm["resource.customizations"])
    assert set(customized) == {"*.crossplane.io/*", "*.upbound.io/*"}
    assert "Degraded" in customized["*.upbound.io/*"]["health.lua"]
    excluded = json.loads(cm["resource.exclusions"])
    assert ["ProviderConfigUsage"] in [one["kinds"] for one in excluded]


def test_permissions_are_none_by_default_and_reach_what_was_named() -> None:
    role, charts = "arn:aws:iam::111122223333:role/other", "arn:aws:ecr:eu-central-1:111122223333:repository/charts/*"

    assert argo_cd.statements() == []
    found = argo_cd.statements(cluster_role_arns=[role], chart_registry_arns=[charts])
    assert [one["resources"] for one in found] == [[role], [charts], ["*"]]
    assert [one for one in found if one["resources"] == ["*"] and not one.get("reason")] == []


def test_the_outputs_say_where_it_is_and_when_it_is_ready(build: Build) -> None:
    assert build(program).outputs_of("argocd") == {
        "namespace": "argocd",
        "url": "https://argocd.example.org",
        "release": "argocd",
        "chart_version": versions.ARGO_CD_CHART,
    }
    assert build(program, preview=True).outputs_of("argocd")["release"] == "<unknown>"
    assert build(program, preview=True).outputs_of("argocd")["namespace"] == "argocd"


def test_what_is_not_known_yet_is_no_obstacle(build: Build) -> None:
    changes = {key: unknown for key in ("host", "oidc_issuer", "oidc_client_id", "oidc_secret_name", "image_mirror")}

    graph = build(lambda: program(**{key: make(key) for key, make in changes.items()}), preview=True)

    assert {"Release", "HTTPRoute", "Secret"} <= graph.kinds()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"host": "https://argocd.example.org"}, "args.host must be a domain name"),
        ({"host": None}, "args.host is required"),
        ({"oidc_issuer": "id.example.org"}, "args.oidc_issuer must be a URL that begins with https://"),
        ({"oidc_issuer": "https://id.example.org/"}, "args.oidc_issuer must be a URL"),
        ({"oidc_client_id": ""}, "args.oidc_client_id must not be empty"),
        ({"oidc_secret_name": "Not A Secret"}, "args.oidc_secret_name must be a DNS label"),
        ({"admin_groups": []}, "args.admin_groups must name at least one group"),
        ({"admin_groups": ["a\nb"]}, "args.admin_groups[0] must be the name of a group"),
        ({"reader_groups": [""]}, "args.reader_groups[0] must be the name of a group"),
        ({"replicas": 0}, "args.replicas must be between 1 and 10 replicas, got 0"),
        ({"replicas": 11}, "args.replicas must be between 1 and 10 replicas, got 11"),
        ({"controller_memory": "much"}, "args.controller_memory must be a Kubernetes quantity"),
        ({"gateway_name": "Not"}, "args.gateway_name must be a DNS label"),
        ({"hots": "x"}, 'did you mean "host"?'),
    ],
)
def test_wrong_arguments_cost_one_line_and_no_resource(build: Build, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ArgumentError, match='ArgoCD "argocd"') as error:
        build(lambda: program(**changes))

    assert complaint in str(error.value)


@pytest.mark.parametrize("replicas", [1, 10])
def test_the_limits_themselves_are_allowed(build: Build, replicas: int) -> None:
    assert build(lambda: program(replicas=replicas)).of_kind("Release")
