#!/usr/bin/env bash
# Optuna: `Trial.should_prune()` is declared to return bool; from the second trial on it returns numpy's.
#
# Versions: optuna 5.0.0, numpy 2.4.6.
# Expected: a bool, as the signature says, with every trial. Seen: with MedianPruner, a bool for the trials that have
#           nothing to be compared with, then `numpy.bool`. `json.dumps` refuses it, and `is True` does not hold.
# Matters:  whoever keeps the answer with a trial in JSON sees nothing of it in a test with few trials.
#
# Exits 0 while this is so, 1 when it has changed, 2 where it could not be run.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check optuna==5.0.0 numpy==2.4.6 || exit 2
cat >"$work/prune.py" <<'PYTHON'
import json
import typing

import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)
print(typing.get_type_hints(optuna.Trial.should_prune)["return"].__name__, end=" ")
study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=1))
for value in (1.0, 2.0):
    trial = study.ask()
    trial.report(value, step=0)
    answer = trial.should_prune()
    try:
        json.dumps(answer)
        print("serialised", end=" ")
    except TypeError:
        print("refused", end=" ")
    study.tell(trial, value)
PYTHON
seen=$("$work/venv/bin/python" "$work/prune.py") || exit 2
echo "declared, then what json makes of the first and of the second answer: $seen"
[ "$seen" = "bool serialised refused " ]
