"""A Terraform state, as a list of the resources in it. Format version 4, that of Terraform 0.12 and later."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi_mlops.cli.errors import CommandError
from pulumi_mlops.cli.values import items, mapping

VERSION = 4
PULL = "`terraform state pull > terraform.tfstate`"
INLINE = ".route["
"""In the addresses of routes that are written inside their table: Terraform has them there, and not by themselves."""
AWS = "aws_"
"""How the types of the AWS provider begin."""


@dataclass(frozen=True)
class Found:
    """One instance of a resource."""

    address: str
    """As Terraform writes it, with modules and index keys."""
    type: str
    attributes: dict[str, Any]
    state: str = ""
    """File of the state that it is in."""
    deposed: bool = False
    """Whether Terraform has replaced it and not yet deleted it: another instance has taken its place."""
    tainted: bool = False
    """Whether Terraform would replace it, since its creation failed or somebody asked for it."""

    def get(self, path: str) -> Any:
        """An attribute, or what is inside it: `vpc_config.0.vpc_id`; None where there is nothing."""
        value: Any = self.attributes
        for part in path.split("."):
            if isinstance(value, dict):
                value = mapping(value).get(part)
            elif part.isdecimal() and int(part) < len(items(value)):
                value = items(value)[int(part)]
            else:
                return None
        return value

    @property
    def texts(self) -> frozenset[str]:
        """Every text in it: what other resources may call it by, such as id, ARN and name."""
        return frozenset(_texts(self.attributes))


def read(file: Path) -> list[Found]:
    """The AWS resources of a state; data sources are left out, since Terraform does not own them.

    Raises:
        CommandError: the file is no state of this version, or there is nothing of AWS in it.
    """
    try:
        content = json.loads(file.read_text())
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not text in UTF-8, so no Terraform state; {PULL} writes one") from error
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}; {PULL} writes a state") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{file} is not JSON ({error}), so no Terraform state; {PULL} writes one") from error
    if not isinstance(content, dict):
        raise CommandError(f"{file} is JSON, but no object and so no Terraform state; {PULL} writes one")
    state = mapping(content)
    if foreign := _foreign(state):
        raise CommandError(f"{file} {foreign}")
    version = state.get("version")
    if version != VERSION:
        found = "it has no `version`" if version is None else f"got {version!r}"
        raise CommandError(
            f"{file} must be a Terraform state of format version {VERSION}, {found}; {PULL} of Terraform 0.12 "
            "or later writes one"
        )
    if problem := _problem(state):
        raise CommandError(f"{file} is not a Terraform state as Terraform writes it: {problem}; {PULL} writes one")
    managed = [one for one in items(state.get("resources")) if one.get("mode") == "managed" and one.get("instances")]
    if not managed:
        raise CommandError(f"{file} is a Terraform state without resources: there is nothing to adopt")
    if not any(one["type"].startswith(AWS) for one in managed):
        others = ", ".join(sorted({one["type"].partition("_")[0] for one in managed}))
        raise CommandError(f"{file} has no resource of AWS, only of {others}; the foundation stacks are on AWS")
    found = [instance for one in managed for instance in _instances(one, str(file))]
    return [*found, *_inline_routes(found)]


def _foreign(content: Mapping[str, object]) -> str:
    """What a file is that is easily taken for a state, and what to do; empty where it is none of these."""
    if "encrypted_data" in content:
        return "is a state that OpenTofu encrypted: `tofu state pull > terraform.tfstate` writes it decrypted"
    if "resource_changes" in content or "planned_values" in content:
        return f"is a plan, from `terraform show -json` or `terraform plan`, not a state: {PULL} writes one"
    if "format_version" in content:
        return f"is what `terraform show -json` writes, which lacks what a state has: {PULL} writes one"
    if "deployment" in content:
        return "is a state of Pulumi, from `pulumi stack export`: Pulumi has its resources already"
    if "modules" in content:
        return (
            f"is a state of Terraform 0.11 or older (format version {content.get('version')}): `terraform apply` of "
            f"Terraform 0.12 or later brings it to version {VERSION}"
        )
    return ""


def _problem(state: Mapping[str, object]) -> str:
    """What is wrong with the form of a state, up to the attributes; empty where nothing is."""
    resources = state.get("resources")
    if resources and not isinstance(resources, list):
        return f"`resources` must be a list, got {resources!r:.60}"
    for number, one in enumerate(items(resources)):
        given = mapping(one)
        whole = isinstance(given.get("type"), str) and isinstance(given.get("name"), str)
        instances = given.get("instances") if whole else None
        if not isinstance(instances, list) or not all(isinstance(instance, dict) for instance in items(instances)):
            return f"resources[{number}] must have `type`, `name` and a list `instances`, got {one!r:.60}"
        if any("attributes_flat" in instance for instance in items(instances)):
            return f"resources[{number}] has `attributes_flat` of Terraform 0.11, which `terraform refresh` updates"
        if not all(isinstance(instance.get("attributes"), dict) for instance in items(instances)):
            return f"resources[{number}] ({given['type']}.{given['name']}) has an instance without `attributes`"
    return ""


def _instances(resource: dict[str, Any], state: str) -> Iterator[Found]:
    path = [part for part in (resource.get("module"), resource["type"]) if part]
    base = f"{'.'.join(path)}.{resource['name']}"
    for instance in resource["instances"]:
        key = instance.get("index_key")
        index = "" if key is None else f"[{json.dumps(key)}]"
        deposed = f" (deposed object {instance['deposed']})" if "deposed" in instance else ""
        yield Found(
            f"{base}{index}{deposed}",
            resource["type"],
            instance.get("attributes") or {},
            state,
            deposed=bool(deposed),
            tainted=not deposed and instance.get("status") == "tainted",
        )


def _inline_routes(found: list[Found]) -> Iterator[Found]:
    """Routes written inside their table, which are resources of their own for us."""
    known = {(one.get("route_table_id"), one.get("destination_cidr_block")) for one in found if one.type == "aws_route"}
    for table in (one for one in found if not one.deposed):
        for route in map(mapping, items(table.get("route")) if table.type == "aws_route_table" else ()):
            destination = route.get("cidr_block")
            if destination and (table.get("id"), destination) not in known:
                attributes = {
                    **route,
                    "route_table_id": table.get("id"),
                    "destination_cidr_block": destination,
                }
                yield Found(f"{table.address}{INLINE}{json.dumps(destination)}]", "aws_route", attributes, table.state)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(mapping(value).values()))
    else:
        for one in items(value):
            yield from _texts(one)
