"""A body of posterior draws of the item side: a person is folded in under each, and averaged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Bool, Float32, Histories, Int32, Int64
from penchant.explain import Cause
from penchant.kernels import Rows
from penchant.models.bodies.body import Body, Part, Ranked, nearest_vectors
from penchant.models.bodies.folded import Folded, pieces, spans

Float64 = npt.NDArray[np.float64]
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
        strange: float32 ``[D, d + 1]``, the variances of these.
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
    strange: Float32 = field(repr=False)
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
        moments = _moments(h, people, at)
        out = np.empty(len(items))
        for span in spans(h, self._width):
            inside = np.flatnonzero((people >= span.start) & (people < span.stop))
            if not len(inside):
                continue
            folded = Folded.of(self, h.take(span))
            for some in pieces(inside, self._width):
                when = None if moments is None else moments[some]
                out[some] = folded.scores(people[some] - span.start, items[some], when).mean(axis=1)
        return out

    def newcomer(self, h: Histories) -> Float64:
        """What an item of which nothing is known would get."""
        return self.pairs(h, np.arange(len(h), dtype=np.int32), np.full(len(h), -1, np.int32))

    def intervals(
        self, h: Histories, people: Int32, items: Int32, at: Int64 | None, level: float
    ) -> Float64:
        """See `Body.intervals`: of the normal with the draws' joint mean and variance."""
        moments = _moments(h, people, at)
        reach = NormalDist().inv_cdf(0.5 + level / 2)
        out = np.empty((len(items), 3))
        for n, (who, item) in enumerate(zip(people.tolist(), items.tolist(), strict=True)):
            when = None if moments is None else moments[n : n + 1]
            mean, variance = Folded.of(self, h.take([who])).spread(item, when)
            half = reach * variance**0.5
            out[n] = mean, mean - half, mean + half
        return out

    def parts(self, h: Histories, item: int, by: Cause) -> list[Part]:
        """Of each past item, its rating's weight in the conditional expectation and its part of the
        bag; the baseline is what is left of an item without a history.
        """
        self.require_cause(by, "item")
        folded = Folded.of(self, h)
        amounts = folded.shares(item)
        whole = folded.scores(np.zeros(1, np.int32), np.array([item], np.int32), h.at).mean()
        past = zip(h.items.tolist(), amounts.tolist(), strict=True)
        return [
            Part("baseline", float(whole - amounts.sum())),
            *(Part("item", amount, j) for j, amount in past),
        ]

    def similar(self, item: int, n: int) -> Ranked:
        """The items whose vectors point the same way in most draws."""
        return nearest_vectors(self.map_vectors(), item, n)

    def map_vectors(self) -> Float32:
        """The vectors of all draws side by side, in units of what people differ by."""
        wide = self.vectors / np.sqrt(self.ridge[:, :-1])
        return np.ascontiguousarray(wide.reshape(len(wide), -1), dtype=np.float32)

    def tastes(self, h: Histories) -> Rows:
        """The vectors of all draws side by side, without the bias."""
        taste = np.ascontiguousarray(self._queries(h)[:, :-1])
        n, width = taste.shape
        columns = np.tile(np.arange(width, dtype=np.int32), n)
        return Rows(np.arange(n + 1, dtype=np.int64) * width, columns, taste.ravel())

    def item(self, items: Int32) -> tuple[Float32, Float32]:
        """Of items, -1 for one nobody knows: v float32 ``[n, D, d]``, b float32 ``[n, D]``."""
        new = (items < 0)[:, None]
        known = np.maximum(items, 0)
        v = np.where(new[:, :, None], self.stranger[:, :-1], self.vectors[known])
        return v, np.where(new, self.stranger[:, -1], self.bias[known])

    @cached_property
    def asked(self) -> Int64:
        """The draws that are asked how sure a person is."""
        return np.unique(np.arange(_ASKED) * len(self.tau) // _ASKED)

    @cached_property
    def few(self) -> Draws:
        """Those draws alone."""
        some = self.asked
        return replace(
            self,
            vectors=np.ascontiguousarray(self.vectors[:, some]),
            noise=np.ascontiguousarray(self.noise[:, some]),
            ridge=self.ridge[some],
            tau=self.tau[some],
            nu=self.nu[some],
            drift=None if self.drift is None else self.drift[some],
        )

    @property
    def _width(self) -> int:
        """Numbers that are made per entry or pair."""
        return self.prior.size

    def _queries(self, h: Histories) -> Float32:
        """What item panels are multiplied by, float32 ``[B, D d + 1]``."""
        out = np.empty((len(h), self.vectors[0].size + 1), np.float32)
        for span in spans(h, self._width):
            folded = Folded.of(self, h.take(span))
            x = folded.x / np.float32(len(self.tau))
            out[span, :-1] = x[:, :, :-1].reshape(len(x), -1)
            drifted = folded.drifted(np.arange(len(x), dtype=np.int32), folded.h.at)
            out[span, -1] = x[:, :, -1].sum(axis=1) + drifted.mean(axis=1)
        return out

    @cached_property
    def _panels(self) -> kernels.Panels:
        wide = self.vectors.reshape(len(self.vectors), -1)
        ones = np.ones((len(wide), 1), np.float32)
        return kernels.Panels(np.hstack([wide, ones]), self.bias.mean(axis=1))


def _moments(h: Histories, people: Int32, at: Int64 | None) -> Int64 | None:
    """The moment of each pair: its own, or its person's."""
    return h.at[people] if at is None and h.at is not None else at
