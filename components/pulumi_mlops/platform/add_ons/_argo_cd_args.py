"""Arguments of `ArgoCD`, and what is wrong with them."""

from collections.abc import Iterator
from typing import NotRequired

import pulumi

from pulumi_mlops._args import Argument, Arguments
from pulumi_mlops._rules import quantity
from pulumi_mlops.contract.rules import dns_label, matches, not_empty
from pulumi_mlops.platform import _published
from pulumi_mlops.platform._published import PublishedArgs
from pulumi_mlops.platform.add_on import AddOnArgs, CallerArgs, ReplicatedArgs


class ArgoCDArgs(AddOnArgs, ReplicatedArgs, CallerArgs, PublishedArgs):
    """Arguments of `ArgoCD`."""

    oidc_issuer: pulumi.Input[str]
    """URL of the identity provider, without a slash at its end."""
    oidc_client_id: pulumi.Input[str]
    """Id of the client at the identity provider; its redirect URL is `https://<host>/auth/callback`."""
    oidc_secret_name: pulumi.Input[str]
    """Name of the Secret in the namespace that holds the client's secret under `client-secret`. It must bear the label
    `app.kubernetes.io/part-of: argocd`, without which Argo CD does not read it."""
    admin_groups: list[str]
    """Groups, as the identity provider's `groups` claim names them, that may change everything. Plain: they are lines
    of a policy."""
    reader_groups: NotRequired[list[str]]
    """Groups that may see everything; default none. Who is in no group sees nothing."""
    groups_scope: NotRequired[pulumi.Input[str] | None]
    """Scope that the identity provider wants to be asked for before it names groups; default none, as with Cognito."""
    redis_high_availability: NotRequired[bool]
    """Whether Redis has three replicas, which need three nodes; default true. When false, the cache is empty after a
    failure and is filled again."""
    controller_memory: NotRequired[pulumi.Input[str]]
    """Memory of the controller, request and limit; default "2Gi", enough for some hundred applications."""
    keep_definitions: NotRequired[bool]
    """Whether the resource definitions survive `destroy`; default true. When false, `destroy` deletes them and with
    them every application; what the applications deployed stays."""


ARGUMENTS: Arguments = {
    **_published.ARGUMENTS,
    "oidc_issuer": Argument(rule=_published.https_url),
    "oidc_client_id": Argument(rule=not_empty),
    "oidc_secret_name": Argument(rule=dns_label),
    "admin_groups": Argument(rule=matches(r"[^\r\n]+", "the name of a group")),
    "reader_groups": Argument(default=[], rule=matches(r"[^\r\n]+", "the name of a group")),
    "groups_scope": Argument(rule=not_empty),
    "redis_high_availability": Argument(default=True),
    "controller_memory": Argument(default="2Gi", rule=quantity),
}


def problems(args: ArgoCDArgs) -> Iterator[str]:
    """Findings that no rule of a single field shows."""
    if not args["admin_groups"]:
        yield "args.admin_groups must name at least one group: no other account can change anything, got []"
