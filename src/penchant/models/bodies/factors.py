"""A body of item vectors: a person's vector is solved from their history."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Bool, Float32, Histories, Int32, Int64
from penchant.explain import Cause
from penchant.kernels import Rows
from penchant.models.bodies.body import Body, Part, Ranked, encoded, nearest_vectors


@dataclass(frozen=True, eq=False, kw_only=True)
class Factors(Body):
    """``s(x, i) = μ + b_i + w · v_i``, ``w = (Σ_j c_j v_j v_jᵀ + α₀ VᵀV + R)⁻¹ Σ_j c_j t_j v_j``.

    Ratings: ``t_j = x_j − μ − b_j``, all c are 1 and α₀ is 0. Likes: t is 1 for what was liked
    and 0 for what was not, c says how much, and everything else pulls to 0 with the weight α₀.
    A person's bias is one more coordinate of w, against a 1 in every item vector, solved jointly.
    R is diagonal, ``ridge · (n + α₀ I)^frequency`` for a history of n.

    Attributes:
        vectors: float32 ``[n_items, d]``; the last column is all ones if ``bias_column``.
        bias: float32 ``[n_items]``, b_i.
        offset: μ.
        ridge: float32 ``[d]``, above 0.
        frequency: how the ridge grows with the length of a history.
        bias_column: whether the last coordinate is the person's bias.
        unobserved: α₀, the weight of items that a history does not hold.
        weighting: how values of likes become c.

    """

    name = "factors"
    vectors: Float32 = field(repr=False)
    bias: Float32 = field(repr=False)
    offset: float
    ridge: Float32 = field(repr=False)
    frequency: float = 0.0
    bias_column: bool = False
    unobserved: float = 0.0
    weighting: str = "equal"

    def taste(self, h: Histories) -> Float32:
        """Each person's vector solved from their history, float32 ``[B, d]``; 0 without one."""
        return self._fold.solve(self._rows(h), self._targets(h))

    def score(self, h: Histories) -> tuple[Float32, Bool | None]:
        """See `Body.score`; of likes only a score above 0 is evidence, of ratings every score."""
        scores = kernels.product(self.taste(h), self._fold.panels)
        return scores, (scores > 0 if self.stars is None else None)

    def best(self, h: Histories, n: int, exclude: Rows, allowed: Bool | None) -> Ranked:
        """See `Body.best`; scores are ranked as they are made, never all kept."""
        return self._fold.best(
            self._rows(h),
            n,
            targets=self._targets(h),
            exclude=exclude,
            allowed=allowed,
            positive=self.stars is None,
        )

    def pairs(
        self, h: Histories, people: Int32, items: Int32, at: Int64 | None = None
    ) -> npt.NDArray[np.float64]:
        """See `Body.pairs`; only the pairs asked for are computed."""
        taste = self.taste(h)
        known = np.where(items < 0, 0, items)
        scores = np.einsum(
            "nd,nd->n", taste[people], self.vectors[known], dtype=np.float64, optimize=False
        ) + (self.bias[known] + np.float32(self.offset))
        return np.asarray(np.where(items < 0, self.newcomer(h, taste)[people], scores), np.float64)

    def newcomer(self, h: Histories, taste: Float32 | None = None) -> npt.NDArray[np.float64]:
        """μ + b_u."""
        taste = self.taste(h) if taste is None else taste
        bias = taste[:, -1] if self.bias_column else np.zeros(len(h))
        return np.asarray(self.offset + bias, dtype=np.float64)

    def parts(self, h: Histories, item: int, by: Cause) -> list[Part]:
        """``v_iᵀ A⁻¹ c_j t_j v_j`` per past item j, and of ratings the baseline μ + b_i.

        The same solve that made the score, so the parts sum to it (Hu, Koren and Volinsky,
        *Collaborative filtering for implicit feedback datasets*, 2008, section 5).
        """
        self.require_cause(by, "item")
        base = []
        if self.stars is not None:
            base = [Part("baseline", float(self.bias[item]) + self.offset)]
        if not len(h.items):
            return base
        met = self.vectors[h.items].astype(np.float64)
        c = self._confidence(h)
        weights = np.ones(len(met)) if c is None else c.astype(np.float64)
        normal = met.T @ (weights[:, None] * met) + np.diag(self.ridge * float(self._scale(h)[0]))
        if self._gram is not None:
            normal += self._gram
        reach = met @ np.linalg.solve(normal, self.vectors[item].astype(np.float64))
        targets = self._targets(h)
        amounts = reach * weights * (1.0 if targets is None else targets)
        return base + [
            Part("item", float(amount), int(j))
            for j, amount in zip(h.items, amounts, strict=True)
            if amount or self.stars is not None
        ]

    def similar(self, item: int, n: int) -> Ranked:
        """The items whose vectors point the same way; none where there are only biases."""
        vectors = self.map_vectors()
        if vectors is None:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        return nearest_vectors(vectors, item, n)

    def map_vectors(self) -> Float32 | None:
        """The item vectors without the bias coordinate; None where there are only biases."""
        vectors = self.vectors[:, :-1] if self.bias_column else self.vectors
        return vectors if vectors.shape[1] else None

    def tastes(self, h: Histories) -> Rows:
        """The solved vectors without the bias coordinate; where there are none, the histories."""
        vectors = self.map_vectors()
        if vectors is None:
            return super().tastes(h)
        taste = self.taste(h)[:, : vectors.shape[1]]
        n, d = taste.shape
        return Rows(
            np.arange(n + 1, dtype=np.int64) * d,
            np.tile(np.arange(d, dtype=np.int32), n),
            np.ascontiguousarray(taste).ravel(),
        )

    @cached_property
    def _fold(self) -> kernels.FoldIn:
        return kernels.FoldIn(
            self.vectors,
            self.ridge,
            gram=self._gram,
            bias=self.bias + np.float32(self.offset),
            frequency=self.frequency,
            pull=self.unobserved * len(self.vectors),
        )

    @cached_property
    def _gram(self) -> Float32 | None:
        return implicit_gram(self.vectors, self.unobserved)

    def _rows(self, h: Histories) -> Rows:
        return Rows(h.indptr, h.items, self._confidence(h))

    def _targets(self, h: Histories) -> Float32 | None:
        if self.stars is None:
            return like_targets(h)
        return h.values - np.float32(self.offset) - self.bias[h.items]

    def _confidence(self, h: Histories) -> Float32 | None:
        return None if self.stars is not None else confidence(h, self.weighting)

    def _scale(self, h: Histories) -> Float32:
        return scales(h, self.frequency, self.unobserved)


def implicit_gram(vectors: Float32, unobserved: float) -> Float32 | None:
    """``α₀ VᵀV``: what everything that was not met asks for; None where α₀ is 0."""
    return kernels.gram(vectors) * np.float32(unobserved) if unobserved else None


def like_targets(h: Histories) -> Float32 | None:
    """1 for what was liked, 0 for what was disliked; None where all was liked."""
    return None if kernels.all_positive(h.values) else (h.values > 0).astype(np.float32)


def confidence(h: Histories, weighting: str) -> Float32 | None:
    """How much each like or dislike weighs; None where all weigh 1."""
    return None if weighting == "equal" else np.abs(encoded(h, weighting).values)


def scales(h: Histories, frequency: float, unobserved: float = 0.0) -> Float32:
    """What each history's damping is multiplied by, float32 ``[B]``: ``(n + α₀ I)^frequency``."""
    reach = np.maximum(h.counts + unobserved * h.n_items, 1)
    return np.asarray(reach**frequency, dtype=np.float32)
