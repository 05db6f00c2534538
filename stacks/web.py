"""The example of a program that is delivered by pushing to Git: a small web application in a repository of its own."""

import pulumi
from pulumi_mlops import DeliveryPipeline, PromotionMode, RepositoryHost
from pulumi_mlops.delivery_pipeline import BuildArgs

from stacks import configuration, settings

NAME = "web"
MODES = [mode.value for mode in PromotionMode]


def build() -> None:
    """Declares the stack."""
    chosen = configuration.read(settings.WebSettings)
    if chosen.promotion not in MODES:
        configuration.refuse("promotion", f"must be one of {', '.join(MODES)}, got {chosen.promotion!r}")
    build_args: BuildArgs = {"memory": chosen.build_memory}
    if chosen.builder_image is not None:
        build_args["builder_image"] = chosen.builder_image
    delivery = DeliveryPipeline(
        NAME,
        {
            "namespace": chosen.namespace,
            "repository": {"url": chosen.repository_url, "host": RepositoryHost.GITEA},
            "image": chosen.image,
            "delivery_image": chosen.delivery_image,
            "credentials_secret": chosen.credentials_secret,
            "checks": {
                "image": chosen.checks_image,
                "lint": "python -W error -m compileall -q .",
                "tests": "python -m unittest",
                "memory": chosen.checks_memory,
            },
            "build": build_args,
            "promotion": PromotionMode(chosen.promotion),
            "soak_seconds": chosen.soak_seconds,
            "integration_tests": {"image": chosen.checks_image, "command": "python integration.py", "memory": "256Mi"},
            "staging": {"overlay": "deploy/overlays/staging", "namespace": f"{NAME}-staging"},
            "production": {"overlay": "deploy/overlays/production", "namespace": f"{NAME}-production"},
        },
        settings.cluster(chosen),
    )
    pulumi.export("namespace", chosen.namespace)
    pulumi.export("webhook_path", delivery.webhook_path)
    pulumi.export("workflow_template", delivery.workflow_template)
    pulumi.export("staging_application", delivery.staging_application)
    pulumi.export("production_application", delivery.production_application)
