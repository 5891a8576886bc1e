"""UserKNN: what people like you liked."""

from __future__ import annotations

from penchant.data.histories import Histories
from penchant.models.biases import Biases
from penchant.models.bodies import Body, Neighbours
from penchant.models.bodies.body import encoded
from penchant.models.job import Job
from penchant.models.knn import Neighbourhood, Suited
from penchant.models.weighting import column_weights


class UserKNN(Neighbourhood):
    """User-based collaborative filtering (Resnick et al., CSCW 1994).

    Likes: ``s(x, i) = Σ_v sim(x, v) y_vi`` over the k people most like x. Ratings:
    ``s(x, i) = b_ui + Σ_v sim(x, v) e_vi / (damp + Σ_v sim(x, v))`` over those of them who rated
    i, with e the residuals of the biases. By default cosine; of ratings
    ``similarity="pearson", shrink=200, damp=0.3``. The training histories are what this model
    learned, so it cannot be saved without them.

    >>> import penchant as pt
    >>> model = pt.UserKNN(k=None).fit(pt.datasets.load("interests"))
    >>> [f"{user} {score:.3f}" for user, score in model.similar_users(0, n=2)]
    ['9 0.567', '1 0.338']
    """

    for_ratings = Suited("pearson", shrink=200.0, amplify=1.0, damp=0.3)

    def _learn(self, h: Histories, job: Job) -> Body:
        biases = Biases.learn(h, self.reg_user, self.reg_item) if job.rates else None
        use = self._suited(job.rates)
        people = (biases.residuals(h) if biases else encoded(h, self.value_weight)).rows()
        return Neighbours(
            people=people,
            item_weight=column_weights(people, h.n_items, None if job.rates else self.weighting),
            n_items=h.n_items,
            k=self.k,
            measure=use.similarity,
            shrink=use.shrink,
            weighting=self.value_weight,
            biases=biases,
            damp=use.damp,
            amplify=use.amplify,
            stars=job.stars,
        )
