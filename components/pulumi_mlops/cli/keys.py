"""`pulumi-mlops keys`: API keys of the clients of a model endpoint.

A key is printed once. What is kept of it, a salted hash, goes into a Secret of the endpoint's namespace, which the
endpoint's servers read again within about a minute. The Secret belongs to this command: no stack has it in its state.
"""

import argparse
import base64
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from pulumi_mlops.cli.errors import DONE, CommandError
from pulumi_mlops.cli.kubectl import Kubectl
from pulumi_mlops.cli.output import say
from pulumi_mlops.contract import api_keys
from pulumi_mlops.contract.rules import dns_label

MAX_OVERLAP_HOURS = 24 * 90


def run(arguments: Sequence[str]) -> int:
    """Makes, replaces, takes away or lists keys; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="pulumi-mlops keys",
        description="API keys of the clients of a model endpoint that has the argument `access`. A new key is printed "
        "to standard output, once; the cluster keeps a hash of it. Servers notice a change within about a minute.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, help_text in (
        ("create", "make the key of a new client and print it"),
        ("rotate", "make another key of a client and print it; the present one stays valid for the overlap"),
        ("revoke", "take away all keys of a client"),
        ("list", "list the clients, and when keys end"),
    ):
        one = actions.add_parser(action, help=help_text, description=help_text)
        one.add_argument("endpoint", metavar="NAMESPACE/ENDPOINT", help="namespace and name of the endpoint")
        if action != "list":
            one.add_argument("client", metavar="CLIENT", help="name of the client, as metrics show it")
        if action == "rotate":
            one.add_argument(
                "--overlap-hours", type=int, default=24, help="how long the present key stays valid; default 24"
            )
        one.add_argument("--secret", help="name of the Secret, if `access.clients_secret` names one")
        one.add_argument("--context", help="context of the kubeconfig; default: the current one")
        one.add_argument("--kubectl", default="kubectl", help="the program; default: kubectl of PATH")
        one.set_defaults(refuse=one.error)
    chosen = parser.parse_args(arguments)
    namespace, _, endpoint = str(chosen.endpoint).partition("/")
    if dns_label(namespace) or dns_label(endpoint):
        chosen.refuse(f"NAMESPACE/ENDPOINT must be two names such as penguins/penguins, got {chosen.endpoint!r}")
    if chosen.action != "list" and (complaint := dns_label(chosen.client)):
        chosen.refuse(f"CLIENT {complaint}, got {chosen.client!r}")
    if chosen.action == "rotate" and not 0 <= chosen.overlap_hours <= MAX_OVERLAP_HOURS:
        chosen.refuse(f"--overlap-hours must be between 0 and {MAX_OVERLAP_HOURS}, got {chosen.overlap_hours}")
    if chosen.secret is not None and (complaint := dns_label(chosen.secret)):
        chosen.refuse(f"--secret {complaint}, got {chosen.secret!r}")
    secret = chosen.secret or f"{endpoint}-clients"
    keys = Keys(Kubectl.found(chosen.kubectl, chosen.context), namespace, secret)
    if chosen.action == "list":
        for line in keys.listed():
            print(line)
    elif chosen.action == "revoke":
        keys.revoke(chosen.client)
        say(f"{chosen.client} has no key any more")
    else:
        rotate = chosen.action == "rotate"
        print(keys.rotate(chosen.client, chosen.overlap_hours) if rotate else keys.create(chosen.client))
        say("this is the only time that the key is shown; give it to the client over a channel that nobody else reads")
        with contextlib.suppress(CommandError):  # whoever makes keys need not be allowed to read Deployments
            if complaint := keys.unread(endpoint):
                say(complaint)
    return DONE


class Keys:
    """The clients' keys in one Secret."""

    def __init__(self, kubectl: Kubectl, namespace: str, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._kubectl = kubectl
        self._namespace = namespace
        self._secret = secret
        self._clock = clock

    def create(self, client: str) -> str:
        """The key of a new client."""
        if client in self._clients():
            raise CommandError(f"{client} has a key already; replace it with `rotate`, or take it away with `revoke`")
        return self._make(client, [], 0)

    def rotate(self, client: str, overlap_hours: int) -> str:
        """Another key of a client, whose present one ends after the overlap."""
        return self._make(client, self._kept(client), overlap_hours * 3600)

    def revoke(self, client: str) -> None:
        """Takes away all keys of a client."""
        self._kept(client)
        self._apply(client, {})

    def listed(self) -> list[str]:
        """A line for each client."""
        lines: list[str] = []
        for client, text in sorted(self._clients().items()):
            ends = [one.until for one in self._read(client, text) if one.until != api_keys.NEVER]
            times = [datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d %H:%M UTC") for end in sorted(ends)]
            lines.append(f"{client}  " + (f"a replaced key ends {', '.join(times)}" if times else "one key"))
        return lines

    def unread(self, endpoint: str) -> str | None:
        """Why the keys open nothing; None if the endpoint's servers read them."""
        mounted = self._kubectl.mounted_secrets(self._namespace, endpoint)
        if mounted is None:
            return f"there is no endpoint {self._namespace}/{endpoint} yet"
        if self._secret in mounted:
            return None
        return (
            f"the endpoint {self._namespace}/{endpoint} does not read Secret {self._secret}, so the key opens nothing: "
            "it has no `access`, or one with `jwt` and without `clients_secret`, or names another Secret there"
        )

    def _make(self, client: str, kept: list[api_keys.Kept], overlap_seconds: int) -> str:
        key = api_keys.new(client)
        now_kept = api_keys.rotated(kept, key, overlap_seconds, self._clock())
        self._apply(client, {client: "\n".join(one.line() for one in now_kept)})
        return key

    def _kept(self, client: str) -> list[api_keys.Kept]:
        clients = self._clients()
        if client not in clients:
            known = ", ".join(sorted(clients)) or "none"
            raise CommandError(
                f"Secret {self._secret} of namespace {self._namespace} has no client {client}; it has: {known}"
            )
        return self._read(client, clients[client])

    def _read(self, client: str, text: str) -> list[api_keys.Kept]:
        try:
            return api_keys.read(text)
        except ValueError as error:
            raise CommandError(f"client {client} of Secret {self._secret} cannot be read: {error}") from None

    def _clients(self) -> dict[str, str]:
        return self._kubectl.secret(self._namespace, self._secret)

    def _apply(self, client: str, data: Mapping[str, str]) -> None:
        """Writes one client and leaves the others as they are: each client's entry has an owner of its own."""
        self._kubectl.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": self._secret,
                    "namespace": self._namespace,
                    "labels": {"app.kubernetes.io/managed-by": "pulumi-mlops"},
                },
                "type": "Opaque",
                # Not stringData: a server-side apply would never take such an entry away again.
                "data": {name: base64.b64encode(text.encode()).decode() for name, text in data.items()},
            },
            manager=f"pulumi-mlops-keys-{client}",
        )
