"""What an entry of a history counts by its age, in places from the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penchant.data.histories import Histories


@dataclass(frozen=True)
class Recency:
    """The latest entry counts 1, one of age m counts ``max(decay^m, floor)``.

    Attributes:
        decay: what an entry counts for each that came after it, above 0 and at most 1.
        floor: what the oldest counts at least.
        window: how many of the latest entries count at all; None is all.

    >>> Recency(0.5, 0.125).fade(Histories.of([[4, 7, 9, 2]], n_items=10)).values.tolist()
    [0.125, 0.25, 0.5, 1.0]

    """

    decay: float
    floor: float = 0.0
    window: int | None = None

    def fade(self, h: Histories) -> Histories:
        """The histories with faded values; entries beyond the window are left out."""
        h = h if self.window is None else h.last(self.window)
        by_age = np.maximum(self.decay ** np.arange(h.counts.max(initial=0)), self.floor)
        return h.with_values(h.values * by_age[h.ages])
