"""NextItem: what people meet after what they met last."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Histories
from penchant.kernels import Rows
from penchant.models.base import Model
from penchant.models.bodies import Body, ItemWeights
from penchant.models.bodies.recency import Recency
from penchant.models.job import Job
from penchant.models.params import param

_PAIR = 8  # bytes of one stored weight
_FAINTEST = 1e-30  # what float32 still tells from nothing


class NextItem(Model):
    """Sequential rules (Kamehkhosh, Jannach and Ludewig, RecTemp 2017) whose reach decays.

    ``C_ab = Σ decay^(g − 1)`` over the pairs in which b comes ``g <= horizon`` likes after a;
    ``W_ab = C_ab / ((C_a·^e + shrink)(C_·b^e + shrink))`` with e the ``exponent``; and
    ``s(x, b) = Σ_m recency^m W_ab`` over the latest ``window`` likes a of x, m counted from the
    end. Repeated events are all learned from; a history holds each item where it was met last.

    >>> import penchant as pt
    >>> days = [("ann", "tea"), ("ann", "jam"), ("bob", "tea"), ("bob", "jam"), ("bob", "bread")]
    >>> model = pt.NextItem().fit(days)
    >>> model.recommend(history=["jam", "tea"], n=1, exclude_seen=False).ids
    ('jam',)
    """

    horizon: int = param(
        default=10, low=1, high=10_000, search=(1, 50), log=True, help="likes that a pair may span"
    )
    decay: float = param(
        default=0.7, low=0.01, high=1, search=(0.4, 1.0), help="what each like between takes off"
    )
    recency: float = param(
        default=0.7,
        low=0.01,
        high=1,
        search=(0.4, 1.0),
        help="what a like of a history counts for each that came after it",
    )
    window: int | None = param(
        default=15, low=1, search=(1, 50), log=True, none="all", help="latest likes that count"
    )
    exponent: float = param(
        default=0.5, low=0, high=1, search=(0.2, 0.8), help="how far popular items are held back"
    )
    shrink: float = param(
        default=5.0, low=0, search=(0.1, 100), log=True, help="damps pairs that rest on little"
    )
    k: int | None = param(
        default=None, dtype=int, low=1, search=(50, 1000), log=True, none="all",
        help="successors kept of each item, the strongest",
    )  # fmt: skip

    def _learn(self, h: Histories, job: Job) -> Body:
        job.step(0, 1)
        events = job.events
        liked = events.where(events.values > 0)
        by_distance = felt(self.decay ** np.arange(self.horizon))
        counts = kernels.follow_counts(liked.rows(), h.n_items, by_distance)
        weights = self._normalised(counts)
        job.step(1, 1)
        return ItemWeights(
            weights=weights if self.k is None else strongest(weights, self.k),
            recency=Recency(self.recency, window=self.window),
            directed=True,
        )

    def _normalised(self, counts: Rows) -> Rows:
        values, n_items = np.asarray(counts.values), counts.n_rows
        owners = np.repeat(np.arange(n_items), np.diff(counts.indptr))
        before, after = (
            np.bincount(ends, values, n_items) ** self.exponent + self.shrink
            for ends in (owners, counts.indices)
        )
        return counts._replace(
            values=(values / (before[owners] * after[counts.indices])).astype(np.float32)
        )

    def _memory(self, h: Histories, job: Job) -> tuple[float, str]:
        pairs = min(float(self.horizon) * len(job.events.items), float(h.n_items) ** 2)
        return 5.0 * pairs * _PAIR, "Choose a shorter horizon"


def felt(by_distance: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    """Weights by distance up to where they vanish.

    >>> felt(np.array([1.0, 1e-20, 1e-40])).tolist()
    [1.0, 1e-20]
    """
    return by_distance[by_distance > _FAINTEST]


def strongest(rows: Rows, k: int) -> Rows:
    """The ``k`` largest values of each row, in order (value descending, column ascending).

    >>> strongest(Rows(np.array([0, 3]), np.array([0, 1, 2]), np.array([1, 3, 2.0])), 2).indices
    array([1, 2])
    """
    values = np.asarray(rows.values)
    best = [
        start + np.argsort(-values[start:end], kind="stable")[:k]
        for start, end in pairwise(rows.indptr.tolist())
    ]
    places = np.concatenate([*best, np.empty(0, np.int64)]).astype(np.int64)
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in best])]).astype(np.int64)
    return Rows(indptr, rows.indices[places], values[places])
