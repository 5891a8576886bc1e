"""A body of item vectors: a person's vector is solved from their history."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Bool, Float32, Histories, Int32
from penchant.explain import Cause
from penchant.kernels import Rows
from penchant.models.bodies.body import Body, Part, Ranked, nearest_vectors


@dataclass(frozen=True, eq=False, kw_only=True)
class Factors(Body):
    """``s(x, i) = μ + b_i + w · v_i`` with ``w = (Σ_j v_j v_jᵀ + R)⁻¹ Σ_j v_j (x_j − μ − b_j)``.

    The person's bias is one more coordinate of ``w``, against a 1 in every item vector, solved
    jointly; R is diagonal, ``ridge · n^frequency`` for a history of n.

    Attributes:
        vectors: float32 ``[n_items, d]``; the last column is all ones if ``bias_column``.
        bias: float32 ``[n_items]``, b_i.
        offset: μ.
        ridge: float32 ``[d]``, above 0.
        frequency: how the ridge grows with the length of a history.
        bias_column: whether the last coordinate is the person's bias.

    """

    name = "factors"
    vectors: Float32 = field(repr=False)
    bias: Float32 = field(repr=False)
    offset: float
    ridge: Float32 = field(repr=False)
    frequency: float = 0.0
    bias_column: bool = False

    def taste(self, h: Histories) -> Float32:
        """Each person's vector solved from their history, float32 ``[B, d]``; 0 without one."""
        return kernels.solve_rows(
            Rows(h.indptr, h.items, None), self._targets(h), self.vectors, self._ridges(h)
        )

    def score(self, h: Histories) -> tuple[Float32, Bool | None]:
        """See `Body.score`; evidence for every item as soon as there is a history."""
        scores = kernels.product(self.taste(h), self.vectors, self.bias + np.float32(self.offset))
        return scores, None

    def best(self, h: Histories, n: int, exclude: Rows, allowed: Bool | None) -> Ranked:
        """See `Body.best`; scores are ranked as they are made, never all kept."""
        return kernels.top_k(
            self.taste(h),
            self.vectors,
            n,
            bias=self.bias + np.float32(self.offset),
            exclude=exclude,
            allowed=allowed,
        )

    def pairs(self, h: Histories, people: Int32, items: Int32) -> npt.NDArray[np.float64]:
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
        """``v_iᵀ A⁻¹ v_j (x_j − μ − b_j)`` per past item j, and the baseline μ + b_i.

        The same solve that made the score, so the parts sum to it (Hu, Koren and Volinsky,
        *Collaborative filtering for implicit feedback datasets*, 2008, section 5).
        """
        self.require_cause(by, "item")
        base = [Part("baseline", float(self.bias[item]) + self.offset)]
        if not len(h.items):
            return base
        met = self.vectors[h.items].astype(np.float64)
        normal = met.T @ met + np.diag(self._ridges(h)[0].astype(np.float64))
        reach = met @ np.linalg.solve(normal, self.vectors[item].astype(np.float64))
        amounts = reach * self._targets(h)
        return base + [
            Part("item", float(amount), int(j)) for j, amount in zip(h.items, amounts, strict=True)
        ]

    def similar(self, item: int, n: int) -> Ranked:
        """The items whose vectors point the same way."""
        return nearest_vectors(self.map_vectors(), item, n)

    def map_vectors(self) -> Float32:
        """The item vectors without the bias coordinate."""
        return self.vectors[:, :-1] if self.bias_column else self.vectors

    def tastes(self, h: Histories) -> Rows:
        """The solved vectors, without the bias coordinate."""
        taste = self.taste(h)[:, : self.map_vectors().shape[1]]
        n, d = taste.shape
        return Rows(
            np.arange(n + 1, dtype=np.int64) * d,
            np.tile(np.arange(d, dtype=np.int32), n),
            np.ascontiguousarray(taste).ravel(),
        )

    def _targets(self, h: Histories) -> Float32:
        return h.values - np.float32(self.offset) - self.bias[h.items]

    def _ridges(self, h: Histories) -> Float32:
        return ridges(self.ridge, h, self.frequency)


def ridges(ridge: Float32, h: Histories, frequency: float) -> Float32:
    """The damping of each history, float32 ``[B, d]``: ``ridge · n^frequency``."""
    scale = np.maximum(h.counts, 1).astype(np.float64) ** frequency
    return np.asarray(scale[:, None] * ridge[None, :], dtype=np.float32)
