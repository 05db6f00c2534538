"""What Argo Workflows can have besides its controller: the web interface, an archive, a store of logs and artifacts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from pulumi_mlops._args import Rule, at_least, between, dns_label, not_empty, quantity
from pulumi_mlops._manifests import resources
from pulumi_mlops._workflow_access import group
from pulumi_mlops.platform import _addons, _argo_access, _published

SERVER_SERVICE_ACCOUNT = "argo-server"
"""Service account of the web interface, which reads archived logs; a role's trust names it."""
SERVER_REPOSITORY = "argoproj/argocli"
SERVICE_PORT = 2746
DEFAULT_SERVER_MEMORY = "256Mi"
DEFAULT_ARCHIVE_DAYS = 90
POSTGRES_PORT = 5432
S3_ENDPOINT = "s3.amazonaws.com"
DEFAULT_SCOPES = ("profile", "email")


class ArgoServerArgs(TypedDict):
    """The web interface and API of Argo Workflows, at a host name of its own."""

    host: pulumi.Input[str]
    """Host name; it must reach the cluster's Gateway and be used for nothing else."""
    sso_issuer: NotRequired[pulumi.Input[str]]
    """URL of the identity provider, without a slash at its end; default none: who logs in shows a token of a Kubernetes
    service account. The client's redirect URL is `https://<host>/oauth2/callback`."""
    sso_secret_name: NotRequired[pulumi.Input[str]]
    """Name of the Secret in the namespace with the client's `client-id` and `client-secret`; with `sso_issuer` alone.
    It must exist first: the server does not start without."""
    sso_scopes: NotRequired[list[pulumi.Input[str]]]
    """Scopes asked for besides `openid`; default `profile` and `email`. Most providers name groups on `groups`."""
    sso_admin_groups: NotRequired[list[str]]
    """Groups, as the identity provider's `groups` claim names them, that see every workflow of the cluster with its
    logs, and submit, stop, retry and delete any; default none. Who may submit in every namespace can run a pod as any
    service account: these are administrators of the cluster in effect. Plain: they decide which accounts exist."""
    sso_reader_groups: NotRequired[list[str]]
    """Groups that see every workflow of the cluster with its logs, and change nothing; default none. Who is in none of
    these groups and in no workspace's `member_groups` can log in and sees nothing. Plain: as `sso_admin_groups`."""
    replicas: NotRequired[int]
    """Replicas, from 1 to 10; default 2."""
    memory: NotRequired[pulumi.Input[str]]
    """Memory of a replica, request and limit; default "256Mi"."""
    service_account_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """Annotations of the service account, such as IRSA's role; default none, which suits EKS Pod Identity."""
    gateway_name: NotRequired[pulumi.Input[str]]
    """Name of the Gateway; default `public`, the platform's."""
    gateway_namespace: NotRequired[pulumi.Input[str]]
    """Namespace of the Gateway; default `gateway`, the platform's."""


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


SERVER_RULES: dict[str, Rule] = {
    **_published.RULES,
    "replicas": between(1, _addons.MAX_REPLICAS, "replicas"),
    "memory": quantity,
    "sso_issuer": _published.https_url,
    "sso_secret_name": dns_label,
    "sso_scopes": not_empty,
    "sso_admin_groups": group,
    "sso_reader_groups": group,
}
RULES: dict[str, Rule] = {
    **{f"server.{field}": rule for field, rule in SERVER_RULES.items()},
    "archive.host": not_empty,
    "archive.database": not_empty,
    "archive.secret_name": dns_label,
    "archive.port": between(1, 65535),
    "archive.days": at_least(1, "day"),
    "artifact_repository.bucket": not_empty,
    "artifact_repository.region": _addons.region,
}


