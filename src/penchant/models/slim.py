"""SLIM: each item as a sparse sum of the others, learned from who met both."""

from __future__ import annotations

from penchant import kernels
from penchant.data.histories import Histories
from penchant.models.bodies import Body, ItemWeights
from penchant.models.bodies.body import encoded
from penchant.models.fading import Fading
from penchant.models.job import Job
from penchant.models.params import param

_PAIR = 8  # bytes of one stored weight
_SQUARE = 8_192  # items up to which the kernel keeps every product, met together or not


class SLIM(Fading):
    """Sparse linear method (Ning and Karypis, ICDM 2011): ``s(x, i) = Σ_j x_j W_ji``.

    Column i of W is the ``w >= 0`` with ``w_i = 0`` that minimises
    ``1/(2U) |x_i − Xw|² + alpha l1_ratio |w|₁ + ½ alpha (1 − l1_ratio) |w|²`` over the likes X of
    U people. Few weights are above 0, so lists are quick and their reasons short.

    The defaults had the best nDCG@10 (.2154) of alpha .02 to .2 and l1_ratio .0001 to .01 on a
    fifth held out of ml-1m's training likes; on ml-100k all of these are within the noise.

    >>> import penchant as pt
    >>> model = pt.SLIM().fit(pt.datasets.load("interests"))
    >>> model.recommend(history=["Python", "R"], n=1).ids
    ('pandas',)
    """

    alpha: float = param(
        default=0.05, low=0, search=(0.001, 1.0), log=True, help="damping of the weights"
    )
    l1_ratio: float = param(
        default=0.003,
        low=0,
        high=1,
        search=(1e-5, 1.0),
        log=True,
        help="share of the damping that drives weights to 0",
    )
    k: int | None = param(
        default=None, dtype=int, low=1, search=(5, 1000), log=True, none="all",
        help="weights kept of each item, the largest",
    )  # fmt: skip
    candidates: int | None = param(
        default=None, dtype=int, low=1, none="all",
        help="items a column may use, those that alone explain most of it",
    )  # fmt: skip
    max_iterations: int = param(default=100, low=1, help="rounds of one descent")
    tolerance: float = param(
        default=1e-4, low=0, help="a round that moves no weight by more is the last"
    )

    def _learn(self, h: Histories, job: Job) -> Body:
        job.step(0, h.n_items)
        people = len(h)
        columns = kernels.slim_columns(
            encoded(h, "equal").rows(),
            h.n_items,
            l1=self.alpha * self.l1_ratio * people,
            l2=self.alpha * (1 - self.l1_ratio) * people,
            k=self.k,
            candidates=self.candidates,
            max_iterations=self.max_iterations,
            tolerance=self.tolerance,
        )
        job.step(h.n_items, h.n_items)
        return ItemWeights(weights=columns.transpose(h.n_items), recency=self._fading())

    def _memory(self, h: Histories, job: Job) -> tuple[float, str]:
        """Products of items with each other, weights and their transpose, likes both ways."""
        met_together = float((h.counts.astype(float) ** 2).sum())
        pairs = min(met_together, float(h.n_items) ** 2)
        products = max(_PAIR * pairs, 4.0 * min(h.n_items, _SQUARE) ** 2)
        most = h.n_items if self.k is None else min(self.k, h.n_items)
        kept = min(pairs, float(h.n_items) * most)
        return products + _PAIR * (2 * kept + 4 * len(h.items)), "Leave out items that few met"
