"""`python -m local.tools [names…]`: builds the named tools, or all, and prints where each one is."""

import sys

from local.progress import StepFailed
from local.tools.build import ensure
from local.tools.catalogue import BINARIES


def main(names: list[str]) -> int:
    """Returns the exit status: 0, or 1 after a one-line reason."""
    try:
        for name, place in ensure(*(names or BINARIES)).items():
            print(f"{name}\t{place}")
    except StepFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
