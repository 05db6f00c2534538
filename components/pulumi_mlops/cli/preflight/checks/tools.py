"""Programs and addresses that `up` needs on the machine that runs it."""

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator

from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Result, finding, ok

EKS, KUBERNETES_PROVIDER = "eks:index:Cluster", "pulumi:providers:kubernetes"
OLDEST_PULUMI = (3, 200)
"""That of the SDK which the library requires."""
OLDEST_AWS_CLI = (2, 0)
SECONDS = 20
"""For a program to say its version, and for a server to answer."""


def programs(planned: Planned, _: Account) -> Iterator[Result]:
    """The Pulumi CLI, and the AWS CLI where pulumi-eks or a kubeconfig calls it."""
    yield _program("pulumi", ["version"], OLDEST_PULUMI, "the engine refuses the program", "upgrade the Pulumi CLI")
    if planned.has(EKS) or planned.has(KUBERNETES_PROVIDER):
        yield _program(
            "aws",
            ["--version"],
            OLDEST_AWS_CLI,
            "pulumi-eks and the kubeconfig call `aws eks get-token`: nothing in the cluster can be made",
            "install the AWS CLI v2, and put it on PATH",
        )


def oidc_endpoint(planned: Planned, account: Account) -> Iterator[Result]:
    """The host whose certificate pulumi-eks reads when it makes a cluster's identity provider."""
    if not planned.has(EKS):
        return
    host = f"oidc.eks.{account.region}.amazonaws.com"
    try:
        with (
            socket.create_connection((host, 443), timeout=SECONDS) as connection,
            ssl.create_default_context().wrap_socket(connection, server_hostname=host),
        ):
            yield ok("OIDC endpoint of EKS", f"{host} answers")
    except OSError as error:
        yield finding(
            "OIDC endpoint of EKS",
            f"{host}:443 cannot be reached from here: {error}",
            "pulumi-eks reads its certificate: `up` fails after the cluster has been made",
            f"let this machine make HTTPS connections to {host}",
        )


def _program(name: str, version: list[str], oldest: tuple[int, int], why: str, fix: str) -> Result:
    path = shutil.which(name)
    if path is None:
        return finding(f"program {name}", "it is not on PATH", why, fix)
    try:
        done = subprocess.run(
            [path, *version], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return finding(f"program {name}", f"{path} does not run: {error}", why, fix)
    found = re.search(r"(\d+)\.(\d+)\.\d+", done.stdout + done.stderr)
    if done.returncode or found is None:
        return finding(f"program {name}", f"{path} does not say its version", why, fix)
    if (int(found[1]), int(found[2])) < oldest:
        return finding(f"program {name}", f"{found[0]} is older than {oldest[0]}.{oldest[1]}", why, fix)
    return ok(f"program {name}", f"{found[0]}, {path}")
