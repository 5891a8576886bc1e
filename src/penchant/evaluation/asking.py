"""A held-out part as a question to any fitted model, and what its answers measure."""

from __future__ import annotations

import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Bool, Histories, Int32, Int64
from penchant.data.interactions import Interactions, require_kind
from penchant.errors import ParameterError, PenchantNotice, UsageError
from penchant.evaluation import beyond
from penchant.evaluation.metrics import parsed
from penchant.evaluation.splits import Part, no_leak
from penchant.evaluation.statistics import Measure
from penchant.kernels import Rows
from penchant.models import Model
from penchant.models.answers import best_rows
from penchant.models.bodies.body import blocks

Goal = Literal["lists", "stars"]

_LIGHT = 0.5  # quantile of histories up to which a person is a light user


@dataclass(frozen=True)
class Answer:
    """What one fitted model answered, measured."""

    measures: dict[str, Measure]
    beyond: dict[str, float | None]
    seconds: float


class Asked(ABC):
    """A part as a question that any model can be asked; what does not depend on the model."""

    goal: Goal

    def __init__(self, part: Part, at_least: float | None) -> None:
        no_leak(part.learn, part.target)
        self.part, self.at_least = part, at_least
        self.people: Int32 = np.empty(0, np.int32)
        self.counts: dict[str, int] = {}

    @abstractmethod
    def __call__(self, model: Model) -> Answer:
        """Ask a fitted model about everybody."""

    @property
    def segments(self) -> dict[str, Bool]:
        """Who is warm (learned from), new (known by some events alone) or cold; light or heavy."""
        learned = self.part.learn.histories.counts[self.people]
        known = self.part.known.histories.counts[self.people]
        middle = np.quantile(known, _LIGHT) if len(known) else 0
        return {
            "warm": learned > 0,
            "new": (learned == 0) & (known > 0),
            "cold": known == 0,
            "light": known <= middle,
            "heavy": known > middle,
        }

    def histories(self, model: Model) -> Histories:
        """What is known of the people asked, in the feedback that the model learned from."""
        known = self.part.known
        if known.kind != model.fitted.kind:
            require_kind(known, "ratings", f"evaluate({model.name})")
            known = known.likes(self.at_least)
        facts = model.fitted.features(known.user_facts, len(known.users))
        met = model.fitted.once(known.histories).knowing(facts)
        return met.take(self.people).of_people(self.people)


class Lists(Asked):
    """Which items people meet next."""

    goal: Goal = "lists"

    def __init__(self, part: Part, metrics: Sequence[str], at_least: float | None) -> None:
        super().__init__(part, at_least)
        if not metrics:
            raise ParameterError("there must be at least one", where="metrics")
        several = [metrics] if isinstance(metrics, str) else metrics
        self.metrics = {name: parsed(name) for name in several}
        liked = part.target.likes(at_least) if part.target.kind == "ratings" else part.target
        target = liked.merged.where(liked.merged.values > 0)
        met = part.known.merged
        fresh = ~target.met_in(met)
        target, repeated = target.where(fresh), int(np.count_nonzero(~fresh))
        self.people = np.flatnonzero(target.counts).astype(np.int32)
        if not len(self.people):
            raise UsageError("nobody has a held-out like", where="evaluate")
        self.target = target.take(self.people)
        self.popularity: Int64 = part.learn.merged.item_counts()
        self.allowed: Bool = self.popularity > 0
        findable = self.allowed[self.target.items]
        self.sizes: Int64 = self.target.counts
        self.candidates = self._sampled(met) if part.negatives else None
        self.counts = {
            "people": len(self.people),
            "targets": len(self.target.items),
            "targets_not_learned": int(np.count_nonzero(~findable)),
            "targets_met_before": repeated,
            "candidates": int(np.count_nonzero(self.allowed)),
        }

    def __call__(self, model: Model) -> Answer:
        """See `Asked`."""
        depth = max([n for _, n in self.metrics.values()], default=10)
        started = time.perf_counter()
        h = self.histories(model)
        lists = (
            best_rows(model.fitted, h, depth, self.allowed)
            if self.candidates is None
            else _best_of(model, h, depth, self.candidates)
        )
        seconds = time.perf_counter() - started
        hit = kernels.hits(lists, Rows(self.target.indptr, self.target.items), self.target.n_items)
        measures = {
            name: Measure.of(metric(hit[:, :n], self.sizes))
            for name, (metric, n) in self.metrics.items()
        }
        return Answer(measures, self._beyond(lists[:, :10], lists, hit), seconds)

    def _sampled(self, met: Histories) -> Rows:
        """Each person's targets and as many items they never met as the protocol asks for."""
        warnings.warn(
            "ranked against sampled items: such figures flatter, and reorder models",
            PenchantNotice,
            stacklevel=5,
        )
        rng, rows = np.random.default_rng(0), []
        for place, person in enumerate(self.people):
            targets = self.target.take([place]).items
            free = np.ones(met.n_items, bool)
            free[met.take([person]).items] = free[targets] = False
            others = rng.permutation(np.flatnonzero(free))[: self.part.negatives]
            rows.append(np.concatenate([targets, others.astype(np.int32)]))
        return Rows(np.cumsum([0, *map(len, rows)]), np.concatenate(rows).astype(np.int32))

    def _beyond(self, ten: Int32, lists: Int32, hit: Bool) -> dict[str, float | None]:
        part, candidates = self.part, self.counts["candidates"]
        people = int(np.count_nonzero(part.learn.histories.counts))
        found: dict[str, float | None] = {
            "coverage@10": beyond.coverage(ten, candidates),
            "gini@10": beyond.gini(ten, candidates),
            "entropy@10": beyond.entropy(ten),
            "novelty@10": beyond.novelty(ten, self.popularity, people),
            "diversity@10": beyond.diversity(ten, part.learn.facts),
        }
        third = beyond.thirds(self.popularity)
        for number, name in enumerate(beyond.THIRDS):
            asked = np.count_nonzero(third[self.target.items] == number)
            hits = np.count_nonzero(third[lists[hit]] == number)
            found[f"recall@{lists.shape[1]} {name}"] = float(hits / asked) if asked else None
        return found


