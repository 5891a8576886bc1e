"""What any model must beat: chance, what is popular, what goes together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from penchant.data.histories import Bool, Float32, Histories
from penchant.data.interactions import Interactions
from penchant.evaluation.asking import Goal
from penchant.explain import Cause
from penchant.models import EASE, ItemKNN, Model, Popularity, RatingMF, RP3beta
from penchant.models.bodies.body import Body, Part, Ranked
from penchant.models.job import Job
from penchant.models.params import param

_DENSE = 15_000  # items up to which EASE is asked
_RECENT = 30.0  # days after which a like counts half in recent popularity


class Random(Model):
    """Chance: every person has the catalogue in an order of their own.

    Scores follow from the seed and the history, so that the same person gets the same list.
    """

    seed: int = param(default=0, low=0, high=2**31 - 1, help="of the draw")

    def _learn(self, h: Histories, job: Job) -> Body:
        return RandomBody(n_items=h.n_items, seed=self.seed)


@dataclass(frozen=True, eq=False, kw_only=True)
class RandomBody(Body):
    """Uniform scores drawn for each history.

    Attributes:
        n_items: size of the catalogue.
        seed: of the draws.

    """

    name = "random"
    n_items: int
    seed: int

    @property
    def needs_history(self) -> bool:
        """Chance needs none."""
        return False

    def score(self, h: Histories) -> tuple[Float32, Bool | None]:
        """See `Body.score`."""
        sums = np.add.reduceat(np.append(h.items, -1).astype(np.int64) + 1, h.indptr[:-1])
        sums = np.where(h.counts > 0, sums, 0)
        scores = [
            np.random.default_rng([self.seed, int(one), int(n)]).random(self.n_items, np.float32)
            for one, n in zip(sums, h.counts, strict=True)
        ]
        return np.array(scores, np.float32).reshape(len(h), self.n_items), None

    def parts(self, h: Histories, item: int, by: Cause) -> list[Part]:
        """Chance has no reasons."""
        return []

    def similar(self, item: int, n: int) -> Ranked:
        """None."""
        return np.empty(0, np.int32), np.empty(0, np.float32)


def baselines(data: Interactions, goal: Goal) -> list[Model]:
    """The models that are always compared with.

    Lists: chance, popularity, recent popularity (where times tell it), ItemKNN, and EASE or, for
    a catalogue above 15,000 items, RP3beta. Stars: biases alone, and ItemKNN.
    """
    if goal == "stars":
        return [RatingMF(factors=0), ItemKNN()]
    times = data.histories.times
    timed = times is not None and len(times) > 0 and times.min() < times.max()
    recent = [Popularity(half_life=_RECENT)] if timed else []
    item_item: Model = EASE() if len(data.items) <= _DENSE else RP3beta()
    return [Random(), Popularity(), *recent, ItemKNN(), item_item]
