"""Many models on one split: who is better, by how much, and how sure that is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from penchant.data.interactions import LIKED_FROM, Interactions
from penchant.data.tables import Table
from penchant.errors import MemoryEstimateError, UsageError
from penchant.evaluation.asking import Goal
from penchant.evaluation.baselines import baselines
from penchant.evaluation.card import Card, card_of
from penchant.evaluation.chart import Bar, chart
from penchant.evaluation.metrics import DEFAULTS
from penchant.evaluation.splits import Held, Split
from penchant.evaluation.statistics import RESAMPLES, Difference, Float64, finite, judged, resampled
from penchant.evaluation.trial import (
    Evaluation,
    checked_goal,
    default_split,
    evaluate,
    interactions,
    only_rates,
)
from penchant.models import Model
from penchant.progress import Progress, Report, reporter

_BY_LESS = {"rmse", "mae", "mse"}  # of these the smaller is the better
_SEEDS = (0, 1, 2)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models beside each other, best first.

    Attributes:
        evaluations: of every model, baselines included, by the primary metric.
        primary: the metric that decides.
        card: what makes these figures again.
        not_run: models that could not be asked, with the reason.
        resamples: of the bootstrap.

    """

    evaluations: tuple[Evaluation, ...]
    primary: str
    card: Card = field(repr=False)
    not_run: Mapping[str, str] = field(default_factory=dict)
    resamples: int = RESAMPLES

    @property
    def best(self) -> Evaluation:
        """The first of them."""
        return self.evaluations[0]

    @cached_property
    def reference(self) -> Evaluation:
        """The best baseline: what differences are taken to."""
        return next((one for one in self.evaluations if one.baseline), self.evaluations[-1])

    @cached_property
    def differences(self) -> dict[str, Difference]:
        """Each model's primary figure less the reference's, Holm-corrected, by label."""
        others = [one for one in self.evaluations if one is not self.reference]
        found = self._against(others, self.reference)
        return {one.label: gap for one, gap in zip(others, found, strict=True)}

    def between(self, first: str, second: str) -> Difference:
        """How much one model exceeds another in the primary metric, asked alone.

        Raises:
            UsageError: no model of that label or name.

        """
        one, other = self[first], self[second]
        return self._against([one], other)[0]

    def __getitem__(self, label: str) -> Evaluation:
        """A model's evaluation, by label or name (the best of that name)."""
        for one in self.evaluations:
            if label in (one.label, one.model):
                return one
        known = ", ".join(one.label for one in self.evaluations)
        raise UsageError("not compared", where="comparison", got=label, do=f"There are: {known}")

    @cached_property
    def verdict(self) -> tuple[str, ...]:
        """What may be concluded, in words, one sentence each."""
        said = [self._best_in_words()]
        said += [one for model in self.evaluations if (one := self._floor_in_words(model))]
        said += [f"{label} was not run: {why}" for label, why in self.not_run.items()]
        return tuple(said)

    @property
    def table(self) -> Table:
        """One row a model: the metrics with the primary's standard error, then cost."""
        some = self.evaluations
        columns: dict[str, Any] = {
            "model": [one.label + (" (baseline)" if one.baseline else "") for one in some],
            self.primary: np.array([one[self.primary] for one in some]),
            "±": np.array([one.errors[self.primary] for one in some]),
        }
        columns["vs reference"] = [
            "reference" if one is self.reference else str(self.differences[one.label])
            for one in some
        ]
        columns |= {
            name: np.array([one[name] for one in some])
            for name in self.best.measures
            if name != self.primary
        }
        columns |= {
            "coverage@10": np.array([one.beyond.get("coverage@10") for one in some], float),
            "fit s": np.array([one.seconds["fit"] for one in some]),
            "ms each": np.array([one.seconds["request"] * 1e3 for one in some]),
            "MB": np.array([one.bytes / 1e6 for one in some]),
        }
        return Table({k: v for k, v in columns.items() if not _all_nan(v)})

    @property
    def segments(self) -> Table:
        """The primary metric by kind of person: warm, new, cold; light, heavy."""
        names = [name for name in self.best.segments if self.best.segment(name, self.primary)[1]]
        columns: dict[str, Any] = {"model": [one.label for one in self.evaluations]}
        for name in names:
            n = self.best.segment(name, self.primary)[1]
            columns[f"{name} ({n:,})"] = np.array(
                [one.segment(name, self.primary)[0] for one in self.evaluations]
            )
        return Table(columns)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values; None where a figure is not finite."""
        found = {
            "primary": self.primary,
            "reference": self.reference.label,
            "verdict": list(self.verdict),
            "models": [
                one.to_dict() | {"difference": _plain(self.differences.get(one.label))}
                for one in self.evaluations
            ],
            "not_run": dict(self.not_run),
            "card": self.card.to_dict(),
        }
        return dict(finite(found))

    def to_json(self) -> str:
        """The same as JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)

    def to_svg(self) -> str:
        """Each model's primary figure with its 95 % interval, as a picture."""
        bars = [
            Bar(one.label, one[self.primary], _margin(one.errors[self.primary]), one.baseline)
            for one in self.evaluations
        ]
        return chart(f"{self.primary}, 95 % intervals over people", bars, self.best.label)

    def __repr__(self) -> str:
        first = Table(dict(list(self.table.columns.items())[:4]))
        more = "all figures: .table, .segments, .to_json()"
        return "\n".join([repr(first), more, "", *self.verdict])

    @cached_property
    def _resampled(self) -> Float64:
        """Everybody's primary figure in the same resamples, ``[resamples, evaluations]``."""
        measures = [one.measures[self.primary] for one in self.evaluations]
        return resampled(measures, resamples=self.resamples)

    def _against(self, some: Sequence[Evaluation], base: Evaluation) -> list[Difference]:
        place = {id(one): at for at, one in enumerate(self.evaluations)}
        drawn, rows = self._resampled, [place[id(one)] for one in some]
        values = [one[self.primary] - base[self.primary] for one in some]
        return judged(values, drawn[:, rows] - drawn[:, [place[id(base)]]])

    def _better(self, gap: Difference) -> bool:
        return gap.clear and ((gap.value < 0) == (self.primary in _BY_LESS))

    def _best_in_words(self) -> str:
        if len(self.evaluations) < 2:
            return f"{self.best.label} alone has nothing to be compared with."
        second = self.evaluations[1]
        gap = self._against([self.best], second)[0]
        if self._better(gap):
            return f"{self.best.label} is better than {second.label}: {self.primary} {gap}."
        return f"No evidence that {self.best.label} beats {second.label}: {self.primary} {gap}."

    def _floor_in_words(self, model: Evaluation) -> str | None:
        """A line for a model that does not beat what it must."""
        if model.baseline:
            return None
        floors = [one for one in self.evaluations if one.baseline and one.model in _FLOORS]
        if model is self.best:  # held against the second already
            floors = [one for one in floors if one is not self.evaluations[1]]
        gaps = [self._against([model], floor)[0] for floor in floors]
        missed = [f.label for f, gap in zip(floors, gaps, strict=True) if not self._better(gap)]
        if not missed:
            return None
        return f"No evidence that {model.label} beats {' or '.join(missed)}."


