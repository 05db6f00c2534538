"""Pipeline steps and prediction server of pulumi-mlops; an application with its own images, never in the wheel.

Importing this package costs nothing: each step imports what it needs. What it shares with the components is
`pulumi_mlops.contract`, which lies in `components/` beside this package: in a checkout, in the images, and in the
models that MLflow has.
"""

import sys
from pathlib import Path

_COMPONENTS = str(Path(__file__).resolve().parent.parent / "components")
if _COMPONENTS not in sys.path:
    sys.path.insert(0, _COMPONENTS)  # first: the contract and this code are of one version
