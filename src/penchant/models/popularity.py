"""Popularity: what most people liked."""

from __future__ import annotations

import numpy as np

from penchant.data.histories import Histories
from penchant.errors import UsageError
from penchant.models.base import Model
from penchant.models.bodies import Body, PopularityBody
from penchant.models.job import Job
from penchant.models.params import param

_DAY = 86_400_000_000  # microseconds


class Popularity(Model):
    """How many people liked each item, of all time or with what is old fading.

    ``s(i) = Σ_u 2^(−age_ui / half_life)`` over the people who liked i, with ages counted back
    from the last event; without a half-life every like counts 1.

    >>> import penchant as pt
    >>> pt.Popularity().fit([("ann", "tea"), ("bob", "tea"), ("bob", "jam")]).recommend("ann", n=1)
    rank  item_id  score  source
       1  jam          1  popularity
    """

    half_life: float | None = param(
        default=None,
        dtype=float,
        low=1e-6,
        none="all time",
        search=(1.0, 1000.0),
        log=True,
        help="days after which a like counts half",
    )

    def _learn(self, h: Histories, job: Job) -> Body:
        weights = (h.values > 0).astype(np.float64)
        if self.half_life is not None:
            if h.times is None:
                raise UsageError(
                    "half_life needs times, and these interactions have none",
                    where="Popularity.fit",
                    do="Read a time column, or leave half_life out",
                )
            age = (h.times.max() - h.times.astype(np.float64)) / _DAY  # unknown: as old as can be
            weights *= np.exp2(-age / self.half_life)
        counts = np.bincount(h.items, weights, h.n_items)
        return PopularityBody(counts=counts.astype(np.float32))
