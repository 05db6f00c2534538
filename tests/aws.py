"""What AWS answers about a resource that a program under mocks has made, and which resources take tags."""

import importlib
import inspect
from typing import Any

ACCOUNT = "123456789012"
REGION = "eu-central-1"


def computed(token: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs that the provider would add to the inputs; physical names are made as Pulumi makes them."""
    physical = inputs.get("name") or f"{name}-1a2b3c4"
    kind = token.rpartition(":")[2]
    if token == "aws:s3/bucket:Bucket":
        bucket = inputs.get("bucket") or f"{name}-1a2b3c4"
        return {"bucket": bucket, "arn": f"arn:aws:s3:::{bucket}"}
    if token == "aws:iam/role:Role":
        return {"name": physical, "arn": f"arn:aws:iam::{ACCOUNT}:role{inputs.get('path', '/')}{physical}"}
    if token == "aws:rds/instance:Instance":
        secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!db-{name}"
        masters = [{"secretArn": secret, "secretStatus": "active"}]
        restored = {} if "dbName" in inputs else {"dbName": "as_it_was"}
        return {"address": f"{name}.rds.example.org", "masterUserSecrets": masters, **restored}
    if token == "aws:ecr/repository:Repository":
        url = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{physical}"
        return {"repositoryUrl": url, "arn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{physical}"}
    if token == "aws:route53/zone:Zone":
        return {"zoneId": "Z0NEW", "nameServers": ["ns-1.example.net", "ns-2.example.net"]}
    if token == "aws:route53/record:Record":
        return {"fqdn": inputs["name"]}
    if token == "aws:acm/certificate:Certificate":
        names = [inputs["domainName"], *inputs.get("subjectAlternativeNames", [])]
        challenges = [_challenge(one) for one in sorted(names, reverse=True)]  # in no promised order
        return {"arn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{name}", "domainValidationOptions": challenges}
    if token == "aws:sqs/queue:Queue":
        url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{physical}"
        return {"name": physical, "arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{physical}", "url": url}
    if token == "aws:cloudwatch/eventRule:EventRule":
        return {"name": physical, "arn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{physical}"}
    return {"arn": f"arn:aws:{token.split(':')[1].partition('/')[0]}:{REGION}:{ACCOUNT}:{kind}/{physical}"}


def _challenge(name: str) -> dict[str, str]:
    """ACM's demand; a host and the wildcard below it are proven by the same record."""
    host = name.removeprefix("*.")
    return {
        "domainName": name,
        "resourceRecordName": f"_proof.{host}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": f"_{host.replace('.', '-')}.acm-validations.aws.",
    }


def takes_tags(token: str) -> bool:
    """Whether the SDK's resource of this type token has the argument `tags`."""
    _, module, kind = token.split(":")
    resource = getattr(importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}"), kind)
    return "tags" in inspect.signature(resource._internal_init).parameters
