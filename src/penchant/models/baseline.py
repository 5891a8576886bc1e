"""Baseline: what a rating owes to the mean, the item and the person, before taste."""

from __future__ import annotations

import numpy as np

from penchant.data.histories import Histories
from penchant.models.base import Model
from penchant.models.biases import SWEEPS, Biases
from penchant.models.bodies import Body, Factors
from penchant.models.job import Job
from penchant.models.params import param


class Baseline(Model):
    """Regularised biases (Koren, *Factor in the neighbors*, TKDD 2010, section 2.1).

    ``s(x, i) = μ + b_u + b_i`` with ``b_i = Σ_u (r − μ − b_u)/(n_i + λ_i)`` and
    ``b_u = Σ_i (r − μ − b_i)/(n_u + λ_u)``, solved in turn, items first. What any model of taste
    has to beat.

    >>> import penchant as pt
    >>> rows = [("ann", "tea", 5), ("ann", "jam", 3), ("bob", "tea", 4), ("cat", "jam", 1)]
    >>> model = pt.Baseline(reg_user=0, reg_item=0, sweeps=100).fit(pt.read(rows, kind="ratings"))
    >>> round(model.predict("bob", "jam"), 2)
    2.0
    """

    feedback = ("ratings",)

    reg_user: float = param(
        default=5.0, low=0, search=(0.1, 50), log=True, help="λ_u, damping of a person's bias"
    )
    reg_item: float = param(
        default=2.0, low=0, search=(0.1, 50), log=True, help="λ_i, damping of an item's bias"
    )
    sweeps: int = param(default=SWEEPS, low=1, help="passes over items and people")

    def _learn(self, h: Histories, job: Job) -> Body:
        biases = Biases.learn(h, self.reg_user, self.reg_item, self.sweeps)
        job.step(1, 1)
        return Factors(  # without factors: a person's vector is their bias, Σ(r − μ − b_i)/(n + λ)
            vectors=np.ones((h.n_items, 1), np.float32),
            bias=biases.items,
            offset=biases.mean,
            ridge=np.array([max(self.reg_user, 1e-6)], np.float32),
            bias_column=True,
            stars=job.stars,
        )
