"""A search for the booster's parameters with Optuna: trials, compared on the validation rows.

What is tried next depends on the seed and on the trials before, and on nothing else. Finished trials are kept, so a
search that was killed goes on where it was and ends with the same model, unless its time decides where it ends.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import optuna
import xgboost
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from ml.errors import SettingsError
from ml.settings import Training
from ml.step import say
from ml.training import VALIDATION, Trainer

SPACE: dict[str, BaseDistribution] = {
    "learning_rate": FloatDistribution(0.01, 0.3, log=True),
    "max_depth": IntDistribution(3, 10),
    "min_child_weight": FloatDistribution(1, 20, log=True),
    "subsample": FloatDistribution(0.5, 1),
    "colsample_bytree": FloatDistribution(0.5, 1),
    "reg_lambda": FloatDistribution(0.01, 10, log=True),
}
"""What is tried: where good values of XGBoost's parameters usually are."""
_OTHER_NAMES = {"learning_rate": "eta", "reg_lambda": "lambda"}
_GREATER_IS_BETTER = ("auc", "pre", "map", "ndcg")  # beginnings of XGBoost's names, as its early stopping has them
_MOST_POINTS = 100  # of a trial's curve


class Trial(NamedTuple):
    """One fitted model, as it is kept in JSON."""

    number: int
    """From 0."""
    parameters: dict[str, Any]
    metric: str
    """XGBoost's name of what is compared."""
    value: float | None
    """Of the best round; None: it is no number."""
    cut: bool
    """Whether it ended early, for it did worse than most or the time was over."""
    points: list[tuple[int, float]]
    """Round and value, of some rounds."""


class Found(NamedTuple):
    """The end of a search."""

    parameters: dict[str, Any]
    """The best ones."""
    facts: dict[str, Any]
    """For the version's record."""


def run(
    trainer: Trainer,
    training: Training,
    kept: dict[str, Any],
    *,
    keep: Callable[[dict[str, Any]], None],
    finished: Callable[[Trial], None],
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """Fits the trials that `kept` does not have yet; raises SettingsError if none got to its end.

    `keep` stores the state after each trial, for the `kept` of the next attempt (at first it is empty); before that,
    `finished` is called with the trial.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    wanted = training.search
    if wanted is None:
        raise ValueError("training.search is not set")
    space = _space(training.parameters)
    if not space:
        raise SettingsError("training.search has nothing to find: training.parameters sets all that it would try")
    warm_up = training.rounds // 4  # before, a small learning rate looks worse than it is
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_warmup_steps=warm_up))
    trials = [Trial(*values) for values in kept.get("trials", ())]
    for trial in trials:
        study.add_trial(_frozen(trial, space))
    start = clock() - kept.get("seconds", 0)
    deadline = start + wanted.timeout_seconds if wanted.timeout_seconds else math.inf
    while len(trials) < wanted.trials and clock() < deadline:
        study.sampler = optuna.samplers.TPESampler(seed=training.seed + len(trials))
        asked = study.ask(space)
        report = _Report(asked, max(training.rounds // _MOST_POINTS, 1), lambda: clock() >= deadline)
        trainer.fit(asked.params, [report])
        trial = report.trial()
        study.tell(asked, **_told(trial))
        trials.append(trial)
        say(_line(trial))
        finished(trial)
        keep({"seconds": clock() - start, "trials": [list(one) for one in trials]})
    return _best(trials, wanted.timeout_seconds)


class _Report(xgboost.callback.TrainingCallback):
    """Tells Optuna about the rounds of a trial, and ends it when it is not worth going on."""

    def __init__(self, asked: optuna.Trial, every: int, is_over: Callable[[], bool]) -> None:
        super().__init__()
        self._asked, self._every, self._is_over = asked, every, is_over
        self._metric, self._best, self._cut = "", math.nan, False
        self._points: list[tuple[int, float]] = []

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Any]) -> bool:
        self._metric, values = list(evals_log[VALIDATION].items())[-1]  # the one that early stopping watches
        value = float(values[-1])
        if math.isfinite(value):
            better = max if _greater_is_better(self._metric) else min
            self._best = value if math.isnan(self._best) else better(self._best, value)
            if epoch % self._every == 0:
                self._points.append((epoch, value))
                self._asked.report(_lower(self._metric, value), epoch)
                self._cut = bool(self._asked.should_prune())  # a bool of numpy, sometimes
        self._cut = self._cut or self._is_over()
        return self._cut

    def trial(self) -> Trial:
        """What became of it."""
        value = None if math.isnan(self._best) else self._best
        return Trial(self._asked.number, self._asked.params, self._metric, value, self._cut, self._points)


def _space(fixed: Mapping[str, Any]) -> dict[str, BaseDistribution]:
    return {name: one for name, one in SPACE.items() if not {name, _OTHER_NAMES.get(name)} & fixed.keys()}


def _greater_is_better(metric: str) -> bool:
    return metric != "mape" and metric.startswith(_GREATER_IS_BETTER)


def _lower(metric: str, value: float) -> float:
    """The value, turned so that less is better."""
    return -value if _greater_is_better(metric) else value


def _told(trial: Trial) -> dict[str, Any]:
    if trial.cut:
        return {"state": TrialState.PRUNED}
    if trial.value is None:
        return {"state": TrialState.FAIL}
    return {"values": _lower(trial.metric, trial.value)}


def _frozen(trial: Trial, space: dict[str, BaseDistribution]) -> optuna.trial.FrozenTrial:
    told = _told(trial)
    points = {int(epoch): _lower(trial.metric, value) for epoch, value in trial.points}
    last = points[max(points)] if points else None  # what `tell` makes the value of a pruned trial
    return optuna.trial.create_trial(
        state=told.get("state", TrialState.COMPLETE),
        value=last if trial.cut else told.get("values"),
        params=trial.parameters,
        distributions=space,
        intermediate_values=points,
    )


def _line(trial: Trial) -> str:
    chosen = ", ".join(f"{name} {value:.4g}" for name, value in trial.parameters.items())
    end = " (ended early)" if trial.cut else ""
    value = "no number" if trial.value is None else f"{trial.value:.6g}"
    return f"trial {trial.number}: {trial.metric} {value}{end} with {chosen}"


def _best(trials: list[Trial], seconds: int | None) -> Found:
    complete = [(_lower(one.metric, one.value), one) for one in trials if one.value is not None and not one.cut]
    if not complete:
        why = f" in {seconds} s: raise training.search.timeout_seconds" if seconds else ": its measure is no number"
        raise SettingsError(f"no trial of training.search came to its end{why}")
    best = min(complete, key=lambda pair: pair[0])[1]
    say(f"best of {len(trials)} trials: {_line(best)}")
    facts = {
        "trials": len(trials),
        "ended_early": sum(one.cut for one in trials),
        "best": {"trial": best.number, "parameters": best.parameters, best.metric: best.value},
    }
    return Found(best.parameters, facts)
