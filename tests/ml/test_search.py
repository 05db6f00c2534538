"""The search for parameters, with real trials on small tables."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml import search
from ml.errors import SettingsError
from ml.search import Found, Trial
from ml.settings import Settings
from ml.training import Trainer
from tests.ml import bundles, reading


def noisy(rows: int = 300) -> pd.DataFrame:
    generator = np.random.default_rng(5)
    columns = {f"x{number}": generator.normal(size=rows) for number in range(5)}
    raised = columns["x0"] + columns["x1"] * columns["x2"] + generator.normal(size=rows)
    return pd.DataFrame(columns | {"y": np.where(raised > 0, "yes", "no")})


def settings(**training: Any) -> Settings:
    return bundles.settings(
        features={}, target="y", training={"rounds": 30, "early_stopping_rounds": 5, "search": {"trials": 8}} | training
    )


class Attempt:
    """A process that searches; what it keeps outlives it."""

    def __init__(self, chosen: Settings, kept: str = "{}") -> None:
        self.settings, self.kept = chosen, kept
        self.finished: list[Trial] = []
        data = reading.prepared(noisy(), chosen)
        self.trainer = Trainer(chosen, data.signature, data.train, data.validation, threads=1)

    def run(self, clock: Callable[[], float] = lambda: 0.0, until: int = 1000) -> Found:
        """Searches; is killed when trial number `until` ends, before it is kept."""

        def finished(trial: Trial) -> None:
            if trial.number == until:
                raise KeyboardInterrupt
            self.finished.append(trial)

        def keep(state: dict[str, Any]) -> None:
            self.kept = json.dumps(state)

        return search.run(
            self.trainer, self.settings.training, json.loads(self.kept), keep=keep, finished=finished, clock=clock
        )


def test_the_best_trial_is_found_and_its_model_made_again() -> None:
    attempt = Attempt(settings())
    found = attempt.run()

    trials = attempt.finished
    assert [trial.number for trial in trials] == list(range(8))
    assert {trial.metric for trial in trials} == {"logloss"}
    best = min((trial for trial in trials if not trial.cut), key=lambda trial: trial.value or 0)
    assert found.parameters == best.parameters
    assert set(found.parameters) == set(search.SPACE)
    ended = sum(trial.cut for trial in trials)
    of_best = {"trial": best.number, "parameters": best.parameters, "logloss": best.value}
    assert found.facts == {"trials": 8, "ended_early": ended, "best": of_best}
    assert min(attempt.trainer.fit(found.parameters).learning_curve["logloss"]) == best.value


def test_a_trial_that_does_worse_than_most_ends_early_and_is_never_the_best() -> None:
    attempt = Attempt(settings(search={"trials": 25}))
    found = attempt.run()
    cut = [trial for trial in attempt.finished if trial.cut]
    assert cut
    assert found.facts["best"]["trial"] not in {trial.number for trial in cut}
    longest = max(epoch for trial in attempt.finished for epoch, _ in trial.points)
    assert all(trial.points[-1][0] < longest for trial in cut)


def test_a_search_that_was_killed_goes_on_and_ends_as_if_it_had_not_been() -> None:
    chosen = settings(search={"trials": 14})
    whole = Attempt(chosen)
    expected = whole.run()

    killed = Attempt(chosen)
    with pytest.raises(KeyboardInterrupt):
        killed.run(until=11)
    again = Attempt(chosen, killed.kept)
    assert again.run() == expected
    assert killed.finished + again.finished == whole.finished
    assert Attempt(chosen, again.kept).run() == expected, "all trials are there, none is fitted again"


def test_another_seed_tries_other_parameters() -> None:
    tried = [Attempt(settings(seed=seed, search={"trials": 2})).run().facts for seed in (0, 40)]
    assert tried[0] != tried[1]


def test_parameters_of_the_settings_are_not_tried() -> None:
    chosen = settings(parameters={"eta": 0.1, "max_depth": 4}, search={"trials": 2})
    assert set(Attempt(chosen).run().parameters) == set(search.SPACE) - {"learning_rate", "max_depth"}

    everything = {"eta": 0.1, "max_depth": 4, "min_child_weight": 1, "subsample": 1, "colsample_bytree": 1, "lambda": 1}
    with pytest.raises(SettingsError, match=r"^training.search has nothing to find"):
        Attempt(settings(parameters=everything)).run()


def test_of_a_measure_that_grows_the_greatest_value_is_the_best() -> None:
    attempt = Attempt(settings(parameters={"eval_metric": "auc"}))
    found = attempt.run()
    values = [trial.value for trial in attempt.finished if not trial.cut and trial.value is not None]
    assert found.facts["best"]["auc"] == max(values) > min(values)


def test_the_search_ends_when_its_time_is_over() -> None:
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            self.now += 1
            return self.now

    chosen = settings(search={"trials": 1000, "timeout_seconds": 200})
    attempt = Attempt(chosen)
    found = attempt.run(Clock())
    assert 1 < found.facts["trials"] < 30
    assert attempt.finished[-1].cut, "the last one was not waited for"

    # the time of an attempt that was killed counts
    with pytest.raises(SettingsError, match=r"no trial .* came to its end in 10 s: raise training.search.timeout_sec"):
        Attempt(settings(search={"trials": 5, "timeout_seconds": 10}), '{"seconds": 9, "trials": []}').run(Clock())
