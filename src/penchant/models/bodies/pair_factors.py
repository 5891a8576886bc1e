"""A body of item vectors learned from pairs: a person's vector ranks their likes above a panel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Bool, Float32, Histories
from penchant.explain import Cause
from penchant.kernels import Rows
from penchant.models.bodies.body import Part, Ranked
from penchant.models.bodies.factors import Factors

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class PairFactors(Factors):
    """``s(x, i) = b_i + p · q_i``, p most likely to rank the history as it stands.

    p maximises ``Σ_i Σ_j a_j log σ(y_i (s_i − s_j)) − ½ pᵀRp`` over the history's items i and a
    panel of typical items j with weights a; y_i = 1 for a like and −1 for a dislike, which stands
    below the panel as a like stands above it. R is ``ridge · n^frequency``. Vectors and biases have
    mean 0 over the catalogue, so a score is what an item has ahead of the average one, and above
    0 is evidence.

    Attributes:
        panel: float32 ``[m, d]``, vectors of typical items.
        panel_bias: float32 ``[m]``, their biases.
        panel_weights: float32 ``[m]``, how many items each stands for, above 0.

    """

    name = "pair_factors"
    panel: Float32 = field(repr=False)
    panel_bias: Float32 = field(repr=False)
    panel_weights: Float32 = field(repr=False)

    def taste(self, h: Histories) -> Float32:
        """Each person's vector, float32 ``[B, d]``; 0 without a history."""
        typical = (self.panel, self.panel_bias, self.panel_weights)
        return kernels.pair_taste(h.rows(), self.vectors, self.bias, *typical, self._ridges(h))

    def best(self, h: Histories, n: int, exclude: Rows, allowed: Bool | None) -> Ranked:
        """See `Body.best`."""
        taste, items = self.taste(h), self._fold.panels
        return kernels.top_k(taste, items, n, exclude=exclude, allowed=allowed, positive=True)

    def parts(self, h: Histories, item: int, by: Cause) -> list[Part]:
        """``q_kᵀ H⁻¹ (g_i + H_i p)`` per past item i, and the baseline b_k.

        g_i and H_i are what i adds to the gradient and to the Hessian ``H = R + Σ_i H_i`` at p.
        There ``Rp = Σ_i g_i``, so the parts sum to ``q_k · p``; what p misses of that by rounding
        is shared equally.
        """
        self.require_cause(by, "item")
        base = [Part("baseline", float(self.bias[item]))]
        if not len(h.items):
            return base
        p, ridge = self.taste(h)[0].astype(np.float64), self._ridges(h)[0].astype(np.float64)
        mine, panel = self.vectors[h.items].astype(np.float64), self.panel.astype(np.float64)
        ahead = (mine @ p)[:, None] - panel @ p
        pulls, bends = self._margins(h, ahead)
        gradients = pulls.sum(1)[:, None] * mine - pulls @ panel  # [n, d], one per past item
        cross = mine.T @ bends @ panel
        hessian = (mine.T * bends.sum(1)) @ mine + (panel.T * bends.sum(0)) @ panel
        hessian += np.diag(ridge) - cross - cross.T
        curved = (bends * ahead).sum(1)[:, None] * mine - (bends * ahead) @ panel  # H_i p
        missing = (ridge * p - gradients.sum(0)) / len(mine)
        reach = np.linalg.solve(hessian, self.vectors[item].astype(np.float64))
        amounts = (gradients + curved + missing) @ reach
        return base + [
            Part("item", float(amount), int(j)) for j, amount in zip(h.items, amounts, strict=True)
        ]

    def _margins(self, h: Histories, ahead: Float64) -> tuple[Float64, Float64]:
        """Pull and curvature of every (past item, panel item), float64 ``[n, m]`` each."""
        sign, weights = np.where(h.values < 0, -1.0, 1.0)[:, None], self.panel_weights
        margin = sign * (ahead + self.bias[h.items][:, None] - self.panel_bias)
        g = 1 / (1 + np.exp(np.clip(margin, -80, 80)))
        share = weights / weights.sum(dtype=np.float64)
        return share * sign * g, share * g * (1 - g)

    def _ridges(self, h: Histories) -> Float32:
        return self._scale(h)[:, None] * self.ridge
