"""What is measured on held-out interactions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from penchant.data.interactions import Interactions
from penchant.errors import UsageError
from penchant.models import Model


def mean_squared_error(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """``mean((truth − predicted)²)`` in stars squared, in float64.

    >>> mean_squared_error([1, 5], [2, 5])
    0.5
    """
    difference = np.asarray(truth, np.float64) - np.asarray(predicted, np.float64)
    if not difference.size:
        raise UsageError("there is nothing to measure", where="mean_squared_error")
    return float(np.mean(difference**2))


def rating_error(model: Model, held_out: Interactions) -> float:
    """The mean squared error of a model's stars on held-out ratings."""
    columns = held_out.columns()
    predicted = model.predict(columns["user_id"], columns["item_id"])
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
    table = model.recommend(held_out.users.ids(people), n=n, on_shortage="strict")
    place = {int(person): at for at, person in enumerate(people)}
    owners = held_out.users.rows(table["user_id"])
    wanted = np.zeros((len(people), len(held_out.items)), dtype=bool)
    owner_at = np.array([place[int(person)] for person in targets.owners])
    wanted[owner_at, targets.items] = True
    at = np.array([place[int(person)] for person in owners], dtype=np.int64)
    hit = wanted[at, held_out.items.rows(table["item_id"])]
    gains = np.bincount(at, hit / np.log2(table["rank"] + 1.0), len(people))
    sizes = targets.counts[people]
    ideal = np.cumsum(1 / np.log2(np.arange(2, n + 2)))[np.minimum(sizes, n) - 1]
    hits = np.bincount(at, hit, len(people))
    return RankingQuality(float(np.mean(gains / ideal)), float(np.mean(hits / sizes)), len(people))
