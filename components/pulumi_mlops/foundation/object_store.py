"""S3 buckets: private, reached by TLS alone, encrypted, with versions and a life cycle.

Does not own: who may use them (`WorkloadIdentity` with `permissions.read_write`), the KMS key, the VPC's gateway
endpoint, copies in another region.
"""

from collections.abc import Iterator, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from pulumi_mlops._args import Argument, check_args, inputs
from pulumi_mlops._aws import bucket_name, kms_key_arn, partition, region, s3_endpoint
from pulumi_mlops._rules import object_name
from pulumi_mlops.contract.rules import at_least
from pulumi_mlops.foundation import _buckets, _policies
from pulumi_mlops.foundation._buckets import DEFAULT_LOG_DAYS, LOGS
from pulumi_mlops.foundation._names import AUTONAME_SUFFIX, duplicates, logical_name, wrong_keys
from pulumi_mlops.foundation._policies import ResourceStatementArgs

MAX_BUCKET_NAME = 63  # S3's limit
MAX_NAME = MAX_BUCKET_NAME - AUTONAME_SUFFIX


class S3ObjectStoreArgs(TypedDict):
    """Arguments of `S3ObjectStore`."""

    region: pulumi.Input[str]
    """Region of the buckets, such as `eu-central-1`; buckets that exist have to be there as well."""
    buckets: list[str]
    """Logical names of the buckets to create, such as `mlflow`. Pulumi makes the physical name, unique in the world,
    from the component's, this one and seven random digits: together at most 63 characters (S3's limit). Plain: each
    makes resources. One that is taken off the list is deleted, which its protection refuses."""
    existing_buckets: NotRequired[dict[str, pulumi.Input[str]]]
    """Logical name → name of a bucket that exists and is left as it is; default none."""
    kms_key_arn: NotRequired[pulumi.Input[str] | None]
    """KMS key of the objects, whose users need `permissions.use_key` as well; default: S3's own keys (AES256).
    Access logs always have S3's own keys: S3 delivers them under no other."""
    noncurrent_days: NotRequired[int]
    """How many days an overwritten or deleted object can be got back; default 30, at least 1. Plain: a setting of a
    life-cycle rule."""
    expire_days: NotRequired[dict[str, int]]
    """Logical name → days after which the objects of that bucket are deleted, at least 1; default: they stay."""
    access_logs: NotRequired[bool]
    """Whether every request to the buckets is written to a bucket of its own; default false. Plain: it makes the
    bucket."""
    access_log_days: NotRequired[int | None]
    """How many days access logs are kept, at least 1. Only with `access_logs`, and there by default: 90."""
    protect_data: NotRequired[bool]
    """Whether Pulumi refuses to delete the buckets; default true. When false, `destroy` deletes them with every object
    and every version in them."""
    tags: NotRequired[dict[str, pulumi.Input[str]] | None]
    """Tags of the buckets; default none."""


ARGUMENTS = {
    "region": Argument(rule=region),
    "buckets": Argument(rule=logical_name),
    "existing_buckets": Argument(default={}),
    "existing_buckets.*": Argument(rule=bucket_name),
    "kms_key_arn": Argument(rule=kms_key_arn),
    "noncurrent_days": Argument(default=30, rule=at_least(1, "day")),
    "expire_days": Argument(default={}),
    "expire_days.*": Argument(rule=at_least(1, "day")),
    "access_logs": Argument(default=False),
    "access_log_days": Argument(rule=at_least(1, "day")),
    "protect_data": Argument(default=True),
}


