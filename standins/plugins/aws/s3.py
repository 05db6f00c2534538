"""Buckets, and each part of a bucket as a resource of its own."""

from typing import Any

from standins.plugins.aws.account import Account, Missing, shape
from standins.plugins.aws.description import Call, Live, properties
from standins.plugins.aws.resource import Resource
from standins.plugins.aws.shapes import to_api
from standins.plugins.plugin import Refused
from standins.plugins.values import Object


class Bucket(Resource):
    """A bucket; its parts are resources of their own."""

    token = "aws:s3/bucket:Bucket"
    service = "s3"
    properties = properties("bucket bucketPrefix forceDestroy~ objectLockEnabled tags")
    outputs = ("arn", "bucketDomainName", "bucketRegionalDomainName", "bucketRegion", "hostedZoneId")

    def _operations(self) -> list[str]:
        return []

    def create(self, account: Account, inputs: Object) -> str:
        """A bucket of this name must not be there."""
        given: Object = {"Bucket": inputs["bucket"]}
        if account.region != "us-east-1":
            given["CreateBucketConfiguration"] = {"LocationConstraint": account.region}
        if inputs.get("objectLockEnabled"):
            given["ObjectLockEnabledForBucket"] = True
        account.call("s3", "create_bucket", **given)
        self.tag(account, inputs["bucket"], inputs, {}, self.all_tags(account, inputs))
        return inputs["bucket"]

    def read(self, account: Account, identifier: str, state: Object) -> Live | None:
        """Whether it is there, and its tags."""
        try:
            account.call("s3", "head_bucket", Bucket=identifier)
        except Missing:
            return None
        domain = f"{identifier}.s3.{account.region}.amazonaws.com"
        values = {
            "bucket": identifier, "arn": f"arn:aws:s3:::{identifier}", "bucketRegion": account.region,
            "bucketDomainName": f"{identifier}.s3.amazonaws.com", "bucketRegionalDomainName": domain,
        }  # fmt: skip
        return Live(values, self._tags(account, identifier))

    def _tags(self, account: Account, identifier: str) -> dict[str, str]:
        try:
            found = account.call("s3", "get_bucket_tagging", Bucket=identifier)["TagSet"]
        except Missing:
            return {}
        return {one["Key"]: one["Value"] for one in found}

    def tag(self, account: Account, identifier: str, state: Object, old: Any, new: Any) -> None:
        """A bucket's tags are written as a whole."""
        if new == old:
            return
        if new:
            tags = {"TagSet": [{"Key": key, "Value": value} for key, value in new.items()]}
            account.call("s3", "put_bucket_tagging", Bucket=identifier, Tagging=tags)
        else:
            account.call("s3", "delete_bucket_tagging", Bucket=identifier)

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Nothing of it is the API's."""

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Empties it first with forceDestroy."""
        try:
            if state.get("forceDestroy"):
                self._empty(account, identifier)
            account.call("s3", "delete_bucket", Bucket=identifier)
        except Missing:
            return

    def _empty(self, account: Account, identifier: str) -> None:
        while True:
            found = account.call("s3", "list_object_versions", Bucket=identifier)
            objects = [
                {"Key": one["Key"], "VersionId": one["VersionId"]}
                for one in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
            ]
            if not objects:
                return
            account.call("s3", "delete_objects", Bucket=identifier, Delete={"Objects": objects})


class Part(Resource):
    """One part of a bucket: written, read and removed as a whole, and called like its bucket."""

    service = "s3"
    body = ""
    """The parameter with the part; empty: the part is one text, `policy`."""

    def identify(self, account: Account, found: Any, inputs: Object) -> str:
        """The bucket."""
        return inputs["bucket"]

    def known(self, account: Account, identifier: str, state: Object) -> Object:
        """An imported part is known by its bucket alone."""
        return {**super().known(account, identifier, state), "bucket": identifier or state.get("bucket")}

    def document(self, inputs: Object) -> Object:
        """The part as the API takes it."""
        members = shape("s3", self.create_call.operation).members
        given = {key: value for key, value in inputs.items() if key in self.properties and key != "bucket"}
        return {self.body: to_api(members[self.body], given, self.renames, "")}

    def wrong(self, inputs: Object) -> list[str]:
        """Parts of the part that the API does not know."""
        self.document({key: value for key, value in inputs.items() if not self.properties[key].local})
        return []

    def _operations(self) -> list[str]:
        return []

    def create(self, account: Account, inputs: Object) -> str:
        """Writes it; two resources for one part of one bucket would undo each other."""
        given = {key: value for key, value in inputs.items() if key in self.properties}
        given = {key: value for key, value in given.items() if not self.properties[key].local}
        account.call("s3", self.create_call.operation, Bucket=inputs["bucket"], **self.document(given))
        return inputs["bucket"]

    def update(self, account: Account, identifier: str, state: Object, inputs: Object, changed: set[str]) -> None:
        """Writes it again."""
        self.create(account, inputs)

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """With the bucket."""
        return {"bucket": identifier, **self.translated(found)}


class PublicAccessBlock(Part):
    """What of a bucket can never be public."""

    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    properties = properties("bucket blockPublicAcls blockPublicPolicy ignorePublicAcls restrictPublicBuckets")
    body = "PublicAccessBlockConfiguration"
    create_call = Call("put_public_access_block")
    read_call = Call("get_public_access_block", body, Bucket="{bucket}")
    delete_call = Call("delete_public_access_block", Bucket="{bucket}")


class OwnershipControls(Part):
    """Who owns the objects of a bucket."""

    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    properties = properties("bucket rule")
    renames = {"Rules": "rule"}
    body = "OwnershipControls"
    create_call = Call("put_bucket_ownership_controls")
    read_call = Call("get_bucket_ownership_controls", body, Bucket="{bucket}")
    delete_call = Call("delete_bucket_ownership_controls", Bucket="{bucket}")

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """The one rule."""
        values = super().shown(account, identifier, found, state)
        return {**values, "rule": values["rule"][0]}


class Versioning(Part):
    """Whether a bucket keeps versions."""

    token = "aws:s3/bucketVersioning:BucketVersioning"
    properties = properties("bucket versioningConfiguration")
    body = "VersioningConfiguration"
    create_call = Call("put_bucket_versioning")
    read_call = Call("get_bucket_versioning", "@", Bucket="{bucket}")

    def document(self, inputs: Object) -> Object:
        """The status."""
        return _versioning(self, inputs)

    def shown(self, account: Account, identifier: str, found: Any, state: Object) -> Object:
        """A bucket that never had versions has no status."""
        status = found.get("Status")
        return {"bucket": identifier, "versioningConfiguration": {"status": status} if status else None}

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """Versions can only be suspended."""
        try:
            account.call(
                "s3", "put_bucket_versioning", Bucket=identifier, VersioningConfiguration={"Status": "Suspended"}
            )
        except Missing:
            return


def _versioning(kind: Part, inputs: Object) -> Object:
    given = inputs["versioningConfiguration"]
    if not isinstance(given, dict):
        return {kind.body: given}
    if set(given) - {"status", "mfaDelete"}:
        unknown = sorted(set(given) - {"status", "mfaDelete"})[0]
        raise Refused(f"versioningConfiguration.{unknown} is not implemented by the AWS provider stand-in")
    return {kind.body: {"Status": given["status"]}}


class Encryption(Part):
    """How a bucket encrypts."""

    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    properties = properties("bucket rules")
    renames = {"KMSMasterKeyID": "kmsMasterKeyId"}
    body = "ServerSideEncryptionConfiguration"
    create_call = Call("put_bucket_encryption")
    read_call = Call("get_bucket_encryption", body, Bucket="{bucket}")
    delete_call = Call("delete_bucket_encryption", Bucket="{bucket}")


class Lifecycle(Part):
    """What becomes of old objects."""

    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    properties = properties("bucket rules")
    body = "LifecycleConfiguration"
    create_call = Call("put_bucket_lifecycle_configuration")
    read_call = Call("get_bucket_lifecycle_configuration", "@", Bucket="{bucket}")
    delete_call = Call("delete_bucket_lifecycle", Bucket="{bucket}")

    def document(self, inputs: Object) -> Object:
        """Each rule has a filter, if only an empty prefix."""
        rules = [{"filter": {"prefix": ""}, **one} if "prefix" not in one else one for one in inputs.get("rules") or []]
        return super().document({"rules": rules})


class BucketPolicy(Part):
    """A bucket's policy."""

    token = "aws:s3/bucketPolicy:BucketPolicy"
    properties = properties("bucket policy")
    create_call = Call("put_bucket_policy")
    read_call = Call("get_bucket_policy", "{Policy: Policy}", Bucket="{bucket}")
    delete_call = Call("delete_bucket_policy", Bucket="{bucket}")

    def document(self, inputs: Object) -> Object:
        """The text."""
        return {"Policy": inputs["policy"]}


