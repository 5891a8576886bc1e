"""A body of one number per item, the same for everyone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from penchant.data.histories import Bool, Float32, Histories
from penchant.explain import Cause
from penchant.models.bodies.body import Body, Part, Ranked


@dataclass(frozen=True, eq=False, kw_only=True)
class PopularityBody(Body):
    """``score(history, i) = counts[i]``.

    Attributes:
        counts: float32 ``[n_items]``, at least 0; an item of 0 has no evidence.

    """

    name = "popularity"
    counts: Float32 = field(repr=False)

    @property
    def needs_history(self) -> bool:
        """Nobody needs one."""
        return False

    def score(self, h: Histories) -> tuple[Float32, Bool | None]:
        """Every row the counts; see `Body.score`."""
        shape = (len(h), len(self.counts))
        return np.broadcast_to(self.counts, shape), np.broadcast_to(self.counts > 0, shape)

    def parts(self, h: Histories, item: int, by: Cause) -> list[Part]:
        """The popularity, whole."""
        self.require_cause(by, "popularity", "item")
        return [Part("popularity", float(self.counts[item]))]

    def similar(self, item: int, n: int) -> Ranked:
        """None: one number per item says nothing about likeness."""
        return np.empty(0, np.int32), np.empty(0, np.float32)