class Stars(Asked):
    """Which stars people give."""

    goal: Goal = "stars"

    def __init__(self, part: Part, at_least: float | None) -> None:
        super().__init__(part, at_least)
        if part.target.kind != "ratings":
            raise UsageError("stars are measured on ratings", where="evaluate(goal='stars')")
        h = part.target.histories
        self.people = np.flatnonzero(h.counts).astype(np.int32)
        self.target = h.take(self.people)
        learned = part.learn.histories.item_counts() > 0
        self.counts = {
            "people": len(self.people),
            "targets": len(h.items),
            "targets_not_learned": int(np.count_nonzero(~learned[h.items])),
        }

    def __call__(self, model: Model) -> Answer:
        """See `Asked`; also complains of a model without stars."""
        body, t = model.fitted.body, self.target
        if body.stars is None:
            raise UsageError(
                "learned from likes and has no stars", where=f"evaluate({model.name}, goal='stars')"
            )
        started = time.perf_counter()
        h = model.fitted.opinions(self.histories(model))
        stars = body.clipped(body.pairs(h, t.owners, t.items, t.times))
        seconds = time.perf_counter() - started
        miss = stars - t.values
        if not np.isfinite(miss).all():
            raise UsageError("predicted stars that are not finite", where=model.name)
        squared, absolute = (self._per_person(x) for x in (miss**2, np.abs(miss)))
        weights = t.counts.astype(np.float64)
        measures = {
            "rmse": Measure(squared, weights, root=True),
            "mae": Measure(absolute, weights),
            "mse": Measure(squared, weights),
        }
        return Answer(measures, {}, seconds)

    def _per_person(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.bincount(self.target.owners, values, len(self.target)).astype(np.float64)


def _best_of(model: Model, h: Histories, n: int, candidates: Rows) -> Int32:
    """The best of each person's own candidates, int32 ``[B, n]``, padded with -1."""
    found, start = [], 0
    for part in blocks(model.fitted.opinions(h)):
        scores, _ = model.fitted.body.score(part)
        some = candidates.slice(start, start := start + len(part))
        known = np.zeros(scores.shape, bool)
        known[np.repeat(np.arange(len(part)), np.diff(some.indptr)), some.indices] = True
        found.append(kernels.select(scores, n, known=known)[0])
    return np.concatenate(found)


def as_feedback(
    data: Interactions, model: Model, at_least: float | None, goal: Goal
) -> Interactions:
    """Interactions as a model takes them for a goal: ratings as likes, where it ranks by likes."""
    if data.kind == "likes" or "likes" not in model.feedback:
        return data
    return data if goal == "stars" and "ratings" in model.feedback else data.likes(at_least)
