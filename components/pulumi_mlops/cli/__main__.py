"""`python -m pulumi_mlops.cli`: the command where its console script is not installed."""

import sys

from pulumi_mlops.cli.main import main

sys.exit(main())