_FLOORS = {"popularity", "item_knn"}


def compare(
    models: Sequence[Model],
    data: Split | Interactions | Any,
    *,
    part: Held = "test",
    goal: Goal | None = None,
    metrics: Sequence[str] = DEFAULTS,
    at_least: float | None = LIKED_FROM,
    seeds: Sequence[int] = _SEEDS,
    with_baselines: bool = True,
    resamples: int = RESAMPLES,
    progress: bool | Report | None = None,
) -> Comparison:
    """Evaluate models on one split, with the baselines, and say what the figures prove.

    Differences to the best baseline come with 95 % intervals of a paired bootstrap over people and
    Holm's correction. Models with a seed are fitted with several and their figures averaged.

    Args:
        models: to be compared; fresh ones with the same hyperparameters are fitted.
        data: a `Split`; or interactions or whatever `penchant.read` takes: global time cuts (see
            `default_split`).
        part: ``"test"``, or ``"validation"`` while choices are still open.
        goal: ``"lists"`` or ``"stars"``; by default lists, unless every model only rates.
        metrics: of lists; the first decides.
        at_least: the rating from which ratings are likes.
        seeds: of stochastic models.
        with_baselines: also run chance, popularity, recent popularity, ItemKNN and EASE.
        resamples: of the bootstrap.
        progress: a callable taking `Progress`, or True for a bar.

    Raises:
        UsageError: no model could be run.

    >>> import penchant as pt
    >>> found = pt.compare([pt.UserKNN()], pt.datasets.town(200, 50, 3000), resamples=1000)
    >>> found.primary, found["random"]["ndcg@10"] < found.best["ndcg@10"]
    ('ndcg@10', True)
    """
    split = data if isinstance(data, Split) else default_split(interactions(data))
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    goal = checked_goal(goal or _shared_goal(models, split))
    contestants = _contestants(models, split, goal, with_baselines)
    report, found, not_run = reporter(progress), [], {}
    for done, (model, baseline) in enumerate(contestants):
        report(Progress("compare", done, len(contestants)))
        try:
            one = evaluate(
                model, split, part=part, goal=goal, metrics=metrics, at_least=at_least, seeds=seeds
            )
            found.append(replace(one, baseline=baseline))
        except (UsageError, MemoryEstimateError) as reason:
            not_run[repr(model)] = str(reason)
    report(Progress("compare", len(contestants), len(contestants)))
    if not found:
        raise UsageError(
            "no model could be run",
            where="compare",
            do="; ".join(dict.fromkeys(not_run.values())).rstrip("."),
        )
    primary = "rmse" if goal == "stars" else next(iter(metrics))
    ordered = sorted(found, key=lambda one: one[primary] * (1 if primary in _BY_LESS else -1))
    given: dict[str, Any] = {"part": part, "goal": goal, "metrics": metrics}
    given |= {"at_least": None if at_least is None else float(at_least)}
    given |= {"seeds": [int(seed) for seed in seeds], "with_baselines": with_baselines}
    given |= {"resamples": resamples}
    card = card_of(split, [one for one, baseline in contestants if not baseline], given, ordered)
    return Comparison(tuple(ordered), primary, card, not_run, resamples)


