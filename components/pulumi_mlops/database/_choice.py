"""What runs a database: what its arguments choose, else what the platform offers, with what only the platform knows."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import pulumi

from pulumi_mlops import conventions, platform_outputs
from pulumi_mlops._args import ArgumentError
from pulumi_mlops.database._arguments import INSTANCE_CLASSES
from pulumi_mlops.database._backend import Backend
from pulumi_mlops.platform_outputs import IN_CLUSTER, PlatformOutputs

RDS = "rds"
MANIFEST = "manifest"
SINGLE_POD = "single_pod"
BACKENDS = (RDS, MANIFEST, SINGLE_POD)
"""Arguments of which at most one is given: each chooses what runs the database."""
OF_NETWORK = ("vpc_id", "subnet_ids", "client_security_group_ids")
PLAIN = (
    *("size", "storage_gib", "version", "environment", "protect_data", "labels"),
    *("backups", "restore_from", "restore_from.moment", *BACKENDS),
    *("rds.client_security_group_ids", "rds.max_storage_gib", "rds.extended_support", "rds.tags"),
    *("manifest.group", "single_pod.client_namespaces"),
)
"""Arguments whose values the program reads before the engine knows any output."""


def chosen(
    owner: str, args: Mapping[str, object], platform: Callable[[], PlatformOutputs]
) -> tuple[str, dict[str, Any]]:
    """The backend's argument, and the arguments with what the platform adds to it.

    Args:
        owner: whose arguments they are.
        args: what the user wrote.
        platform: reads the outputs of the platform; called only where they are needed.

    Raises:
        ArgumentError: several backends are chosen, or none and the platform offers no databases; or an argument that
            the program reads is an Output.
    """
    if outputs := [path for path in PLAIN if isinstance(_at(args, path), pulumi.Output)]:
        raise ArgumentError(owner, *(f"args.{path} must be a plain value, got an Output" for path in outputs))
    given = [key for key in BACKENDS if args.get(key) is not None]
    if len(given) > 1:
        listed = " and ".join(f"args.{key}" for key in given)
        raise ArgumentError(owner, f"{listed} exclude each other: each says what runs the database")
    backend = given[0] if given else _of_platform(owner, platform())
    own = cast("Mapping[str, object]", args.get(backend) or {})
    if not isinstance(own, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - check_args refuses it
        return backend, dict(args)
    return backend, {**args, backend: {**_facts(owner, backend, args, platform), **_without_none(own)}}


def _at(args: Mapping[str, object], path: str) -> object:
    outer, _, key = path.rpartition(".")
    place: object = args.get(outer) if outer else args
    return cast("Mapping[str, object]", place).get(key) if isinstance(place, Mapping) else None


def backend_of(chosen: str) -> Backend:
    """Imported only when asked for: the SDK of a cloud is an optional dependency."""
    if chosen == RDS:
        from pulumi_mlops.database import _rds  # noqa: PLC0415

        return _rds.RDS
    if chosen == MANIFEST:
        from pulumi_mlops.database import _manifest  # noqa: PLC0415

        return _manifest.MANIFEST
    from pulumi_mlops.database import _single_pod  # noqa: PLC0415

    return _single_pod.SINGLE_POD


def _of_platform(owner: str, platform: PlatformOutputs) -> str:
    if "database" in platform:
        return RDS
    # Without a setting nobody has said what the cluster has: the API server says so.
    if platform is IN_CLUSTER or "database_api" in platform:
        return MANIFEST
    raise ArgumentError(
        owner,
        f"the platform of the setting {conventions.PACKAGE}:{platform_outputs.SETTING} offers no databases: "
        "enable its setting database_api, or give args.rds with a network, or args.single_pod, which has no backups",
    )


def _facts(
    owner: str, backend: str, args: Mapping[str, object], platform: Callable[[], PlatformOutputs]
) -> dict[str, object]:
    """What the platform says about the backend's argument."""
    own = cast("Mapping[str, object]", args.get(backend) or {})
    if backend == RDS:
        complete = all(own.get(key) is not None for key in OF_NETWORK)
        network = None if complete else platform().get("database")
        facts: dict[str, object] = {"secret_store": conventions.SECRET_STORE}
        if network is not None:
            if own.get("vpc_id") is not None:
                missing = " and ".join(f"args.rds.{key}" for key in OF_NETWORK if own.get(key) is None)
                raise ArgumentError(owner, f"args.rds.vpc_id requires {missing}: the platform's are in its own VPC")
            facts = {key: network[key] for key in ("vpc_id", "subnet_ids", "secret_store")}
            facts["client_security_group_ids"] = {"nodes": network["client_security_group_id"]}
        sizes: Mapping[str, object] = network or {}
        classes = cast("Mapping[str, str]", sizes.get("instance_classes") or INSTANCE_CLASSES)
        size = args.get("size") or sizes.get("default_size") or next(iter(classes))
        if not isinstance(size, str):  # check_args refuses it
            return facts
        if size not in classes:
            raise ArgumentError(owner, f"args.size must be one of {', '.join(classes)}, got {size!r}")
        return {**facts, "instance_class": classes[size]}
    if backend == MANIFEST and not all(own.get(key) is not None for key in ("provider", "group")):
        return {**platform_outputs.DATABASE_API, **platform().get("database_api", {})}
    return {}


def _without_none(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}
