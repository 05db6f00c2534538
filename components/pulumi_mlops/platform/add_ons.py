"""The library's add-ons, in one table: the foundation gives roles by it, and `destroy` knows by it what must go first.

Another upstream chart is one module with an `ADD_ON` and one pin; it is listed here to be part of the platform. A chart
that only one team needs is installed by `HelmAddOn` from that team's own program, with a description of its own.
"""

from collections.abc import Mapping

from pulumi_mlops.platform import (
    argo_cd,
    argo_events,
    argo_workflows,
    cert_manager,
    crossplane,
    external_dns,
    external_secrets,
    istio,
    karpenter,
    kserve,
    load_balancer_controller,
    monitoring,
    public_gateway,
    seldon,
)
from pulumi_mlops.platform.add_on import AddOn

ADD_ONS: Mapping[str, AddOn] = {
    "argo_cd": argo_cd.ADD_ON,
    "argo_events": argo_events.ADD_ON,
    "argo_workflows": argo_workflows.ADD_ON,
    "cert_manager": cert_manager.ADD_ON,
    "crossplane": crossplane.ADD_ON,
    "external_dns": external_dns.ADD_ON,
    "external_secrets": external_secrets.ADD_ON,
    "istio": istio.ADD_ON,
    "karpenter": karpenter.ADD_ON,
    "kserve": kserve.ADD_ON,
    "load_balancer_controller": load_balancer_controller.ADD_ON,
    "monitoring": monitoring.ADD_ON,
    "public_gateway": public_gateway.ADD_ON,
    "seldon": seldon.ADD_ON,
}
"""Name, which is that of its module and of its entry in `EksPlatformArgs.add_ons` → description."""
