"""What a registry has: asked by one request per tag, without reading an image."""

import http.client
import subprocess
from collections.abc import Iterable
from ipaddress import ip_address

from local.progress import StepFailed
from local.tools import apt

TIMEOUT_SECONDS = 10

MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


def is_plain(address: str) -> bool:
    """Says whether the registry is spoken to without TLS: one on this machine's loopback is."""
    host = address.partition("/")[0].rpartition(":")[0] or address.partition("/")[0]
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def has(address: str, repository: str, tags: Iterable[str]) -> bool:
    """Says whether the registry has all of these tags and they name one and the same image.

    Args:
        address: host, port and optionally a path.
        repository: what follows the address in an image's reference.
        tags: at least one.

    Raises:
        StepFailed: the registry does not answer.
    """
    ask = _digest_plain if is_plain(address) else _digest_by_skopeo
    digests = {ask(address, repository, tag) for tag in tags}
    return len(digests) == 1 and None not in digests


def _digest_plain(address: str, repository: str, tag: str) -> str | None:
    host, _, prefix = address.partition("/")
    path = f"/v2/{prefix}{'/' if prefix else ''}{repository}/manifests/{tag}"
    connection = http.client.HTTPConnection(host, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("HEAD", path, headers={"Accept": MANIFESTS})
        response = connection.getresponse()
        if response.status == http.HTTPStatus.NOT_FOUND:
            return None
        if response.status != http.HTTPStatus.OK:
            raise StepFailed(
                f"Images: the registry at {address} answers {response.status} for {repository}:{tag}; see its log, "
                "then run `make up` again."
            )
        return response.headers["Docker-Content-Digest"]
    except (OSError, http.client.HTTPException) as error:
        raise StepFailed(
            f"Images: no registry answers at {address} ({error}); start the node by `python -m local.node start`."
        ) from None
    finally:
        connection.close()


def _digest_by_skopeo(address: str, repository: str, tag: str) -> str | None:
    """Asks a registry that needs TLS, and credentials of `skopeo login`, `docker login` or the like."""
    apt.ensure("skopeo")
    command = ["skopeo", "inspect", "--no-tags", "--format={{.Digest}}", f"docker://{address}/{repository}:{tag}"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode == 0:
        return asked.stdout.strip()
    if "manifest unknown" in asked.stderr or "name unknown" in asked.stderr:
        return None
    raise StepFailed(f"Images: the registry {address} cannot be asked for {repository}:{tag}: {asked.stderr.strip()}")
