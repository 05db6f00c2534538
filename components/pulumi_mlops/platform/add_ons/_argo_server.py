"""What Argo Workflows can have besides its controller: the web interface, an archive, a store of logs and artifacts."""

from collections.abc import Iterator, Sequence
from typing import NotRequired, TypedDict

import pulumi

from pulumi_mlops import _aws
from pulumi_mlops._args import Argument, Arguments
from pulumi_mlops._manifests import resources
from pulumi_mlops._rules import quantity
from pulumi_mlops._text import formatted
from pulumi_mlops._workflow_access import group
from pulumi_mlops.contract.rules import at_least, between, dns_label, not_empty
from pulumi_mlops.platform import _published
from pulumi_mlops.platform._chart_values import DEFAULT_REPLICAS, MAX_REPLICAS, budget, spread
from pulumi_mlops.platform._statements import Statement, statement
from pulumi_mlops.platform.add_on import HelmValues
from pulumi_mlops.platform.add_ons import _argo_access

SERVER_SERVICE_ACCOUNT = "argo-server"
"""Service account of the web interface, which reads archived logs; a role's trust names it."""
SERVER_REPOSITORY = "argoproj/argocli"
SERVICE_PORT = 2746
S3_ENDPOINT = "s3.amazonaws.com"
DEFAULT_SCOPES = ("profile", "email")


class ArgoServerArgs(_published.PublishedArgs):
    """The web interface and API of Argo Workflows, at a host name of its own."""

    sso_issuer: NotRequired[pulumi.Input[str] | None]
    """URL of the identity provider, without a slash at its end; default none: who logs in shows a token of a Kubernetes
    service account. The client's redirect URL is `https://<host>/oauth2/callback`."""
    sso_secret_name: NotRequired[pulumi.Input[str] | None]
    """Name of the Secret in the namespace with the client's `client-id` and `client-secret`; with `sso_issuer` alone.
    It must exist first: the server does not start without."""
    sso_scopes: NotRequired[list[pulumi.Input[str]] | None]
    """Scopes asked for besides `openid`; default: `profile` and `email`. Most providers name groups on `groups`."""
    sso_admin_groups: NotRequired[list[str] | None]
    """Groups, as the identity provider's `groups` claim names them, that see every workflow of the cluster with its
    logs, and submit, stop, retry and delete any; default none. Who may submit in every namespace can run a pod as any
    service account: these are administrators of the cluster in effect. Plain: they decide which accounts exist."""
    sso_reader_groups: NotRequired[list[str] | None]
    """Groups that see every workflow of the cluster with its logs, and change nothing; default none. Who is in none of
    these groups and in no workspace's `member_groups` can log in and sees nothing. Plain: as `sso_admin_groups`."""
    replicas: NotRequired[int]
    """Replicas, from 1 to 10; default 2."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a replica, request and limit; default "256Mi"."""
    service_account_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Annotations of the service account, such as IRSA's role; default none, which suits EKS Pod Identity."""


class WorkflowArchiveArgs(TypedDict):
    """A Postgres database that keeps finished workflows, and the state of those too large for etcd."""

    host: pulumi.Input[str]
    """Host name of the database."""
    database: pulumi.Input[str]
    """Name of the database."""
    secret_name: pulumi.Input[str]
    """Name of a Secret in the namespace with `username` and `password`, as the library's databases have."""
    port: NotRequired[pulumi.Input[int]]
    """Port; default 5432."""
    days: NotRequired[int]
    """Days that a finished workflow is kept, at least 1; default 90."""


class ArtifactRepositoryArgs(TypedDict):
    """The S3 bucket of namespaces that name none of their own. Pods reach it by the identity of their account."""

    bucket: pulumi.Input[str]
    """Name of the bucket."""
    region: pulumi.Input[str]
    """AWS region of the bucket."""


SERVER: Arguments = {
    **_published.ARGUMENTS,
    "replicas": Argument(default=DEFAULT_REPLICAS, rule=between(1, MAX_REPLICAS, "replicas")),
    "memory": Argument(default="256Mi", rule=quantity),
    "service_account_annotations": Argument(default={}),
    "sso_issuer": Argument(rule=_published.https_url),
    "sso_secret_name": Argument(rule=dns_label),
    "sso_scopes": Argument(rule=not_empty),
    "sso_admin_groups": Argument(rule=group),
    "sso_reader_groups": Argument(rule=group),
}
ROWS: Arguments = {
    **{f"server.{field}": row for field, row in SERVER.items()},
    "archive.host": Argument(rule=not_empty),
    "archive.database": Argument(rule=not_empty),
    "archive.secret_name": Argument(rule=dns_label),
    "archive.port": Argument(default=5432, rule=between(1, 65535)),
    "archive.days": Argument(default=90, rule=at_least(1, "day")),
    "artifact_repository.bucket": Argument(rule=not_empty),
    "artifact_repository.region": Argument(rule=_aws.region),
}
"""Rows of the arguments of these parts, where `ArgoWorkflowsArgs` has them."""


