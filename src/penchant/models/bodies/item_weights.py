"""A body of item-item weights: a history times a matrix."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Bool, Float32, Histories, Int32
from penchant.errors import UsageError
from penchant.explain import Cause
from penchant.kernels import Rows
from penchant.models.biases import Biases
from penchant.models.bodies.body import (
    Body,
    Part,
    Ranked,
    cell,
    column,
    damped,
    encoded,
    padded,
    ranked,
)
from penchant.models.bodies.recency import Recency


@dataclass(frozen=True, eq=False, kw_only=True)
class ItemWeights(Body):
    """Likes: ``s(x, i) = Σ_j x_j W_ji``.

    Ratings: ``s(x, i) = b_ui + Σ_j e_uj W_ji / (damp + Σ_j |W_ji|)`` over the items j the person
    rated, with e the residuals of the baseline b (Koren 2010, equation 3, damped).

    Attributes:
        weights: row j holds what one unit of item j in a history gives to each item; sparse, or
            dense float32 ``[n_items, n_items]``.
        weighting: how values of likes become x.
        recency: how likes fade with their age; None is not at all.
        directed: whether the items nearest to one are those it leads to, not those leading to it.
        biases: the baseline of ratings; None for likes.
        damp: pulls a rating to the baseline where the weights used are small.

    """

    name = "item_weights"
    weights: Rows | Float32 = field(repr=False)
    weighting: str = "equal"
    recency: Recency | None = None
    directed: bool = False
    biases: Biases | None = None
    damp: float = 0.0

    @property
    def ordered(self) -> bool:
        """Where likes fade."""
        return self.recency is not None

    def score(self, h: Histories) -> tuple[Float32, Bool | None]:
        """See `Body.score`; only what weights speak for has evidence."""
        if self.biases is None:
            scores = kernels.spread(self._x(h).rows(), self._ready, h.n_items)
            return scores, scores > 0
        residuals = self.biases.residuals(h).rows()
        opinion, weight = kernels.spread(residuals, self._sparse, h.n_items, norm="weights")
        opinion = damped(opinion, weight, self.damp)
        return (self.biases.baseline(h) + opinion).astype(np.float32), weight > 0

    def parts(self, h: Histories, item: int, by: Cause) -> list[Part]:
        """A part per past item with a weight to this one; for ratings also the baseline."""
        self.require_cause(by, "item")
        x = self._x(h) if self.biases is None else self.biases.residuals(h)
        weights = self._to(item, x.items)
        base = []
        if self.biases is not None:
            base = [Part("baseline", float(self.biases.baseline(h)[0, item]))]
            weights = weights / (np.abs(weights).sum() + self.damp or 1.0)
        amounts = x.values * weights
        return base + [
            Part("item", float(amount), int(j))
            for j, amount in zip(x.items, amounts, strict=True)
            if amount
        ]

    def similar(self, item: int, n: int) -> Ranked:
        """The items with the largest weights above 0 to this one; or, if directed, from it."""
        if not isinstance(self.weights, Rows):
            values = self.weights[item] if self.directed else self.weights[:, item]
            rows: npt.NDArray[np.integer] = np.arange(len(values))
        elif self.directed:
            row = self.weights.slice(item, item + 1)
            rows, values = row.indices, _values(row)
        else:
            rows, values = column(self.weights, item)
        near = (rows != item) & (values > 0)
        return ranked(rows[near], values[near], n)

    def all_similar(self, n: int) -> Ranked:
        """See `Body.all_similar`."""
        if not isinstance(self.weights, Rows):
            turned = self.weights if self.directed else np.ascontiguousarray(self.weights.T)
            alone = np.arange(len(turned), dtype=np.int32)
            itself = Rows(np.arange(len(turned) + 1, dtype=np.int64), alone)
            return kernels.select(turned, n, exclude=itself, known=turned > 0)
        n_items = self.weights.n_rows
        sparse = self.weights if self.directed else self.weights.transpose(n_items)
        values, owners = _values(sparse), np.repeat(np.arange(n_items), np.diff(sparse.indptr))
        order = np.lexsort((sparse.indices, -values, owners))
        order = order[(sparse.indices[order] != owners[order]) & (values[order] > 0)]
        indptr = np.searchsorted(owners[order], np.arange(n_items + 1)).astype(np.int64)
        near = Rows(indptr, sparse.indices[order], values[order].astype(np.float32))
        return padded(near, n)

    def map_vectors(self) -> Rows | Float32:
        """An item's row of weights: its neighbour profile."""
        return self.weights

    def newcomer(self, h: Histories) -> npt.NDArray[np.float64]:
        """Likes: 0. Ratings: μ + b_u."""
        if self.biases is None:
            return super().newcomer(h)
        return self.biases.mean + self.biases.user(h)

    def _x(self, h: Histories) -> Histories:
        x = encoded(h, self.weighting)
        return x if self.recency is None else self.recency.fade(x)

    def _to(self, item: int, sources: Int32) -> npt.NDArray[np.float64]:
        """The weights of some items to one, float64."""
        if isinstance(self.weights, Rows):
            return np.array([cell(self.weights, j, item) for j in sources], dtype=np.float64)
        return np.asarray(self.weights[sources, item], dtype=np.float64)

    @cached_property
    def _ready(self) -> kernels.Table | Float32:
        """The weights, sparse ones checked once."""
        if isinstance(self.weights, Rows):
            return kernels.Table(self.weights, self.weights.n_rows)
        return self.weights

    @property
    def _sparse(self) -> kernels.Table:
        """The weights of rating neighbours, which are sparse."""
        if not isinstance(self._ready, kernels.Table):
            raise UsageError("dense weights are of likes", where=self.name)
        return self._ready


def _values(rows: Rows) -> Float32:
    return np.ones(len(rows.indices), np.float32) if rows.values is None else rows.values
