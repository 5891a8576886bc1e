"""What every fitted body can do: score histories, and say where a score comes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Bool, Float32, Histories, Int32, Int64
from penchant.errors import UsageError
from penchant.explain import Cause
from penchant.kernels import Rows

Ranked = tuple[Int32, Float32]  # item rows and scores, best first; -1 pads
BLOCK = 16_000_000  # scores held at once


@dataclass(frozen=True)
class Part:
    """One additive part of a score: its cause, the item or person row behind it, its amount."""

    cause: Cause
    amount: float
    row: int = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class Body(ABC):
    """A fitted model as data: arrays and plain numbers, nothing else.

    Every field is an array, a `Rows`, a plain number or word, None, a small dataclass of these, or
    a tuple of bodies; so that a body can be written down and read back without knowing its class.

    Attributes:
        stars: lowest and highest rating, the link that clips a score; None for likes.

    """

    name: ClassVar[str]
    stars: tuple[float, float] | None = None

    @property
    def needs_history(self) -> bool:
        """Whether without a history there is no evidence for any item."""
        return True

    @property
    def holds_people(self) -> bool:
        """Whether people's histories are part of what was learned."""
        return False

    @property
    def ordered(self) -> bool:
        """Whether the order of a history counts; items then stand where they were met last."""
        return False

    @abstractmethod
    def score(self, h: Histories) -> tuple[Float32, Bool | None]:
        """One finite score per person and item, float32 ``[B, n_items]``.

        The second part says where the model has evidence, bool ``[B, n_items]``; None is
        everywhere. A person's row does not depend on who else is asked about.
        """

    @abstractmethod
    def parts(self, h: Histories, item: int, by: Cause) -> list[Part]:
        """The parts that one person's score of one item is the sum of."""

    @abstractmethod
    def similar(self, item: int, n: int) -> Ranked:
        """The ``n`` items nearest to one, without itself; may be fewer, never padded."""

    def all_similar(self, n: int) -> Ranked:
        """`similar` of every item at once, ``[n_items, n]``, padded with -1."""
        vectors = self.map_vectors()
        if vectors is None:
            raise UsageError("this model has no item vectors", where=self.name)
        if isinstance(vectors, Rows):
            return padded(vectors, n)
        alone = np.arange(len(vectors), dtype=np.int32)
        unit, has_length = unit_vectors(vectors)
        itself = Rows(np.arange(len(vectors) + 1), alone)
        return kernels.top_k(unit, unit, n, exclude=itself, allowed=has_length)

    def map_vectors(self) -> Float32 | Rows | None:
        """One vector per item, dense ``[n_items, d]`` or sparse; None if there are none."""
        return None

    def tastes(self, h: Histories) -> Rows:
        """One vector per person by which people are compared: their history as weights."""
        return encoded(h, "equal").rows()

    def compared(self, everyone: Histories) -> kernels.Table:
        """The training people as `similar_people` looks at them, made once for many calls."""
        tastes = self.tastes(everyone)
        width = max(everyone.n_items, int(tastes.indices.max(initial=-1)) + 1)
        return kernels.Table(tastes, width)

    def similar_people(self, h: Histories, people: kernels.Table, n: int) -> Ranked:
        """The ``n`` training people most like the one of ``h``, who is left out.

        ``people`` is what `compared` made of the training histories.
        """
        near = kernels.nearest(self.tastes(h), people, people.n_columns, n, itself=h.people)
        return near.indices, np.asarray(near.values)

    def best(self, h: Histories, n: int, exclude: Rows, allowed: Bool | None) -> Ranked:
        """The ``n`` best items with evidence per person, ``[B, n]``, padded with -1."""
        scores, known = self.score(h)
        return kernels.select(scores, n, exclude=exclude, allowed=allowed, known=known)

    def pairs(
        self, h: Histories, people: Int32, items: Int32, at: Int64 | None = None
    ) -> npt.NDArray[np.float64]:
        """Scores of (person row of ``h``, item) pairs; an item of -1 is one nobody knows.

        ``at`` int64 ``[n]`` is the moment each pair is asked about. A body whose scores depend on
        it overrides this; here pairs are scored at ``h.at``, the one moment of all of them if
        there is one.
        """
        out = np.empty(len(items), dtype=np.float64)
        size = max(1, BLOCK // max(h.n_items, 1))
        for start in range(0, len(h), size):
            inside = np.flatnonzero((people >= start) & (people < start + size))
            if len(inside):
                part = h.take(slice(start, start + size))
                scores, _ = self.score(part)
                new = items[inside] < 0
                out[inside] = scores[people[inside] - start, np.where(new, 0, items[inside])]
                out[inside[new]] = self.newcomer(part)[people[inside[new]] - start]
        return out

    def intervals(
        self, h: Histories, people: Int32, items: Int32, at: Int64 | None, level: float
    ) -> npt.NDArray[np.float64]:
        """Scores of pairs, and the central interval that holds a rating with probability ``level``:
        float64 ``[n, 3]``. Arguments as of `pairs`.

        Raises:
            UsageError: this body holds no distribution.

        """
        raise UsageError(
            "this model does not know how sure it is",
            where="predict(interval=)",
            do="Fit a BayesianMF",
        )

    def clipped(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Scores on the scale of the ratings; of likes as they are."""
        return scores if self.stars is None else np.clip(scores, *self.stars)

    def newcomer(self, h: Histories) -> npt.NDArray[np.float64]:
        """The score of an item nobody knows, float64 ``[B]``."""
        return np.zeros(len(h))

    def require_cause(self, by: Cause, *possible: Cause) -> None:
        """Complain if scores of this body do not divide by a cause."""
        if by not in possible:
            raise UsageError(
                f"this model explains by {' or '.join(possible)}", where="explain(by=)", got=by
            )


def blocks(h: Histories) -> Iterator[Histories]:
    """Histories in batches whose scores fit in memory."""
    size = max(1, BLOCK // max(h.n_items, 1))
    if len(h) <= size:
        yield h
        return
    for start in range(0, len(h), size):
        yield h.take(slice(start, start + size))


def encoded(h: Histories, weighting: str) -> Histories:
    """Likes as weights: all equal (by sign), linear in the value, or by its logarithm."""
    values = h.values
    if weighting == "equal":
        return h.with_values(np.sign(values))
    if weighting == "log":
        return h.with_values(np.sign(values) * np.log1p(np.abs(values)))
    return h


def cell(rows: Rows, row: int, column: int) -> float:
    """One value of a CSR, 0 where there is none."""
    start, end = rows.indptr[row], rows.indptr[row + 1]
    at = np.flatnonzero(rows.indices[start:end] == column)
    if not len(at):
        return 0.0
    return 1.0 if rows.values is None else float(rows.values[start + at[0]])


def column(rows: Rows, column: int) -> tuple[npt.NDArray[np.int64], Float32]:
    """The rows that hold a column, and its values there."""
    at = np.flatnonzero(rows.indices == column)
    owners = np.searchsorted(rows.indptr, at, side="right") - 1
    values = np.ones(len(at), np.float32) if rows.values is None else rows.values[at]
    return owners, values


def damped(opinion: Float32, weight: Float32, damp: float) -> Float32:
    """``opinion / (weight + damp)``, 0 where no weight speaks."""
    below = weight + np.float32(damp)
    return np.asarray(np.divide(opinion, below, out=np.zeros_like(opinion), where=weight > 0))


def amplified(near: Rows, power: float) -> Rows:
    """Similarities raised to a power (case amplification, Breese et al., UAI 1998)."""
    if power == 1.0 or near.values is None:
        return near
    return near._replace(values=near.values ** np.float32(power))


def ranked(ids: npt.NDArray[np.integer], scores: Float32, n: int) -> Ranked:
    """The ``n`` best of some items by (score, row)."""
    order = np.lexsort((ids, -scores))[:n]
    return ids[order].astype(np.int32), scores[order].astype(np.float32)


def padded(near: Rows, n: int) -> Ranked:
    """The first ``n`` of sorted rows as a rectangle, padded with -1 and 0."""
    ids = np.full((near.n_rows, n), -1, dtype=np.int32)
    scores = np.zeros((near.n_rows, n), dtype=np.float32)
    for row, (start, end) in enumerate(pairwise(near.indptr)):
        end = min(end, start + n)
        ids[row, : end - start] = near.indices[start:end]
        scores[row, : end - start] = 1 if near.values is None else near.values[start:end]
    return ids, scores


def unit_vectors(vectors: Float32) -> tuple[Float32, Bool]:
    """Vectors scaled to length 1, and which had a length."""
    norms = np.sqrt(np.einsum("id,id->i", vectors, vectors, dtype=np.float64))
    return (vectors / np.maximum(norms, 1e-12)[:, None]).astype(np.float32), norms > 0


def nearest_vectors(vectors: Float32, item: int, n: int) -> Ranked:
    """The ``n`` items whose vectors have the highest cosine with one item's."""
    unit, allowed = unit_vectors(vectors)
    has_length = allowed[item]
    allowed[item] = False
    if not has_length:
        return np.empty(0, np.int32), np.empty(0, np.float32)
    ids, scores = kernels.top_k(unit[item : item + 1], unit, n, allowed=allowed)
    return ids[0][ids[0] >= 0], scores[0][ids[0] >= 0]
