"""RatingMF: stars from biases and latent factors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from penchant import kernels
from penchant.data.histories import Float32, Histories, Int64
from penchant.errors import UsageError
from penchant.kernels import Rows
from penchant.models.base import Model
from penchant.models.bodies import Body, Factors
from penchant.models.bodies.factors import scales
from penchant.models.job import Job
from penchant.models.params import param

_CHUNK = 1_000_000  # ratings whose errors are computed at once


class RatingMF(Model):
    """Matrix factorization of ratings (Koren, Bell and Volinsky, *Computer* 42(8), 2009).

    ``r̂_ui = μ + b_u + b_i + p_u · q_i``, minimising ``Σ (r − r̂)² + λ_f(Σ n_u^ν|p_u|² +
    Σ n_i^ν|q_i|²) + λ_b(Σ n_u^ν b_u² + Σ n_i^ν b_i²)``. ALS solves a person's bias and factors
    jointly, then an item's; SGD walks the ratings with a decaying learning rate. A person is
    answered by that same solve of their history against the item side.

    With ``mean=False, biases=False, solver="sgd", order="file", factors=2`` this is the plain dot
    product of two embeddings.

    >>> import penchant as pt
    >>> town = pt.datasets.town(60, 40, 900, ratings=True)
    >>> model = pt.RatingMF(factors=4).fit(town)
    >>> bool(1 <= model.predict(town.users.id(0), town.items.id(0)) <= 5)
    True
    """

    feedback = ("ratings",)

    factors: int = param(
        default=20,
        low=0,
        high=512,
        search=(4, 128),
        log=True,
        help="latent size; 0 leaves the biases",
    )
    solver: str = param(default="als", choices=("als", "sgd"), help="how the factors are found")
    epochs: int = param(default=15, low=1, search=(5, 100), help="passes over the data")
    reg: float = param(
        default=4.0, low=0, search=(0.01, 50), log=True, help="λ_f, damping of factors"
    )
    reg_bias: float = param(
        default=2.0, low=0, search=(0.01, 50), log=True, help="λ_b, damping of biases"
    )
    frequency: float = param(
        default=0.25,
        low=0,
        high=1,
        search=(0, 1),
        help="ν, how damping grows with the number of ratings",
    )
    biases: bool = param(default=True, help="learn a bias per person and item")
    mean: bool = param(default=True, help="start from the mean of all ratings")
    learning_rate: float = param(
        default=0.03,
        low=1e-6,
        high=1,
        search=(0.001, 0.1),
        log=True,
        when=("solver", "sgd"),
        help="first step size, SGD",
    )
    decay: float = param(
        default=0.95,
        low=0.1,
        high=1,
        search=(0.9, 1),
        when=("solver", "sgd"),
        help="factor on the step size after each epoch, SGD",
    )
    order: str = param(
        default="blocks",
        choices=("blocks", "file"),
        help="order of the ratings, SGD: parallel blocks, or as they came",
    )
    init: float = param(
        default=0.1, low=1e-6, high=10, help="standard deviation of the first factors"
    )
    seed: int = param(default=0, low=0, high=2**63 - 1, help="of the first factors")

    def _learn(self, h: Histories, job: Job) -> Body:
        side = _Sides.start(h, self)
        step = side.als if self.solver == "als" else side.sgd_steps()
        for epoch in range(self.epochs):
            train = step(epoch)
            if not np.isfinite(train):
                raise UsageError(
                    f"the factors grew without bound in epoch {epoch + 1}",
                    where=f"{type(self).__name__}.fit",
                    do="Lower learning_rate or raise reg",
                )
            job.epoch(epoch + 1, self.epochs, lambda: side.body(job), train_mse=train)
        return side.body(job)

    def _memory(self, h: Histories, job: Job) -> tuple[float, str]:
        entries = (len(h) + h.n_items) * (self.factors + 1) * 12.0
        return entries + 24.0 * len(h.items), "Choose fewer factors"


@dataclass
class _Sides:
    """Both sides of the factorization while it is learned."""

    model: RatingMF
    h: Histories
    by_item: Histories  # the same ratings, item by item: people in the place of items
    mean: float
    P: Float32
    Q: Float32
    user_bias: Float32
    item_bias: Float32

    @classmethod
    def start(cls, h: Histories, model: RatingMF) -> _Sides:
        rng = np.random.default_rng(model.seed)
        P = kernels.normal(rng, model.init, (len(h), model.factors))
        Q = kernels.normal(rng, model.init, (h.n_items, model.factors))
        turned = h.rows().transpose(h.n_items)
        by_item = Histories(turned.indptr, turned.indices, np.asarray(turned.values), len(h))
        mean = float(h.values.mean(dtype=np.float64)) if model.mean else 0.0
        return cls(
            model,
            h,
            by_item,
            mean,
            P,
            Q,
            np.zeros(len(h), np.float32),
            np.zeros(h.n_items, np.float32),
        )

    def als(self, epoch: int) -> float:
        """People, then items, each solved exactly; returns the training error after both."""
        self.P, self.user_bias = self._half(self.h, self.Q, self.item_bias)
        self.Q, self.item_bias = self._half(self.by_item, self.P, self.user_bias)
        return self._error()

    def _half(self, h: Histories, other: Float32, bias: Float32) -> tuple[Float32, Float32]:
        model = self.model
        vectors = _with_ones(other) if model.biases else other
        targets = h.values - np.float32(self.mean) - bias[h.items]
        rows, scale = Rows(h.indptr, h.items, None), scales(h, model.frequency)
        solved = kernels.solve_rows(rows, targets, vectors, self._ridge(), scale=scale)
        if not model.biases:
            return solved, np.zeros(len(h), np.float32)
        return np.ascontiguousarray(solved[:, :-1]), solved[:, -1].copy()

    def sgd_steps(self) -> Callable[[int], float]:
        """One epoch of SGD as a function of its number; returns the error met on the way."""
        model, h = self.model, self.h
        sizes, serial = (len(h), h.n_items), model.order == "file"
        schedule = kernels.sgd_schedule(
            h.owners, h.items, h.values, *sizes, model.seed, serial=serial
        )

        def step(epoch: int) -> float:
            total = kernels.rating_sgd(
                schedule,
                self.P,
                self.Q,
                self.user_bias,
                self.item_bias,
                rate=model.learning_rate * model.decay**epoch,
                mean=self.mean,
                reg_factors_user=self._per_entry(model.reg, h.counts),
                reg_factors_item=self._per_entry(model.reg, self.by_item.counts),
                reg_bias_user=self._per_entry(model.reg_bias, h.counts),
                reg_bias_item=self._per_entry(model.reg_bias, self.by_item.counts),
                train_factors=model.factors > 0,
                train_biases=model.biases,
            )
            return total / max(len(h.values), 1)

        return step

    def _per_entry(self, reg: float, counts: Int64) -> Float32:
        """A row's damping spread over its n ratings: ``λ n^ν / n``."""
        n = np.maximum(counts, 1).astype(np.float64)
        return np.asarray(reg * n ** (self.model.frequency - 1), dtype=np.float32)

    def _ridge(self) -> Float32:
        """The diagonal of the damping: λ_f per factor, then λ_b; never 0, so that solves exist."""
        model = self.model
        diagonal = [model.reg] * model.factors + [model.reg_bias] * model.biases
        return np.asarray(np.maximum(np.array(diagonal), 1e-6), dtype=np.float32)

    def _error(self) -> float:
        h, total, users = self.h, 0.0, self.h.owners
        for start in range(0, len(h.items), _CHUNK):
            part = slice(start, start + _CHUNK)
            u, i = users[part], h.items[part]
            dot = np.einsum("nd,nd->n", self.P[u], self.Q[i])
            rest = h.values[part] - self.mean - self.user_bias[u] - self.item_bias[i] - dot
            total += float(np.square(rest, dtype=np.float64).sum())
        return total / max(len(h.items), 1)

    def body(self, job: Job) -> Factors:
        """The item side: a person's side is solved from their history."""
        return Factors(
            vectors=_with_ones(self.Q) if self.model.biases else self.Q,
            bias=self.item_bias,
            offset=self.mean,
            ridge=self._ridge(),
            frequency=self.model.frequency,
            bias_column=self.model.biases,
            stars=job.stars,
        )


def _with_ones(vectors: Float32) -> Float32:
    return np.hstack([vectors, np.ones((len(vectors), 1), np.float32)])