def server_problems(server: ArgoServerArgs) -> Iterator[str]:
    """Findings that concern several fields."""
    for field, other in (("sso_issuer", "sso_secret_name"), ("sso_secret_name", "sso_issuer")):
        if server[field] is not None and server[other] is None:
            yield f"args.server.{other} is required where args.server.{field} is given"
    for field in ("sso_scopes", "sso_admin_groups", "sso_reader_groups"):
        if server[field] is not None and server["sso_issuer"] is None:
            yield f"args.server.{field} has no effect without args.server.sso_issuer, got {server[field]!r}"


def server_values(name: str, args: ArgoServerArgs, registry: pulumi.Input[str]) -> HelmValues:
    """Values of the server, without the mode in which every caller has the server's own rights."""
    replicas = args["replicas"]
    return {
        "enabled": True,
        "baseHref": "/",  # logins fail under any other
        "image": {"registry": registry, "repository": SERVER_REPOSITORY},
        "replicas": replicas,
        "pdb": budget(replicas),
        "resources": resources("50m", args["memory"]),
        "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": spread(),  # the chart adds the server's selector
        "secure": False,  # plain HTTP behind the Gateway, which ends TLS
        "serviceAccount": {
            "create": True,
            "name": SERVER_SERVICE_ACCOUNT,
            "annotations": args["service_account_annotations"],
        },
        **_login(name, args),
    }


def _login(name: str, args: ArgoServerArgs) -> HelmValues:
    secret = args["sso_secret_name"]
    if args["sso_issuer"] is None or secret is None:
        return {"authModes": ["client"]}
    return {
        "authModes": ["sso", "client"],  # client: the command line, with a token
        "sso": {
            "enabled": True,
            "issuer": args["sso_issuer"],
            "clientId": {"name": secret, "key": "client-id"},
            "clientSecret": {"name": secret, "key": "client-secret"},
            "redirectUrl": formatted("https://{0}/oauth2/callback", args["host"]),
            "scopes": [*DEFAULT_SCOPES] if args["sso_scopes"] is None else args["sso_scopes"],
            # Rights of a service account that names the user's group, and none without. The list is of all Secrets
            # that the server may read; without it, that is every Secret of the cluster.
            "rbac": {"enabled": True, "secretWhitelist": [secret, *_argo_access.tokens(name)]},
        },
        "extraEnv": [{"name": "SSO_DELEGATE_RBAC_TO_NAMESPACE", "value": "true"}],  # for workspaces' `member_groups`
    }


def archive_values(args: WorkflowArchiveArgs) -> HelmValues:
    """Values of the controller's persistence. User and password stay in their Secret."""
    secret = args["secret_name"]
    return {
        "archive": True,
        "archiveTTL": f"{args['days']}d",
        "nodeStatusOffLoad": True,
        "connectionPool": {"maxIdleConns": 10, "maxOpenConns": 20},
        "postgresql": {
            "host": args["host"],
            "port": args["port"],
            "database": args["database"],
            "tableName": "argo_workflows",
            "userNameSecret": {"name": secret, "key": "username"},
            "passwordSecret": {"name": secret, "key": "password"},
            "ssl": True,
            "sslMode": "require",
        },
    }


def artifact_values(args: ArtifactRepositoryArgs) -> HelmValues:
    """Values of the default repository, reached with the credentials that the SDK finds in the pod."""
    return {
        "useStaticCredentials": False,
        "artifactRepository": {
            "archiveLogs": True,
            "s3": {
                "bucket": args["bucket"],
                "region": args["region"],
                "endpoint": S3_ENDPOINT,
                "useSDKCreds": True,
            },
        },
    }


def statements(bucket_arns: Sequence[pulumi.Input[str]]) -> list[Statement]:
    """What the server's role must be allowed to show archived logs and artifacts: to read these buckets."""
    return [
        statement(["s3:GetBucketLocation", "s3:ListBucket"], bucket_arns),
        statement(["s3:GetObject"], [formatted("{0}/*", arn) for arn in bucket_arns]),
    ]
