"""An IAM role for exactly one service account of one cluster.

Does not own: the service account, the cluster's Pod Identity agent or identity provider, what the role may use.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from pulumi_mlops import _aws
from pulumi_mlops._args import Argument, ArgumentError, check_args, inputs
from pulumi_mlops.contract.rules import dns_label, matches
from pulumi_mlops.foundation import _policies
from pulumi_mlops.foundation._names import AUTONAME_SUFFIX, duplicates
from pulumi_mlops.foundation._statement_rules import StatementArgs, statement_problems

MAX_ROLE_NAME = 64  # IAM's limit
MAX_NAME = MAX_ROLE_NAME - len("-role") - AUTONAME_SUFFIX
MAX_INLINE_POLICY = 10_240  # IAM's limit of a role's inline policies, white space not counted
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"


class IdentityMode(StrEnum):
    """How a pod gets the credentials of its role."""

    POD_IDENTITY = "POD_IDENTITY"
    """The cluster's Pod Identity agent hands them out; the service account needs no annotation. Not on Fargate."""
    IRSA = "IRSA"
    """The pod exchanges its service account's token at STS: for SDKs that are too old for Pod Identity."""


class WorkloadIdentityArgs(TypedDict):
    """Arguments of `WorkloadIdentity`."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster that the service account is in."""
    namespace: pulumi.Input[str]
    """Namespace of the service account."""
    service_account: pulumi.Input[str]
    """Name of the service account, which may come into being later."""
    statements: list[StatementArgs]
    """What the role may do; `permissions` has the statements of common needs. May be empty beside
    `managed_policy_arns`. At most 10240 characters as JSON, IAM's limit of a role's inline policies."""
    managed_policy_arns: NotRequired[list[str]]
    """ARNs of policies that exist, AWS's or the account's own; default none, at most 10 (IAM's default quota).
    Plain: each one is attached by a resource of its own."""
    mode: NotRequired[IdentityMode]
    """How pods get the credentials; default POD_IDENTITY. Plain: it decides whether there is an association."""
    oidc_provider_arn: NotRequired[pulumi.Input[str] | None]
    """ARN of the cluster's identity provider in IAM; required with IRSA, refused without."""
    oidc_issuer: NotRequired[pulumi.Input[str] | None]
    """URL of the issuer of the cluster's tokens, with or without `https://`; required with IRSA, refused without."""
    permissions_boundary: NotRequired[pulumi.Input[str] | None]
    """ARN of the policy that bounds what the role can be allowed; default none."""
    path: NotRequired[pulumi.Input[str] | None]
    """Path of the role, such as `/platform/`; default: IAM's own, `/`. Another path makes another role."""
    tags: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Tags of the role and of the association; default none."""


_service_account = matches(
    r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
    "the name of a service account (lower-case letters, digits, inner hyphens and dots)",
)
_issuer = matches(r"(https://)?[\w.-]+\.[a-z]+(/\S*)?", 'the URL of an issuer such as "https://oidc.eks.…/id/…"')

ARGUMENTS = {
    "cluster_name": Argument(rule=_aws.cluster_name),
    "namespace": Argument(rule=dns_label),
    "service_account": Argument(rule=_service_account),
    "managed_policy_arns": Argument(default=[], rule=_aws.managed_policy_arn),
    "mode": Argument(default=IdentityMode.POD_IDENTITY),
    "oidc_provider_arn": Argument(rule=_aws.oidc_provider_arn),
    "oidc_issuer": Argument(rule=_issuer),
    "permissions_boundary": Argument(rule=_aws.managed_policy_arn),
    "path": Argument(rule=matches(r"(?=.{1,512}$)/([\w+=,.@-]+/)*", 'a path such as "/platform/"')),
}


class WorkloadIdentity(pulumi.ComponentResource):
    """A role that the pods of one service account have, and nobody else.

    With Pod Identity, pods that start before the association have no credentials: let what makes them depend on
    this component. The role's name is made by Pulumi from the component's, which has at most 51 characters.

    ```python
    from pulumi_mlops.foundation import WorkloadIdentity, permissions

    statements = permissions.read_write("arn:aws:s3:::birds-mlflow", "artifacts")
    account = {"cluster_name": "birds", "namespace": "mlflow", "service_account": "mlflow"}
    identity = WorkloadIdentity("mlflow", {**account, "statements": statements})
    pulumi.export("role", identity.role_arn)
    ```
    """

    role_arn: pulumi.Output[str]
    """ARN of the role, known once its policies are in place."""
    role_name: pulumi.Output[str]
    """Name of the role."""
    service_account_annotations: pulumi.Output[dict[str, str]]
    """Annotations that the service account needs: the role with IRSA, none with Pod Identity."""

    def __init__(self, name: str, args: WorkloadIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(
            WorkloadIdentity, name, args, WorkloadIdentityArgs, ARGUMENTS, problems=_problems, name_rule=_role_name
        )
        super().__init__("pulumi-mlops:index:WorkloadIdentity", name, inputs(args), opts)
        self._name = name
        self._args = checked
        self._child = pulumi.ResourceOptions(parent=self)
        self._irsa = checked["mode"] == IdentityMode.IRSA

        role = self._create_role()
        policies = self._create_policies(role)
        if not self._irsa:
            self._create_association(role, policies)
        self.role_arn = pulumi.Output.all(role.arn, *(policy.id for policy in policies)).apply(lambda known: known[0])
        self.role_name = role.name
        self.service_account_annotations = (
            self.role_arn.apply(lambda arn: {ROLE_ANNOTATION: arn}) if self._irsa else pulumi.Output.from_input({})
        )
        self.register_outputs(
            {
                "role_arn": self.role_arn,
                "role_name": self.role_name,
                "service_account_annotations": self.service_account_annotations,
            }
        )

    def _create_role(self) -> aws.iam.Role:
        return aws.iam.Role(
            f"{self._name}-role",
            assume_role_policy=self._trust(),
            description=pulumi.Output.format(
                "Service account {0}/{1} of EKS cluster {2}",
                self._args["namespace"],
                self._args["service_account"],
                self._args["cluster_name"],
            ),
            path=self._args["path"],
            permissions_boundary=self._args["permissions_boundary"],
            tags=self._args["tags"],
            opts=self._child,
        )

    def _trust(self) -> pulumi.Output[str]:
        account = (self._args["namespace"], self._args["service_account"])
        provider, issuer = self._args["oidc_provider_arn"], self._args["oidc_issuer"]
        if provider is not None and issuer is not None:  # with IRSA, and only then
            return pulumi.Output.all(provider, issuer, *account).apply(
                lambda known: _policies.text([_policies.web_identity_trust(*known)])
            )
        return pulumi.Output.all(self._args["cluster_name"], *account).apply(
            lambda known: _policies.text([_policies.pod_identity_trust(*known)])
        )

    def _create_policies(self, role: aws.iam.Role) -> list[pulumi.CustomResource]:
        policies: list[pulumi.CustomResource] = [
            aws.iam.RolePolicyAttachment(
                f"{self._name}-{_last_part(arn)}", role=role.name, policy_arn=arn, opts=self._child
            )
            for arn in self._args["managed_policy_arns"]
        ]
        if self._args["statements"]:
            owner = f'WorkloadIdentity "{self._name}"'
            document = _policies.checked_document(self._args["statements"], owner, "args.statements")
            policies.append(
                aws.iam.RolePolicy(
                    f"{self._name}-policy",
                    role=role.name,
                    policy=document.apply(lambda text: _sized(text, owner)),
                    opts=self._child,
                )
            )
        return policies

    def _create_association(self, role: aws.iam.Role, policies: list[pulumi.CustomResource]) -> None:
        aws.eks.PodIdentityAssociation(
            f"{self._name}-association",
            cluster_name=self._args["cluster_name"],
            namespace=self._args["namespace"],
            service_account=self._args["service_account"],
            role_arn=role.arn,
            tags=self._args["tags"],
            opts=pulumi.ResourceOptions(parent=self, depends_on=policies),
        )


_role_name = matches(
    rf"[\w+=,.@-]{{1,{MAX_NAME}}}", f"1 to {MAX_NAME} letters, digits and characters of +=,.@_- (IAM's role names)"
)


def _last_part(arn: str) -> str:
    return arn.rpartition("/")[2]


def _sized(document: str, owner: str) -> str:
    if len(document) > MAX_INLINE_POLICY:
        raise ArgumentError(
            f"{owner}: args.statements must be at most {MAX_INLINE_POLICY} characters as JSON, got {len(document)}; "
            "move some into a managed policy"
        )
    return document


def _problems(args: WorkloadIdentityArgs) -> Iterator[str]:
    managed = args["managed_policy_arns"]
    yield from statement_problems(args["statements"], "args.statements")
    if not args["statements"] and not managed:
        yield "args.statements must not be empty without args.managed_policy_arns: the role could do nothing"
    for twice in duplicates([_last_part(arn) for arn in managed]):
        yield f'args.managed_policy_arns must not have two policies named "{twice}"'
    if any(_last_part(arn) in ("role", "policy", "association") for arn in managed):
        yield 'args.managed_policy_arns must have no policy named "role", "policy" or "association"'
    irsa = args["mode"] == IdentityMode.IRSA
    provider, issuer = args["oidc_provider_arn"], args["oidc_issuer"]
    for field, value in (("oidc_provider_arn", provider), ("oidc_issuer", issuer)):
        if irsa and value is None:
            yield f"args.{field} is required with args.mode IRSA"
        if not irsa and value is not None:
            yield f"args.{field} is for args.mode IRSA only: leave it out, or set the mode"
    if (
        isinstance(provider, str)
        and isinstance(issuer, str)
        and not provider.endswith(f":oidc-provider/{_policies.issuer_name(issuer)}")
    ):
        yield f"args.oidc_issuer must be the issuer in args.oidc_provider_arn ({provider}), got {issuer!r}"
