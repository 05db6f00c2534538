"""Which image EKS gives to a node, from its type of machine."""

import re
from collections.abc import Sequence

NOT_OFFERED = {
    **dict.fromkeys(("inf", "trn"), "AWS Neuron, whose device plugin and model images the library does not have"),
    **dict.fromkeys(("f", "vt", "dl"), "an accelerator that nothing of the library can use"),
    "mac": "macOS, which EKS does not run",
}
"""Family of machines → why a node group has none of them."""


def reason_against(instance_types: Sequence[str]) -> str:
    """Why there is no image for these machines, as the end of a sentence on `instance_types`."""
    for one in instance_types:
        family = re.match("[a-z]*", one)
        if family and (why := NOT_OFFERED.get(family[0])):
            return f"must not have {one}: that is {why}"
    listed = ", ".join(instance_types)
    return f"must have one image in common (x86 or ARM, with or without NVIDIA GPUs), got {listed}"


def image_of(instance_types: Sequence[str]) -> str | None:
    """The image for all of these machines; None if there is no such image.

    Machines with NVIDIA GPUs get Bottlerocket, whose image has the device plugin that offers `nvidia.com/gpu` to pods;
    Amazon Linux's image has none.
    """
    images = {_image(one) for one in instance_types}
    return images.pop() if len(images) == 1 else None


def _image(instance_type: str) -> str | None:
    found = re.match(r"([a-z]+)(\d+)([a-z0-9-]*)\.", instance_type)
    if not found:
        return None
    family, generation, attributes = found.groups()
    arm = "g" in attributes or (family, generation) == ("a", "1")  # "g" after the number is Graviton
    if family in ("g", "gr", "p"):
        return "BOTTLEROCKET_ARM_64_NVIDIA" if arm else "BOTTLEROCKET_x86_64_NVIDIA"
    if family in NOT_OFFERED:
        return None
    return "AL2023_ARM_64_STANDARD" if arm else "AL2023_x86_64_STANDARD"
