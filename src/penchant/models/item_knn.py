"""ItemKNN: items that go together, by cosine of the people who met them."""

from __future__ import annotations

import numpy as np

from penchant import kernels
from penchant.data.histories import Histories
from penchant.models.base import Model
from penchant.models.biases import Biases
from penchant.models.bodies import Body, ItemWeights
from penchant.models.bodies.body import encoded
from penchant.models.job import Job
from penchant.models.params import param
from penchant.models.weighting import weighted, weighting_param

_SIMILARITIES = ("cosine", "jaccard", "pearson")
PAIR = 8  # bytes of one stored neighbour


class ItemKNN(Model):
    """Item-based collaborative filtering (Sarwar et al., WWW 2001).

    Likes: ``s(x, i) = Σ_j x_j sim(j, i)``. Ratings: ``s(x, i) = b_ui + Σ_j sim(j, i) e_uj /
    (damp + Σ_j sim(j, i))`` over the k items most like i, with e the residuals of the biases,
    whose cosine is the adjusted cosine; ``"pearson"`` compares only people who rated both.

    ``sim = Σab / (|a||b| + shrink)``; Jaccard ``c / (n_a + n_b − c + shrink)``; Pearson is
    multiplied by ``(m − 1)/(m − 1 + shrink)`` for m people in common.

    >>> import penchant as pt
    >>> model = pt.ItemKNN(k=None).fit(pt.datasets.load("interests"))
    >>> [f"{item} {score:.3f}" for item, score in model.similar("Big Data", n=2)]
    ['Hadoop 0.816', 'Java 0.667']
    """

    feedback = ("likes", "ratings")

    k: int | None = param(
        100, low=1, search=(5, 1000), log=True, none="all", help="neighbours kept per item"
    )
    similarity: str = param("cosine", choices=_SIMILARITIES, help="how items are compared")
    shrink: float = param(
        0.0, low=0, search=(0, 1000), help="damps similarities that rest on few people"
    )
    weighting: str | None = weighting_param("people")
    value_weight: str = param(
        "equal", choices=("equal", "linear", "log"), help="what the value of a like counts as"
    )
    reg_user: float = param(5.0, low=0, search=(0, 50), help="damping of a person's bias, ratings")
    reg_item: float = param(2.0, low=0, search=(0, 50), help="damping of an item's bias, ratings")

    damp: float = param(
        1.0, low=0, search=(0, 5), help="pulls a rating to the biases where little speaks, ratings"
    )

    def _learn(self, h: Histories, job: Job) -> Body:
        biases = Biases.learn(h, self.reg_user, self.reg_item) if job.rates else None
        x = biases.residuals(h) if biases else encoded(h, self.value_weight)
        by_item = x.rows().transpose(h.n_items)
        if not job.rates:
            by_item = weighted(by_item, len(h), self.weighting)
        near = kernels.nearest(
            by_item,
            by_item,
            len(h),
            self.k,
            measure=self.similarity,
            shrink=self.shrink,
            itself=np.arange(h.n_items, dtype=np.int32),
        )
        return ItemWeights(
            weights=near.transpose(h.n_items),
            weighting=self.value_weight,
            biases=biases,
            damp=self.damp,
            stars=job.stars,
        )

    def _memory(self, h: Histories, job: Job) -> tuple[float, str]:
        met_together = float((h.counts.astype(np.float64) ** 2).sum())
        per_item = h.n_items if self.k is None else min(self.k, h.n_items)
        kept = min(met_together, float(h.n_items) * per_item)
        return 2.5 * kept * PAIR, "Keep fewer neighbours per item, such as k=100"
