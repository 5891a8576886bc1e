"""Blend: several models as one, each counting as much as it helps on a held-out part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from penchant.data.histories import Histories, Kind
from penchant.data.interactions import LIKED_FROM, Interactions, good
from penchant.errors import ParameterError
from penchant.models.base import Model
from penchant.models.bodies import Body, Mixture
from penchant.models.choosing import for_lists, for_stars
from penchant.models.ease import EASE
from penchant.models.implicit_als import ImplicitALS
from penchant.models.item_knn import ItemKNN
from penchant.models.job import Job, Known
from penchant.models.members import members, numbers
from penchant.models.params import param
from penchant.models.rating_mf import RatingMF

_SHARE = 0.2  # of a person's events that are held out


class _Shared:
    """What all members of a blend learn from; of ratings, if there is nothing like that."""

    def __get__(self, blend: Blend | None, owner: type[Blend]) -> tuple[Kind, ...]:
        kinds: tuple[Kind, ...] = ("likes", "ratings")
        if blend is None or blend.members is None:
            return kinds
        return tuple(
            kind for kind in kinds if all(kind in one.feedback for one in blend.members)
        ) or ("ratings",)


class _Asking:
    """Whether any member learns from facts."""

    def __get__(self, blend: Blend | None, owner: type[Blend]) -> bool:
        members = (blend.members if blend else None) or ()
        return any(one.uses_facts for one in members)


class Blend(Model):
    """The weighted sum of what several models say of an item, fitted together on the same data.

    Likes: ``s = Σ_m w_m (s_m − mean) / sd`` over each person's scores of all items, or by
    reciprocal ranks (Cormack, Clarke and Büttcher, SIGIR 2009). Ratings, if all members have stars:
    ``s = w_0 + Σ_m w_m s_m``. Other blends of ratings are lists: who learns from likes gets those
    of 4 stars and more.

    Weights that are not given are chosen on events held out of the data: for lists by nDCG@10,
    weight after weight; for stars by ridge regression towards equal weights. Then all members
    learn everything.

    >>> import penchant as pt
    >>> data = pt.datasets.load("interests")
    >>> model = pt.Blend(members=[pt.EASE(l2=10), pt.ItemKNN()], mix=[2, 1]).fit(data)
    >>> [item for item, _ in model.recommend(history=["Hadoop", "HBase"], n=2)]
    ['Cassandra', 'Java']
    """

    feedback = _Shared()
    uses_facts = _Asking()

    members: Sequence[Any] | None = members(
        none="of likes ease and implicit_als, of ratings rating_mf and item_knn",
        help="the models",
    )
    mix: Sequence[float] | None = numbers(
        none="chosen on a held-out part", help="how much each member counts"
    )
    by: str = param(
        default="score", choices=("score", "rank"), help="what members of a list are compared by"
    )
    holdout: str | None = param(
        default=None,
        choices=("last", "random"),
        none="last where the order of likes counts to a member, else random",
        help="what weights are chosen on: each person's last event, or a fifth at random",
    )
    seed: int = param(default=0, low=0, high=2**63 - 1, help="of the random part")

    @property
    def predicts_stars(self) -> bool:
        """If every member does."""
        return all(one.predicts_stars for one in self.members or ())

    def _learn(self, h: Histories, job: Job) -> Body:
        models = self.members
        if models is None:
            models = (RatingMF(), ItemKNN()) if job.rates else (EASE(), ImplicitALS())
        if self.mix is not None and len(self.mix) != len(models):
            raise ParameterError(
                f"mix must have one number for each of the {len(models)} members",
                where=type(self).__name__,
                got=self.mix,
            )
        team = _Team(models, job, self.by)
        whole = team.mixture(job.data, self.mix or team.equal)
        return whole if self.mix else self._weighted(whole, team, job)

    def _weighted(self, whole: Mixture, team: _Team, job: Job) -> Mixture:
        """The mixture with the weights that are best on a held-out part, if there is one."""
        learn, held = self._carved(job.data, whole.ordered)
        if not (len(learn) and len(held)):
            return whole
        liked = held.merged.where(good(held.merged.values, held.kind))
        liked = liked.where(~liked.met_in(learn.merged))
        if not (team.stars or len(liked.items)):
            return whole
        part = team.mixture(learn, team.equal)
        if team.stars:
            weights, offset, mse = for_stars(part, team.met(learn), held.merged)
            figure = f"MSE {mse:.4f}"
        else:
            (weights, ndcg), offset = for_lists(part, team.met(learn), liked), 0.0
            figure = f"nDCG@10 {ndcg:.4f}"
        said = ", ".join(f"{one.name} {w:.3g}" for one, w in zip(team.models, weights, strict=True))
        job.notes.append(f"weights: {said} ({figure} on {len(held):,} held-out events)")
        return replace(whole, weights=weights, offset=offset)

    def _carved(self, data: Interactions, ordered: bool) -> tuple[Interactions, Interactions]:
        """What members learn from while weights are chosen, and what they are chosen on."""
        h = data.histories
        last = self.holdout == "last" if self.holdout else ordered
        if last:
            place = np.repeat(h.indptr[1:], h.counts) - 1 - np.arange(len(h.items))
            n_held = np.where(h.counts > 1, 1, 0)
        else:
            rng = np.random.default_rng(self.seed)
            place = np.empty(len(h.items), np.int64)
            order = np.lexsort((rng.random(len(h.items)), h.owners))
            place[order] = np.arange(len(h.items)) - np.repeat(h.indptr[:-1], h.counts)
            n_held = (h.counts * _SHARE).astype(np.int64)
        held = place < n_held[h.owners]
        return data.where(~held), data.where(held)


class _Team:
    """The models of a blend, and how each of them sees the data."""

    def __init__(self, models: Sequence[Model], job: Job, by: str) -> None:
        self.models, self.report, self.known = models, job.report, job.known
        kind = job.data.kind
        self.floors = [None if kind in one.feedback else LIKED_FROM for one in models]
        self.stars = job.stars if job.rates and not any(self.floors) else None
        self.by = "sum" if self.stars else by
        self.equal = (1 / len(models) if self.stars else 1.0,) * len(models)

    def met(self, data: Interactions) -> Histories:
        """What training people are known by, each item once, as the members are asked about it."""
        people = np.arange(len(data.users), dtype=np.int32)
        return data.histories.latest(data.kind).of_people(people).knowing(self.known.users)

    def mixture(self, data: Interactions, weights: Sequence[float]) -> Mixture:
        """All members fitted on some data."""
        bodies = []
        for model, floor in zip(self.models, self.floors, strict=True):
            mine = data if floor is None else data.likes(floor)
            known = self.known if model.uses_facts else Known()
            bodies.append(model._learn_from(Job(mine, None, self.report, model.name, known)))
        return Mixture(
            n_items=len(data.items),
            members=tuple(bodies),
            weights=tuple(weights),
            by=self.by,
            liked_from=tuple(self.floors) if any(self.floors) else (),
            stars=self.stars,
        )
