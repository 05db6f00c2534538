"""Arguments that `PostgresDatabase` had before each backend had one of its own: they work, with a warning."""

from collections.abc import Mapping
from typing import Any, cast

import pulumi

from pulumi_mlops._args import ArgumentError
from pulumi_mlops.database._arguments import DatabaseBackend, RdsArgs, SinglePodArgs

CHOICE = {DatabaseBackend.RDS: "rds", DatabaseBackend.IN_CLUSTER: "single_pod"}
NOW = {
    "engine_version": "version",
    "backup_days": "backups.days",
    **{key: f"single_pod.{key}" for key in SinglePodArgs.__annotations__},
    **{key: f"rds.{key}" for key in RdsArgs.__annotations__},
}
"""Deprecated argument → its path now; `backend` chooses one of `CHOICE`."""


def translated(owner: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments under the names that they have now.

    Raises:
        ArgumentError: one is given under both names, or the backend is unknown; `owner` is whose arguments they are.
    """
    old = {key: args[key] for key in ("backend", *NOW) if args.get(key) is not None}
    if not old:
        return dict(args)
    new: dict[str, Any] = {key: value for key, value in args.items() if key != "backend" and key not in NOW}
    moved: list[str] = []
    if (backend := old.get("backend")) is not None:
        if backend not in list(DatabaseBackend):
            known = ", ".join(repr(str(one)) for one in DatabaseBackend)
            raise ArgumentError(owner, f"args.backend must be one of {known}, got {backend!r}")
        new.setdefault(CHOICE[backend], {})
        moved.append(f"args.{CHOICE[backend]}")
    problems = [problem for key in NOW if key in old for problem in _put(new, NOW[key], key, old[key])]
    if problems:
        raise ArgumentError(owner, *problems)
    listed = ", ".join(f"args.{key}" for key in old)
    replaced = ", ".join([*moved, *(f"args.{NOW[key]}" for key in old if key in NOW)])
    pulumi.log.warn(f"{owner}: deprecated arguments: {listed}; write {replaced}")
    return new


def _put(new: dict[str, Any], path: str, old: str, value: object) -> list[str]:
    outer, _, key = path.rpartition(".")
    place: dict[str, Any] = new
    if outer:
        present: object = {} if new.get(outer) is None else new[outer]
        if not isinstance(present, Mapping):  # check_args refuses it
            return []
        place = new[outer] = dict(cast("Mapping[str, object]", present))
    if place.get(key) is not None:
        return [f"args.{old} is the old name of args.{path}, which is given as well: leave it out"]
    place[key] = value
    return []
