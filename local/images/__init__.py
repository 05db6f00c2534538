"""The container images of the one-machine platform: built here from packages, pushed to the machine's registry.

The base is made of Debian packages, everything else is a Dockerfile on it or on nothing. An image is known by the
content it is made of: what the registry has is left alone, what the cache has is pushed, and only the rest is built.

Does not own: the registry (the node, or the user's own) and the programs that go into images (`local.tools`).
"""

from local.images.catalogue import ALL
from local.images.provide import build, prepare, references

__all__ = ["ALL", "build", "prepare", "references"]
