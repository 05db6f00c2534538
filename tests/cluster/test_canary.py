"""A canary on the running platform: the gateway gives it its share of the requests."""

from collections import Counter
from contextlib import suppress

import pytest
from kubernetes import client
from loop import Loop, eventually
from pulumi_cli import PulumiEnv

pytestmark = pytest.mark.cluster

REQUESTS = 200


def test_a_canary_answers_its_share_of_the_requests(loop: Loop, pulumi_env: PulumiEnv):
    stable, canary = sorted(two_versions(loop))[-2:]
    namespace, model = loop.outputs["namespace"], loop.outputs["model_name"]
    deployment = client.AppsV1Api(loop.api).read_namespaced_deployment(loop.outputs["deployment"], namespace)
    image = deployment.spec.template.spec.containers[0].image

    def program() -> None:
        import pulumi
        from pulumi_mlops import ModelEndpoint

        args = {"namespace": namespace, "image": image, "model_name": model, "model_version": stable, "memory": "256Mi"}
        endpoint = ModelEndpoint("weighted", {**args, "canary": {"model_version": canary, "weight_percent": 30}})
        pulumi.export("path", endpoint.path)

    stack = pulumi_env.stack(program, config={"kubernetes:kubeconfig": str(loop.cluster.kubeconfig)})
    try:
        url = loop.cluster.gateway_url + stack.up().outputs["path"]
        eventually(lambda: answers(loop, url), 30, "an answer through the route that has just been made")
        seen = Counter(loop.served_version(url) for _ in range(REQUESTS))
    finally:
        stack.destroy()

    assert set(seen) == {stable, canary}
    assert seen[canary] / REQUESTS == pytest.approx(0.3, abs=0.12)  # 3.7 standard deviations, if it were by chance


def two_versions(loop: Loop) -> set[str]:
    if len(loop.stored_versions()) < 2:
        loop.train()
    return loop.stored_versions()


def answers(loop: Loop, url: str) -> bool:
    with suppress(OSError):
        return bool(loop.served_version(url))
    return False
