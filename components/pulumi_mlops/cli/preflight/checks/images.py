"""Images that the stack's own objects start, asked of their registries by the names in the preview.

ECR is asked with the account's credentials, any other registry without credentials, by the API of the OCI distribution
specification 1.1. What charts start is looked at by `charts`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from pulumi_mlops.cli.preflight import web
from pulumi_mlops.cli.preflight.account import Account, Refused
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import NotChecked, Result, finding, not_checked, ok
from pulumi_mlops.review.json_data import mapping
from pulumi_mlops.review.values import is_hidden

IMAGES = "images"
ECR = re.compile(r"(?P<account>\d+)\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")
CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
"""One parameter of a WWW-Authenticate header (RFC 6750)."""
MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
HUB, HUB_API = "docker.io", "registry-1.docker.io"
"""The registry of names without one, and the host that answers for it."""
NO_REPOSITORY, NO_IMAGE = "RepositoryNotFoundException", "ImageNotFoundException"
WHY = "pods stay in ImagePullBackOff: `up` waits for them and fails, with most of the rest made"


@dataclass(frozen=True)
class Reference:
    """The name of an image, taken apart as container runtimes do."""

    registry: str
    repository: str
    version: str
    """A tag, or a digest such as `sha256:…`."""

    @classmethod
    def of(cls, name: str) -> "Reference":
        """Takes a name apart; the tag of one without is `latest`."""
        path, _, digest = name.partition("@")
        head, slash, rest = path.partition("/")
        named = slash and (any(sign in head for sign in ".:") or head == "localhost")
        registry, path = (head, rest) if named else (HUB, path)
        repository, _, tag = path.partition(":")
        if registry == HUB and "/" not in repository:
            repository = f"library/{repository}"
        return cls(registry, repository, digest or tag or "latest")


def images(planned: Planned, account: Account) -> Iterator[Result]:
    """Each image is in its registry."""
    yield from checked(_named(planned), account)


def checked(names: set[str], account: Account) -> Iterator[Result]:
    """Whether the images of these names are in their registries."""
    for name in sorted(names):
        try:
            yield _image(account, name)
        except (NotChecked, Refused) as problem:
            fix = problem.fix if isinstance(problem, NotChecked) else ""
            yield not_checked(IMAGES, f"{name}: {problem}", fix or f"docker manifest inspect {name}")


def _named(planned: Planned) -> set[str]:
    found = (box.spec.get("image") for one in planned.resources for pod in one.pods for box in pod.containers)
    return {one for one in found if isinstance(one, str) and one and not is_hidden(one)}


def _image(account: Account, name: str) -> Result:
    reference = Reference.of(name)
    if place := ECR.fullmatch(reference.registry):
        missing = _missing_in_ecr(account, reference, place["account"], place["region"])
    else:
        missing = _missing_in_registry(reference)
    if missing:
        return finding(IMAGES, f"{name}: {missing}", WHY, f"push it, or set another: docker push {name}")
    return ok(IMAGES, name)


def _missing_in_ecr(account: Account, image: Reference, owner: str, region: str) -> str:
    key = "imageDigest" if ":" in image.version else "imageTag"
    asked = {"registryId": owner, "repositoryName": image.repository, "imageIds": [{key: image.version}]}
    try:
        account.ask("ecr", "DescribeImages", region, **asked)
    except Refused as refused:
        if refused.code == NO_REPOSITORY:
            return f"ECR has no repository {image.repository}"
        if refused.code == NO_IMAGE:
            return f"the repository has no image {image.version}"
        raise
    return ""


def _missing_in_registry(image: Reference) -> str:
    scheme = "http" if re.match(r"(localhost|127\.0\.0\.1)(:|$)", image.registry) else "https"
    host = HUB_API if image.registry == HUB else image.registry
    address = f"{scheme}://{host}/v2/{image.repository}/manifests/{image.version}"
    headers = {"Accept": MANIFESTS}
    answer = web.ask(address, headers, "HEAD")
    if answer.status == HTTPStatus.UNAUTHORIZED:
        token = _anonymous_token(answer.headers.get("WWW-Authenticate") or "")
        answer = web.ask(address, {**headers, "Authorization": f"Bearer {token}"}, "HEAD")
    if answer.status == HTTPStatus.NOT_FOUND:
        return f"the registry has no {image.version} of {image.repository}"
    if answer.status != HTTPStatus.OK:
        raise NotChecked(f"the registry answers {answer.status} to a request without credentials")
    return ""


def _anonymous_token(challenge: str) -> str:
    """The token that a registry gives to anybody for what is public."""
    asked = dict(CHALLENGE.findall(challenge))
    realm = asked.pop("realm", "")
    if not challenge.lower().startswith("bearer") or not realm:
        raise NotChecked("the registry asks for credentials")
    answer = web.ask(f"{realm}?{urlencode(asked)}")
    try:
        given = mapping(json.loads(answer.content))
        return str(given.get("token") or given["access_token"])
    except (ValueError, KeyError):
        raise NotChecked("the registry gives no token without credentials") from None
