"""One figure of a fitted model against held-out interactions; `evaluate` says more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penchant import kernels
from penchant.data.interactions import Interactions
from penchant.errors import UsageError
from penchant.evaluation.metrics import mean_squared_error, ndcg, recall
from penchant.kernels import Rows
from penchant.models import Model
from penchant.models.answers import best_rows
from penchant.models.questions import of_people


def rating_error(model: Model, held_out: Interactions) -> float:
    """The mean squared error of a model's stars on held-out ratings, each asked at its own time."""
    columns = held_out.columns()
    when = columns.get("timestamp")
    predicted = model.predict(columns["user_id"], columns["item_id"], at=when)
    return mean_squared_error(columns["rating"], predicted)


@dataclass(frozen=True)
class RankingQuality:
    """How good lists are, as means over the people with a held-out like.

    Attributes:
        ndcg: binary gain, ``1/log2(rank + 1)``, ideal over ``min(n, |T|)``; 0 to 1.
        recall: hits / ``|T|``; 0 to 1.
        users: how many people were scored.

    """

    ndcg: float
    recall: float
    users: int


def ranking_quality(model: Model, held_out: Interactions, n: int = 10) -> RankingQuality:
    """nDCG@n and recall@n of a fitted model's lists, over the whole catalogue less what was seen.

    A list is the model's own (``on_shortage="strict"``): a missing rank is a miss.

    Args:
        model: fitted on the training part.
        held_out: likes with the same ids (values above 0 are targets).
        n: length of the lists.

    """
    targets = held_out.merged.where(held_out.merged.values > 0)
    people = np.flatnonzero(targets.counts)
    if not len(people):
        raise UsageError("nobody has a held-out like", where="ranking_quality")
    fitted, targets = model.fitted, targets.take(people)
    asked = of_people(fitted, held_out.users.ids(people), "popular").met
    lists = best_rows(fitted, asked, n)
    known = fitted.items.rows(held_out.items.ids())[targets.items]
    held = targets.with_items(known, len(fitted.items)).where(known >= 0)
    hit = kernels.hits(lists, Rows(held.indptr, held.items), held.n_items)
    sizes = targets.counts  # an item the model does not know is a miss
    return RankingQuality(
        float(np.mean(ndcg(hit, sizes))), float(np.mean(recall(hit, sizes))), len(people)
    )
