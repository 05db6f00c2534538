"""Puts a file into the object store: `python -m ml.upload <file> <bucket> <key>`.

For example data; no pipeline needs it.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from pulumi_mlops.contract.containers import Variable

from ml import step
from ml.errors import DataError, SettingsError, SourceError

ARGUMENTS = 3
REFUSALS = ("AccessDenied", "InvalidAccessKeyId", "NoSuchBucket", "SignatureDoesNotMatch")
"""Answers of a store that stay the same when asked again."""


def upload(file: Path, bucket: str, key: str, environment: Mapping[str, str]) -> int:
    """Uploads the file and returns its size in bytes. Credentials, endpoint and region are in the environment."""
    import boto3  # noqa: PLC0415 - the steps that share this package do without it
    from botocore import config, exceptions  # noqa: PLC0415

    where = f"s3://{bucket}/{key}"
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"file {file} cannot be read ({error.strerror})") from None
    try:
        endpoint = environment.get(Variable.AWS_ENDPOINT_URL_S3) or None
        store = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=environment.get(Variable.AWS_REGION) or "us-east-1",
            aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=environment.get("AWS_SESSION_TOKEN"),
            config=config.Config(
                retries={"mode": "standard", "max_attempts": 5},
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        )
        store.put_object(Bucket=bucket, Key=key, Body=content)
    except exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "nothing it explains")
        kind = DataError if code in REFUSALS else SourceError
        raise kind(f"{where} cannot be written: the store answered {code}") from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError):
        raise SettingsError(
            f"{where} cannot be written: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set"
        ) from None
    except (exceptions.BotoCoreError, ValueError) as error:
        raise SourceError(f"{where} cannot be written: {error}") from None
    return len(content)


def run(context: step.Context) -> None:
    """The command line."""
    if len(sys.argv) != ARGUMENTS + 1:
        raise SettingsError(f"ml.upload takes a file, a bucket and a key, got {len(sys.argv) - 1} arguments")
    file, bucket, key = sys.argv[1:]
    size = upload(Path(file), bucket, key, context.environment)
    step.say(f"wrote {size} bytes to s3://{bucket}/{key}")


if __name__ == "__main__":
    step.main(run)
