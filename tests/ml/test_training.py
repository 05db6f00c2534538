"""From a frame to a fitted model: choosing columns, splitting, fitting, measuring."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from ml import dataset, features, row_columns, training
from ml.errors import DataError, SettingsError
from ml.metrics import metrics
from ml.model import Model
from ml.preprocessing import Preprocessing
from ml.settings import Features, Task
from tests.ml import bundles, reading


def prepared(frame: pd.DataFrame | None = None, **overrides: Any) -> dataset.Dataset:
    return reading.prepared(
        bundles.table() if frame is None else frame, bundles.settings(**overrides), "s3://data/flowers.csv"
    )


def test_the_same_data_and_seed_give_a_byte_identical_model() -> None:
    made = []
    for _ in range(2):
        data = prepared()
        booster = training.fit(bundles.settings(), data.signature, data.train).booster
        made.append(training.serialise(booster, data.preprocessing, data.signature, {}))
    assert made[0] == made[1]


def test_another_seed_gives_other_test_rows() -> None:
    training_settings = {"rounds": 10, "seed": 8}
    first, other = (reading.frame_of(data.test_rows) for data in (prepared(), prepared(training=training_settings)))
    assert not first.equals(other)


@given(
    st.lists(st.integers(2, 40), min_size=2, max_size=5),
    st.floats(0.05, 0.95),
    st.integers(0, 2**31 - 1),
)
def test_the_split_keeps_every_class_on_both_sides_in_proportion(sizes: list[int], fraction: float, seed: int) -> None:
    truth = np.repeat(np.arange(len(sizes)), sizes)
    test = row_columns.split(truth, fraction, seed, stratified=True)
    assert (test.shape, test.dtype) == (truth.shape, bool)
    for label, size in enumerate(sizes):
        count = int(np.sum(truth[test] == label))
        assert 1 <= count <= size - 1
        assert abs(count - size * fraction) <= 1


@given(st.data(), st.integers(2, 5), st.integers(10, 40))
def test_classification_metrics_are_those_of_scikit_learn(data: st.DataObject, classes: int, rows: int) -> None:
    generator = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    truth = np.concatenate([np.arange(classes), generator.integers(0, classes, rows)])
    probabilities = generator.dirichlet(np.ones(classes), len(truth)).round(2).astype(np.float32) + np.float32(0.001)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = metrics(Task.CLASSIFICATION, truth, probabilities)
    chosen = probabilities.argmax(axis=1)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(truth, chosen))
    assert found["f1_macro"] == pytest.approx(reference.f1_score(truth, chosen, average="macro"))
    for name, score in {"precision_macro": reference.precision_score, "recall_macro": reference.recall_score}.items():
        assert found[name] == pytest.approx(score(truth, chosen, average="macro", zero_division=0))
    exact = probabilities.astype(float)
    exact /= exact.sum(axis=1, keepdims=True)
    assert found["log_loss"] == pytest.approx(reference.log_loss(truth, exact))
    one_hot = np.eye(classes)[truth]
    areas = [reference.roc_auc_score(one_hot[:, label], probabilities[:, label]) for label in range(classes)]
    assert found["roc_auc"] == pytest.approx(areas[1] if classes == 2 else np.mean(areas))
    precisions = [
        reference.average_precision_score(one_hot[:, label], probabilities[:, label]) for label in range(classes)
    ]
    assert found["pr_auc"] == pytest.approx(precisions[1] if classes == 2 else np.mean(precisions))


@given(st.integers(0, 10**6), st.integers(2, 50))
def test_regression_metrics_are_those_of_scikit_learn(seed: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    truth, predicted = generator.normal(size=rows), generator.normal(size=(rows, 1)).astype(np.float32)
    found = metrics(Task.REGRESSION, truth, predicted)
    assert found["rmse"] == pytest.approx(reference.root_mean_squared_error(truth, predicted[:, 0]))
    assert found["mae"] == pytest.approx(reference.mean_absolute_error(truth, predicted[:, 0]))
    assert found["r2"] == pytest.approx(reference.r2_score(truth, predicted[:, 0]))
    assert found["mape"] == pytest.approx(reference.mean_absolute_percentage_error(truth, predicted[:, 0]))


def test_metrics_that_are_not_defined_are_absent() -> None:
    even = np.full((2, 3), 1 / 3, dtype=np.float32)
    assert not {"roc_auc", "pr_auc"} & metrics(Task.CLASSIFICATION, np.array([0, 1]), even).keys()
    assert "mape" not in metrics(Task.REGRESSION, np.array([0.0, 2.0]), np.ones((2, 1), dtype=np.float32))
    assert "r2" not in metrics(Task.REGRESSION, np.array([2.0, 2.0]), np.ones((2, 1), dtype=np.float32))


def test_a_certain_and_wrong_prediction_has_a_finite_loss() -> None:
    certain = np.array([[1, 0], [0, 1]], dtype=np.float32)
    assert np.isfinite(metrics(Task.CLASSIFICATION, np.array([1, 1]), certain)["log_loss"])


def test_columns_are_renamed_dropped_and_kept_in_the_order_of_the_source() -> None:
    data = prepared(features={"renames": {"length": "bill"}, "drop": ["island"]})
    assert data.signature["inputs"] == [{"name": "bill", "kind": "numeric"}, {"name": "width", "kind": "numeric"}]


def test_both_lists_choose_the_columns() -> None:
    data = prepared(features={"numeric": ["width"], "categorical": ["island"]})
    assert [column["name"] for column in data.signature["inputs"]] == ["width", "island"]


def test_one_list_overrides_the_inferred_kind() -> None:
    frame = bundles.table().assign(year=np.tile([2007, 2008], 30))
    data = prepared(frame, features={"categorical": ["year"]})
    assert {"name": "year", "kind": "categorical"} in data.signature["inputs"]
    [year] = [column for column in data.preprocessing["categorical"] if column["name"] == "year"]
    assert year["categories"] == ["2007", "2008"]


def test_true_and_false_are_categories_unless_declared_numeric() -> None:
    frame = bundles.table().assign(tagged=np.tile([True, False], 30))
    assert {"name": "tagged", "kind": "categorical"} in prepared(frame).signature["inputs"]
    declared = prepared(frame, features={"numeric": ["tagged"]})
    assert {"name": "tagged", "kind": "numeric"} in declared.signature["inputs"]


@pytest.mark.parametrize(("imputation", "fill"), [("MEDIAN", 2.0), ("MEAN", 13 / 3), ("ZERO", 0.0)])
def test_fills_are_learned_as_asked(imputation: str, fill: float) -> None:
    columns: dict[str, Any] = {"a": np.array([1.0, 2.0, 10.0, np.nan])}
    chosen = Features(numeric_imputation=imputation)  # pyright: ignore[reportArgumentType]
    [spec] = features.fit(columns, [{"name": "a", "kind": "numeric"}], chosen)["numeric"]
    assert spec["fill"] == pytest.approx(fill)


@pytest.mark.parametrize(
    ("scaling", "offset", "scale"), [("STANDARD", 3.0, np.sqrt(2)), ("MIN_MAX", 1.0, 4.0), ("NONE", 0.0, 1.0)]
)
def test_scales_are_learned_as_asked(scaling: str, offset: float, scale: float) -> None:
    columns: dict[str, Any] = {"a": np.array([1.0, 2.0, 3.0, 4.0, 5.0])}
    chosen = Features(scaling=scaling)  # pyright: ignore[reportArgumentType]
    [spec] = features.fit(columns, [{"name": "a", "kind": "numeric"}], chosen)["numeric"]
    assert (spec["offset"], spec["scale"]) == pytest.approx((offset, scale))


def test_a_constant_column_is_not_divided_by_zero() -> None:
    columns: dict[str, Any] = {"a": np.array([3.0, 3.0])}
    [spec] = features.fit(columns, [{"name": "a", "kind": "numeric"}], Features())["numeric"]
    assert spec["scale"] == 1.0


def test_nothing_is_learned_from_test_rows() -> None:
    frame = bundles.table()
    first = prepared(frame)
    spoiled = frame.copy()
    held_out = frame.index[frame["length"].isin(reading.frame_of(first.test_rows)["length"])]
    spoiled.loc[held_out, "length"] *= 100
    assert prepared(spoiled).preprocessing == first.preprocessing


def test_rows_without_a_target_are_left_out() -> None:
    frame = bundles.table()
    frame.loc[:4, "species"] = None
    data = prepared(frame)
    assert data.train.rows + data.test.rows == 55


def test_class_labels_of_numbers_are_in_numeric_order() -> None:
    classes, truth = dataset.target_values(pa.array([10, 9, 10, 9]), "t", Task.CLASSIFICATION, "x")
    assert classes == ["9", "10"]
    assert truth.tolist() == [1, 0, 1, 0]


WHERE = "s3://data/flowers.csv"
TABLE = bundles.table()
COLUMNS = "length, width, island, species"


@pytest.mark.parametrize(
    ("frame", "overrides", "sentence"),
    [
        (TABLE, {"target": "kind"}, f"{WHERE} has no target column 'kind', it has {COLUMNS}"),
        (
            TABLE.assign(width=np.nan),
            {},
            f"column 'width' of {WHERE} has no value in any row, add it to features.drop",
        ),
        (
            TABLE.assign(island=None),
            {},
            f"column 'island' of {WHERE} has no value in any row, add it to features.drop",
        ),
        (
            TABLE.assign(species="adelie"),
            {},
            f"target 'species' of {WHERE} has a single class ('adelie'), there is nothing to tell apart",
        ),
        (TABLE.head(9), {}, f"{WHERE} has 9 rows with a 'species', at least 10 are needed"),
        (TABLE.assign(species=None), {}, f"{WHERE} has 0 rows with a 'species', at least 10 are needed"),
        (
            pd.concat([TABLE, TABLE.head(1).assign(species="rare")]),
            {},
            "class 'rare' of the target 'species' has one row only, each class needs two or more: collect more of "
            "it, or drop it",
        ),
        (
            TABLE,
            {"features": {"numeric": ["island"]}},
            f"column 'island' must hold finite numbers, got 'Torgersen' in {WHERE}",
        ),
        (
            TABLE,
            {"task": "regression", "evaluation": {"metric": "rmse", "threshold": 1}},
            f"target column 'species' must hold finite numbers, got 'adelie' in {WHERE}",
        ),
        (TABLE, {"features": {"drop": ["year"]}}, f"{WHERE} has no column 'year' (features.drop), it has {COLUMNS}"),
        (
            TABLE,
            {"features": {"renames": {"a": "b"}}},
            f"{WHERE} has no column 'a' (features.renames), it has {COLUMNS}",
        ),
        (
            TABLE,
            {"features": {"renames": {"length": "width"}}},
            f"{WHERE} has two columns named 'width' after features.renames",
        ),
        (
            TABLE[["species"]],
            {},
            f"{WHERE} has no column to learn from besides the target 'species'",
        ),
        (
            TABLE.assign(seen=pd.Timestamp("2026-01-01")),
            {},
            f"column 'seen' of {WHERE} holds timestamp[us], only numbers, text and true/false can be learned from: "
            "add it to features.drop",
        ),
        (
            TABLE.assign(length=np.inf),
            {},
            f"column 'length' has an infinite value, numbers must be finite in {WHERE}",
        ),
        (
            pd.concat([TABLE] * 10, ignore_index=True).assign(note=[f"n{i}" for i in range(600)]),
            {"training": {"test_fraction": 0.1}},
            "column 'note' has 540 different values in the training rows, a categorical column may have 500: add it to "
            "features.drop",
        ),
        (
            TABLE,
            {"features": {"engineered": {"x": "0 * length / (width - width)"}}},
            "feature 'x' has no value in any training row, drop it or look at its expression",
        ),
    ],
)
def test_data_that_cannot_be_learned_from_is_named_in_one_sentence(
    frame: pd.DataFrame, overrides: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DataError) as caught:
        prepared(frame.reset_index(drop=True), **({"features": {}} | overrides))
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("lenght / width", "features.engineered.x reads the unknown column 'lenght', there are length, width, island"),
        ("island * 2", "features.engineered.x reads 'island', which is categorical, not numeric"),
        ("species * 2", "features.engineered.x reads the unknown column 'species', there are length, width, island"),
        ("length /", "settings: features.engineered.x must be an arithmetic expression, got 'length /'"),
    ],
)
def test_an_expression_that_cannot_work_is_named_in_one_sentence(expression: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        prepared(features={"engineered": {"x": expression}})
    assert str(caught.value) == sentence


def test_an_engineered_feature_must_not_take_a_columns_name() -> None:
    with pytest.raises(SettingsError, match=r"features\.engineered\.width has the name of a column, choose another"):
        prepared(features={"engineered": {"width": "length"}})


@pytest.mark.parametrize("parameters", [{"max_depth": "deep"}, {"learning_rate": -1}, {"tree_method": "forest"}])
def test_parameters_that_xgboost_refuses_are_a_settings_error_of_one_line(parameters: dict[str, Any]) -> None:
    chosen = bundles.settings(training={"parameters": parameters})
    data = prepared()
    with pytest.raises(SettingsError, match=r"^training\.parameters are refused by XGBoost: [^\n]+$") as caught:
        training.fit(chosen, data.signature, data.train)
    assert len(str(caught.value)) < 300
    assert any(str(part) in str(caught.value) for part in (*parameters, *parameters.values()))


def test_a_misspelt_parameter_is_refused() -> None:
    data = prepared()
    chosen = bundles.settings(training={"parameters": {"max_dept": 3}})
    with pytest.raises(SettingsError, match=r'^training\.parameters has "max_dept", which XGBoost does not use$'):
        training.fit(chosen, data.signature, data.train)


def noisy(rows: int = 400) -> pd.DataFrame:
    """More rounds than a few make a model of this worse."""
    generator = np.random.default_rng(2)
    x = generator.normal(size=rows)
    return pd.DataFrame(
        {"x": x, "z": generator.normal(size=rows), "y": np.where(x + generator.normal(size=rows) > 0, "a", "b")}
    )


def test_training_stops_early_and_keeps_the_best_rounds_only() -> None:
    chosen = {"target": "y", "features": {}, "training": {"rounds": 200, "early_stopping_rounds": 5}}
    data = prepared(noisy(), **chosen)
    booster, curve = training.fit(bundles.settings(**chosen), data.signature, data.train, data.validation)
    [losses] = curve.values()
    best = int(np.argmin(losses))
    assert list(curve) == ["logloss"]
    assert (booster.num_boosted_rounds(), len(losses)) == (best + 1, best + 6)
    full = bundles.settings(target="y", features={}, training={"rounds": best + 1})
    same = training.fit(full, data.signature, data.train).booster
    matrix = reading.matrix_of(data.test)
    assert booster.inplace_predict(matrix).tolist() == same.inplace_predict(matrix).tolist()


def test_validation_rows_are_neither_training_nor_test_rows() -> None:
    early = prepared(training={"early_stopping_rounds": 5, "validation_fraction": 0.25, "seed": 7})
    late = prepared(training={"seed": 7})
    assert early.validation is not None
    assert (late.validation, early.train.rows + early.validation.rows) == (None, late.train.rows)
    assert early.validation.rows == 12
    assert reading.frame_of(early.test_rows).equals(reading.frame_of(late.test_rows))


@pytest.mark.parametrize("tree_method", ["hist", "approx", "exact"])
@pytest.mark.parametrize("threads", [1, 2])
def test_each_number_of_threads_gives_the_same_bytes_again(tree_method: str, threads: int) -> None:
    settings = bundles.settings(
        training={"rounds": 20, "early_stopping_rounds": 15, "parameters": {"tree_method": tree_method}}
    )
    data = reading.prepared(bundles.table(300), settings)
    first, second = (
        training.fit(settings, data.signature, data.train, data.validation, threads).booster.save_raw("ubj")
        for _ in range(2)
    )
    assert first == second


def test_numbers_that_are_not_imputed_stay_missing_in_training_and_serving(tmp_path: Path) -> None:
    chosen = bundles.settings(features={"numeric_imputation": "NONE", "engineered": {"ratio": "length / width"}})
    data = prepared(features={"numeric_imputation": "NONE", "engineered": {"ratio": "length / width"}})
    assert [column["fill"] for column in data.preprocessing["numeric"]] == [None, None, None]
    matrix = reading.matrix_of(data.train)
    assert np.isnan(matrix[:, 1:3]).any()
    assert not np.isnan(matrix[:, 0]).any()
    model = Model(str(bundles.make_bundle(tmp_path, chosen=chosen)))
    answered = model.predict([[40.0, None, "Dream"], [40.0, 15.0, "Dream"]])
    assert np.isfinite(answered).all()
    booster = training.fit(chosen, data.signature, data.train).booster
    encoded = Preprocessing(data.preprocessing).encode([[40.0, None, "Dream"]]).matrix
    assert answered[0].tolist() == booster.inplace_predict(encoded)[0].tolist()


@pytest.mark.parametrize(
    ("objective", "expected"), [("SQUARED_ERROR", 28.0), ("ABSOLUTE_ERROR", 1.0), ("POISSON", 28.0)]
)
def test_a_regression_predicts_what_its_objective_asks_for(tmp_path: Path, objective: str, expected: float) -> None:
    """One row in four is an outlier: the mean is 28, the median 1."""
    frame = pd.DataFrame({"x": [0.0, 1.0] * 200, "n": [1.0, 1.0, 1.0, 109.0] * 100}).sample(400, random_state=0)
    frame["x"] = 0.0
    chosen = bundles.settings(
        target="n",
        task="regression",
        features={},
        training={"rounds": 100, "objective": objective},
        evaluation={"metric": "mae", "threshold": 100},
    )
    model = Model(str(bundles.make_bundle(tmp_path, frame=frame, chosen=chosen)))
    assert model.predict([[0.0]])[0, 0] == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_a_quantile_is_the_value_that_its_part_of_the_rows_stays_below(tmp_path: Path, quantile: float) -> None:
    generator = np.random.default_rng(3)
    place = generator.uniform(1, 3, size=3000)
    frame = pd.DataFrame({"place": place, "other": generator.normal(size=3000), "y": generator.exponential(place)})
    chosen = bundles.settings(
        target="y", task="regression", features={}, evaluation={"metric": "pinball", "threshold": 5},
        training={"rounds": 30, "objective": "QUANTILE", "quantile": quantile, "parameters": {"max_depth": 2}},
    )  # fmt: skip
    data = reading.prepared(frame, chosen)
    booster = training.fit(chosen, data.signature, data.train).booster
    measured = training.measure(booster, data.signature, data.test, quantile)

    model = Model(str(bundles.make_bundle(tmp_path, frame=frame, chosen=chosen)))
    model.load()
    rows = reading.frame_of(data.test_rows)
    answers = model.predict(rows[["place", "other"]].to_numpy())[:, 0]
    assert np.mean(rows["y"] < answers) == pytest.approx(quantile, abs=0.05)
    assert measured["pinball"] == pytest.approx(reference.mean_pinball_loss(rows["y"], answers, alpha=quantile))
    assert "pinball" not in training.measure(booster, data.signature, data.test)


def test_counts_are_not_negative() -> None:
    frame = pd.DataFrame({"x": range(20), "n": [-1.5, *range(19)]})
    chosen = {"task": "regression", "target": "n", "features": {}, "evaluation": {"metric": "r2", "threshold": 0}}
    with pytest.raises(DataError) as caught:
        prepared(frame, **chosen, training={"objective": "POISSON"})
    assert str(caught.value) == (
        f"target 'n' of {WHERE} has a negative value (-1.5), training.objective POISSON is for counts"
    )
