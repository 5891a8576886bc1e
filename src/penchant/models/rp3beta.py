"""RP3beta: items three random steps away, popular ones held back."""

from __future__ import annotations

import numpy as np

from penchant import kernels
from penchant.data.histories import Histories
from penchant.kernels import Rows
from penchant.models.bodies import Body, ItemWeights
from penchant.models.fading import Fading
from penchant.models.job import Job
from penchant.models.params import param

_PAIR = 8  # bytes of one stored neighbour
_ITEMS_AT_ONCE = 4096  # between two reports of progress


class RP3beta(Fading):
    """Random walks over likes (Paudel et al., ACM TiiS 2017): ``s(x, i) = Σ_j x_j W_ji``.

    ``W_ji = n_j^−alpha n_i^−beta Σ_u n_u^−alpha`` over the people u who like both, with n the
    numbers of likes; ``W_jj = 0``, the k largest of each row j stay, and rows sum to 1.
    With ``alpha = 1`` the sum is the chance to walk from j to a person and on to i; ``beta``
    holds popular items back, and ``beta = 0`` is P3alpha.

    The defaults are a middle between what a fifth of the training likes held out prefers on ml-1m
    (beta .7) and on ml-100k (beta .5).

    >>> import penchant as pt
    >>> model = pt.RP3beta().fit(pt.datasets.load("interests"))
    >>> model.recommend(history=["Python", "R"], n=1).ids
    ('pandas',)
    """

    alpha: float = param(
        default=0.8, low=0, search=(0, 2), help="how strongly steps divide among what was liked"
    )
    beta: float = param(
        default=0.6, low=0, search=(0, 2), help="how strongly popular items are held back"
    )
    k: int | None = param(
        default=400, low=1, search=(5, 1000), log=True, none="all", help="neighbours kept of each"
    )

    def _learn(self, h: Histories, job: Job) -> Body:
        liked = h.where(h.values > 0)
        n_items = np.bincount(liked.items, minlength=h.n_items).astype(np.float64)
        step = np.maximum(liked.counts, 1) ** -self.alpha
        from_item = Rows(
            liked.indptr, liked.items, np.repeat(step, liked.counts).astype(np.float32)
        )
        held_back = np.maximum(n_items, 1) ** -self.beta
        to_item = Rows(liked.indptr, liked.items, held_back[liked.items].astype(np.float32))
        # n_j^−alpha is the same along a row, which is scaled to sum 1 anyway.
        weights = self._walks(
            from_item.transpose(h.n_items), to_item.transpose(h.n_items), len(h), job
        )
        return ItemWeights(weights=_summing_to_one(weights), recency=self._fading())

    def _walks(self, start: Rows, end: Rows, n_people: int, job: Job) -> Rows:
        """The k items that each item leads to most, some thousand items at a time."""
        lists, alone = [], np.arange(start.n_rows, dtype=np.int32)
        table = kernels.Table(end, n_people)
        for first in range(0, start.n_rows, _ITEMS_AT_ONCE):
            some = alone[first : first + _ITEMS_AT_ONCE]
            part = start.slice(first, first + len(some))
            lists.append(kernels.nearest(part, table, n_people, self.k, measure="dot", itself=some))
            job.step(first + len(some), start.n_rows)
        return Rows.stacked(lists)

    def _memory(self, h: Histories, job: Job) -> tuple[float, str]:
        met_together = float((h.counts.astype(np.float64) ** 2).sum())
        per_item = h.n_items if self.k is None else min(self.k, h.n_items)
        kept = min(met_together, float(h.n_items) * per_item)
        return 2.5 * kept * _PAIR, "Keep fewer neighbours per item, such as k=100"


def _summing_to_one(rows: Rows) -> Rows:
    values = np.asarray(rows.values)
    owners = np.repeat(np.arange(rows.n_rows), np.diff(rows.indptr))
    sums = np.bincount(owners, values, rows.n_rows)
    return rows._replace(values=(values / sums[owners]).astype(np.float32))
