"""The weights of a blend: those that are best on what was held out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Float32, Histories
from penchant.kernels import Rows
from penchant.models.bodies.body import blocks
from penchant.models.bodies.mixture import Mixture, points

_N = 10  # length of the lists
_HELD = 64_000_000  # points kept while weights are chosen
_STEPS = (0.0, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)
_ROUNDS = 4
_RIDGE = 10.0  # ratings' worth of belief in equal weights


def for_lists(
    mixture: Mixture, known: Histories, held: Histories
) -> tuple[tuple[float, ...], float]:
    """The weights with the best nDCG@10, and that.

    From equal weights on, one weight after the other is set to the best of some steps, until none
    moves. Only their ratios count; the largest is 1.

    Args:
        mixture: members fitted on what is known.
        known: the histories of the training people, each item once.
        held: what the same people liked beside that, none of it known, at least one item.

    """
    people = np.flatnonzero(held.counts)
    size = max(1, _HELD // (held.n_items * len(mixture.members)))
    people = people[np.linspace(0, len(people) - 1, min(size, len(people))).astype(np.int64)]
    lists = _Lists(mixture, known.take(people), held.take(people))
    weights = np.ones(len(mixture.members))
    best = lists.ndcg(weights)
    for _ in range(_ROUNDS):
        before = weights.copy()
        for m in range(len(weights)):
            weights, best = lists.best_step(weights, m, best)
        if np.array_equal(before, weights):
            break
    return tuple((weights / weights.max()).tolist()), best


class _Lists:
    """What members say for some people, and how good the lists of a mixture are."""

    def __init__(self, mixture: Mixture, known: Histories, held: Histories) -> None:
        opinions = known if mixture.liked_from else known.where(known.values != 0)
        self.points = [
            np.concatenate(parts)
            for parts in zip(*(_points(mixture, part) for part in blocks(opinions)), strict=True)
        ]
        self.seen = Rows(known.indptr, known.items)
        self.held, self.sizes = Rows(held.indptr, held.items), held.counts
        self.discounts = 1 / np.log2(np.arange(2, _N + 2))
        self.ideal = np.cumsum(self.discounts)[np.minimum(self.sizes, _N) - 1]

    def ndcg(self, weights: npt.NDArray[np.float64]) -> float:
        total = np.zeros_like(self.points[0])
        for weight, one in zip(weights, self.points, strict=True):
            if weight:
                total += np.float32(weight) * one
        ids, _ = kernels.select(total, _N, exclude=self.seen)
        hit = kernels.hits(ids, self.held, total.shape[1])
        return float(np.mean(hit @ self.discounts / self.ideal))

    def best_step(
        self, weights: npt.NDArray[np.float64], m: int, best: float
    ) -> tuple[npt.NDArray[np.float64], float]:
        """The weights with the m-th set to its best step, if that is better."""
        for step in _STEPS:
            tried = weights.copy()
            tried[m] = step * (np.delete(weights, m).max(initial=0) or 1.0)
            if tried.any() and (ndcg := self.ndcg(tried)) > best:
                weights, best = tried, ndcg
        return weights, best


def _points(mixture: Mixture, h: Histories) -> list[Float32]:
    asked = zip(mixture.members, mixture.asked(h), strict=True)
    return [points(*one.score(mine), mixture.by).astype(np.float32) for one, mine in asked]


def for_stars(
    mixture: Mixture, known: Histories, held: Histories
) -> tuple[tuple[float, ...], float, float]:
    """Weights and offset that are best for ratings, and their mean squared error.

    ``min_w |r − w_0 − Sw|² + ridge |w − 1/M|²`` over the held-out ratings r and what the M members
    say of them.

    Args:
        mixture: members fitted on what is known.
        known: the ratings of the training people, each item once.
        held: other ratings of the same people.

    """
    stars = np.stack(
        [
            member.pairs(mine, held.owners, held.items, held.times)
            for member, mine in zip(mixture.members, mixture.asked(known), strict=True)
        ],
        axis=1,
    )
    ratings, equal = held.values.astype(np.float64), 1 / stars.shape[1]
    center, mean = stars.mean(axis=0), ratings.mean()
    S = stars - center
    normal = S.T @ S + _RIDGE * np.eye(len(center))
    weights = np.linalg.solve(normal, S.T @ (ratings - mean) + _RIDGE * equal)
    offset = float(mean - center @ weights)
    errors = mixture.clipped(stars @ weights + offset) - ratings
    return tuple(weights.tolist()), offset, float(np.mean(errors**2))
