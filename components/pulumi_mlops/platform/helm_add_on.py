"""An add-on that the library does not know, from a platform's or a team's own program.

Owns its namespace and what its charts make. Does not own: roles on AWS, the objects that its controllers reconcile.
"""

from typing import Any

import pulumi

from pulumi_mlops._args import Arguments
from pulumi_mlops.platform.add_on import AddOn, AddOnArgs, CallerArgs, ReplicatedArgs, add_on_inputs, check_add_on


class HelmAddOnArgs(AddOnArgs, ReplicatedArgs, CallerArgs):
    """Arguments of `HelmAddOn`."""

    add_on: AddOn[Any]
    """The description: charts, namespace, values. Its functions get these arguments, with their defaults."""


ARGUMENTS: Arguments = {}


class HelmAddOn(pulumi.ComponentResource):
    """Installs a chart the way that the library installs its own: pinned, mirrored, in a restricted namespace.

    ```python
    from pulumi_mlops.platform import AddOn, Chart, ChartRelease, HelmAddOn

    chart = Chart("reloader", "https://charts.example.org", "2.2")
    reloader = AddOn(main=ChartRelease(chart=chart), namespace="reloader")
    installed = HelmAddOn("reloader", {"add_on": reloader, "values": {"logFormat": "json"}})
    pulumi.export("reloader", installed.release)
    ```
    """

    namespace: pulumi.Output[str]
    """Namespace of the add-on."""
    release: pulumi.Output[str]
    """Name of the main Helm release, known once every chart's workloads are ready."""
    chart_version: pulumi.Output[str]
    """Version of the main chart."""

    def __init__(self, name: str, args: HelmAddOnArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        checked = check_add_on(HelmAddOn, name, args, HelmAddOnArgs, ARGUMENTS)
        add_on = checked["add_on"]
        described = {"chart": add_on.chart.name, "version": add_on.chart.version}
        super().__init__("pulumi-mlops:index:HelmAddOn", name, {**add_on_inputs(args), "add_on": described}, opts)
        installed = add_on.install(self, name, checked)
        self.namespace = installed.namespace
        self.release = installed.release
        self.chart_version = pulumi.Output.from_input(add_on.chart.version)
        self.register_outputs(
            {"namespace": self.namespace, "release": self.release, "chart_version": self.chart_version}
        )