def _margin(error: float) -> float:
    """Half a 95 % interval; none of one person alone."""
    return 1.96 * error if np.isfinite(error) else 0.0


def rerun(card: Card, data: Interactions) -> Comparison:
    """The comparison of a card, on the same data; its card's figures equal the given one's.

    Raises:
        UsageError: the data or the split are not those of the card, or a model of it is not in the
            catalogue.

    >>> import penchant as pt
    >>> town = pt.datasets.town(200, 50, 3000)
    >>> card = pt.compare([pt.EASE(l2=9)], town, resamples=1000).card
    >>> rerun(card, town).card.figures == card.figures
    True
    """
    models, split = card.restored(data)
    return compare(models, split, **card.given)


def _shared_goal(models: Sequence[Model], split: Split) -> Goal:
    rates = split.data.kind == "ratings" and all(map(only_rates, models))
    return "stars" if rates and models else "lists"


def _contestants(
    models: Sequence[Model], split: Split, goal: Goal, with_baselines: bool
) -> list[tuple[Model, bool]]:
    """Models and whether each is a baseline; one that stands in both counts as a baseline."""
    floor = baselines(split.train, goal) if with_baselines else []
    labels = {repr(one) for one in floor}
    own = {repr(one): one for one in models if repr(one) not in labels}
    return [(one, False) for one in own.values()] + [(one, True) for one in floor]


def _plain(gap: Difference | None) -> dict[str, float] | None:
    return (
        None if gap is None else {"value": gap.value, "low": gap.low, "high": gap.high, "p": gap.p}
    )


def _all_nan(column: Any) -> bool:
    return (
        isinstance(column, np.ndarray) and column.dtype.kind == "f" and bool(np.isnan(column).all())
    )
