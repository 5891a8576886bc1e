"""One sweep of Gibbs sampling, a histories' fold and a drift, slow and plain, in float64.

The sweep draws the same random numbers in the same order as the kernel.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np

from penchant.kernels import GibbsChains, GibbsPlan
from tests.kernels.twins import dense

_MASK = (1 << 64) - 1


def drawn(seed: int, counter: int) -> int:
    """A number that depends on seed and counter alone (SplitMix64)."""
    x = (seed * 0x9E3779B97F4A7C15 + counter + 1) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


@dataclass
class Stream:
    """Random numbers one after the other."""

    key: int
    count: int = 0
    spare: list[float] = field(default_factory=list)

    def uniform(self) -> float:
        self.count += 1
        return ((drawn(self.key, self.count - 1) >> 11) + 0.5) * 2.0**-53

    def normal(self) -> float:
        if self.spare:
            return self.spare.pop()
        length = math.sqrt(-2 * math.log(self.uniform()))
        angle = 6.283185307179586 * self.uniform()
        self.spare.append(length * math.sin(angle))
        return length * math.cos(angle)

    def gamma(self, shape: float) -> float:
        d = shape - 1 / 3
        while True:
            x = self.normal()
            u, root = self.uniform(), 1 + x / math.sqrt(9 * d)
            v = root**3
            if root > 0 and math.log(u) < 0.5 * x * x + d - d * v + d * math.log(v):
                return d * v


class Sweep:
    """Chain 0 of some chains, after one sweep: the same names, in float64."""

    def __init__(self, plan: GibbsPlan, chains: GibbsChains, seed: int, sweep: int):
        self.plan, self.sweep = plan, sweep
        self.stream = Stream(drawn(drawn(seed, 0), sweep))
        for name in ("level", "weights", "means", "precisions", "drift", "noise"):
            setattr(self, name, getattr(chains, name)[0].astype(np.float64))
        r = plan.ratings
        self.n_users = r.n_rows
        self.user = np.repeat(np.arange(r.n_rows), np.diff(r.indptr))
        self.item = r.indices + self.n_users
        self.x = dense(plan.features, self.n_users + plan.n_items).T  # rows by features

    def f(self) -> np.ndarray:
        """The score of every rating, from the weights alone."""
        sums = self.weights @ self.x.T
        p, q = sums[0], sums[1:]
        pairs = (q[:, self.user] * q[:, self.item]).sum(axis=0)
        return self.level[0] + p[self.user] + p[self.item] + pairs + self.drift

    def errors(self) -> np.ndarray:
        return self.f() - self.plan.ratings.values

    @property
    def omega(self) -> np.ndarray:
        return self.noise[self.user] * self.noise[self.item]

    def run(self) -> Sweep:
        self.draw_noise(0, self.user)
        self.draw_noise(1, self.item)
        self.draw_level()
        if self.plan.gaps is not None:
            self.draw_drift()
        for k in range(len(self.weights)):
            for group in range(len(self.plan.side)):
                self.draw_group(group, k)
            for side in (0, 1):
                for group in np.flatnonzero(self.plan.side == side):
                    self.draw_weights(group, k)
        return self

    def draw_noise(self, side: int, rows: np.ndarray) -> None:
        first = side * self.n_users
        size = self.plan.n_items if side else self.n_users
        weighted, nu = self.omega * self.errors() ** 2, self.level[2 + side]
        logs = total = 0.0
        for row in range(first, first + size):
            mine = rows == row
            below = nu + self.level[1] * weighted[mine].sum() / self.noise[row]
            self.noise[row] = 2 * self.stream.gamma(0.5 * (nu + mine.sum())) / below
            logs += math.log(self.noise[row])
            total += self.noise[row]

        def density(v: float) -> float:
            each = 0.5 * v * math.log(0.5 * v) - math.lgamma(0.5 * v)
            return size * each + 0.5 * v * (logs - total) + math.log(v) - 0.05 * v

        proposed = nu * math.exp(self.stream.normal() * 2.4 / math.sqrt(0.5 * size + 1))
        if math.log(self.stream.uniform()) < density(proposed) - density(nu) and proposed > 1:
            self.level[2 + side] = proposed

    def draw_level(self) -> None:
        e, omega = self.errors(), self.omega
        tau = self.stream.gamma(0.5 * (1 + len(e))) / (0.5 * (1 + (omega * e**2).sum()))
        certain = 1 + tau * omega.sum()
        mean = tau * (self.level[0] * omega.sum() - (omega * e).sum()) / certain
        self.level[0] = mean + self.stream.normal() / math.sqrt(certain)
        self.level[1] = tau

    def draw_drift(self) -> None:
        """Metropolis on size or length by the density of the residuals, then the path backwards."""
        which = self.sweep % 2
        proposed = self.level[4:6].copy()
        proposed[which] *= math.exp(self.level[6 + which] * self.stream.normal())
        gain = self.drift_density(*proposed) - self.drift_density(*self.level[4:6])
        if math.log(self.stream.uniform()) < gain:
            self.level[4:6] = proposed
        size, length = self.level[4:6]
        rest, sure = self.drift - self.errors(), self.level[1] * self.omega
        gaps = self.plan.gaps
        starts = [*np.flatnonzero(np.isinf(gaps)), len(gaps)]
        path = np.zeros(len(gaps))
        for begin, end in reversed(list(itertools.pairwise(starts))):
            for n in range(end - 1, begin - 1, -1):  # given what comes later and all ratings so far
                seen = slice(begin, n + 1)
                when = np.cumsum(np.where(np.isinf(gaps[begin:end]), 0, gaps[begin:end]))
                cov = size * np.exp(-np.abs(np.subtract.outer(when, when)) / length)
                some = cov[: n + 1 - begin, : n + 1 - begin]
                gain = np.linalg.solve(some + np.diag(1 / sure[seen]), some[:, -1])
                mean, variance = gain @ rest[seen], some[-1, -1] - gain @ some[:, -1]
                if n + 1 < end:
                    kept = math.exp(-gaps[n + 1] / length)
                    ahead = kept**2 * variance + size * (1 - kept**2)
                    back = kept * variance / ahead
                    mean += back * (path[n + 1] - kept * mean)
                    variance *= 1 - back * kept
                path[n] = mean + math.sqrt(variance) * self.stream.normal()
        self.drift = path

    def drift_density(self, size: float, length: float) -> float:
        rest, noise = self.drift - self.errors(), 1 / (self.level[1] * self.omega)
        gaps, total = self.plan.gaps, 0.0
        starts = [*np.flatnonzero(np.isinf(gaps)), len(gaps)]
        for begin, end in itertools.pairwise(starts):
            cov = drift_covariance(gaps[begin:end], size, length) + np.diag(noise[begin:end])
            total -= 0.5 * np.linalg.slogdet(cov)[1]
            total -= 0.5 * rest[begin:end] @ np.linalg.solve(cov, rest[begin:end])
        wide, long = math.log(size / 0.05) / 2, math.log(length / self.level[8]) / 3
        return total - 0.5 * (wide**2 + long**2)

    def draw_group(self, group: int, k: int) -> None:
        w = self.weights[k, slice(*self.plan.first[group : group + 2])]
        below = 0.5 * (1 + (w**2).sum() - w.sum() ** 2 / (1 + len(w)))
        precision = self.stream.gamma(0.5 * (1 + len(w))) / below
        sd = 1 / math.sqrt(precision * (1 + len(w)))
        self.means[k, group] = w.sum() / (1 + len(w)) + self.stream.normal() * sd
        self.precisions[k, group] = precision

    def draw_weights(self, group: int, k: int) -> None:
        mine, other = (self.item, self.user) if self.plan.side[group] else (self.user, self.item)
        tau, certain = self.level[1], self.precisions[k, group]
        for f in range(*self.plan.first[group : group + 2]):
            q = self.weights[k] @ self.x.T
            h = self.x[mine, f] * (1.0 if k == 0 else q[other])
            e, w = self.errors(), self.weights[k, f]
            below = certain + tau * (self.omega * h * h).sum()
            pulled = tau * (self.omega * h * (h * w - e)).sum()
            mean = (certain * self.means[k, group] + pulled) / below
            self.weights[k, f] = mean + self.stream.normal() / math.sqrt(below)


def drift_covariance(gaps: np.ndarray, size: float, length: float) -> np.ndarray:
    """Of entries of one row, by how long they lie apart; what an infinite gap divides is apart."""
    when = np.cumsum(np.where(np.isinf(gaps), 0, gaps))
    part = np.cumsum(np.isinf(gaps))
    apart = np.abs(np.subtract.outer(when, when))
    return size * np.exp(-apart / length) * np.equal.outer(part, part)


def fold(vectors, targets, ridge, noise, drift=(0.0, 1.0), gaps=None):
    """x, duals and log density of one history under one draw, from the whole covariance."""
    v = np.hstack([vectors, np.ones((len(vectors), 1))])
    cov = v @ np.diag(1 / ridge) @ v.T + np.diag(noise)
    if gaps is not None:
        cov += drift_covariance(gaps, *drift)
    duals = np.linalg.solve(cov, targets) if len(targets) else np.zeros(0)
    density = -0.5 * np.linalg.slogdet(cov)[1] - 0.5 * targets @ duals
    return (v / ridge).T @ duals, duals, density
