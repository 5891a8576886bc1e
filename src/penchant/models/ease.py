"""EASE: every item regressed on all others, in closed form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Float32, Histories
from penchant.kernels import Rows
from penchant.models.bodies import Body, ItemWeights
from penchant.models.bodies.body import encoded
from penchant.models.closed_form import inverted
from penchant.models.fading import Fading
from penchant.models.job import Job
from penchant.models.params import param
from penchant.models.sittings import sittings


class EASE(Fading):
    """Embarrassingly shallow autoencoder (Steck, WWW 2019).

    ``min_B |X − XB|² + Σ_j l2_j |B_j|²`` with a zero diagonal: ``P = (XᵀX + diag l2)⁻¹``,
    ``B_ji = −P_ji / P_ii`` (equations 6 and 8), ``s(x, i) = Σ_j x_j B_ji``. With ``dropout`` p,
    ``l2_j = l2 + p/(1 − p) · (XᵀX)_jj``: the denoising autoencoder in closed form (Steck,
    *Autoencoders that don't overfit towards the identity*, NeurIPS 2020). Time and memory grow
    with the cube and the square of the catalogue. The inverse is float32, or float64 where the
    conditioning asks for it.

    ``balance`` and ``window`` change what XᵀX sums: ``Σ_u w_u Σ_ab κ_ab x_a x_b`` over pairs of
    events of one person, with ``w_u ∝ n_u^−balance``, and κ between ``1 − nearness`` and 1, larger
    the closer a and b follow each other (see `penchant.models.sittings`). Lists are still made from
    whole histories. ``beta`` multiplies ``B_ji`` by ``(n_i / n̄)^−beta``, with n the numbers of
    likes: the squared loss leans to what many met. All three are off by default.

    >>> import penchant as pt
    >>> model = pt.EASE(l2=10).fit(pt.datasets.load("interests"))
    >>> [item for item, _ in model.recommend(history=["Hadoop", "HBase"], n=2)]
    ['Java', 'Big Data']
    """

    l2: float = param(
        default=400.0, low=1e-3, search=(1.0, 10_000.0), log=True, help="damping of the weights"
    )
    dropout: float = param(
        default=0.0, low=0, high=0.95, search=(0, 0.8), help="share of likes imagined away"
    )
    keep: int | None = param(
        default=None,
        dtype=int,
        low=1,
        none="all",
        help="largest weights kept to each item",
    )
    window: int | None = param(
        default=None,
        dtype=int,
        low=2,
        none="whole histories only",
        search=(10, 200),
        log=True,
        help="events in a row that count as a history of their own too",
    )
    nearness: float = param(
        default=0.5, low=0, high=1, search=(0.2, 0.8), help="share of a person that windows carry"
    )
    balance: float = param(
        default=0.0, low=0, high=2, search=(0, 1), help="0: likes count alike; 1: people do"
    )
    beta: float = param(
        default=0.0, low=0, high=2, search=(0, 0.4), help="how strongly popular items are held back"
    )
    value_weight: str = param(
        default="equal",
        choices=("equal", "linear", "log"),
        help="what the value of a like counts as",
    )

    def _learn(self, h: Histories, job: Job) -> Body:
        job.step(0, 3)
        gram = kernels.co_counts(self._rows(h), h.n_items)
        job.step(1, 3)
        diagonal = np.diag(gram).astype(np.float64)
        damping = self.l2 + self.dropout / (1 - self.dropout) * diagonal
        inverse = inverted(gram, damping)
        job.step(2, 3)
        inverse /= -np.diag(inverse).copy()
        np.fill_diagonal(inverse, 0)
        if self.beta:
            inverse *= _held_back(h, self.beta).astype(inverse.dtype)
        weights = inverse.astype(np.float32, copy=False)
        job.step(3, 3)
        return ItemWeights(
            weights=weights if self.keep is None else largest(weights, self.keep),
            weighting=self.value_weight,
            recency=self._fading(),
        )

    def _rows(self, h: Histories) -> Rows:
        """X, each row times the root of its weight."""
        x = encoded(h, self.value_weight)
        if self.window is None and not self.balance:
            return x.rows()
        x, weights = sittings(x, self.window, self.nearness, self.balance)
        return x.with_values(x.values * np.sqrt(weights)[x.owners]).rows()

    def _memory(self, h: Histories, job: Job) -> tuple[float, str]:
        square = float(h.n_items) ** 2
        events = 0 if self.window is None else 40.0 * len(h.items)
        return (
            12.0 * square + events,
            "Choose SLIM, ItemKNN or ImplicitALS for a catalogue this large",
        )


def _held_back(h: Histories, beta: float) -> npt.NDArray[np.float64]:
    """``(n_i / n̄)^−beta`` of each item."""
    liked = np.maximum(np.bincount(h.items[h.values > 0], minlength=h.n_items), 1)
    return np.asarray((liked / liked.mean()) ** -beta)


def largest(weights: Float32, keep: int) -> Rows:
    """The ``keep`` weights of largest size to each item, as sparse rows by source item.

    >>> largest(np.array([[0, 1], [-2, 0], [1, 3]], np.float32), 1).indices.tolist()
    [0, 1]
    """
    sizes = np.ascontiguousarray(np.abs(weights).T)
    best, _ = kernels.select(sizes, min(keep, len(weights)), known=sizes > 0)
    held = best >= 0
    by_target = Rows(
        np.concatenate([[0], np.cumsum(held.sum(axis=1))]).astype(np.int64),
        best[held],
        weights[best[held], np.nonzero(held)[0]],
    )
    return by_target.transpose(len(weights))
