"""What a developer may write in a database manifest: schemas of the definitions, with rules that refuse the rest.

Bounds and defaults are those of `PostgresDatabase`. A rule's message is what `kubectl apply` prints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_mlops.database import _rds_settings
from pulumi_mlops.database._arguments import ARGUMENTS, RESERVED_NAMES
from pulumi_mlops.platform.databases import _choice
from pulumi_mlops.platform.databases._choice import rule

VERSION = "v1alpha1"
CLAIM = "PostgreSQLInstance"
"""Kind of the claim, in a namespace."""
COMPOSITE = "XPostgreSQLInstance"
"""Kind that Crossplane makes of a claim, in no namespace."""
NAMESPACED = "PostgreSQLDatabase"
"""Kind without a claim, Crossplane's form since its version 2."""
CONNECTION_KEYS = ("host", "port", "username", "password", "database", "uri")
"""Keys of the Secret of every provider."""

STATUS = (
    "address",
    "database",
    "masterSecret",
    "phase",
    "reason",
    "restorableFrom",
    "restorableUntil",
    "lastBackup",
    "lastFailedBackup",
    "lastRestoreDrill",
)
"""What a manifest's status tells, besides conditions; moments are in UTC (RFC 3339)."""
COLUMNS = [
    {"name": "Server", "type": "string", "jsonPath": ".status.phase"},
    {"name": "Last backup", "type": "date", "jsonPath": ".status.lastBackup"},
]
"""Columns of `kubectl get`."""

UNIQUE = 8
"""Digits of an object's uid in the names of its resources on AWS, with a hyphen before them one more."""
LONGEST_IDENTIFIER = 63  # RDS
FINAL = "-final"
"""What the name of a database's last snapshot ends with."""
LONGEST_NAME = 40
"""As of `PostgresDatabase`."""

Schema = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What may be asked for."""

    group: str
    provider: str
    """Value of the label `provider`."""
    versions: Sequence[str]
    """Major versions of Postgres; the last one is the default."""
    sizes: Sequence[str]
    """The first one is the default."""
    prefix: str = ""
    """What the names made of a database's begin with."""
    connection_keys: Sequence[str] = CONNECTION_KEYS
    sources: Sequence[str] = ()
    """What a new database may be restored from: `database`, and `snapshot` where there are snapshots."""


def longest_name(prefix: str) -> int:
    """How long a database's name may be, where names on AWS begin with the prefix."""
    return min(LONGEST_NAME, LONGEST_IDENTIFIER - len(prefix) - 1 - UNIQUE)


def claim_definition(offer: Offer) -> Schema:
    """Spec of the definition whose claims are `PostgreSQLInstance`."""
    return {
        "scope": "LegacyCluster",
        "group": offer.group,
        "names": {"kind": COMPOSITE, "plural": f"{COMPOSITE.lower()}s"},
        "claimNames": {"kind": CLAIM, "plural": f"{CLAIM.lower()}s"},
        "connectionSecretKeys": list(offer.connection_keys),
        "versions": [
            _version(
                _parameters(offer),
                {},
                [
                    *_name_rules(CLAIM, longest_name(offer.prefix)),
                    *_choice.rules(offer.provider, "self.spec", "oldSelf.spec"),
                ],
            )
        ],
    }


def namespaced_definition(offer: Offer) -> Schema:
    """Spec of the definition of `PostgreSQLDatabase`."""
    secret = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 253}},
    }
    return {
        "scope": "Namespaced",
        "group": offer.group,
        "names": {"kind": NAMESPACED, "plural": f"{NAMESPACED.lower()}s"},
        "versions": [
            _version(
                _parameters(offer),
                {"writeConnectionSecretToRef": secret},
                [
                    *_name_rules(NAMESPACED, longest_name(offer.prefix)),
                    *_choice.rules(offer.provider, "self.spec.crossplane", "oldSelf.spec.crossplane"),
                ],
            )
        ],
    }


