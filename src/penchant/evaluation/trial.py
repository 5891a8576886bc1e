"""One model on one split: learned, asked, measured."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

import numpy as np

from penchant.data.histories import Bool, Int32
from penchant.data.interactions import LIKED_FROM, Interactions
from penchant.data.readers import read
from penchant.errors import LeakError, ParameterError, PenchantNotice, UsageError
from penchant.evaluation.asking import Asked, Goal, Lists, Stars, as_feedback
from penchant.evaluation.metrics import DEFAULTS
from penchant.evaluation.splits import Held, Part, Split, per_user, time_cuts
from penchant.evaluation.statistics import Measure, finite
from penchant.models import Model
from penchant.models.answers import best_rows
from penchant.models.fitted import Fitted
from penchant.progress import Report

_TIMED = 20  # people asked one by one to time a request


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one model achieved on one held-out part.

    Attributes:
        label: the model with its hyperparameters.
        model: its name.
        params: its hyperparameters.
        goal: ``"lists"`` (ranking) or ``"stars"`` (rating).
        part: the part that was asked.
        measures: each metric over the people asked, in their order.
        people: int32, the rows of those people in the split's data.
        segments: masks over them: warm, new, light, heavy.
        beyond: coverage, gini, entropy, novelty, diversity, and recall of head, mid and tail items.
        counts: people and targets asked, and what could not be found or was left out.
        seconds: ``fit``, ``ask`` (everybody) and ``request`` (one person, median).
        bytes: size of what was learned, without histories.
        seeds: of a stochastic model, whose measures are means over them.
        baseline: whether it only stands here to be beaten.

    """

    label: str
    model: str
    params: Mapping[str, Any]
    goal: Goal
    part: Held
    measures: Mapping[str, Measure] = field(repr=False)
    people: Int32 = field(repr=False)
    segments: Mapping[str, Bool] = field(repr=False)
    beyond: Mapping[str, float | None]
    counts: Mapping[str, int]
    seconds: Mapping[str, float]
    bytes: int
    seeds: tuple[int, ...] = ()
    baseline: bool = False

    def __getitem__(self, metric: str) -> float:
        """The value of one metric, such as ``evaluation["ndcg@10"]``."""
        if metric not in self.measures:
            known = ", ".join(self.measures)
            raise UsageError(
                "not measured", where="evaluation", got=metric, do=f"Measured: {known}"
            )
        return self.measures[metric].value

    @property
    def metrics(self) -> dict[str, float]:
        """Every metric's value."""
        return {name: measure.value for name, measure in self.measures.items()}

    @property
    def errors(self) -> dict[str, float]:
        """Every metric's standard error over people."""
        return {name: measure.error for name, measure in self.measures.items()}

    def segment(self, name: str, metric: str) -> tuple[float, int]:
        """A metric over the people of one segment, and how many they are; NaN for nobody."""
        keep = self.segments[name]
        n = int(np.count_nonzero(keep))
        return (self.measures[metric].where(keep).value if n else float("nan")), n

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain values; None where one is not finite."""
        first = next(iter(self.measures))
        found = {
            "label": self.label,
            "model": self.model,
            "params": dict(self.params),
            "goal": self.goal,
            "part": self.part,
            "baseline": self.baseline,
            "seeds": list(self.seeds),
            "metrics": self.metrics,
            "standard_errors": self.errors,
            "segments": {
                name: dict(zip((first, "people"), self.segment(name, first), strict=True))
                for name in self.segments
            },
            "beyond": dict(self.beyond),
            "counts": dict(self.counts),
            "seconds": dict(self.seconds),
            "bytes": self.bytes,
        }
        return dict(finite(found))

    def __repr__(self) -> str:
        figures = "  ".join(f"{name} {value:.4f}" for name, value in self.metrics.items())
        return f"<{self.label} on {self.part}: {figures}>"


def evaluate(
    model: Model,
    data: Split | Interactions | Any,
    *,
    part: Held = "test",
    goal: Goal | None = None,
    metrics: Sequence[str] = DEFAULTS,
    at_least: float | None = LIKED_FROM,
    seeds: Sequence[int] = (),
    refit: bool = True,
    progress: bool | Report | None = None,
) -> Evaluation:
    """Learn from a split's training rows, answer for its held-out ones, and measure.

    Lists are the model's own over everything learned from less what a person met, never filled up
    with popular items: a missing place is a miss. Ratings are clipped to their scale.

    Args:
        model: a model; a fresh one with the same hyperparameters is fitted.
        data: a `Split`; or interactions or whatever `penchant.read` takes, which are then divided
            by `default_split`.
        part: which held-out part is asked; choose settings on ``"validation"`` alone.
        goal: ``"lists"``: nDCG and the like; ``"stars"``: RMSE, MAE and MSE. By default what the
            model can do and the data allow, lists first.
        metrics: of lists, each as name@length (see `penchant.evaluation.metrics`).
        at_least: the rating from which held-out and learned ratings are likes.
        seeds: measures are means over fits with these seeds, where a model has one.
        refit: False measures the fitted model as it is, if it learned none of the rows asked about.
        progress: see `penchant.Model.fit`.

    Raises:
        LeakError: the model knows held-out rows, or the future.
        UsageError: nobody has a target, or the model cannot do what is asked.

    >>> import penchant as pt
    >>> data = pt.datasets.town(200, 50, 3000)
    >>> pt.evaluate(pt.ItemKNN(), data).counts["people"]
    137
    """
    split = data if isinstance(data, Split) else default_split(interactions(data))
    question = split.part(part)
    goal = checked_goal(goal or goal_of(model, question))
    seeds = tuple(seeds) if refit and "seed" in model.params else ()
    ask = Lists(question, metrics, at_least) if goal == "lists" else Stars(question, at_least)
    runs = []
    for seed in seeds or (None,):
        one, seconds = _learned(model, ask, seed, refit, progress)
        runs.append((ask(one), one.fitted, seconds))
    split.scored[part] += 1
    answers = [answer for answer, _, _ in runs]
    asked, fitted, _ = runs[0]
    return Evaluation(
        label=repr(model),
        model=model.name,
        params=model._plain_params(),
        goal=goal,
        part=part,
        measures=means([answer.measures for answer in answers]),
        people=ask.people,
        segments=ask.segments,
        beyond=asked.beyond,
        counts=ask.counts,
        seconds={
            "fit": float(np.mean([seconds for _, _, seconds in runs])),
            "ask": float(np.mean([answer.seconds for answer in answers])),
            "request": _request(fitted, ask),
        },
        bytes=_size(fitted),
        seeds=seeds,
    )


def default_split(data: Interactions) -> Split:
    """Global time cuts where there are times that tell something, else a fifth of each person."""
    times = data.histories.times
    if times is not None and len(times) and times.min() < times.max():
        return time_cuts(data)
    warnings.warn(
        "without times a random fifth of each person is held out: figures will be too good;"
        " name the column of times, if there is one (time='...')",
        PenchantNotice,
        stacklevel=3,
    )
    return per_user(data)


def goal_of(model: Model, part: Part) -> Goal:
    """What a model can do and the data allow, lists first."""
    return "stars" if part.learn.kind == "ratings" and only_rates(model) else "lists"


def only_rates(model: Model) -> bool:
    """Whether ratings are all that a model learns from and stars what it makes of them."""
    return model.feedback == ("ratings",) and model.predicts_stars


def checked_goal(goal: str) -> Goal:
    """Complain of what is no goal."""
    if goal not in get_args(Goal):
        raise ParameterError("must be lists or stars", where="goal", got=goal)
    return cast("Goal", goal)


def interactions(source: Any) -> Interactions:
    """Interactions, or whatever `penchant.read` takes as such."""
    return source if isinstance(source, Interactions) else read(source)


def _learned(
    model: Model, ask: Asked, seed: int | None, refit: bool, progress: bool | Report | None
) -> tuple[Model, float]:
    """A model that learned the training rows, and the seconds that took."""
    if not refit:
        _same_rows(model.fitted, ask.part)
        return model, 0.0
    one = model._with(None)
    if seed is not None:
        setattr(one, "seed", seed)  # noqa: B010 - a hyperparameter, known by name alone
    started = time.perf_counter()
    one.fit(as_feedback(ask.part.learn, model, ask.at_least, ask.goal), progress=progress)
    return one, time.perf_counter() - started


def _same_rows(fitted: Fitted, part: Part) -> None:
    """Complain if a fitted model holds a held-out pair, or another data set's ids."""
    where = "evaluate(refit=False)"
    if fitted.histories is None or fitted.users is None:
        raise UsageError("this model was saved without histories", where=where)
    if fitted.items.ids() != part.learn.items.ids() or fitted.users.ids() != part.learn.users.ids():
        raise UsageError("this model learned from other ids", where=where)
    asked = part.target.merged
    leaks = asked.met_in(fitted.histories) & ~asked.met_in(part.learn.merged)
    if np.any(leaks):
        at = int(np.argmax(leaks))
        pair = part.target.users.id(int(asked.owners[at])), part.target.items.id(asked.items[at])
        raise LeakError(
            "the model learned held-out rows",
            where=where,
            got=pair,
            do="Fit on split.train alone, or leave refit out",
        )


def means(runs: Sequence[Mapping[str, Measure]]) -> dict[str, Measure]:
    """Each measure's mean over runs, person by person."""
    first = runs[0]
    return {
        name: Measure(np.mean([run[name].totals for run in runs], axis=0), one.weights, one.root)
        for name, one in first.items()
    }


def _request(fitted: Fitted, ask: Asked) -> float:
    """Median seconds of one person's ten best, asked alone; histories are at hand."""
    known = fitted.histories
    if known is None:
        return float("nan")
    people = ask.people[known.counts[ask.people] > 0][:_TIMED]
    seconds = []
    for person in people:
        started = time.perf_counter()
        best_rows(fitted, known.take([person]).of_people(np.array([person], np.int32)), 10)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds)) if seconds else float("nan")


def _size(fitted: Fitted) -> int:
    return sum(array.nbytes for array in fitted.files(False)["model"].values())