class Logging(Part):
    """Where a bucket's access log goes."""

    token = "aws:s3/bucketLogging:BucketLogging"
    properties = properties("bucket targetBucket targetPrefix")
    body = "BucketLoggingStatus"
    create_call = Call("put_bucket_logging")
    read_call = Call("get_bucket_logging", "LoggingEnabled", Bucket="{bucket}")

    def document(self, inputs: Object) -> Object:
        """Bucket and prefix."""
        enabled = {"TargetBucket": inputs["targetBucket"], "TargetPrefix": inputs["targetPrefix"]}
        return {self.body: {"LoggingEnabled": enabled}}

    def delete(self, account: Account, identifier: str, state: Object) -> None:
        """An empty status switches it off."""
        try:
            account.call("s3", "put_bucket_logging", Bucket=identifier, BucketLoggingStatus={})
        except Missing:
            return


def _older(kind: type[Part]) -> type[Part]:
    """The same under the name that it had in earlier SDKs."""
    head, _, title = kind.token.rpartition(":")
    return type(f"{kind.__name__}V2", (kind,), {"token": f"{head}V2:{title}V2", "__doc__": kind.__doc__})


WITH_OLDER_NAMES = (Versioning, Encryption, Lifecycle, Logging)
KINDS = (
    Bucket, PublicAccessBlock, OwnershipControls, BucketPolicy, *WITH_OLDER_NAMES, *map(_older, WITH_OLDER_NAMES),
    type("BucketV2", (Bucket,), {"token": "aws:s3/bucketV2:BucketV2"}),
)  # fmt: skip
