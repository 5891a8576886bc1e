"""A body of training people: whoever resembles a history lends it theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Bool, Float32, Histories
from penchant.explain import Cause
from penchant.kernels import Rows
from penchant.models.biases import Biases
from penchant.models.bodies.body import (
    Body,
    Part,
    Ranked,
    amplified,
    column,
    damped,
    encoded,
    padded,
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Neighbours(Body):
    """Likes: ``s(x, i) = Σ_v sim(x, v) y_vi`` over the k most similar training people v.

    Ratings: ``s(x, i) = b_ui + Σ_v sim(x, v) e_vi / (damp + Σ_v sim(x, v))`` over those who
    rated i.
    A person of the training data is left out of their own neighbourhood.

    Attributes:
        people: the training histories as weights (likes) or residuals (ratings).
        item_weight: float32 ``[n_items]``, how much an item counts when people are compared.
        n_items: size of the catalogue.
        k: neighbours per person; None is all.
        measure: the similarity.
        shrink: damping of similarities that rest on little.
        weighting: how values of likes become weights.
        biases: the baseline of ratings; None for likes.
        damp: pulls a rating to the baseline where little similarity speaks.
        amplify: the power that similarities are raised to.

    """

    name = "neighbours"
    people: Rows = field(repr=False)
    item_weight: Float32 = field(repr=False)
    n_items: int
    k: int | None
    measure: str = "cosine"
    shrink: float = 0.0
    weighting: str = "equal"
    biases: Biases | None = None
    damp: float = 0.0
    amplify: float = 1.0

    @property
    def holds_people(self) -> bool:
        """They are what it consists of."""
        return True

    def score(self, h: Histories) -> tuple[Float32, Bool | None]:
        """See `Body.score`; an item no neighbour met has no evidence."""
        near = self.near(h)
        if self.biases is None:
            scores = kernels.spread(near, self._lent, self.n_items)
            return scores, scores > 0
        opinion, weight = kernels.spread(near, self._lent, self.n_items, norm="history")
        known = weight > 0
        opinion = damped(opinion, weight, self.damp)
        return (self.biases.baseline(h) + opinion).astype(np.float32), known

    def near(self, h: Histories, k: int | None = None) -> Rows:
        """The most similar training people of each history, best first; itself left out."""
        near = kernels.nearest(
            self._profiles(self._opinions(h).rows()),
            self._table,
            self.n_items,
            self.k if k is None else k,
            measure=self.measure,
            shrink=self.shrink,
            itself=h.people,
        )
        return amplified(near, self.amplify)

    def compared(self, everyone: Histories) -> kernels.Table:
        """The people of the body itself."""
        return self._table

    def similar_people(self, h: Histories, people: kernels.Table, n: int) -> Ranked:
        """The neighbourhood itself."""
        near = self.near(h, n)
        return near.indices, np.asarray(near.values)

    def parts(self, h: Histories, item: int, by: Cause) -> list[Part]:
        """A part per similar person, or per past item through all of them; and the baseline."""
        self.require_cause(by, "item", "person")
        near = self.near(h)
        similarity = np.asarray(near.values, dtype=np.float64)
        who, values = column(self.people, item)
        theirs = np.zeros(self.people.n_rows)
        theirs[who] = values
        lent = theirs[near.indices]
        base = []
        if self.biases is not None:
            base = [Part("baseline", float(self.biases.baseline(h)[0, item]))]
            lent /= similarity[np.isin(near.indices, who)].sum() + self.damp or 1.0
        if by == "person":
            return base + _parts("person", near.indices, similarity * lent)
        return base + _parts("item", h.items, self._by_item(h, near, lent))

    def _by_item(
        self, h: Histories, near: Rows, lent: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Each similarity split over the items in common, times what that person lends.

        Cosine and Pearson are sums over common items of products, Jaccard of ones; the
        denominators are shared. So the split is exact.
        """
        mine, met = np.zeros(self.n_items), np.zeros(self.n_items)
        met[h.items] = 1
        mine[h.items] = self._profiles(self._opinions(h).rows()).values
        theirs, amounts = self._table.rows, np.zeros(self.n_items)
        lending = np.flatnonzero(lent)
        for v, given in zip(
            near.indices[lending], np.asarray(near.values)[lending] * lent[lending], strict=True
        ):
            row = slice(theirs.indptr[v], theirs.indptr[v + 1])
            if self.measure == "jaccard":
                products = met[theirs.indices[row]]
            else:
                products = mine[theirs.indices[row]] * np.asarray(theirs.values)[row]
            amounts[theirs.indices[row]] += products * (given / products.sum())
        return amounts[h.items]

    def similar(self, item: int, n: int) -> Ranked:
        """The items met by the same people, by cosine."""
        one = self._items.rows.slice(item, item + 1)
        alone = np.array([item], np.int32)
        near = kernels.nearest(one, self._items, self.people.n_rows, n, itself=alone)
        return near.indices, np.asarray(near.values)

    def all_similar(self, n: int) -> Ranked:
        """See `Body.all_similar`."""
        return padded(kernels.neighbours(self.map_vectors(), self.people.n_rows, n), n)

    def map_vectors(self) -> Rows:
        """An item's row of the people who met it."""
        return self.people.transpose(self.n_items)

    def newcomer(self, h: Histories) -> npt.NDArray[np.float64]:
        """Likes: 0. Ratings: μ + b_u."""
        if self.biases is None:
            return super().newcomer(h)
        return self.biases.mean + self.biases.user(h)

    def _opinions(self, h: Histories) -> Histories:
        return encoded(h, self.weighting) if self.biases is None else self.biases.residuals(h)

    @cached_property
    def _lent(self) -> kernels.Table:
        """What people lend: their histories."""
        return kernels.Table(self.people, self.n_items)

    @cached_property
    def _table(self) -> kernels.Table:
        """What they are compared by: their profiles."""
        return kernels.Table(self._profiles(self.people), self.n_items)

    @cached_property
    def _items(self) -> kernels.Table:
        """The items, each a row of the people who met it."""
        return kernels.Table(self.map_vectors(), self.people.n_rows)

    def _profiles(self, rows: Rows) -> Rows:
        values = np.ones(len(rows.indices), np.float32) if rows.values is None else rows.values
        return rows._replace(values=values * self.item_weight[rows.indices])


def _parts(
    cause: Cause, rows: npt.NDArray[np.int32], amounts: npt.NDArray[np.float64]
) -> list[Part]:
    pairs = zip(rows, amounts, strict=True)
    return [Part(cause, float(amount), int(row)) for row, amount in pairs if amount]