class S3ObjectStore(pulumi.ComponentResource):
    """Buckets on S3, for what the object store in the cluster is elsewhere.

    ```python
    from pulumi_mlops.foundation import S3ObjectStore

    store = S3ObjectStore("birds", {"region": "eu-central-1", "buckets": ["data", "mlflow", "workflows"]})
    pulumi.export("object_store_endpoint", store.endpoint)
    pulumi.export("workflows_bucket", store.bucket_names["workflows"])
    ```
    """

    endpoint: pulumi.Output[str]
    """URL of the region's S3 API."""
    region: pulumi.Output[str]
    """Region of the buckets, for which clients sign their requests."""
    bucket_names: pulumi.Output[dict[str, str]]
    """Logical name → name of the bucket, those that existed included."""
    bucket_arns: pulumi.Output[dict[str, str]]
    """Logical name → ARN of the bucket, for the statements of a `WorkloadIdentity`."""

    def __init__(self, name: str, args: S3ObjectStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_args(
            S3ObjectStore,
            name,
            args,
            S3ObjectStoreArgs,
            ARGUMENTS,
            problems=lambda checked: _problems(name, checked),
            name_rule=object_name(40),
        )
        super().__init__("pulumi-mlops:index:S3ObjectStore", name, inputs(args), opts)
        self._name = name
        self._args = checked
        self._child = pulumi.ResourceOptions(parent=self)

        self.region = pulumi.Output.from_input(checked["region"])
        self.endpoint = self.region.apply(s3_endpoint)
        created = {bucket: self._create_data_bucket(bucket) for bucket in checked["buckets"]}
        if checked["access_logs"]:
            self._create_access_logs(created)
        existing = checked["existing_buckets"]
        self.bucket_names = pulumi.Output.all(**{key: one.bucket for key, one in created.items()}, **existing)
        self.bucket_arns = pulumi.Output.all(
            **{key: one.arn for key, one in created.items()},
            **{
                key: pulumi.Output.all(self.region, one).apply(lambda known: _arn(*known))
                for key, one in existing.items()
            },
        )
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "region": self.region,
                "bucket_names": self.bucket_names,
                "bucket_arns": self.bucket_arns,
            }
        )

    def _create_data_bucket(self, logical: str) -> aws.s3.Bucket:
        bucket = self._create_private_bucket(logical, self._args["kms_key_arn"])
        versioning = aws.s3.BucketVersioning(
            f"{self._name}-{logical}-versioning",
            bucket=bucket.bucket,
            region=self._args["region"],
            versioning_configuration={"status": "Enabled"},
            opts=self._child,
        )
        rules = _buckets.data_lifecycle(self._args["noncurrent_days"], self._args["expire_days"].get(logical))
        self._create_lifecycle(logical, bucket, rules, [versioning])
        self._create_policy(logical, bucket, bucket.arn.apply(lambda arn: [_buckets.tls_only(arn)]))
        return bucket

    def _create_access_logs(self, buckets: dict[str, aws.s3.Bucket]) -> None:
        logs = self._create_private_bucket(LOGS, kms_key=None)
        days = self._args["access_log_days"]
        rules = _buckets.log_lifecycle(DEFAULT_LOG_DAYS if days is None else days)
        self._create_lifecycle(LOGS, logs, rules, [])
        policy = self._create_policy(
            LOGS,
            logs,
            pulumi.Output.all(logs.arn, *(bucket.arn for bucket in buckets.values())).apply(
                lambda arns: [_buckets.tls_only(arns[0]), _buckets.log_delivery(arns[0], arns[1:])]
            ),
        )
        for logical, bucket in buckets.items():
            aws.s3.BucketLogging(
                f"{self._name}-{logical}-logging",
                bucket=bucket.bucket,
                region=self._args["region"],
                target_bucket=logs.bucket,
                target_prefix=f"{logical}/",
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
            )

    def _create_private_bucket(self, logical: str, kms_key: pulumi.Input[str] | None) -> aws.s3.Bucket:
        protected = self._args["protect_data"]
        bucket = aws.s3.Bucket(
            f"{self._name}-{logical}",
            region=self._args["region"],
            force_destroy=not protected,
            tags=self._args["tags"],
            opts=pulumi.ResourceOptions(parent=self, protect=protected),
        )
        aws.s3.BucketOwnershipControls(
            f"{self._name}-{logical}-ownership",
            bucket=bucket.bucket,
            region=self._args["region"],
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{self._name}-{logical}-encryption",
            bucket=bucket.bucket,
            region=self._args["region"],
            rules=[_buckets.encryption(kms_key)],
            opts=self._child,
        )
        return bucket

    def _create_policy(
        self, logical: str, bucket: aws.s3.Bucket, statements: pulumi.Output[list[ResourceStatementArgs]]
    ) -> pulumi.Resource:
        access = aws.s3.BucketPublicAccessBlock(
            f"{self._name}-{logical}-public-access",
            bucket=bucket.bucket,
            region=self._args["region"],
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )
        return aws.s3.BucketPolicy(
            f"{self._name}-{logical}-policy",
            bucket=bucket.bucket,
            region=self._args["region"],
            policy=statements.apply(_policies.text),
            # One after the other: S3 refuses two changes of a bucket's access at the same moment.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[access]),
        )

    def _create_lifecycle(
        self,
        logical: str,
        bucket: aws.s3.Bucket,
        rules: Sequence[aws.s3.BucketLifecycleConfigurationRuleArgsDict],
        needs: list[pulumi.Resource],
    ) -> None:
        aws.s3.BucketLifecycleConfiguration(
            f"{self._name}-{logical}-lifecycle",
            bucket=bucket.bucket,
            region=self._args["region"],
            rules=rules,
            opts=pulumi.ResourceOptions(parent=self, depends_on=needs),
        )


def _arn(region: str, bucket: str) -> str:
    return f"arn:{partition(region)}:s3:::{bucket}"


def _problems(name: str, args: S3ObjectStoreArgs) -> Iterator[str]:
    buckets, existing, logs = args["buckets"], args["existing_buckets"], args["access_logs"]
    if not buckets and not existing:
        yield "args.buckets must not be empty without args.existing_buckets"
    for one in duplicates(buckets):
        yield f'args.buckets has "{one}" twice'
    yield from wrong_keys("args.existing_buckets", existing, logical_name)
    for one in existing:
        if one in buckets:
            yield f'args.existing_buckets has "{one}", which args.buckets would create'
    for one in args["expire_days"]:
        if one not in buckets:
            yield f'args.expire_days has "{one}", which must be one of args.buckets ({", ".join(buckets)})'
    if logs and not buckets:
        yield "args.access_logs is for the buckets that are created: args.buckets is empty"
    if logs and LOGS in [*buckets, *existing]:
        yield f'args.buckets must have no bucket "{LOGS}" with args.access_logs, which creates it'
    if not logs and args["access_log_days"] is not None:
        yield "args.access_log_days is for args.access_logs only: leave it out"
    for one in [*buckets, *([LOGS] if logs else [])]:
        if len(f"{name}-{one}") > MAX_NAME:
            yield (
                f'args.buckets: "{name}-{one}" must be at most {MAX_NAME} characters, since Pulumi adds '
                f"{AUTONAME_SUFFIX} and S3 takes {MAX_BUCKET_NAME}"
            )
