"""The two kinds that ask for a database, and the compositions that they choose from, whoever provides it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops import conventions
from pulumi_mlops._manifests import Manifest, name_of
from pulumi_mlops.platform.databases import _choice
from pulumi_mlops.platform.databases import _schema as schema
from pulumi_mlops.platform.databases._patches import CLAIM, NAMESPACED, Form

ESTABLISHED = {"pulumi.com/waitFor": "condition=Established"}
"""The definition's kind is in the API server."""
AGGREGATED = "rbac.crossplane.io/aggregate-to-crossplane"
"""Label of the roles whose rights Crossplane's own service account has."""

Composition = Callable[[Form, str], Manifest]
"""Spec of the composition of a form and an environment."""


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """The kinds of one platform, as children of its component."""

    parent: pulumi.Resource
    name: str
    """The component's."""
    objects: str
    """What the names of objects begin with."""
    offer: schema.Offer
    keep: bool
    """Whether the definitions survive `destroy`."""

    def create(
        self, rules: Sequence[Manifest], composition: Composition, *needs: pulumi.Resource
    ) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """Creates all, and returns the names of the definitions of claims and of `PostgreSQLDatabase`.

        Args:
            rules: the rights to what compositions make besides managed resources.
            composition: what to compose.
            needs: what must be there before a composition is.
        """
        claims = self._definition("claims", "v1", schema.claim_definition(self.offer))
        databases = self._definition("databases", "v2", schema.namespaced_definition(self.offer))
        rights = self._rights(rules)
        self._policy()
        for form, definition in ((CLAIM, claims), (NAMESPACED, databases)):
            for environment in _choice.ENVIRONMENTS:
                role = _choice.role(form.kind, self.offer.provider, environment)
                labels = _choice.labels(self.offer.provider, environment)
                metadata = {"name": f"{self.objects}-{role}", "labels": labels}
                spec = composition(form, environment)
                self._object(role, "v1", "Composition", metadata, spec, definition, rights, *needs)
        return name_of(claims), name_of(databases)

    def _rights(self, rules: Sequence[Manifest]) -> pulumi.Resource:
        """Lets Crossplane make what belongs to none of its providers; without it, no composite becomes ready."""
        return k8s.rbac.v1.ClusterRole(
            f"{self.name}-rights",
            metadata={"name": f"{self.objects}-composed", "labels": self._labels({AGGREGATED: "true"})},
            rules=[*rules],
            opts=pulumi.ResourceOptions(parent=self.parent),
        )

    def _policy(self) -> None:
        """Refuses a composition with the labels of another one."""
        kinds = (schema.COMPOSITE, schema.NAMESPACED)
        metadata: Manifest = {"name": f"{self.objects}-compositions", "labels": self._labels()}
        spec: Manifest = _choice.policy(self.objects, self.offer.group, kinds)
        child = pulumi.ResourceOptions(parent=self.parent)
        api = k8s.admissionregistration.v1
        policy = api.ValidatingAdmissionPolicy(
            f"{self.name}-compositions",
            metadata=metadata,
            spec=spec,
            opts=child,
        )
        binding: Manifest = {"policyName": name_of(policy), "validationActions": ["Deny"]}
        api.ValidatingAdmissionPolicyBinding(
            f"{self.name}-compositions-binding",
            metadata=metadata,
            spec=binding,
            opts=child,
        )

    def _definition(self, role: str, version: str, spec: Manifest) -> pulumi.Resource:
        metadata = {"name": f"{spec['names']['plural']}.{spec['group']}", "annotations": ESTABLISHED}
        return self._object(role, version, "CompositeResourceDefinition", metadata, spec, keep=self.keep)

    def _object(
        self,
        role: str,
        version: str,
        kind: str,
        metadata: Manifest,
        spec: Manifest,
        *needs: pulumi.Resource,
        keep: bool = False,
    ) -> pulumi.Resource:
        return k8s.apiextensions.CustomResource(
            f"{self.name}-{role}",
            api_version=f"apiextensions.crossplane.io/{version}",
            kind=kind,
            metadata={**metadata, "labels": self._labels(metadata.get("labels"))},
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self.parent, depends_on=[*needs], retain_on_delete=keep),
        )

    def _labels(self, more: Mapping[str, object] | None = None) -> Manifest:
        return conventions.labels("database-api", self.name, more)
