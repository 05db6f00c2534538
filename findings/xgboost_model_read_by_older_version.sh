#!/usr/bin/env bash
# XGBoost: a model saved by 3.2.0 loads in 2.1.4 without an error or a warning, and predicts without its intercept.
#
# Versions: xgboost-cpu 3.2.0 (writes), xgboost-cpu 2.1.4 (reads), numpy 2.2.6.
# Expected: an older reader that does not know the form of the intercept (since 3.1 a vector, written "[4.0E3]") refuses
#           the file, or reads the number in it. Seen: it takes the intercept for the default 0.5, so that a regression
#           with a mean of 4 000 answers below 1. With the brackets taken out of the JSON both versions agree.
# Matters:  servers bring an XGBoost of their own; KServe 0.20's xgbserver brings 2.1.4.
#
# Exits 0 while this is so, 1 when it has changed.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
for version in 3.2.0 2.1.4; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install --quiet --disable-pip-version-check "xgboost-cpu==$version" numpy==2.2.6
done
cat >"$work/train.py" <<'PYTHON'
import sys

import numpy as np
import xgboost

columns = np.linspace(0, 1, 200).reshape(-1, 2)
matrix = xgboost.DMatrix(columns, label=4000 + 10 * columns[:, 0])
xgboost.train({"max_depth": 2}, matrix, num_boost_round=2).save_model(sys.argv[1])
PYTHON
cat >"$work/predict.py" <<'PYTHON'
import sys

import numpy as np
import xgboost

columns = np.linspace(0, 1, 200).reshape(-1, 2)
print(round(float(xgboost.Booster(model_file=sys.argv[1]).predict(xgboost.DMatrix(columns))[0])))
PYTHON
"$work/3.2.0/bin/python" "$work/train.py" "$work/model.json"
sed 's/"base_score":"\[\([^]]*\)\]"/"base_score":"\1"/' "$work/model.json" >"$work/scalar.json"
predict() { "$work/$1/bin/python" -W error "$work/predict.py" "$work/$2"; }
new=$(predict 3.2.0 model.json) old=$(predict 2.1.4 model.json)
new_scalar=$(predict 3.2.0 scalar.json) old_scalar=$(predict 2.1.4 scalar.json)
echo "prediction of the first row: 3.2.0 answers $new, 2.1.4 answers $old; with a scalar intercept $new_scalar and $old_scalar"
[ "$new" -gt 3900 ] && [ "$old" -lt 10 ] && [ "$new_scalar" = "$new" ] && [ "$old_scalar" = "$new" ]
