"""`pulumi-mlops delivery status|hold|lift|approve NAMESPACE/PIPELINE`."""

import argparse
import json
from collections.abc import Sequence

from pulumi_mlops.cli.cluster import Cluster, Unanswered
from pulumi_mlops.cli.delivery import pipeline, status
from pulumi_mlops.cli.delivery.pipeline import ENVIRONMENTS
from pulumi_mlops.cli.delivery.repository import Repository
from pulumi_mlops.cli.errors import DONE, FINDINGS, CommandError
from pulumi_mlops.cli.output import say
from pulumi_mlops.contract.settings import dns_label

ACTIONS = {
    "status": "show what each environment runs, who promoted it, what is held, and how the last run went",
    "hold": "hold an environment by a commit: nothing is promoted into it until the hold is lifted",
    "lift": "lift the hold of an environment by a commit",
    "approve": "let the run go on that waits for an approval",
}


def run(arguments: Sequence[str]) -> int:
    """Carries out one action; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="pulumi-mlops delivery",
        description="A DeliveryPipeline without kubectl: what is where, holding, lifting, approving. Asks the cluster "
        "of your kubeconfig, and the repository with your own git. Exit status of `status`: 0, or 3 if somebody has to "
        "do something: an environment is held, does not work, is not all there or cannot be read, or the last run "
        "failed or waits for an approval.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, text in ACTIONS.items():
        one = actions.add_parser(action, help=text, description=text)
        one.add_argument(
            "pipeline", metavar="NAMESPACE/PIPELINE", help="namespace of the runs, and the pipeline's name"
        )
        if action in ("hold", "lift"):
            one.add_argument("environment", choices=ENVIRONMENTS, metavar="ENVIRONMENT", help=" or ".join(ENVIRONMENTS))
        if action == "hold":
            one.add_argument("--reason", required=True, help="why, for whoever reads the commit or a run that fails")
        if action == "approve":
            one.add_argument("--run", help="name of the run; default: the newest one that waits")
        else:
            one.add_argument(
                "--repository", help="another address of the repository, or a path; default: the pipeline's"
            )
        if action == "status":
            one.add_argument("--json", action="store_true", help="print JSON")
        one.add_argument("--context", help="context of the kubeconfig; default: the current one")
        one.set_defaults(refuse=one.error)
    chosen = parser.parse_args(arguments)
    namespace, _, name = str(chosen.pipeline).partition("/")
    if dns_label(namespace) or dns_label(name):
        chosen.refuse(f"NAMESPACE/PIPELINE must be two names such as delivery/web, got {chosen.pipeline!r}")
    if chosen.action == "hold" and not chosen.reason.strip():
        chosen.refuse("--reason must not be empty")
    try:
        cluster = Cluster(None, chosen.context)
        return _carry_out(chosen, cluster, pipeline.read(cluster, namespace, name))
    except Unanswered as error:
        raise CommandError(f"the cluster cannot be asked: {error}") from None


def _carry_out(chosen: argparse.Namespace, cluster: Cluster, found: pipeline.Pipeline) -> int:
    if chosen.action == "approve":
        return _approve(cluster, found, chosen.run)
    address: str = chosen.repository or found.repository
    if chosen.action == "status":
        shown = status.read(cluster, found, address)
        print(json.dumps(status.as_json(shown), indent=2) if chosen.json else "\n".join(status.lines(shown)))
        return FINDINGS if shown.needs_somebody() else DONE
    path = found.environment(chosen.environment).overlay
    with Repository.cloned(address, found.branch) as repository:
        if chosen.action == "hold":
            done = repository.hold(path, " ".join(str(chosen.reason).split()))
            say(f"{chosen.environment} is held" if done else f"{chosen.environment} was held already; nothing changed")
        elif repository.lift(path):
            say(f"{chosen.environment} is not held any more; the next push is promoted into it again")
        else:
            say(f"{chosen.environment} was not held; nothing changed")
    return DONE


def _approve(cluster: Cluster, found: pipeline.Pipeline, name: str | None) -> int:
    waiting = [one for one in pipeline.runs(cluster, found) if one.waits and one.waits.name == pipeline.APPROVAL]
    chosen = next((one for one in waiting if name in (None, one.name)), None)
    if chosen is None:
        known = ", ".join(one.name for one in waiting) or "none"
        which = f"run {name} does not wait" if name else "no run waits"
        raise CommandError(f"{which} for an approval; waiting: {known}")
    pipeline.approve(cluster, found, chosen.name)
    say(f"approved: run {chosen.name} promotes commit {chosen.commit[: status.DIGITS]} into production")
    return DONE
