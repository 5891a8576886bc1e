"""SLIT: the next like regressed on what came before, in closed form."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Float32, Histories
from penchant.kernels import Rows
from penchant.models.base import Model
from penchant.models.bodies import Body, ItemWeights, Mixture
from penchant.models.bodies.body import encoded
from penchant.models.bodies.recency import Recency
from penchant.models.closed_form import inverted
from penchant.models.ease import largest
from penchant.models.job import Job
from penchant.models.next_item import felt
from penchant.models.params import param

_FORGOTTEN = 1e-3  # a trace fainter than this is none


class SLIT(Model):
    """Session-aware linear item transitions (Choi, Kim, Lee, Shim and Lee, WWW 2021, equation 8).

    At every like of every history, what came before is a trace: an item m likes ago stands in it
    with ``recency^m``, and in a second one with ``slow^m``, so that what somebody is at now and
    what they are like speak together. What comes next is a trace too, ``Σ_j decay^j`` over
    the next ``horizon`` likes. With P the rows of both pasts and T the rows of the futures,
    ``min_B |T − PB|² + l2 |B|²``, so ``B = (PᵀP + l2)⁻¹ PᵀT`` and ``s(x) = p(x) B``.

    PᵀP and PᵀT are sums over pairs of likes by their distance, which is all that is counted. Time
    and memory grow with the cube and the square of the catalogue, twice as wide with ``slow``.

    The defaults had the best nDCG@10 on the last like held out of ml-1m's training part but for
    the noise.

    >>> import penchant as pt
    >>> days = [("ann", "tea"), ("ann", "jam"), ("bob", "tea"), ("bob", "jam"), ("bob", "bread")]
    >>> pt.SLIT(l2=1).fit(days).recommend(history=["tea"], n=1).ids
    ('jam',)
    """

    recency: float = param(
        default=0.5,
        low=0.01,
        high=0.999,
        search=(0.2, 0.8),
        help="what a like counts for each that came after it",
    )
    slow: float | None = param(
        default=0.95,
        dtype=float,
        low=0.01,
        high=0.999,
        search=(0.85, 0.99),
        none="one trace alone",
        help="the same in the second trace, which forgets slowly",
    )
    horizon: int = param(
        default=3, low=1, high=1000, search=(1, 10), help="next likes that are learned together"
    )
    decay: float = param(
        default=0.4, low=0.01, high=1, search=(0.1, 0.9), help="what each like between takes off"
    )
    l2: float = param(
        default=300.0, low=1e-3, search=(1.0, 10_000.0), log=True, help="damping of the weights"
    )
    keep: int | None = param(
        default=None,
        dtype=int,
        low=1,
        none="all",
        search=(50, 1000),
        log=True,
        help="largest weights kept to each item",
    )

    def _learn(self, h: Histories, job: Job) -> Body:
        job.step(0, 3)
        liked = encoded(job.events.where(job.events.values > 0), "equal")
        gram = self._gram(liked)
        job.step(1, 3)
        inverse = inverted(gram, np.full(len(gram), self.l2)).astype(np.float32, copy=False)
        job.step(2, 3)
        weights = np.ascontiguousarray(kernels.product(self._following(liked), inverse).T)
        job.step(3, 3)
        bounds = pairwise(range(0, len(weights) + 1, h.n_items))
        bodies = [
            self._member(weights[slice(*bound)], decay)
            for bound, decay in zip(bounds, self._speeds, strict=True)
        ]
        if len(bodies) == 1:
            return bodies[0]
        return Mixture(
            n_items=h.n_items, members=tuple(bodies), weights=(1.0,) * len(bodies), by="sum"
        )

    @property
    def _speeds(self) -> list[float]:
        return [self.recency] if self.slow is None else [self.recency, self.slow]

    def _member(self, weights: Float32, decay: float) -> ItemWeights:
        return ItemWeights(
            weights=weights if self.keep is None else largest(weights, self.keep),
            recency=Recency(decay, window=_length(decay)),
            directed=True,
        )

    def _gram(self, liked: Histories) -> Float32:
        """PᵀP, float32 ``[k n_items, k n_items]`` for k traces.

        Of traces a and b, likes p < q of one history add ``a^(q − p) Σ_t (ab)^t`` over the likes t
        places after q. If histories had no end that were ``a^(q − p) / (1 − ab)``; what the
        traces left at the end would have added is taken off.
        """
        n, speeds = liked.n_items, self._speeds
        gram = -kernels.co_counts(self._left(liked), n * len(speeds))
        before = [_dense(liked, np.power(a, np.arange(1, _length(a)))) for a in speeds]
        for i, a in enumerate(speeds):
            for j, b in enumerate(speeds):
                block = gram[i * n : (i + 1) * n, j * n : (j + 1) * n]
                block += before[i]
                block += before[j].T
                block[np.diag_indices(n)] += liked.item_counts()
                block /= 1 - a * b
        return gram

    def _left(self, liked: Histories) -> Rows:
        """The traces at the end of each history side by side, ``[B, k n_items]``."""
        wide, places, values = liked.n_items * len(self._speeds), [], []
        for i, decay in enumerate(self._speeds):
            x = Recency(decay, window=_length(decay)).fade(liked)
            places.append(x.owners.astype(np.int64) * wide + i * liked.n_items + x.items)
            values.append(x.values)
        cells, where = np.unique(np.concatenate(places), return_inverse=True)
        sums = np.bincount(where, np.concatenate(values), len(cells))
        indptr = np.searchsorted(cells, np.arange(len(liked) + 1) * wide).astype(np.int64)
        return Rows(indptr, (cells % wide).astype(np.int32), sums.astype(np.float32))

    def _following(self, liked: Histories) -> Float32:
        """``(PᵀT)ᵀ``, float32 ``[n_items, k n_items]``.

        A like adds ``Σ_j decay^j a^(g − 1 − j)`` to another g places before, j < horizon.
        """
        future, blocks = np.power(self.decay, np.arange(self.horizon)), []
        for a in self._speeds:
            past = np.power(a, np.arange(_length(a)))
            blocks.append(_dense(liked, np.convolve(past, future)).T)
        return np.ascontiguousarray(np.hstack(blocks))

    def _memory(self, h: Histories, job: Job) -> tuple[float, str]:
        wide = float(h.n_items) * len(self._speeds)
        return 16.0 * wide**2, "Choose NextItem for a catalogue this large, or slow=None"


def _length(decay: float) -> int:
    """How many likes a trace remembers."""
    return 1 + int(np.ceil(np.log(_FORGOTTEN) / np.log(decay)))


def _dense(liked: Histories, weights: npt.NDArray[np.float64]) -> Float32:
    """`kernels.follow_counts` as a square."""
    counts = kernels.follow_counts(liked.rows(), liked.n_items, felt(weights))
    square = np.zeros((liked.n_items, liked.n_items), np.float32)
    owners = np.repeat(np.arange(liked.n_items), np.diff(counts.indptr))
    square[owners, counts.indices] = counts.values
    return square
