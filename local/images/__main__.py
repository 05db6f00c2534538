"""`python -m local.images` lists the images; with a registry's address it builds and pushes them.

python -m local.images                                  name, reference without registry, whether it was built
python -m local.images 127.0.0.1:5000                   builds and pushes all
python -m local.images 127.0.0.1:5000 ml-server mlflow  builds and pushes these
"""

import sys

from local.images import build, buildah, catalogue
from local.progress import StepFailed


def main(arguments: list[str]) -> None:
    """Runs the command line."""
    if arguments in (["-h"], ["--help"]):
        print(__doc__)
        return
    if not arguments:
        for image in catalogue.load(catalogue.ALL):
            print(f"{image.name:20}{image.repository}:{image.tags[0]:32}{'built' if buildah.stored(image) else ''}")
        return
    for name, reference in build(arguments[0], arguments[0], arguments[1:] or catalogue.ALL).items():
        print(f"{name:20}{reference}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except StepFailed as failure:
        sys.exit(str(failure))
