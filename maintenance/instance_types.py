"""Writes the sizes of EC2 instance types into the library: `python -m maintenance.instance_types`.

They are what EC2 answered to `describe-instance-types` when the pinned release of moto was made, which carries that
answer. Run it after moto has moved; a test says when the file differs.
"""

import gzip
import importlib.resources
import json
from typing import Any

from pulumi_mlops.review.capacity import instances

from local.paths import ROOT
from local.progress import say

SOURCE = "EC2's answer to describe-instance-types, as the pinned release of moto carries it"
ANSWER = "ec2/resources/instance_types.json.gz"


def document() -> str:
    """The file's text: one type a line, so that a change of it can be read."""
    answer: dict[str, Any] = json.loads(gzip.decompress((importlib.resources.files("moto") / ANSWER).read_bytes()))
    lines = [
        f"  {json.dumps(name)}: {json.dumps(_sizes(one))}"
        for name, one in sorted(answer.items())
        if not name.startswith("mac")  # no image of EKS runs there
    ]
    return "{\n" + f' "source": {json.dumps(SOURCE)},\n "types": {{\n' + ",\n".join(lines) + "\n }\n}\n"


def _sizes(one: dict[str, Any]) -> list[int]:
    """vCPUs, MiB of memory, network interfaces of the default card, IPv4 addresses of each."""
    network = one["NetworkInfo"]
    card = network["NetworkCards"][network.get("DefaultNetworkCardIndex", 0)]
    return [
        one["VCpuInfo"]["DefaultVCpus"],
        one["MemoryInfo"]["SizeInMiB"],
        card["MaximumNetworkInterfaces"],
        network["Ipv4AddressesPerInterface"],
    ]


def main() -> None:
    """Writes the file."""
    instances.FILE.write_text(document(), encoding="utf-8")
    say(f"wrote {instances.FILE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
