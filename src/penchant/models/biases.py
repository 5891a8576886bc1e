"""What a rating owes to the mean, the item and the person, before taste."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from penchant.data.histories import Float32, Histories

SWEEPS = 15


@dataclass(frozen=True, eq=False)
class Biases:
    """Regularised mean, item and user biases of ratings.

    ``b_i = Σ(r − μ − b_u)/(n_i + λ_i)`` and ``b_u = Σ(r − μ − b_i)/(n_u + λ_u)``, swept in turn
    (Koren, *Factor in the neighbors*, TKDD 2010, section 2.1). Only the item side is kept: a
    person's bias follows from their history.

    Attributes:
        mean: μ, in stars.
        items: float32 ``[n_items]``, b_i; 0 for an item nobody rated.
        reg_user: λ_u, at least 0.

    """

    mean: float
    items: Float32 = field(repr=False)
    reg_user: float

    @classmethod
    def learn(cls, h: Histories, reg_user: float, reg_item: float, sweeps: int = SWEEPS) -> Self:
        """Fit on ratings, items first; entries must be merged (each item once per person)."""
        owners, counts = h.owners, h.item_counts()
        mean = float(h.values.mean(dtype=np.float64)) if len(h.values) else 0.0
        centred = h.values.astype(np.float64) - mean
        user, item = np.zeros(len(h)), np.zeros(h.n_items)
        for _ in range(sweeps):
            sums = np.bincount(h.items, centred - user[owners], h.n_items)
            item = sums / np.maximum(counts + reg_item, 1)
            sums = np.bincount(owners, centred - item[h.items], len(h))
            user = sums / np.maximum(h.counts + reg_user, 1)
        return cls(mean, item.astype(np.float32), reg_user)

    def user(self, h: Histories) -> npt.NDArray[np.float64]:
        """b_u of each person, float64 ``[B]``, solved from their history; 0 without one."""
        rest = h.values.astype(np.float64) - self.mean - self.items[h.items]
        sums = np.bincount(h.owners, rest, len(h))
        return np.asarray(sums / np.maximum(h.counts + self.reg_user, 1))

    def baseline(self, h: Histories) -> npt.NDArray[np.float64]:
        """μ + b_u + b_i for every person and item, float64 ``[B, n_items]``."""
        return self.mean + self.user(h)[:, None] + self.items[None, :].astype(np.float64)

    def residuals(self, h: Histories) -> Histories:
        """The same histories with r − μ − b_u − b_i as values."""
        rest = h.values - self.mean - self.user(h)[h.owners] - self.items[h.items]
        return h.with_values(rest)
