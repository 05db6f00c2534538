"""What charts leave in a cluster that outlives their stack: definitions of kinds, and a webhook that nobody answers.

Helm never deletes definitions that a chart brings beside its templates or marks as kept: with one go all objects of its
kind. Those are named here, and deleted by whoever knows that nobody needs them. Webhooks without their server are
removed: they would refuse what others do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pulumi_mlops.cli.cluster import Cluster, Refused, Unanswered
from pulumi_mlops.cli.leftovers import survey
from pulumi_mlops.cli.state import StateResource
from pulumi_mlops.cli.values import items
from pulumi_mlops.platform.add_ons import CONTROLLERS, Controller

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
NOT_FOUND = 404


@dataclass(frozen=True)
class Place:
    """A cluster in which a stack has charts, and how it is reached."""

    cluster: Cluster
    charts: frozenset[str]


def tidy(place: Place, remaining: Sequence[StateResource]) -> Iterator[str]:
    """Removes the webhooks of the charts that went with a stack, and says what of them is left, one line each.

    `remaining` is the state of the stack after its destroy; what it still has is not looked at.
    """
    gone = _gone(place.charts - survey.own(remaining).charts)
    if not gone:
        return
    try:
        for webhook in sorted(one for controller in gone for one in controller.webhooks):
            if _removed(place.cluster, webhook):
                yield f"removed the ValidatingWebhookConfiguration {webhook}, whose server is gone"
        left = list(_definitions(place.cluster, {group for controller in gone for group in controller.groups}))
    except Unanswered as problem:  # the cluster went as well, or only its network did
        webhooks = " ".join(one for controller in gone for one in controller.webhooks)
        yield f"the cluster could not be asked what its charts left: {problem}"
        if webhooks:
            yield f"if it is still there: kubectl delete --ignore-not-found validatingwebhookconfigurations {webhooks}"
        return
    if left:
        yield f"definitions of {len(left)} kinds stay in the cluster, since others' objects would go with them"
        yield "if nobody has objects of these kinds, and no other stack brings them:"
        yield f"  kubectl delete customresourcedefinitions {' '.join(left)}"


def _gone(charts: frozenset[str]) -> list[Controller]:
    return [one for one in CONTROLLERS.values() if one.chart in charts]


def _removed(cluster: Cluster, webhook: str) -> bool:
    try:
        cluster.delete(f"{WEBHOOKS}/{webhook}")
    except Refused as problem:
        if problem.status == NOT_FOUND:
            return False
        raise
    return True


def _definitions(cluster: Cluster, groups: set[str]) -> Iterator[str]:
    for one in items(cluster.get(DEFINITIONS).get("items")):
        group = str(one["spec"]["group"])
        if any(group == ours or group.endswith(f".{ours}") for ours in groups):
            yield str(one["metadata"]["name"])
