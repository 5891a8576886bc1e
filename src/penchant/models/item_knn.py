"""ItemKNN: items that go together, by cosine of the people who met them."""

from __future__ import annotations

import numpy as np

from penchant import kernels
from penchant.data.histories import Histories
from penchant.models.biases import Biases
from penchant.models.bodies import Body, ItemWeights
from penchant.models.bodies.body import amplified, encoded
from penchant.models.fading import Fading
from penchant.models.job import Job
from penchant.models.knn import Neighbourhood, Suited
from penchant.models.weighting import weighted

_PAIR = 8  # bytes of one stored neighbour


class ItemKNN(Fading, Neighbourhood):
    """Item-based collaborative filtering (Sarwar et al., WWW 2001).

    Likes: ``s(x, i) = Σ_j x_j sim(j, i)``. Ratings: ``s(x, i) = b_ui + Σ_j sim(j, i) e_uj /
    (damp + Σ_j sim(j, i))`` over the k items most like i, with e the residuals of the biases.
    By default cosine; of ratings with ``shrink=20, amplify=1.5, damp=0.1``.

    >>> import penchant as pt
    >>> model = pt.ItemKNN(k=None).fit(pt.datasets.load("interests"))
    >>> [f"{item} {score:.3f}" for item, score in model.similar("Big Data", n=2)]
    ['Hadoop 0.816', 'Java 0.667']
    """

    for_ratings = Suited("cosine", shrink=20.0, amplify=1.5, damp=0.1)

    def _learn(self, h: Histories, job: Job) -> Body:
        biases = Biases.learn(h, self.reg_user, self.reg_item) if job.rates else None
        x = biases.residuals(h) if biases else encoded(h, self.value_weight)
        by_item = x.rows().transpose(h.n_items)
        if not job.rates:
            by_item = weighted(by_item, len(h), self.weighting)
        use = self._suited(job.rates)
        near = kernels.neighbours(
            by_item, len(h), self.k, measure=use.similarity, shrink=use.shrink
        )
        job.step(1, 1)
        return ItemWeights(
            weights=amplified(near, use.amplify).transpose(h.n_items),
            weighting=self.value_weight,
            recency=None if job.rates else self._fading(),
            biases=biases,
            damp=use.damp,
            stars=job.stars,
        )

    def _memory(self, h: Histories, job: Job) -> tuple[float, str]:
        met_together = float((h.counts.astype(np.float64) ** 2).sum())
        per_item = h.n_items if self.k is None else min(self.k, h.n_items)
        kept = min(met_together, float(h.n_items) * per_item)
        return 2.5 * kept * _PAIR, "Keep fewer neighbours per item, such as k=100"
