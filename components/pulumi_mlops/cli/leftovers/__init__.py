"""What has to be gone before a stack can go: what somebody else would lose, or nobody could delete afterwards."""

from pulumi_mlops.cli.leftovers.afterwards import Place, tidy
from pulumi_mlops.cli.leftovers.checks import Obstacle, obstacles, places

__all__ = ["Obstacle", "Place", "obstacles", "places", "tidy"]
