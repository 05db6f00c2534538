"""A client of an image registry: raw requests, and pushes of an image of one layer."""

import gzip
import hashlib
import http.client
import json
from collections.abc import Mapping
from email.message import Message
from typing import Any

MEDIA_TYPE = "application/vnd.docker"
MANIFEST = f"{MEDIA_TYPE}.distribution.manifest.v2+json"


def push(registry: str, repository: str, layer: bytes, settings: Mapping[str, Any], tag: str = "") -> str:
    """Pushes an image of one tar as its layer, with `settings` to run it; returns the tag, by default of its content.

    An answer other than success fails the test.
    """
    packed = gzip.compress(layer, mtime=0)
    rootfs = {"type": "layers", "diff_ids": [digest(layer)]}
    config = {"architecture": "amd64", "os": "linux", "config": settings, "rootfs": rootfs}
    blobs = [json.dumps(config).encode(), packed]
    for blob in blobs:
        started, headers, _ = call(registry, "POST", f"/v2/{repository}/blobs/uploads/")
        assert started == 202
        location = headers["Location"].removeprefix(f"http://{registry}")
        assert call(registry, "PUT", f"{location}&digest={digest(blob)}", blob)[0] == 201
    descriptors = [
        {"mediaType": f"{MEDIA_TYPE}.{kind}", "size": len(blob), "digest": digest(blob)}
        for kind, blob in zip(("container.image.v1+json", "image.rootfs.diff.tar.gzip"), blobs, strict=True)
    ]
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptors[0], "layers": descriptors[1:]}
    tag = tag or digest(packed).removeprefix("sha256:")[:12]
    content = {"Content-Type": MANIFEST}
    assert call(registry, "PUT", f"/v2/{repository}/manifests/{tag}", json.dumps(manifest).encode(), content)[0] == 201
    return tag


def digest(content: bytes) -> str:
    """The name of a blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def call(
    host: str, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Message, bytes]:
    """One request: status, headers and body of the answer."""
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request(method, path, body, dict(headers or {}))
    answer = connection.getresponse()
    result = answer.status, answer.headers, answer.read()
    connection.close()
    return result
