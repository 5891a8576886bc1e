"""People folded into draws of the item side: what their histories say of them under each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import NO_TIME, Float32, Histories, Int32, Int64
from penchant.kernels import Fold, Rows

if TYPE_CHECKING:
    from penchant.models.bodies.draws import Draws

Float64 = npt.NDArray[np.float64]
_ROOM = 8_000_000  # numbers that are made for many entries at once
_ALPHAS = np.geomspace(0.25, 3.5, 8)  # how sure of their ratings people may be


@dataclass(frozen=True, eq=False)
class Folded:
    """Some people under D draws.

    Attributes:
        body: the draws.
        h: their histories.
        targets: ratings less what is expected without them, float32 ``[nnz, D]``.
        alpha: how sure each person is, float32 ``[B]``.
        duals: float32 ``[nnz, D]``, see `penchant.kernels.fold_draws`.
        x: a person's vector, the bias at the end, float32 ``[B, D, d + 1]``.

    """

    body: Draws
    h: Histories
    targets: Float32
    alpha: Float32
    duals: Float32
    x: Float32

    @classmethod
    def of(cls, body: Draws, h: Histories) -> Folded:
        """People by what is known of them, then by their ratings."""
        known = _known(body, h)
        expected = known[h.owners]
        targets = h.values[:, None] - body.bias[h.items] - expected[:, :, -1]
        targets -= np.einsum("edk,edk->ed", body.vectors[h.items], expected[:, :, :-1])
        alpha = _sureness(body.few, h, targets[:, body.asked])
        fold = _fold(body, h, targets, alpha)
        return cls(body, h, targets, alpha, fold.duals, known + fold.taste)

    def scores(self, who: Int32, items: Int32, at: Int64 | None) -> Float64:
        """Of pairs of a person and an item under each draw, float64 ``[n, D]``."""
        v, bias = self.body.item(items)
        x = self.x[who]
        score = np.einsum("ndk,ndk->nd", v, x[:, :, :-1]) + bias + x[:, :, -1]
        return np.asarray(score.astype(np.float64) + self.drifted(who, at))

    def drifted(self, who: Int32, at: Int64 | None) -> Float64:
        """The drift of people at moments under each draw, float64 ``[n, D]``; at an unknown moment
        the mean drift of their history.
        """
        out = self._usual[who]
        if at is None or self.body.drift is None or self.h.times is None:
            return out
        for person in np.unique(who[at != NO_TIME]):
            mine = np.flatnonzero((who == person) & (at != NO_TIME))
            entries = slice(*self.h.indptr[person : person + 2])
            for some in pieces(mine, max(1, self.duals[entries].size)):
                likeness = _likeness(self.body.drift, at[some], self.h.times[entries])
                out[some] = np.einsum("med,ed->md", likeness, self.duals[entries])
        return out

    def shares(self, item: int) -> Float64:
        """What each entry of the one person's history adds to a score, float64 ``[nnz]``: its
        target times its weight in the conditional expectation, and its part of the bag.
        """
        like, _ = self._covariances(item, self.h.at)
        weights = _fold(self.body, self.h, like, self.alpha).duals
        shares = np.einsum("ed,ed->e", weights, self.targets, dtype=np.float64)
        if self.body.bag is not None:
            v = self.body.item(np.array([item]))[0][0]
            bag = self.body.bag[self.h.items].reshape(-1, *self.body.prior.shape)
            added = (np.einsum("edk,dk->ed", bag[:, :, :-1], v) + bag[:, :, -1]).sum(axis=1)
            shares += added * np.asarray(in_bag(self.h).values)
        return np.asarray(shares / len(self.body.tau))

    def spread(self, item: int, at: Int64 | None) -> tuple[float, float]:
        """Mean and variance of the rating the one person would give an item."""
        means = self.scores(np.zeros(1, np.int32), np.array([item], np.int32), at)[0]
        like, alone = self._covariances(item, at)
        weights = _fold(self.body, self.h, like, self.alpha).duals
        left = alone - np.einsum("ed,ed->d", weights, like, dtype=np.float64)
        beta = 1.0 if item < 0 else self.body.noise[item].astype(np.float64)
        noise = 1 / (self.body.tau * float(self.alpha[0]) * beta)
        if item < 0:  # its own vector may be anything; of the person's, what was not known before
            x = self.x[0] ** 2 + 1 / self.body.ridge
            x[:, -1] = 1
            noise = noise + (x * self.body.strange).sum(axis=1)
        return float(means.mean()), float(np.mean(np.maximum(left, 0) + noise) + means.var())

    def _covariances(self, item: int, at: Int64 | None) -> tuple[Float32, Float64]:
        """Before any rating is seen: of an item's score with the scores of the one person's
        history, ``[nnz, D]``, and its variance, ``[D]``.
        """
        body, times = self.body, self.h.times
        v = body.item(np.array([item], np.int32))[0][0]
        scaled = v / body.ridge[:, :-1]
        like = np.einsum("edk,dk->ed", body.vectors[self.h.items], scaled) + 1 / body.ridge[:, -1]
        alone = np.einsum("dk,dk->d", v, scaled, dtype=np.float64) + 1 / body.ridge[:, -1]
        if body.drift is not None:
            alone = alone + body.drift[:, 0]
            if at is None or times is None or at[0] == NO_TIME:
                like += self._usually
            else:
                like += _likeness(body.drift, at, times)[0].astype(np.float32)
        return like, alone

    @cached_property
    def _usual(self) -> Float64:
        """The mean drift of each history, float64 ``[B, D]``."""
        out = np.zeros((len(self.h), len(self.body.tau)))
        if len(self.h.items):
            full = self.h.counts > 0
            amounts = (self._usually * self.duals).astype(np.float64)
            out[full] = np.add.reduceat(amounts, self.h.indptr[:-1][full])
        return out

    @cached_property
    def _usually(self) -> Float32:
        """The covariance of each entry's drift with the mean of its history's, ``[nnz, D]``."""
        if self.body.drift is None:
            return np.zeros_like(self.duals)
        rows = Rows(self.h.indptr, self.h.items)
        return kernels.drift_likeness(rows, gaps(self.h), self.body.drift)


def _known(body: Draws, h: Histories) -> Float32:
    """What is expected of people before their ratings, float32 ``[B, D, d + 1]``."""
    shape = (len(h), *body.prior.shape)
    known = np.broadcast_to(body.prior, shape).copy()
    if body.bag is not None:
        known += kernels.spread(in_bag(h), body.bag, body.bag.shape[1]).reshape(shape)
    if body.facts is not None and h.facts is not None:
        known += kernels.spread(h.facts, body.facts, body.facts.shape[1]).reshape(shape)
    return known


def _fold(body: Draws, h: Histories, targets: Float32, alpha: Float32) -> Fold:
    return kernels.fold_draws(
        Rows(h.indptr, h.items),
        targets,
        body.vectors,
        body.ridge,
        noise=body.noise,
        tau=body.tau,
        alpha=alpha,
        drift=body.drift,
        gaps=None if body.drift is None else gaps(h),
    )


def _sureness(body: Draws, h: Histories, targets: Float32) -> Float32:
    """α of each person, float32 ``[B]``: its mean over a grid, weighed by evidence and prior."""
    logs = []
    for alpha in _ALPHAS:
        fold = _fold(body, h, targets, np.full(len(h), alpha, np.float32))
        logs.append(fold.evidence + 0.5 * body.nu * (np.log(alpha) - alpha))
    weight = np.exp(np.array(logs) - np.max(logs, axis=0))
    mean = np.einsum("a,abd->bd", _ALPHAS, weight) / weight.sum(axis=0)
    return np.asarray(mean.mean(axis=1), dtype=np.float32)


def _likeness(drift: Float64, at: Int64, times: Int64) -> Float64:
    """A drift's covariance between moments, float64 ``[m, n, D]``; 0 with an unknown time."""
    apart = np.abs(at.astype(np.float64)[:, None] - times.astype(np.float64))
    apart[:, times == NO_TIME] = np.inf
    size, length = drift.T
    return np.asarray(size * np.exp(-apart[:, :, None] / length))


