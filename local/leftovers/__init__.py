"""Before a stack on AWS is destroyed: what others left that could not be deleted any more afterwards."""

from local.leftovers.checks import before_foundation, before_platform

__all__ = ["before_foundation", "before_platform"]
