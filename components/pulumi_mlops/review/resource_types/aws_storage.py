"""Buckets, file systems, volumes, images and logs."""

from pulumi_mlops.review.cost import pricing
from pulumi_mlops.review.cost.billing import FREE, by_use, priced
from pulumi_mlops.review.resource_types.facts import allows_everybody, any_of, is_off, is_one_of
from pulumi_mlops.review.resource_types.resource_type import OpenIf, ResourceType

UNENCRYPTED = ": what is stored there is not encrypted"
OPEN_ACLS = ("public-read", "public-read-write", "authenticated-read")
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
OPEN_ACL = OpenIf("s3-public", is_one_of("acl", OPEN_ACLS, ", which opens the bucket to everybody"))
OPEN_BLOCK = OpenIf("s3-public", any_of(*(is_off(key, ", so the bucket can be opened to everybody") for key in BLOCKS)))
OPEN_POLICY = OpenIf("resource-policy-public", allows_everybody("policy"))
NOT_VERSIONED = is_one_of(
    "versioningConfiguration.status", ("Suspended",), ": what is overwritten or deleted from now on is lost"
)

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
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ResourceType(open_if=OPEN_POLICY, billing=FREE),
    "aws:efs/accessPoint:AccessPoint": ResourceType(billing=FREE),
    "aws:efs/backupPolicy:BackupPolicy": ResourceType(billing=by_use("daily backups of a file system")),
    "aws:efs/fileSystem:FileSystem": ResourceType(
        data="file system",
        unencrypted_if=is_off("encrypted", UNENCRYPTED),
        billing=priced(pricing.file_system, "reading and writing of files"),
        tagged=True,
    ),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": ResourceType(open_if=OPEN_POLICY, billing=FREE),
    "aws:efs/mountTarget:MountTarget": ResourceType(billing=FREE),
    "aws:fsx/lustreFileSystem:LustreFileSystem": ResourceType(data="file system"),
    "aws:fsx/ontapFileSystem:OntapFileSystem": ResourceType(data="file system"),
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": ResourceType(data="file system"),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": ResourceType(open_if=OPEN_BLOCK),
    "aws:s3/bucket:Bucket": ResourceType(
        data="bucket",
        open_if=OPEN_ACL,
        billing=priced(pricing.bucket, "requests to buckets, old versions of objects"),
        tagged=True,
    ),
    "aws:s3/bucketAcl:BucketAcl": ResourceType(open_if=OPEN_ACL),
    "aws:s3/bucketAclV2:BucketAclV2": ResourceType(open_if=OPEN_ACL),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ResourceType(billing=FREE),
    "aws:s3/bucketLogging:BucketLogging": ResourceType(billing=by_use("access logs in a bucket")),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ResourceType(billing=FREE),
    "aws:s3/bucketPolicy:BucketPolicy": ResourceType(
        open_if=OpenIf("s3-public", allows_everybody("policy")), billing=FREE
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ResourceType(
        guards="its bucket may become public", guarded_by="bucket", open_if=OPEN_BLOCK, billing=FREE
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": ResourceType(
        billing=FREE
    ),
    "aws:s3/bucketV2:BucketV2": ResourceType(
        data="bucket",
        open_if=OPEN_ACL,
        billing=priced(pricing.bucket, "requests to buckets, old versions of objects"),
        tagged=True,
    ),
    "aws:s3/bucketVersioning:BucketVersioning": ResourceType(billing=FREE),
}
