"""What item-based and user-based neighbours share: their hyperparameters, said once."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from penchant.models.base import Model
from penchant.models.params import param

_SUITED = "as suits the kind of feedback"


class Suited(NamedTuple):
    """How neighbours are compared and heard."""

    similarity: str
    shrink: float
    amplify: float
    damp: float


class Neighbourhood(Model):
    """A model that compares rows: items by the people who met them, or people by their items.

    ``cosine``: ``sim = Σab / (|a||b| + shrink)``; of the residuals of ratings this is the adjusted
    cosine. ``jaccard``: ``c / (n_a + n_b − c + shrink)``. ``pearson``: over the common entries
    alone, times ``(m − 1)/(m − 1 + shrink)`` for m in common. Then ``sim^amplify`` (case
    amplification, Breese et al., UAI 1998). What is left at None is taken from ``for_likes`` or
    ``for_ratings``.
    """

    feedback = ("likes", "ratings")
    for_likes: ClassVar[Suited] = Suited("cosine", shrink=0.0, amplify=1.0, damp=0.0)
    for_ratings: ClassVar[Suited]

    k: int | None = param(
        default=100, low=1, search=(5, 1000), log=True, none="all", help="neighbours kept of each"
    )
    similarity: str | None = param(
        default=None,
        choices=("cosine", "jaccard", "pearson"),
        none=_SUITED,
        search=True,
        help="how two are compared",
    )
    shrink: float | None = param(
        default=None,
        dtype=float,
        low=0,
        none=_SUITED,
        search=(0.5, 1000),
        log=True,
        help="damps similarities that rest on little",
    )
    amplify: float | None = param(
        default=None,
        dtype=float,
        low=0.1,
        high=10,
        none=_SUITED,
        search=(0.5, 3),
        help="power of the similarities: above 1 the nearest speak louder",
    )
    weighting: str | None = param(
        default=None,
        choices=("tfidf", "bm25"),
        none="every meeting counts the same",
        search=True,
        only="likes",
        help="weighting of likes before comparing",
    )
    value_weight: str = param(
        default="equal",
        choices=("equal", "linear", "log"),
        only="likes",
        help="what the value of a like counts as",
    )
    reg_user: float = param(
        default=5.0,
        low=0,
        search=(0.1, 50),
        log=True,
        only="ratings",
        help="damping of a person's bias, for ratings",
    )
    reg_item: float = param(
        default=2.0,
        low=0,
        search=(0.1, 50),
        log=True,
        only="ratings",
        help="damping of an item's bias, for ratings",
    )
    damp: float | None = param(
        default=None,
        dtype=float,
        low=0,
        none=_SUITED,
        search=(0.001, 5),
        log=True,
        only="ratings",
        help="pulls a rating to the biases where few neighbours speak",
    )

    def _suited(self, rates: bool) -> Suited:
        """The settings of one fit: those given, the others by the kind of feedback."""
        usual = self.for_ratings if rates else self.for_likes
        given = {name: getattr(self, name) for name in usual._fields}
        return usual._replace(**{name: one for name, one in given.items() if one is not None})
