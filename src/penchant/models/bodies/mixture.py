"""A body of bodies: a weighted sum of what its members say, made comparable first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Bool, Float32, Histories, Int32, Int64
from penchant.explain import Cause
from penchant.kernels import Rows
from penchant.models.bodies.body import Body, Part, Ranked, ranked

Float64 = npt.NDArray[np.float64]
_EARLY = 60  # of reciprocal ranks: how little the first places differ
_NEAR = 100  # neighbours of each member that are looked at, at least
_TOGETHER = 256  # items whose neighbours are mixed at once


@dataclass(frozen=True, eq=False, kw_only=True)
class Mixture(Body):
    """``s(x, i) = offset + Σ_m w_m t_m(x, i)`` over the members m.

    By ``"score"``, t is a member's score less the mean of the person's scores over all items, by
    their standard deviation; 0 where that is 0. By ``"rank"``, t is 61 / (60 + rank) for items the
    member has evidence for and 0 elsewhere (Cormack, Clarke and Büttcher, SIGIR 2009, scaled so
    that the first counts 1). By ``"sum"`` it is the score itself. Of likes, an item has evidence if
    some member has and its score is above 0.

    Attributes:
        n_items: size of the catalogue.
        members: the bodies.
        weights: w, one number for each.
        by: how members are made comparable.
        offset: added to every score.
        liked_from: for each member that learned from likes while histories hold ratings, the rating
            from which one is a like; None for the others.

    """

    name = "mixture"
    n_items: int
    members: tuple[Body, ...]
    weights: tuple[float, ...]
    by: str = "score"
    offset: float = 0.0
    liked_from: tuple[float | None, ...] = ()

    @property
    def needs_history(self) -> bool:
        """If every member does."""
        return all(member.needs_history for member in self.members)

    @property
    def holds_people(self) -> bool:
        """If a member does."""
        return any(member.holds_people for member in self.members)

    @property
    def ordered(self) -> bool:
        """If it is for a member."""
        return any(member.ordered for member in self.members)

    def score(self, h: Histories) -> tuple[Float32, Bool | None]:
        """See `Body.score`."""
        total = np.full((len(h), h.n_items), self.offset)
        known: Bool | None = np.zeros(total.shape, bool)
        for member, mine, weight in self._asked(h):
            scores, evidence = member.score(mine)
            total += weight * points(scores, evidence, self.by)
            known = None if known is None or evidence is None else known | evidence
        if self.stars is None:
            known = total > 0 if known is None else known & (total > 0)
        return total.astype(np.float32), known

    def pairs(self, h: Histories, people: Int32, items: Int32, at: Int64 | None = None) -> Float64:
        """See `Body.pairs`; of sums only the pairs asked for are computed."""
        if self.by != "sum":
            return super().pairs(h, people, items, at)
        total = np.full(len(items), self.offset)
        for member, mine, weight in self._asked(h):
            total += weight * member.pairs(mine, people, items, at)
        return total

    def newcomer(self, h: Histories) -> Float64:
        """Of ratings the weighted sum of what members say."""
        if self.stars is None:
            return super().newcomer(h)
        parts = (weight * member.newcomer(mine) for member, mine, weight in self._asked(h))
        return np.asarray(self.offset + sum(parts), np.float64)

    def parts(self, h: Histories, item: int, by: Cause) -> list[Part]:
        """Each member's parts times what one unit of its score is worth here.

        By score the subtracted means are one part more, the average; by rank a member's parts
        share what its rank is worth.
        """
        self.require_cause(by, "item")
        found: dict[tuple[Cause, int], float] = {("baseline", -1): self.offset}

        def add(part: Part, times: float) -> None:
            cause = part.cause, part.row
            found[cause] = found.get(cause, 0.0) + times * part.amount

        for member, mine, weight in self._asked(h):
            unit, average = worth(*member.score(mine), item, self.by)
            for part in member.parts(mine, item, by) if unit else ():
                add(part, weight * unit)
            add(Part("average", average), weight)
        return [Part(cause, amount, row) for (cause, row), amount in found.items() if amount]

    def similar(self, item: int, n: int) -> Ranked:
        """What members hold most similar; but for sums, in shares of their most similar item."""
        lists = (member.similar(item, max(n, _NEAR)) for member in self.members)
        total = self._together([(ids[None], scores[None]) for ids, scores in lists])[0]
        rows = np.flatnonzero(total > 0)
        return ranked(rows, total[rows], n)

    def all_similar(self, n: int) -> Ranked:
        """See `Body.all_similar`."""
        nobody = np.full((self.n_items, 1), -1, np.int32), np.zeros((self.n_items, 1), np.float32)
        lists = [
            nobody if member.map_vectors() is None else member.all_similar(max(n, _NEAR))
            for member in self.members
        ]
        ids = np.empty((self.n_items, n), np.int32)
        scores = np.empty((self.n_items, n), np.float32)
        for start in range(0, self.n_items, _TOGETHER):
            some = slice(start, start + _TOGETHER)
            total = self._together([(near[some], how[some]) for near, how in lists])
            ids[some], scores[some] = kernels.select(total, n, known=total > 0)
        return ids, scores

    def map_vectors(self) -> Float32 | Rows | None:
        """Those of the weightiest member that has any."""
        order = np.argsort(-np.asarray(self.weights), kind="stable")
        found = (self.members[m].map_vectors() for m in order)
        return next((vectors for vectors in found if vectors is not None), None)

    def asked(self, h: Histories) -> Iterator[Histories]:
        """The histories for each member, in the feedback it learned from."""
        for floor in self.liked_from or (None,) * len(self.members):
            if floor is None:
                yield h
            else:
                liked = h.where(h.values >= floor)
                yield liked.with_values(np.ones(len(liked.items)))

    def _asked(self, h: Histories) -> Iterator[tuple[Body, Histories, float]]:
        return zip(self.members, self.asked(h), self.weights, strict=True)

    def _together(self, lists: Sequence[tuple[Int32, Float32]]) -> Float32:
        """Lists ``[R, k]`` of each member, padded with -1, as one row of similarities for each."""
        weights = np.maximum(self.weights, 0)
        total = np.zeros((len(lists[0][0]), self.n_items))
        for (ids, scores), weight in zip(lists, weights / (weights.sum() or 1.0), strict=True):
            rows, at = np.nonzero(ids >= 0)
            unit = np.ones(len(ids))
            if self.by != "sum":
                unit = scores.max(axis=1, initial=1e-30).astype(np.float64)
            total[rows, ids[rows, at]] += weight * scores[rows, at] / unit[rows]
        return total.astype(np.float32)


def points(scores: Float32, known: Bool | None, by: str) -> Float64:
    """A member's scores made comparable, float64 ``[B, n_items]``; see `Mixture`.

    >>> points(np.array([[3, 1, 2]], np.float32), None, "rank").round(3).tolist()
    [[1.0, 0.968, 0.984]]
    """
    plain = np.ascontiguousarray(scores, np.float64)
    if by == "sum":
        return plain
    if by == "score":
        mean, sd = _moments(plain)
        return np.divide(plain - mean, sd, out=np.zeros_like(plain), where=sd > 0)
    order = np.argsort(-plain, axis=1, kind="stable")
    places = np.empty_like(plain)
    np.put_along_axis(places, order, np.arange(1.0, plain.shape[1] + 1)[None], axis=1)
    worth = (_EARLY + 1) / (_EARLY + places)
    return worth if known is None else np.where(known, worth, 0.0)


def worth(scores: Float32, known: Bool | None, item: int, by: str) -> tuple[float, float]:
    """What a unit of one person's score of an item is worth in points, and what is added to that.

    Evidence is a score above 0, so a rank has a unit.
    """
    if by == "sum":
        return 1.0, 0.0
    if by == "score":
        mean, sd = (float(one[0, 0]) for one in _moments(scores.astype(np.float64)))
        return (1 / sd, -mean / sd) if sd > 0 else (0.0, 0.0)
    mine = float(scores[0, item])
    return (float(points(scores, known, by)[0, item]) / mine, 0.0) if mine else (0.0, 0.0)


def _moments(scores: Float64) -> tuple[Float64, Float64]:
    """Mean and standard deviation of each row, float64 ``[B, 1]``."""
    mean = scores.mean(axis=1, keepdims=True)
    return mean, np.sqrt(np.square(scores - mean).mean(axis=1, keepdims=True))
