"""Objects of an S3-compatible store, and what its answers mean: worth a retry or not."""

import errno
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pulumi_mlops.contract.containers import Variable

from ml.csv_text import shorten
from ml.errors import DataError, SettingsError, SourceError

CONNECT_SECONDS = 10
READ_SECONDS = 120
BYTES_AT_ONCE = 2**23
"""Of an object."""

# What S3 answers when asking again would bring the same answer.
_REASONS = {
    "NoSuchBucket": "the bucket does not exist",
    "NoSuchKey": "the key does not exist",
    "404": "the key or the bucket does not exist",
    "AccessDenied": "these credentials may not read it",
    "403": "these credentials may not read it",
    "InvalidAccessKeyId": "the access key is unknown to the store",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "InvalidObjectState": "the object is archived, restore it first",
    "InvalidBucketName": "that is not a valid bucket name",
    "AuthorizationHeaderMalformed": "the region (AWS_REGION) is not the bucket's",
    "PermanentRedirect": "the bucket is in another region, set AWS_REGION",
}


class Listed(NamedTuple):
    """An object of a listing."""

    key: str
    etag: str


class Bucket:
    """A bucket, with the credentials of the environment; imports boto3.

    Every error is a SettingsError, a DataError or a SourceError in one sentence.
    """

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        import boto3  # noqa: PLC0415 - a step pays for what it reads
        from botocore import config  # noqa: PLC0415

        self.name = name
        endpoint = environment.get(Variable.AWS_ENDPOINT_URL_S3) or None
        with self._asking(""):
            self._client: Any = boto3.client(
                "s3",
                endpoint_url=endpoint,
                region_name=environment.get(Variable.AWS_REGION) or "us-east-1",
                aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID"),
                aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY"),
                aws_session_token=environment.get("AWS_SESSION_TOKEN"),
                config=config.Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"mode": "standard", "max_attempts": 3},
                    # stores inside a cluster have one host name, not one a bucket
                    s3={"addressing_style": "path" if endpoint else "auto"},
                ),
            )

    def where(self, key: str) -> str:
        """An object in words of the user."""
        return f"s3://{self.name}/{key}"

    def fetch(self, key: str, copy: Path, etag: str | None = None) -> str:
        """Copies an object into a file; its SHA-256. With `etag` it must still be that of the listing."""
        condition = {} if etag is None else {"IfMatch": etag}
        with self._asking(key):
            body = self._client.get_object(Bucket=self.name, Key=key, **condition)["Body"]
            digest = hashlib.sha256()
            with copy.open("wb") as stream:
                for chunk in body.iter_chunks(BYTES_AT_ONCE):
                    digest.update(chunk)
                    stream.write(chunk)
            return digest.hexdigest()

    def objects(self, prefix: str) -> Iterator[Listed]:
        """The objects whose keys begin with `prefix`, in the order of the store."""
        with self._asking(prefix):
            # by continuation tokens: some stores lose keys where a listing starts after one
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
                for one in page.get("Contents", ()):
                    yield Listed(one["Key"], one["ETag"])

    @contextmanager
    def _asking(self, key: str) -> Iterator[None]:
        from botocore import exceptions  # noqa: PLC0415

        where = self.where(key)
        try:
            yield
        except exceptions.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in ("PreconditionFailed", "412"):
                raise SourceError(f"{where} changed while the data were read") from None
            if code in _REASONS:
                raise DataError(f"{where} cannot be read: {_REASONS[code]} ({code})") from None
            raise SourceError(f"{where} cannot be read: the store answered {code}") from None
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
            raise SettingsError(
                f"{where} cannot be read: there are no credentials, the pipeline's Secret must hold AWS_ACCESS_KEY_ID "
                "and AWS_SECRET_ACCESS_KEY"
            ) from None
        except exceptions.ParamValidationError as error:
            raise SettingsError(f"{where} cannot be read: {first_line(error.kwargs['report'])}") from None
        except ValueError as error:  # an endpoint that is no URL
            raise SettingsError(f"{where} cannot be read: {first_line(error)} (AWS_ENDPOINT_URL_S3)") from None
        except (exceptions.BotoCoreError, OSError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise  # it is the copy that has no room
            raise SourceError(f"{where} cannot be read: {first_line(error)}") from None


def first_line(error: object) -> str:
    """The part of a driver's message that fits one sentence."""
    lines = str(error).strip().splitlines()
    return shorten(lines[0].strip().rstrip(".")) if lines else type(error).__name__
