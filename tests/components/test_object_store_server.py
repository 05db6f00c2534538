"""The object store's own command line, run as a process: what the component says is what the program understands."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.servers import KEYS, object_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a SeaweedFS server."""
    with object_store(tmp_path_factory.mktemp("store")) as url:
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
