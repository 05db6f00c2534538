"""The programs that one bare machine needs, each built once from its Go module, or found on PATH.

Does not own: Debian packages (`local.tools.apt`) and the binaries that Python packages bring.
"""

from local.tools.build import ensure, missing

__all__ = ["ensure", "missing"]
