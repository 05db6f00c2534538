"""The programs that one bare machine needs, each built once from its Go module, or found on PATH.

Does not own: Debian packages (`local.tools.apt`) and the binaries that Python packages bring.
"""

from pathlib import Path

from local.tools.build import ensure, missing, source
from local.tools.catalogue import BINARIES

__all__ = ["ensure", "missing", "source_of", "version_of"]


def version_of(binary: str) -> str:
    """The version that a binary is built from, without a leading v."""
    return BINARIES[binary].version


def source_of(binary: str) -> Path:
    """Directory of the module that a binary is built from: upstream's manifests, scripts and pages."""
    return source(BINARIES[binary])
