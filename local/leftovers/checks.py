"""What has to be gone before a stack on AWS may go: while some of it is there, the destroy is refused.

Does not own: what is protected, which `local/destruction.py` looks at, and the order within a stack, which is Pulumi's.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local import planning, stack_files
from local.adoption.urns import is_stack, name_of, type_of
from local.leftovers import message, survey
from local.leftovers.kinds import STEPS
from local.progress import StepFailed, say
from standins.plugins.kubernetes.client import ApiError, Client, Unreachable
from standins.plugins.kubernetes.options import configure

Resources = Sequence[Mapping[str, Any]]
Pulumi = Callable[..., str]
"""Runs the CLI with these words and returns what it printed."""
CLUSTER = "aws:eks/cluster:Cluster"
GUIDE = "docs/aws.md, Taking it down"


class _NoAnswer(Exception):
    """The cluster could not be asked; the message says why."""


def before_platform(stack: str, resources: Resources, pulumi: Pulumi) -> None:
    """Refuses while the cluster has objects of others whose controllers go with this platform.

    A platform without an object in the cluster, such as after a refresh that found the cluster gone, has none to ask.

    Raises:
        StepFailed: there are such objects, or the cluster cannot be asked.
    """
    ours = survey.own(resources)
    if not ours.objects and not ours.releases:
        return
    secret = json.loads(pulumi("stack", "export", "--stack", stack, "--show-secrets"))["deployment"]["resources"]
    options = next(one.get("inputs") or {} for one in secret if survey.is_cluster(one))
    place = {key: _plain(options[key]) for key in ("kubeconfig", "context") if key in options}
    try:
        found = _find(place, ours, survey.watched_by(STEPS, ours.charts))
    except _NoAnswer as problem:
        raise StepFailed(
            f"nothing was deleted, since the cluster cannot be asked what others still have in it: {problem}\n"
            "If it is there, run this where its API server can be reached, logged in as an administrator of it. "
            f"If it is gone, `PULUMI_K8S_DELETE_UNREACHABLE=true pulumi refresh --stack {stack}` takes its objects out "
            f"of the state; `make destroy STACK={stack}` then deletes the rest ({GUIDE})"
        ) from None
    if found:
        raise StepFailed(
            f"nothing was deleted, since stack {stack} takes away the controllers that have to delete {_count(found)}. "
            "Without them these wait for ever, or what they stand for stays on AWS:\n"
            f"{message.listing(found)}\n"
            f"Then run `make destroy STACK={stack}` again. What a team's stack has made goes with that stack ({GUIDE})"
        )


def before_foundation(stack: str, resources: Resources, pulumi: Pulumi, *, keep_data: bool) -> None:
    """Refuses while something stands on this foundation: a platform, or objects that stand for something on AWS.

    A cluster that does not answer stops nothing: the stack needs it for none of its own, and it may be half gone.

    Raises:
        StepFailed: there is something.
    """
    for platform in _platforms(stack, pulumi):
        if standing := _standing(platform, pulumi, keep_data=keep_data):
            raise StepFailed(
                f"nothing was deleted, since stack {platform}, which stands on {stack}, still has "
                f"{_plural(len(standing), 'resource')}, such as {', '.join(map(name_of, standing[:3]))}: "
                f"`make destroy STACK={platform}` comes first"
            )
    if keep_data or not any(type_of(one["urn"]) == CLUSTER for one in resources):
        return  # the cluster stays
    outputs = json.loads(pulumi("stack", "output", "--stack", stack, "--json", "--show-secrets"))
    if not (kubeconfig := outputs.get("kubeconfig")):
        return
    try:
        found = _find({"kubeconfig": kubeconfig}, survey.own(resources), [step for step in STEPS if step.on_aws])
    except _NoAnswer as problem:
        say(f"the cluster could not be asked for load balancers and volumes that would stay on AWS: {problem}")
        say(f"what stays can hold the network, and costs money: {GUIDE}, says how to find it")
        return
    if found:
        raise StepFailed(
            f"nothing was deleted, since the cluster goes with stack {stack} and has {_count(found)}, "
            f"behind which something would stay on AWS:\n{message.listing(found)}\n"
            f"Then run `make destroy STACK={stack}` again. A command that does not end has no controller any more: "
            f"{GUIDE}, When a destroy is stuck"
        )


def _platforms(foundation: str, pulumi: Pulumi) -> list[str]:
    """The platform stacks of the foundation's environment that the backend has."""
    environment = stack_files.settings(foundation).get("environment")
    there = {one["name"].rpartition("/")[2] for one in json.loads(pulumi("stack", "ls", "--json"))}
    return [
        name
        for name in stack_files.names()
        if name in there
        and planning.layer(name) == planning.PLATFORM
        and stack_files.settings(name).get("environment") == environment
    ]


def _standing(platform: str, pulumi: Pulumi, *, keep_data: bool) -> list[str]:
    """URNs of what has to go before the foundation; of a foundation that is kept, what is in the cluster alone."""
    state = json.loads(pulumi("stack", "export", "--stack", platform))
    resources = (state.get("deployment") or {}).get("resources") or []
    beginnings = (survey.KUBERNETES,) if keep_data else (survey.KUBERNETES, "aws:")
    return [one["urn"] for one in resources if not is_stack(one["urn"]) and type_of(one["urn"]).startswith(beginnings)]


def _find(place: Mapping[str, Any], ours: survey.Own, steps: Sequence[Any]) -> list[survey.Leftover]:
    chosen = configure(dict(place))
    if not chosen.kubeconfig:
        raise _NoAnswer(chosen.unreachable)
    from kubernetes.config import ConfigException

    try:
        return survey.find(Client(chosen.kubeconfig, chosen.context), ours, steps)
    except Unreachable as error:
        raise _NoAnswer(str(error)) from None
    except ApiError as error:
        raise _NoAnswer(f"its API server answers {error.status}: {error.message}") from None
    except ConfigException as error:
        raise _NoAnswer(f"the kubeconfig is of no use: {error}") from None


def _plain(value: Any) -> Any:
    """A value of a state that was exported with its secrets shown."""
    return json.loads(value["plaintext"]) if isinstance(value, dict) and "plaintext" in value else value


def _count(found: Sequence[Any]) -> str:
    return f"{_plural(len(found), 'object')} that it did not make"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
