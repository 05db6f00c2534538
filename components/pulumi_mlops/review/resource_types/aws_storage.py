"""Buckets, file systems, volumes, images and logs."""

from collections.abc import Iterator

from pulumi_mlops.review.cost import pricing
from pulumi_mlops.review.cost.billing import FREE, by_use, priced
from pulumi_mlops.review.danger import DangerKind
from pulumi_mlops.review.json_data import mapping
from pulumi_mlops.review.resource_types.facts import Fact, Holds, Inputs, allows_everybody, any_of, is_off, is_one_of
from pulumi_mlops.review.resource_types.resource_type import Guard, OpenIf, ResourceType
from pulumi_mlops.review.values import at, indexed, is_hidden

UNENCRYPTED = ": what is stored there is not encrypted"
OPEN_ACLS = ("public-read", "public-read-write", "authenticated-read")
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
OPEN_ACL = OpenIf("s3-public", is_one_of("acl", OPEN_ACLS, ", which opens the bucket to everybody"))
OPEN_BLOCK = OpenIf("s3-public", any_of(*(is_off(key, ", so the bucket can be opened to everybody") for key in BLOCKS)))
NO_VERSIONS = ": what is overwritten or deleted from now on is lost"
FILE_SYSTEM = ResourceType(data="file system")
OBJECT = ResourceType(data="object")
OPEN_POLICY = OpenIf("resource-policy-public", allows_everybody("policy"))


def expires_everything(inputs: Inputs) -> Iterator[Fact]:
    """A lifecycle rule of a bucket deletes every object after some time."""
    for path, one in indexed(inputs, "rules"):
        rule = mapping(one)
        days = at(rule, "expiration.days")
        limited = rule.get("prefix") or any(mapping(rule.get("filter")).values())
        if rule.get("status", "Enabled") == "Enabled" and days and not is_hidden(days) and not limited:
            yield Holds(f"{path}.expiration.days", f"is {number(days)}: every object is deleted at that age")


def number(value: object) -> str:
    """A number without the fraction that JSON may give it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


TYPES: dict[str, ResourceType] = {
    "aws:backup/vault:Vault": ResourceType(data="backup vault"),
    "aws:backup/vaultPolicy:VaultPolicy": ResourceType(open_if=OPEN_POLICY, billing=FREE),
    "aws:cloudwatch/logGroup:LogGroup": ResourceType(
        data="log group", billing=by_use("ingestion and storage of logs"), tagged=True
    ),
    "aws:ebs/snapshot:Snapshot": ResourceType(data="snapshot"),
    "aws:ebs/volume:Volume": ResourceType(
        data="volume", unencrypted_if=is_off("encrypted", UNENCRYPTED), billing=priced(pricing.volume), tagged=True
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ResourceType(billing=FREE),
    "aws:ecr/repository:Repository": ResourceType(
        data="image repository", billing=priced(pricing.repository), tagged=True
    ),
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": ResourceType(
        billing=by_use("enhanced scans of images")  # basic ones are free
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ResourceType(open_if=OPEN_POLICY, billing=FREE),
    "aws:efs/accessPoint:AccessPoint": ResourceType(billing=FREE),
    "aws:efs/backupPolicy:BackupPolicy": ResourceType(
        guard=Guard("its file system is no longer backed up", "fileSystemId", DangerKind.PROTECTION),
        not_backed_up_if=is_one_of("backupPolicy.status", ("DISABLED",), ", so no new backups are made"),
        billing=by_use("daily backups of a file system"),
    ),
    "aws:efs/fileSystem:FileSystem": ResourceType(
        data="file system",
        unencrypted_if=is_off("encrypted", UNENCRYPTED),
        billing=priced(pricing.file_system, "reading and writing of files"),
        tagged=True,
    ),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": ResourceType(open_if=OPEN_POLICY, billing=FREE),
    "aws:efs/mountTarget:MountTarget": ResourceType(stops="its subnet loses the file system", billing=FREE),
    "aws:fsx/lustreFileSystem:LustreFileSystem": FILE_SYSTEM,
    "aws:fsx/ontapFileSystem:OntapFileSystem": FILE_SYSTEM,
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": FILE_SYSTEM,
    "aws:fsx/windowsFileSystem:WindowsFileSystem": FILE_SYSTEM,
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": ResourceType(open_if=OPEN_BLOCK),
    "aws:s3/bucket:Bucket": ResourceType(
        data="bucket",
        open_if=OPEN_ACL,
        not_backed_up_if=is_off("versioning.enabled", NO_VERSIONS),
        billing=priced(pricing.bucket, "requests to buckets, old versions of objects"),
        tagged=True,
    ),
    "aws:s3/bucketAcl:BucketAcl": ResourceType(open_if=OPEN_ACL),
    "aws:s3/bucketAclV2:BucketAclV2": ResourceType(open_if=OPEN_ACL),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ResourceType(
        expires_if=expires_everything, billing=FREE
    ),
    "aws:s3/bucketLogging:BucketLogging": ResourceType(billing=by_use("access logs in a bucket")),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ResourceType(billing=FREE),
    "aws:s3/bucketPolicy:BucketPolicy": ResourceType(
        open_if=OpenIf("s3-public", allows_everybody("policy")), billing=FREE
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ResourceType(
        guard=Guard("its bucket may become public", "bucket", DangerKind.EXPOSURE), open_if=OPEN_BLOCK, billing=FREE
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": ResourceType(
        billing=FREE
    ),
    "aws:s3/bucketV2:BucketV2": ResourceType(
        data="bucket",
        open_if=OPEN_ACL,
        not_backed_up_if=is_off("versioning.enabled", NO_VERSIONS),
        billing=priced(pricing.bucket, "requests to buckets, old versions of objects"),
        tagged=True,
    ),
    "aws:s3/bucketObject:BucketObject": OBJECT,
    "aws:s3/bucketObjectv2:BucketObjectv2": OBJECT,
    "aws:s3/bucketVersioning:BucketVersioning": ResourceType(
        guard=Guard("objects of its bucket get no new versions", "bucket", DangerKind.PROTECTION),
        not_backed_up_if=is_one_of("versioningConfiguration.status", ("Suspended", "Disabled"), NO_VERSIONS),
        billing=FREE,
    ),
}
