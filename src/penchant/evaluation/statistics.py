"""How sure a difference is: paired bootstrap over people, and Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

RESAMPLES = 10_000
_WORK = 200_000_000  # people drawn in all, beyond which fewer resamples must do
_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class Measure:
    """A figure that is a mean over people: ``Σ totals / Σ weights``, or its square root.

    Attributes:
        totals: float64 ``[P]``: a person's metric, or the sum of their squared errors.
        weights: float64 ``[P]``: 1, or how many ratings of theirs were held out.
        root: whether the figure is the square root (RMSE).

    """

    totals: Float64
    weights: Float64
    root: bool = False

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Measure:
        """The mean of one value per person."""
        totals = np.asarray(values, np.float64)
        return cls(totals, np.ones_like(totals))

    @property
    def value(self) -> float:
        """The figure.

        >>> Measure(np.array([8.0, 0.0]), np.array([1.0, 1.0]), root=True).value
        2.0
        """
        return float(self.from_sums(self.totals.sum(), self.weights.sum()))

    @property
    def error(self) -> float:
        """The standard error of the figure over people, by linearisation.

        >>> round(Measure.of([0.0, 1.0, 1.0, 0.0]).error, 4)
        0.2887
        """
        n, weight = len(self.totals), self.weights.sum()
        if n < 2:
            return float("nan")
        rest = self.totals - self.weights * (self.totals.sum() / weight)
        error = np.sqrt(n / (n - 1) * np.square(rest).sum()) / weight
        return float(error / (2 * max(self.value, 1e-300)) if self.root else error)

    def from_sums(self, totals: npt.ArrayLike, weights: npt.ArrayLike) -> Float64:
        """The figure of summed totals and weights."""
        mean = np.asarray(totals, np.float64) / np.asarray(weights, np.float64)
        return np.asarray(np.sqrt(mean) if self.root else mean)

    def where(self, keep: npt.NDArray[np.bool_]) -> Measure:
        """The same figure of some people."""
        return Measure(self.totals[keep], self.weights[keep], self.root)


@dataclass(frozen=True)
class Difference:
    """How much one figure exceeds another, over the same people.

    Attributes:
        value: the difference.
        low: lower end of the interval.
        high: upper end.
        p: two-sided, of no difference; Holm-corrected where several were asked at once.

    """

    value: float
    low: float
    high: float
    p: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0 and the corrected p is below 5 %."""
        return (self.low > 0 or self.high < 0) and self.p < 0.05

    def __str__(self) -> str:
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def differences(
    measures: Sequence[Measure], base: Measure, *, seed: int = 0, resamples: int = RESAMPLES
) -> list[Difference]:
    """Each figure less a base, by one paired bootstrap of the people, 95 % intervals.

    People are drawn with replacement, the same for all figures (Efron and Tibshirani 1993, section
    16.4); p is twice the smaller share of resamples on one side of 0, corrected by `holm`.

    Of one person alone nothing can be said: the interval is NaN and p 1.

    Args:
        measures: over the same people as ``base``.
        base: what is subtracted.
        seed: of the draws.
        resamples: how many; of very many people fewer are drawn.

    >>> a, b = Measure.of(np.arange(50) / 50), Measure.of(np.arange(50) / 50 - 0.1)
    >>> [difference] = differences([a], b)
    >>> round(difference.value, 3), difference.clear
    (0.1, True)
    """
    drawn = resampled([base, *measures], seed, resamples)
    return judged([one.value - base.value for one in measures], drawn[:, 1:] - drawn[:, :1])


def judged(values: Sequence[float], gaps: Float64) -> list[Difference]:
    """Differences with what resamples ``[resamples, len(values)]`` say of them."""
    if not len(gaps):
        nan = float("nan")
        return [Difference(value, nan, nan, 1.0) for value in values]
    lows, highs = np.quantile(gaps, [0.025, 0.975], axis=0)
    n = len(gaps)
    above = (np.count_nonzero(gaps >= 0, axis=0) + 1) / (n + 1)
    below = (np.count_nonzero(gaps <= 0, axis=0) + 1) / (n + 1)
    ps = holm(np.minimum(2 * np.minimum(above, below), 1))
    return [
        Difference(float(value), float(low), float(high), float(p))
        for value, low, high, p in zip(values, lows, highs, ps, strict=True)
    ]


def finite(value: Any) -> Any:
    """Plain values with None where a number is not finite, for JSON knows no NaN.

    >>> finite({"error": float("nan"), "people": [1]})
    {'error': None, 'people': [1]}
    """
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def holm(ps: npt.ArrayLike) -> Float64:
    """Holm's step-down correction of several p values (Holm 1979), in their order.

    >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(ps, np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = np.empty_like(p)
    found[order] = np.minimum(corrected, 1)
    return found


def resampled(measures: Sequence[Measure], seed: int = 0, resamples: int = RESAMPLES) -> Float64:
    """The figures in resamples of the people, float64 ``[resamples, len(measures)]``.

    Of one person alone there are none.
    """
    people = len(measures[0].totals)
    if people < 2:
        return np.empty((0, len(measures)))
    rng = np.random.default_rng(seed)
    resamples = max(1_000, min(resamples, _WORK // max(people, 1)))
    totals = np.stack([one.totals for one in measures], axis=1)
    alike = all(np.array_equal(one.weights, measures[0].weights) for one in measures)
    weights = np.stack([one.weights for one in measures[: 1 if alike else None]], axis=1)
    found = []
    size = max(1, _AT_ONCE // max(people, 1))
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        drawn = rng.integers(0, people, (rows, people)) + people * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * people).reshape(rows, people)
        sums, sizes = (  # no BLAS: the same bytes on any number of threads
            np.einsum("rp,pm->rm", counts.astype(np.float64), part, optimize=False)
            for part in (totals, weights)
        )
        sizes = np.broadcast_to(sizes, sums.shape)
        found.append(
            np.stack([one.from_sums(sums[:, m], sizes[:, m]) for m, one in enumerate(measures)], 1)
        )
    return np.concatenate(found)
