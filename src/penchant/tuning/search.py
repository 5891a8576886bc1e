"""Trials one after another: each drawn, fitted, watched, told."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from penchant.data.tables import Table
from penchant.errors import MemoryEstimateError, ParameterError, UsageError
from penchant.models import Model
from penchant.progress import Progress, Report
from penchant.tuning.question import Question
from penchant.tuning.space import Space

if TYPE_CHECKING:
    import optuna

_RANDOM = 15  # trials before the search is guided
_FIRST_LOOK = 4  # epochs after which a trial may be given up; then 8, 16, ...


def changed(model: Model, settings: Mapping[str, Any]) -> Model:
    """A model that has learned nothing, with some settings changed."""
    one = model._with(None)
    for name, value in settings.items():
        setattr(one, name, value)
    return one


class _GivenUp(Exception):  # noqa: N818 - no error: a fit that is not worth going on
    """A trial that does worse than others did."""


class _OutOfTime(Exception):  # noqa: N818
    """A trial that the budget ended."""


class Search:
    """Trials one after another, each drawn from a seed of its own and from those before it."""

    def __init__(
        self,
        start: Model,
        space: Space,
        question: Question,
        prune: bool,
        seed: int,
        timeout: float | None,
    ) -> None:
        self.start, self.space, self.question = start, space, question
        self._prune, self._seed = prune, seed
        self._until = np.inf if timeout is None else time.monotonic() + timeout

    def run(self, study: optuna.Study, trials: int, report: Report) -> None:
        """Trials until there are enough or the time is over."""
        while (done := len(ended(study))) < trials and not self._over(study):
            self._trial(study, done)
            figures = {self.question.metric: study.best_value} if values(study) else {}
            report(Progress(f"tune {self.start.name}", len(ended(study)), trials, figures))

    def _over(self, study: optuna.Study) -> bool:
        return time.monotonic() >= self._until and bool(values(study))

    def _trial(self, study: optuna.Study, number: int) -> None:
        from optuna.samplers import TPESampler
        from optuna.trial import TrialState

        own = int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0])
        study.sampler = TPESampler(n_startup_trials=_RANDOM, seed=own)
        if number == 0:
            study.enqueue_trial(self._representable())
        trial = study.ask()
        settings = self._settings(trial, first=number == 0)
        trial.set_user_attr("settings", settings)
        try:
            value = self.question.answer(changed(self.start, settings), self._watch(study, trial))
        except _GivenUp:
            study.tell(trial, state=TrialState.PRUNED)
        except (UsageError, MemoryEstimateError) as error:
            if isinstance(error, ParameterError):
                raise
            trial.set_user_attr("failed", str(error))
            study.tell(trial, state=TrialState.PRUNED)
        except _OutOfTime:
            study.tell(trial, state=TrialState.FAIL)
        except BaseException:
            study.tell(trial, state=TrialState.FAIL)
            raise
        else:
            study.tell(trial, value)

    def _representable(self) -> dict[str, Any]:
        """The start's own settings, where the space holds them."""
        own = {name: getattr(self.start, name) for name in self.space}
        return {name: value for name, value in own.items() if self.space[name].holds(value)}

    def _settings(self, trial: optuna.Trial, first: bool) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for name, one in self.space.items():
            needs = self.start.params[name].when
            if needs and settings.get(needs[0], getattr(self.start, needs[0])) != needs[1]:
                continue  # it has no say
            own = getattr(self.start, name)
            outside = first and one.declared and not one.holds(own)  # such as None
            drawn = own if outside else one.draw(trial, name)
            settings[name] = own if first and one.holds(own) else drawn  # drawn ones are rounded
        return settings

    def _watch(self, study: optuna.Study, trial: optuna.Trial) -> Report:
        """Looks at the epochs of a fit: gives up what is no good, and what takes too long."""

        def watch(step: Progress) -> None:
            if self._over(study):
                raise _OutOfTime
            looked = self._prune and step.model is not None and step.done < step.total
            if looked and step.done >= _FIRST_LOOK and step.done & (step.done - 1) == 0:
                assert step.model is not None  # noqa: S101 - for the type checker
                trial.report(self.question.measure(step.model()), step.done)
                if trial.should_prune():
                    raise _GivenUp

        return watch

    def result(self, study: optuna.Study) -> tuple[Table, dict[str, Any], float]:
        """All trials as a table, and the best one's settings and value."""
        found = ended(study)
        if not values(study):
            reasons = [t.user_attrs.get("failed", "given up") for t in found]
            raise UsageError("no trial could be run", where="tune", do=reasons[0].rstrip("."))
        columns: dict[str, Any] = {
            "trial": np.arange(len(found)),
            "value": np.array([_value(t) for t in found], np.float64),
            "state": [_state(t) for t in found],
            "seconds": np.array([t.duration.total_seconds() for t in found if t.duration]),
        }
        for name in self.space:
            own = getattr(self.start, name)
            columns[name] = [t.user_attrs["settings"].get(name, own) for t in found]
        return Table(columns), dict(study.best_trial.user_attrs["settings"]), study.best_value


def ended(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Trials that count: those that ended, not those that were interrupted."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def values(study: optuna.Study) -> list[float]:
    """The figures of the trials that came to one."""
    from optuna.trial import TrialState

    return [t.value for t in ended(study) if t.state == TrialState.COMPLETE and t.value is not None]


def _value(trial: optuna.trial.FrozenTrial) -> float:
    return trial.value if _state(trial) == "done" and trial.value is not None else float("nan")


def _state(trial: optuna.trial.FrozenTrial) -> str:
    from optuna.trial import TrialState

    if "failed" in trial.user_attrs:
        return "failed"
    return "done" if trial.state == TrialState.COMPLETE else "given up"
