"""What item-based and user-based neighbours share: their hyperparameters, said once."""

from __future__ import annotations

from penchant.models.base import Model
from penchant.models.params import param


class Neighbourhood(Model):
    """A model that compares rows: items by the people who met them, or people by their items.

    ``cosine``: ``sim = Σab / (|a||b| + shrink)``; of the residuals of ratings this is the adjusted
    cosine. ``jaccard``: ``c / (n_a + n_b − c + shrink)``. ``pearson``: over the common entries
    alone, times ``(m − 1)/(m − 1 + shrink)`` for m in common.
    """

    feedback = ("likes", "ratings")

    k: int | None = param(
        default=100, low=1, search=(5, 1000), log=True, none="all", help="neighbours kept of each"
    )
    similarity: str = param(
        default="cosine", choices=("cosine", "jaccard", "pearson"), help="how two are compared"
    )
    shrink: float = param(
        default=0.0, low=0, search=(0, 1000), help="damps similarities that rest on little"
    )
    weighting: str | None = param(
        default=None,
        choices=("tfidf", "bm25"),
        none="every meeting counts the same",
        help="weighting of likes before comparing",
    )
    value_weight: str = param(
        default="equal",
        choices=("equal", "linear", "log"),
        help="what the value of a like counts as",
    )
    reg_user: float = param(
        default=5.0, low=0, search=(0, 50), help="damping of a person's bias, for ratings"
    )
    reg_item: float = param(
        default=2.0, low=0, search=(0, 50), help="damping of an item's bias, for ratings"
    )
    damp: float = param(
        default=1.0,
        low=0,
        search=(0, 5),
        help="pulls a rating to the biases where few neighbours speak",
    )
