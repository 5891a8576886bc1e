"""A body of posterior draws of the item side: a person is folded in under each, and averaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import NO_TIME, Bool, Float32, Histories, Int32, Int64
from penchant.explain import Cause
from penchant.kernels import Fold, Rows
from penchant.models.bodies.body import Body, Part, Ranked, nearest_vectors

Float64 = npt.NDArray[np.float64]
_ROOM = 8_000_000  # numbers that are made for many entries at once
_ALPHAS = np.geomspace(0.25, 3.5, 8)  # how sure of their ratings people may be
_ASKED = 4  # draws that say how sure a person is


@dataclass(frozen=True, eq=False, kw_only=True)
class Draws(Body):
    """The mean over D draws of ``b_i + x · [v_i, 1] + drift(at)``.

    Under each draw a person is ``x ~ N(m, 1/ridge)`` a priori, m known from the bag of their items
    and from facts. Their ratings have noise of precision ``τ α β_i`` around the score, and a drift
    in time. Each draw answers with its conditional expectation given the history (Rao and
    Blackwell); α is averaged by its evidence.

    Attributes:
        vectors: float32 ``[n_items, D, d]``, v.
        bias: float32 ``[n_items, D]``, in stars.
        noise: float32 ``[n_items, D]``, β.
        prior: float32 ``[D, d + 1]``, m of everybody; the last column is the person's bias.
        ridge: float32 ``[D, d + 1]``.
        tau: float64 ``[D]``.
        nu: float64 ``[D]``, ``α ~ Gamma(ν/2, ν/2)``.
        stranger: float32 ``[D, d + 1]``, v and bias of an item nobody knows.
        drift: float64 ``[D, 2]``, variance, and length in microseconds; None for no drift.
        bag: float32 ``[n_items, D (d + 1)]``, what an item met adds to m; None for nothing.
        facts: float32 ``[n_features, D (d + 1)]``, what a feature adds to m; None for nothing.

    """

    name = "draws"
    vectors: Float32 = field(repr=False)
    bias: Float32 = field(repr=False)
    noise: Float32 = field(repr=False)
    prior: Float32 = field(repr=False)
    ridge: Float32 = field(repr=False)
    tau: Float64 = field(repr=False)
    nu: Float64 = field(repr=False)
    stranger: Float32 = field(repr=False)
    drift: Float64 | None = field(repr=False, default=None)
    bag: Float32 | None = field(repr=False, default=None)
    facts: Float32 | None = field(repr=False, default=None)

    def score(self, h: Histories) -> tuple[Float32, Bool | None]:
        """See `Body.score`; every item has evidence."""
        return kernels.product(self._queries(h), self._panels), None

    def best(self, h: Histories, n: int, exclude: Rows, allowed: Bool | None) -> Ranked:
        """See `Body.best`; scores are ranked as they are made, never all kept."""
        return kernels.top_k(self._queries(h), self._panels, n, exclude=exclude, allowed=allowed)

    def pairs(self, h: Histories, people: Int32, items: Int32, at: Int64 | None = None) -> Float64:
        """See `Body.pairs`; only the pairs asked for are computed."""
        moments = h.at[people] if at is None and h.at is not None else at
        out = np.empty(len(items))
        for span in _spans(h, self.vectors[0].size):
            inside = np.flatnonzero((people >= span.start) & (people < span.stop))
            if not len(inside):
                continue
            person = _Person.of(self, h.take(span))
            for some in _pieces(inside, self.vectors[0].size):
                when = None if moments is None else moments[some]
                out[some] = person.scores(people[some] - span.start, items[some], when).mean(axis=1)
        return out

    def newcomer(self, h: Histories) -> Float64:
        """What an item of which nothing is known would get."""
        people = np.arange(len(h), dtype=np.int32)
        return self.pairs(h, people, np.full(len(h), -1, np.int32))

    def intervals(
        self, h: Histories, people: Int32, items: Int32, at: Int64 | None, level: float
    ) -> Float64:
        """See `Body.intervals`: quantiles of the normal with the mixture's mean and variance."""
        moments = h.at[people] if at is None and h.at is not None else at
        out = np.empty((len(items), 3))
        reach = NormalDist().inv_cdf(0.5 + level / 2)
        for n, (who, item) in enumerate(zip(people.tolist(), items.tolist(), strict=True)):
            when = None if moments is None else moments[n : n + 1]
            mean, variance = _Person.of(self, h.take([who])).spread(item, when)
            half = reach * np.sqrt(variance)
            out[n] = mean, mean - half, mean + half
        return out

    def parts(self, h: Histories, item: int, by: Cause) -> list[Part]:
        """``κ_j t_j`` per past item j, κ the weights of its conditional expectation, plus its share
        in the bag; and the baseline: what is expected of this item without a history.
        """
        self.require_cause(by, "item")
        person = _Person.of(self, h)
        amounts = person.shares(item)
        base = (
            person.scores(np.zeros(1, np.int32), np.array([item]), h.at)[0].mean() - amounts.sum()
        )
        past = zip(h.items.tolist(), amounts.tolist(), strict=True)
        return [Part("baseline", float(base)), *(Part("item", a, j) for j, a in past)]

    def similar(self, item: int, n: int) -> Ranked:
        """The items whose vectors point the same way in most draws."""
        return nearest_vectors(self.map_vectors(), item, n)

    def map_vectors(self) -> Float32:
        """The vectors of all draws side by side, in units of what people differ by."""
        wide = self.vectors / np.sqrt(self.ridge[:, :-1])
        return np.ascontiguousarray(wide.reshape(len(wide), -1), dtype=np.float32)

    def tastes(self, h: Histories) -> Rows:
        """The vectors of all draws side by side, without the bias."""
        taste = self._queries(h)[:, :-1]
        n, width = taste.shape
        columns = np.tile(np.arange(width, dtype=np.int32), n)
        return Rows(np.arange(n + 1, dtype=np.int64) * width, columns, taste.ravel())

    def known(self, h: Histories) -> Float32:
        """m of each person, float32 ``[B, D, d + 1]``: prior, bag and facts."""
        shape = (len(h), *self.prior.shape)
        known = np.broadcast_to(self.prior, shape).copy()
        if self.bag is not None:
            known += kernels.spread(in_bag(h), self.bag, self.bag.shape[1]).reshape(shape)
        if self.facts is not None and h.facts is not None:
            known += kernels.spread(h.facts, self.facts, self.facts.shape[1]).reshape(shape)
        return known

    def fold(self, h: Histories, targets: Float32, alpha: Float32, draws: Int64 | None) -> Fold:
        """The ridge regressions of some histories on targets ``[nnz, D]``; None for all draws."""
        model = self if draws is None else self._few
        return kernels.fold_draws(
            Rows(h.indptr, h.items),
            targets if draws is None else np.ascontiguousarray(targets[:, draws]),
            model.vectors,
            model.ridge,
            noise=model.noise,
            tau=model.tau,
            alpha=alpha,
            drift=model.drift,
            gaps=None if model.drift is None else gaps(h),
        )

    def sureness(self, h: Histories, targets: Float32) -> Float32:
        """α of each person, float32 ``[B]``: its mean under a few draws, over a grid."""
        draws = self._asked
        nu, logs = self.nu[draws], []
        for alpha in _ALPHAS:
            every = np.full(len(h), alpha, np.float32)
            prior = 0.5 * nu * (np.log(alpha) - alpha)
            logs.append(self.fold(h, targets, every, draws).evidence + prior)
        weight = np.exp(np.array(logs) - np.max(logs, axis=0))
        mean = np.einsum("a,abd->bd", _ALPHAS, weight) / weight.sum(axis=0)
        return np.asarray(mean.mean(axis=1), dtype=np.float32)

    @cached_property
    def _asked(self) -> Int64:
        return np.unique(np.arange(_ASKED) * len(self.tau) // _ASKED)

    @cached_property
    def _few(self) -> Draws:
        """The draws that are asked how sure a person is."""
        some = self._asked
        return replace(
            self,
            vectors=np.ascontiguousarray(self.vectors[:, some]),
            noise=np.ascontiguousarray(self.noise[:, some]),
            ridge=self.ridge[some],
            tau=self.tau[some],
            drift=None if self.drift is None else self.drift[some],
        )

    def _queries(self, h: Histories) -> Float32:
        """What item panels are multiplied by, float32 ``[B, D d + 1]``."""
        out = np.empty((len(h), self.vectors[0].size + 1), np.float32)
        for span in _spans(h, self.vectors[0].size):
            person = _Person.of(self, h.take(span))
            x = person.x / np.float32(len(self.tau))
            out[span, :-1] = x[:, :, :-1].reshape(len(x), -1)
            out[span, -1] = x[:, :, -1].sum(axis=1)
            everyone = np.arange(len(x), dtype=np.int32)
            out[span, -1] += person.drifted(everyone, person.h.at).mean(axis=1)
        return out

    @cached_property
    def _panels(self) -> kernels.Panels:
        wide = self.vectors.reshape(len(self.vectors), -1)
        ones = np.ones((len(wide), 1), np.float32)
        return kernels.Panels(np.hstack([wide, ones]), self.bias.mean(axis=1))


@dataclass(frozen=True, eq=False)
class _Person:
    """Some people folded in.

    Attributes:
        body: the draws.
        h: their histories.
        known: m, float32 ``[B, D, d + 1]``.
        targets: stars less what m makes expected, float32 ``[nnz, D]``.
        alpha: how sure they are, float32 ``[B]``.
        duals: float32 ``[nnz, D]``, see `penchant.kernels.fold_draws`.
        x: float32 ``[B, D, d + 1]``.

    """

    body: Draws
    h: Histories
    known: Float32
    targets: Float32
    alpha: Float32
    duals: Float32
    x: Float32

    @classmethod
    def of(cls, body: Draws, h: Histories) -> _Person:
        known = body.known(h)
        expected = known[h.owners]
        targets = h.values[:, None] - body.bias[h.items] - expected[:, :, -1]
        targets -= np.einsum("edk,edk->ed", body.vectors[h.items], expected[:, :, :-1])
        alpha = body.sureness(h, targets)
        fold = body.fold(h, targets, alpha, None)
        return cls(body, h, known, targets, alpha, fold.duals, known + fold.taste)

    def scores(self, who: Int32, items: Int32, at: Int64 | None) -> Float64:
        """Of pairs of a person and an item under each draw, float64 ``[n, D]``."""
        v, bias = self._item(items)
        x = self.x[who]
        score = np.einsum("ndk,ndk->nd", v, x[:, :, :-1]) + bias + x[:, :, -1]
        return np.asarray(score.astype(np.float64) + self.drifted(who, at))

    def drifted(self, who: Int32, at: Int64 | None) -> Float64:
        """The drift of people at moments under each draw, float64 ``[n, D]``; at an unknown moment
        it is the mean of their history's.
        """
        out = self._usual[who]
        if at is None or self.body.drift is None or self.h.times is None:
            return out
        for person in np.unique(who[at != NO_TIME]):
            mine = np.flatnonzero((who == person) & (at != NO_TIME))
            entries = slice(*self.h.indptr[person : person + 2])
            for some in _pieces(mine, max(1, self.duals[entries].size)):
                likeness = self._likeness(at[some], self.h.times[entries])
                out[some] = np.einsum("med,ed->md", likeness, self.duals[entries])
        return out

    @cached_property
    def _usual(self) -> Float64:
        """The mean drift of each history, float64 ``[B, D]``."""
        out = np.zeros((len(self.h), len(self.body.tau)))
        if self.body.drift is not None and len(self.h.items):
            full = self.h.counts > 0
            amounts = (self._usually * self.duals).astype(np.float64)
            out[full] = np.add.reduceat(amounts, self.h.indptr[:-1][full])
        return out

    @cached_property
    def _usually(self) -> Float32:
        """The covariance of each entry's drift with the mean of its history's, ``[nnz, D]``."""
        assert self.body.drift is not None
        rows = Rows(self.h.indptr, self.h.items)
        return kernels.drift_likeness(rows, gaps(self.h), self.body.drift)

    def shares(self, item: int) -> Float64:
        """What each entry of the one person's history adds to a score, float64 ``[nnz]``."""
        kappa = self._weights(item, self.h.at)[0]
        shares = np.einsum("ed,ed->e", kappa, self.targets, dtype=np.float64) / len(self.body.tau)
        if self.body.bag is not None and len(self.h.items):
            v = self._item(np.array([item]))[0][0]
            bag = self.body.bag[self.h.items].reshape(-1, *self.body.prior.shape)
            added = np.einsum("edk,dk->ed", bag[:, :, :-1], v) + bag[:, :, -1]
            shares += added.mean(axis=1) * np.asarray(in_bag(self.h).values)
        return shares

    def spread(self, item: int, at: Int64 | None) -> tuple[float, float]:
        """Mean and variance of the one person's rating of an item."""
        who, asked = np.zeros(1, np.int32), np.array([item])
        means = self.scores(who, asked, at)[0]
        kappa, like, alone = self._weights(item, at)
        inner = alone - np.einsum("ed,ed->d", kappa, like, dtype=np.float64)
        beta = 1.0 if item < 0 else self.body.noise[item].astype(np.float64)
        outer = 1 / (self.body.tau * float(self.alpha[0]) * beta)
        return float(means.mean()), float(np.mean(np.maximum(inner, 0) + outer) + means.var())

    def _weights(self, item: int, at: Int64 | None) -> tuple[Float32, Float32, Float64]:
        """κ: how a score depends on the targets of the history, ``[nnz, D]``; the covariances of
        the score with them, and its variance before, ``[D]``.
        """
        body, h = self.body, self.h
        v = self._item(np.array([item]))[0][0] / body.ridge[:, :-1]
        like = np.einsum("edk,dk->ed", body.vectors[h.items], v) + 1 / body.ridge[:, -1]
        whole = self._item(np.array([item]))[0][0]
        alone = np.einsum("dk,dk->d", whole, v, dtype=np.float64) + 1 / body.ridge[:, -1]
        if body.drift is not None:
            alone = alone + body.drift[:, 0]
            known = at is not None and at[0] != NO_TIME and h.times is not None
            like += self._likeness(at, h.times)[0] if known else self._usually
        return body.fold(h, like, self.alpha, None).duals, like, alone

    def _item(self, items: Int32) -> tuple[Float32, Float32]:
        """v and bias of items, ``[n, D, d]`` and ``[n, D]``."""
        new = (items < 0)[:, None]
        v, bias = self.body.vectors[np.maximum(items, 0)], self.body.bias[np.maximum(items, 0)]
        stranger = self.body.stranger
        return (
            np.where(new[:, :, None], stranger[:, :-1], v),
            np.where(new, stranger[:, -1], bias),
        )

    def _likeness(self, at: Int64, times: Int64) -> Float64:
        """The drift's covariance between moments, float64 ``[m, n, D]``; 0 with one unknown."""
        assert self.body.drift is not None
        apart = np.abs(at.astype(np.float64)[:, None] - times.astype(np.float64))
        apart[:, times == NO_TIME] = np.inf
        size, length = self.body.drift.T
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


def _spans(h: Histories, width: int) -> Iterator[slice]:
    """People who follow each other, so many that ``width`` numbers per entry have room."""
    start = 0
    while start < len(h):
        most = h.indptr[start] + max(1, _ROOM // width)
        stop = int(np.searchsorted(h.indptr, most, side="right")) - 1
        stop = max(start + 1, min(stop, start + max(1, _ROOM // width), len(h)))
        yield slice(start, stop)
        start = stop


def _pieces(places: Int64, width: int) -> Iterator[Int64]:
    """Places in pieces, so many that ``width`` numbers per place have room."""
    size = max(1, _ROOM // width)
    for start in range(0, len(places), size):
        yield places[start : start + size]
