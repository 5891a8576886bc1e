"""ImplicitALS: likes as a matrix of ones, factored with everything else pulling to zero."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from penchant import kernels
from penchant.data.histories import Float32, Histories
from penchant.kernels import Rows
from penchant.models.base import Model
from penchant.models.bodies import Body, Factors
from penchant.models.bodies.factors import confidence, implicit_gram, like_targets, scales
from penchant.models.job import Job
from penchant.models.params import param


class ImplicitALS(Model):
    """Implicit alternating least squares (Hu, Koren and Volinsky, ICDM 2008; Rendle et al., 2022).

    Minimises ``Σ_S c (s − 1)² + α₀ Σ_all s² + λ(Σ_u #u^ν |w_u|² + Σ_i #i^ν |v_i|²)`` with
    ``s = w_u · v_i``, S the likes, ``#u = n_u + α₀ I`` and ``#i = n_i + α₀ U`` (Rendle, Krichene,
    Zhang and Koren, *Revisiting the performance of iALS on item recommendation benchmarks*,
    RecSys 2022, equations 1 and 2). λ is given for ν = 1 and rescaled for other ν, so that the sum
    of all damping stays the same. A dislike is a 0 that counts as much as a like. With momentum β
    people are solved against ``V + β(V − V_before)``, plainly again after an epoch in which the
    loss rose (Mitchell, Ye and De Sterck, *Nesterov acceleration of alternating least squares*,
    Numerical Linear Algebra with Applications 27(4), 2020).

    A person is answered by the exact half-step of their history against the item vectors.

    >>> import penchant as pt
    >>> data = pt.datasets.load("interests")
    >>> model = pt.ImplicitALS(factors=8, reg=0.01).fit(data)
    >>> [item for item, _ in model.recommend(history=["Hadoop", "HBase"], n=3)]
    ['Java', 'Cassandra', 'Big Data']
    """

    factors: int = param(
        default=64, low=1, high=1024, search=(16, 512), log=True, help="latent size"
    )
    epochs: int = param(default=16, low=1, search=(4, 32), help="passes over the data")
    reg: float = param(
        default=0.01, low=0, search=(0.0003, 0.3), log=True, help="λ, damping of the factors"
    )
    alpha: float = param(
        default=0.3,
        low=0,
        search=(0.003, 1.0),
        log=True,
        help="α₀, weight of what was not met",
    )
    frequency: float = param(
        default=1.0, low=0, high=2, help="ν, how damping grows with the number of likes"
    )
    value_weight: str = param(
        default="equal",
        choices=("equal", "linear", "log"),
        help="what the value of a like counts as",
    )
    solver: str = param(
        default="cg",
        choices=("cg", "exact", "block"),
        help="conjugate gradient, whole matrices, or blocks of coordinates",
    )
    steps: int = param(default=3, low=1, high=100, help="of conjugate gradient per half-step")
    block: int = param(default=64, low=16, high=1024, help="coordinates of a block")
    momentum: float = param(
        default=0.0,
        low=0,
        high=1,
        help="how far items lead on along their last step; 0.5 saves a third of the epochs",
    )
    init: float = param(
        default=0.1, low=1e-6, high=10, help="standard deviation of the first scores, about"
    )
    seed: int = param(default=0, low=0, high=2**63 - 1, help="of the first factors")

    def _learn(self, h: Histories, job: Job) -> Body:
        people, items = _sides(h, self)
        penalty = self._penalty(people, items)
        rng = np.random.default_rng(self.seed)
        sd = self.init / np.sqrt(self.factors)
        W, V = (kernels.normal(rng, sd, (len(s.h), self.factors)) for s in (people, items))
        lead, last = V, np.inf
        for epoch in range(self.epochs):
            W, _ = self._half(people, W, lead, penalty)
            before, (V, fit) = V, self._half(items, lead, W, penalty)
            loss = fit + penalty * float(people.scale @ np.square(W, dtype=np.float64).sum(axis=1))
            onward = epoch > 0 and self.momentum > 0 and loss < last  # else begin it anew
            lead, last = V + np.float32(self.momentum) * (V - before) if onward else V, loss
            job.epoch(epoch + 1, self.epochs, partial(self._body, V, penalty), loss=loss)
        return self._body(V, penalty)

    def _half(
        self, side: _Side, before: Float32, other: Float32, penalty: float
    ) -> tuple[Float32, float]:
        """One side solved against the other, and the loss but for the other side's damping."""
        objective = np.empty(len(side.h))
        solved = kernels.solve_rows(
            side.rows,
            side.targets,
            other,
            np.full(self.factors, penalty, np.float32),
            scale=side.scale,
            gram=implicit_gram(other, self.alpha),
            solver=self.solver,
            start=before,
            steps=self.steps if self.solver == "cg" else 1,
            block=-(-self.block // 16) * 16,
            objective=objective,
        )
        return solved, float(objective.sum())

    def _penalty(self, people: _Side, items: _Side) -> float:
        """λ for this ν: with the sum of all damping that ν = 1 would have."""
        if self.frequency == 1 or not self.reg:
            return max(self.reg, 1e-7)  # never 0, so that solves exist
        plain = sum(
            float(scales(s.h, 1.0, self.alpha).sum(dtype=np.float64)) for s in (people, items)
        )
        now = sum(float(s.scale.sum(dtype=np.float64)) for s in (people, items))
        return self.reg * plain / now

    def _body(self, V: Float32, penalty: float) -> Factors:
        """The item side: a person's side is solved from their history."""
        return Factors(
            vectors=V,
            bias=np.zeros(len(V), np.float32),
            offset=0.0,
            ridge=np.full(self.factors, penalty, np.float32),
            frequency=self.frequency,
            unobserved=self.alpha,
            weighting=self.value_weight,
        )

    def _memory(self, h: Histories, job: Job) -> tuple[float, str]:
        vectors = len(h) + h.n_items * (2 if self.momentum else 1)
        return vectors * self.factors * 12.0 + 16.0 * len(h.items), "Choose fewer factors"


@dataclass(frozen=True, eq=False)
class _Side:
    """People with their items, or items with their people."""

    h: Histories
    rows: Rows
    targets: Float32 | None
    scale: Float32


def _sides(h: Histories, model: ImplicitALS) -> tuple[_Side, _Side]:
    turned = h.rows().transpose(h.n_items)
    by_item = Histories(turned.indptr, turned.indices, np.asarray(turned.values), len(h))
    return _side(h, model), _side(by_item, model)


def _side(h: Histories, model: ImplicitALS) -> _Side:
    rows = Rows(h.indptr, h.items, confidence(h, model.value_weight))
    return _Side(h, rows, like_targets(h), scales(h, model.frequency, model.alpha))
