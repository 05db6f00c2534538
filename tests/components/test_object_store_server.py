"""The object store's own command line, run as a process: what the component says is what the program understands."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from pulumi_mlops.platform.object_store._seaweedfs import UPLOADS_MIB

from tests.servers import KEYS, object_store


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def store(directory: Path) -> Iterator[str]:
    """URL of a SeaweedFS server."""
    with object_store(directory) as url:
        yield url


def test_a_user_reads_writes_and_deletes_in_its_buckets(store: str) -> None:
    team = _client(store, "team")

    team.put_object(Bucket="data", Key="a/b.csv", Body=b"x" * 6_000_000)
    assert team.get_object(Bucket="data", Key="a/b.csv")["ContentLength"] == 6_000_000
    assert [found["Key"] for found in team.list_objects_v2(Bucket="data")["Contents"]] == ["a/b.csv"]
    team.delete_object(Bucket="data", Key="a/b.csv")
    assert team.list_objects_v2(Bucket="data")["KeyCount"] == 0


def test_a_reader_reads_and_does_not_write(store: str) -> None:
    _client(store, "team").put_object(Bucket="data", Key="read-me", Body=b"x")

    assert _client(store, "reader").get_object(Bucket="data", Key="read-me")["Body"].read() == b"x"
    assert _refusal(_client(store, "reader").put_object, Bucket="data", Key="read-me", Body=b"y") == "AccessDenied"


def test_nobody_enters_the_buckets_of_others(store: str) -> None:
    assert _refusal(_client(store, "mlflow").list_objects_v2, Bucket="data") == "AccessDenied"
    assert _refusal(_client(store, "team").put_object, Bucket="mlflow", Key="k", Body=b"x") == "AccessDenied"


def test_nobody_makes_or_removes_buckets(store: str) -> None:
    assert _refusal(_client(store, "team").create_bucket, Bucket="mine") == "AccessDenied"
    assert _refusal(_client(store, "team").delete_bucket, Bucket="data") == "AccessDenied"


def test_strangers_are_refused(store: str) -> None:
    assert _refusal(_client(store, "team", secret="guessed").list_objects_v2, Bucket="data") == "SignatureDoesNotMatch"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{store}/data")


def test_many_uploads_at_once_fit_into_the_memory_of_the_smallest_platform(store: str, directory: Path) -> None:
    """Without a limit the server took 1.2 GiB for these, and a database's first backup ended its pod."""
    team, parts = _client(store, "team"), [f"part-{number % 8}" for number in range(40)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: team.put_object(Bucket="data", Key=key, Body=bytes(8 * 1024**2)), parts))
    # One that is larger than all that may be in memory at once is not refused.
    team.put_object(Bucket="data", Key="large", Body=bytes(2 * UPLOADS_MIB * 1024**2))

    assert _peak_mib(directory) < 384


def _peak_mib(directory: Path) -> int:
    """Most memory so far of the server with this directory."""
    (server,) = [one for one in Path("/proc").glob("[0-9]*") if f"-dir={directory}".encode() in _command(one)]
    (peak,) = [line for line in (server / "status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(peak.split()[1]) // 1024


def _command(process: Path) -> list[bytes]:
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:  # it has ended
        return []


def _client(url: str, user: str, secret: str | None = None) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=user,
        aws_secret_access_key=secret or KEYS[user]["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
    )


def _refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"]