def problems(args: Mapping[str, Any]) -> Iterator[str]:
    """Findings that concern several fields."""
    server: Mapping[str, Any] = args.get("server") or {}
    for field, other in (("sso_issuer", "sso_secret_name"), ("sso_secret_name", "sso_issuer")):
        if server.get(field) is not None and server.get(other) is None:
            yield f"args.server.{other} is required where args.server.{field} is given"
    for field in ("sso_scopes", "sso_admin_groups", "sso_reader_groups"):
        if server.get(field) is not None and server.get("sso_issuer") is None:
            yield f"args.server.{field} has no effect without args.server.sso_issuer, got {server[field]!r}"


def server_values(name: str, args: Mapping[str, Any], registry: Any) -> dict[str, Any]:
    """Values of the server. It has no mode in which it acts with its own rights for whoever comes."""
    replicas = args.get("replicas", _addons.DEFAULT_REPLICAS)
    return {
        "enabled": True,
        "baseHref": "/",  # logins fail under any other
        "image": {"registry": registry, "repository": SERVER_REPOSITORY},
        "replicas": replicas,
        "pdb": _addons.budget(replicas),
        "resources": resources("50m", args.get("memory", DEFAULT_SERVER_MEMORY)),
        "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        # Without a selector: the chart adds the server's own.
        "topologySpreadConstraints": [
            {key: value for key, value in constraint.items() if key != "labelSelector"}
            for constraint in _addons.spread({})
        ],
        "secure": False,  # plain HTTP behind the Gateway, which ends TLS
        "serviceAccount": {
            "create": True,
            "name": SERVER_SERVICE_ACCOUNT,
            "annotations": args.get("service_account_annotations", {}),
        },
        **_login(name, args),
    }


def _login(name: str, args: Mapping[str, Any]) -> dict[str, Any]:
    if "sso_issuer" not in args:
        return {"authModes": ["client"]}
    secret = args["sso_secret_name"]
    return {
        "authModes": ["sso", "client"],  # client: the command line, with a token
        "sso": {
            "enabled": True,
            "issuer": args["sso_issuer"],
            "clientId": {"name": secret, "key": "client-id"},
            "clientSecret": {"name": secret, "key": "client-secret"},
            "redirectUrl": _addons.text("https://{0}/oauth2/callback", args["host"]),
            "scopes": args.get("sso_scopes", [*DEFAULT_SCOPES]),
            # Rights of a service account that names the user's group, and none without. The list is of all Secrets
            # that the server may read; without it, that is every Secret of the cluster.
            "rbac": {"enabled": True, "secretWhitelist": [secret, *_argo_access.tokens(name)]},
        },
        "extraEnv": [{"name": "SSO_DELEGATE_RBAC_TO_NAMESPACE", "value": "true"}],  # for workspaces' `member_groups`
    }


def archive_values(args: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the controller's persistence. User and password stay in their Secret."""
    secret = args["secret_name"]
    return {
        "archive": True,
        "archiveTTL": f"{args.get('days', DEFAULT_ARCHIVE_DAYS)}d",
        "nodeStatusOffLoad": True,
        "connectionPool": {"maxIdleConns": 10, "maxOpenConns": 20},
        "postgresql": {
            "host": args["host"],
            "port": args.get("port", POSTGRES_PORT),
            "database": args["database"],
            "tableName": "argo_workflows",
            "userNameSecret": {"name": secret, "key": "username"},
            "passwordSecret": {"name": secret, "key": "password"},
            "ssl": True,
            "sslMode": "require",
        },
    }


def artifact_values(args: Mapping[str, Any]) -> dict[str, Any]:
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


def statements(bucket_arns: Sequence[pulumi.Input[str]]) -> list[dict[str, Any]]:
    """What the server's role must be allowed to show archived logs and artifacts: to read these buckets."""
    return [
        _addons.statement(["s3:GetBucketLocation", "s3:ListBucket"], bucket_arns),
        _addons.statement(["s3:GetObject"], [_addons.text("{0}/*", arn) for arn in bucket_arns]),
    ]
