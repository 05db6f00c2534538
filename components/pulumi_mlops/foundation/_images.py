"""Which image EKS gives to a node, from its type of machine."""

import re
from collections.abc import Sequence


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
    if family in ("inf", "trn", "mac", "f", "vt", "dl"):  # accelerators whose images pulumi-eks does not know; macOS
        return None
    return "AL2023_ARM_64_STANDARD" if arm else "AL2023_x86_64_STANDARD"