def _version(parameters: Schema, more: Schema, rules: list[Schema]) -> Schema:
    status = {field: {"type": "string"} for field in STATUS}
    return {
        "name": VERSION,
        "served": True,
        "referenceable": True,
        "additionalPrinterColumns": COLUMNS,
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "required": ["spec"],
                "x-kubernetes-validations": rules,
                "properties": {
                    "spec": {
                        "type": "object",
                        "required": ["parameters"],
                        "properties": {"parameters": parameters, **more},
                    },
                    "status": {"type": "object", "properties": status},
                },
            }
        },
    }


def _parameters(offer: Offer) -> Schema:
    versions, sizes = offer.versions, offer.sizes
    return {
        "type": "object",
        "properties": {
            "storageGB": {
                "type": "integer",
                "default": ARGUMENTS["storage_gib"].default,
                "minimum": _rds_settings.MIN_STORAGE_GIB,
                "maximum": _rds_settings.MAX_STORAGE_GIB,
            },
            "version": {"type": "string", "enum": list(versions), "default": versions[-1]},
            "size": {"type": "string", "enum": list(sizes), "default": sizes[0]},
            "restoreFrom": _restore(offer),
            "highAvailability": {"type": "boolean", "default": ARGUMENTS["high_availability"].default},
        },
        "x-kubernetes-validations": [
            rule("self.storageGB >= oldSelf.storageGB", "storageGB can only grow: a volume cannot be made smaller"),
            rule(
                "int(self.version) >= int(oldSelf.version)",
                "version can only rise: Postgres cannot read the files of a later major version",
            ),
            rule(
                "has(self.restoreFrom) == has(oldSelf.restoreFrom) && "
                "(!has(self.restoreFrom) || self.restoreFrom == oldSelf.restoreFrom)",
                "restoreFrom cannot change: a database is restored when it is made",
            ),
        ],
    }


def _restore(offer: Offer) -> Schema:
    """What a new database starts from: another one of the platform's, which may be gone, at a moment."""
    if not offer.sources:
        refused = rule("false", "restoreFrom is not offered: this platform makes no backups")
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "x-kubernetes-validations": [refused]}
    own = f"{offer.prefix}[a-z](-?[a-z0-9])*-[0-9a-f]{{{UNIQUE}}}"
    endings = {"database": "", "snapshot": FINAL}
    form = {key: {"type": "string", "maxLength": 255, "pattern": f"^{own}{endings[key]}$"} for key in offer.sources}
    chosen = " || ".join(f"has(self.{key})" for key in offer.sources)
    twice = " && ".join(f"has(self.{key})" for key in offer.sources)
    return {
        "type": "object",
        "properties": {**form, "moment": {"type": "string", "format": "date-time"}},
        "x-kubernetes-validations": [
            rule(
                chosen if len(form) == 1 else f"({chosen}) && !({twice})",
                f"restoreFrom must have {' or '.join(offer.sources)}, and not both"
                if len(form) > 1
                else f"restoreFrom must have {chosen.removeprefix('has(self.').removesuffix(')')}",
            ),
            rule("!has(self.moment) || has(self.database)", "restoreFrom.moment belongs to a database"),
        ],
    }


def _name_rules(kind: str, longest: int) -> list[Schema]:
    """What RDS allows as a name. A composite's own name does not count: Crossplane appends to the claim's."""
    of_others = f"self.kind != '{kind}' || "
    reserved = ", ".join(f"'{name}'" for name in RESERVED_NAMES)
    return [
        rule(
            f"{of_others}self.metadata.name.size() <= {longest}",
            f"metadata.name must be at most {longest} characters, so that names made of it fit",
        ),
        rule(
            f"{of_others}self.metadata.name.matches('^[a-z](-?[a-z0-9])*$')",
            "metadata.name must be lower-case letters, digits and single inner hyphens, and start with a letter",
        ),
        rule(
            f"{of_others}!(self.metadata.name in [{reserved}])",
            f"metadata.name must be none of the server's own names: {', '.join(RESERVED_NAMES)}",
        ),
    ]
