"""Whether EKS still makes clusters of the stack's version of Kubernetes, and has its add-ons in their versions."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import NotChecked, Result, finding, not_checked, ok
from pulumi_mlops.review.resources import Resource
from pulumi_mlops.review.values import at, is_known

CLUSTER, ADD_ON = "aws:eks/cluster:Cluster", "aws:eks/addon:Addon"
EXTENDED = "EXTENDED_SUPPORT"
MADE = ("STANDARD_SUPPORT", EXTENDED)
"""States of a version of which EKS makes clusters."""
SOON_DAYS = 90
KUBERNETES, ADD_ONS = "Kubernetes version", "EKS add-ons"


def versions(planned: Planned, account: Account) -> Iterator[Result]:
    """EKS offers the version of each cluster, and supports it for a while."""
    clusters = [one for one in planned.new(CLUSTER) if is_known(one.inputs, "version")]
    if not clusters:
        return
    listed = account.listed("eks", "DescribeClusterVersions", "clusterVersions")
    offered = {one["clusterVersion"]: one for one in listed if one.get("versionStatus") in MADE}
    for cluster in clusters:
        version = str(cluster.inputs["version"])
        minors = ", ".join(sorted(offered, key=_minor))
        advice = f"set kubernetes_version to one that EKS has: {minors}"
        if version not in offered:
            yield finding(
                KUBERNETES,
                f"EKS in {account.region} offers {minors}, not {version}",
                "CreateCluster is refused: `up` fails after the VPC has been made",
                advice,
            )
        else:
            yield _support(cluster, offered[version], advice)


def _support(cluster: Resource, version: Mapping[str, Any], advice: str) -> Result:
    name, standard = version["clusterVersion"], _day(version.get("endOfStandardSupportDate"))
    if version["versionStatus"] == EXTENDED and at(cluster.inputs, "upgradePolicy.supportType") == "STANDARD":
        return finding(
            KUBERNETES,
            f"{name} has been in extended support since {standard}, and the cluster's upgrade policy is STANDARD",
            "EKS upgrades such a cluster by itself, at a time of its own, and the stack then differs from it",
            advice,
        )
    if version["versionStatus"] == EXTENDED:
        return ok(KUBERNETES, f"{name}, in extended support, which costs more: standard support ended on {standard}")
    if standard and (standard - date.today()).days < SOON_DAYS:
        return finding(
            KUBERNETES,
            f"standard support of {name} ends on {standard}",
            "from then on EKS bills extended support or upgrades the cluster by itself",
            advice,
        )
    return ok(KUBERNETES, f"{name}, in standard support until {standard or 'an unknown day'}")


def add_ons(planned: Planned, account: Account) -> Iterator[Result]:
    """EKS has each add-on in the version that the stack names, for the cluster's version of Kubernetes."""
    named = [one for one in planned.new(ADD_ON) if is_known(one.inputs, "addonName")]
    minors = {str(one.inputs.get("version")) for one in planned.of(CLUSTER) if is_known(one.inputs, "version")}
    if not named:
        return
    if len(minors) != 1:
        yield not_checked(ADD_ONS, "the preview does not say for which version of Kubernetes they are")
        return
    (minor,) = minors
    wrong = False
    for one in named:
        name, version = str(one.inputs["addonName"]), str(one.inputs.get("addonVersion") or "")
        listed = account.listed("eks", "DescribeAddonVersions", "addons", addonName=name, kubernetesVersion=minor)
        has = [v["addonVersion"] for entry in listed if entry["addonName"] == name for v in entry["addonVersions"]]
        if (version in has) if version and is_known(one.inputs, "addonVersion") else has:
            continue
        wrong = True
        yield finding(
            ADD_ONS,
            f"EKS {minor} in {account.region} has {name} in {', '.join(has[:5]) or 'no version'}, not in {version}",
            "the add-on is refused (InvalidParameterException): `up` fails after the cluster has been made",
            f"set the version in addon_versions: {{{name}: {has[0]}}}" if has else f"leave {name} out",
        )
    if not wrong:
        yield ok(ADD_ONS, f"{len(named)} of them are offered for Kubernetes {minor}")


def _minor(version: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in version.split("."))
    except ValueError:
        raise NotChecked(f"EKS lists a version of Kubernetes that is none: {version!r}") from None


def _day(moment: object) -> date | None:
    return moment.date() if isinstance(moment, datetime) else None
