"""Stand-ins for engine plugins that cannot be downloaded everywhere: a language host, providers, and EKS components.

They are small, say so when they are used, and refuse what they do not implement. They are never part of the wheel.
"""

from standins.plugins.installation import environment, install

__all__ = ["environment", "install"]