def in_bag(h: Histories) -> Rows:
    """Histories as bags, ``1/√n`` for each of n items."""
    weights = 1 / np.sqrt(np.maximum(h.counts, 1))
    return Rows(h.indptr, h.items, weights.astype(np.float32)[h.owners])


def gaps(h: Histories) -> Float64:
    """Microseconds since a person's last entry, float64 ``[nnz]``; infinite for the first, and
    where a moment is not known.
    """
    out = np.full(len(h.items), np.inf)
    if h.times is None or not len(out):
        return out
    known = h.times != NO_TIME
    follows = known[1:] & known[:-1]
    out[1:][follows] = np.maximum(np.diff(h.times)[follows], 0)
    out[h.indptr[:-1][h.counts > 0]] = np.inf
    return out


def spans(h: Histories, width: int) -> Iterator[slice]:
    """People who follow each other, so many that ``width`` numbers per entry have room."""
    room, start = max(1, _ROOM // width), 0
    while start < len(h):
        fit = int(np.searchsorted(h.indptr, h.indptr[start] + room, side="right")) - 1
        stop = max(start + 1, min(fit, start + room, len(h)))
        yield slice(start, stop)
        start = stop


def pieces(places: Int64, width: int) -> Iterator[Int64]:
    """Places in pieces, so many that ``width`` numbers per place have room."""
    size = max(1, _ROOM // width)
    for start in range(0, len(places), size):
        yield places[start : start + size]
