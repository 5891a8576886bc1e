"""What is measured for docs/accuracy.md: each table's protocol, its models, and what to beat.

Settings come from validation rows: the validation part of the split named, never its test part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import penchant as pt


@dataclass(frozen=True)
class Row:
    """One model with its settings.

    Attributes:
        label: what the reader sees.
        model: makes it.
        uses: what it looks at beside ids and values.
        seeds: how many seeds its figure is the mean of; 0 for a model without chance.
        published: the figure of the source that this row should reproduce.
        source: where that figure stands.
        chosen: how the settings were chosen.
        seeded: makes the model with a seed, where that is not the model's own to take.

    """

    label: str
    model: Callable[[], pt.Model]
    uses: str = ""
    seeds: int = 0
    published: float | None = None
    source: str = ""
    chosen: str = ""
    seeded: Callable[[int], pt.Model] | None = None


@dataclass(frozen=True)
class Table:
    """One protocol and the models measured on it.

    Attributes:
        name: of the table.
        title: what the reader sees.
        data: the data set.
        protocol: see `penchant.evaluation.protocol`.
        goal: lists or stars.
        metric: what decides.
        rows: the models.
        par: the label of the row that differences are taken to.
        beat: the best figures known elsewhere, by what they use.
        goals: what was aimed for, by what is used.
        folds: only so many of its splits.
        at_least: the rating from which a rating is a like, where the protocol does not say.

    """

    name: str
    title: str
    data: str
    protocol: str
    goal: Literal["lists", "stars"]
    metric: str
    rows: tuple[Row, ...]
    par: str = ""
    beat: dict[str, float] = field(default_factory=dict)
    goals: dict[str, float] = field(default_factory=dict)
    folds: int | None = None
    at_least: float | None = None


_VALIDATION = "chosen on the validation part"
_SLICES = "chosen on small slices of the training rows"
_ORDER = "order of learned rows"
_TIMES = "time of the rating asked about"
_FACTS = "facts about people and films"
_SHEHZAD_SAYS = "Shehzad and Jannach, RecSys 2023, their data/movielens_1m/splitting/0"
FILES = "files"  # a split that its authors publish as files, not made by rule


def _bayes(seeds: int = 5, **more: Any) -> tuple[Row, ...]:
    """BayesianMF with one kind of knowledge after the other."""
    plain = {"implicit_users": False, "implicit_items": False, "drift": False, "facts": False}
    ids = {"drift": False, "facts": False}

    def row(label: str, uses: str, given: dict[str, Any]) -> Row:
        return Row(label, lambda: pt.BayesianMF(**given, **more), uses=uses, seeds=seeds)

    return (
        row("BayesianMF, no bags", "", plain),
        row("BayesianMF", "", ids),
        Row(
            "BayesianMF and ItemKNN, blended",
            lambda: _stars_blend(0),
            seeds=seeds,
            seeded=_stars_blend,
            chosen=_VALIDATION,
        ),
        row("BayesianMF + facts", _FACTS, {"drift": False}),
        row("BayesianMF + time", _TIMES, {"facts": False}),
        row("BayesianMF + time + facts", f"{_TIMES}, {_FACTS}", {}),
    )


def _stars_blend(seed: int) -> pt.Blend:
    from_ids = pt.BayesianMF(drift=False, facts=False, seed=seed)
    return pt.Blend(members=[from_ids, pt.ItemKNN(k=200)])


def _classics() -> tuple[Row, ...]:
    return (
        Row("Baseline", pt.Baseline, chosen=_VALIDATION),
        Row("UserKNN", pt.UserKNN, chosen=_VALIDATION),
        Row("ItemKNN", pt.ItemKNN, chosen=_VALIDATION),
        Row("RatingMF", lambda: pt.RatingMF(factors=10), seeds=5, chosen=_VALIDATION),
    )


_NOTEBOOK = Table(
    "notebook",
    "MovieLens 100k, the notebook's split",
    "ml-100k",
    "notebook",
    "stars",
    "mse",
    (*_classics(), *_bayes()),
    par="RatingMF",
    beat={"ids, no bags": 0.8039, "ids": 0.7777, "+ time": 0.7742, "+ facts": 0.7751},
    goals={"ids, no bags": 0.800, "ids": 0.770, "+ time": 0.765, "+ facts": 0.760},
)

_IN_FOLDS = {"BayesianMF, no bags", "BayesianMF", "BayesianMF + time"}  # of thirty fits each

_SURPRISE_FOLDS = Table(
    "surprise-5fold",
    "MovieLens 100k, Surprise's five folds",
    "ml-100k",
    "surprise-5fold",
    "stars",
    "rmse",
    (
        Row(
            "Baseline, as Surprise has it",
            lambda: pt.Baseline(reg_user=15, reg_item=10, sweeps=10),
            published=0.944,
            source="Surprise's README",
        ),
        *_classics(),
        *(row for row in _bayes() if row.label in _IN_FOLDS),
    ),
    par="RatingMF",
    beat={"ids, no bags": 0.8949, "ids": 0.8808, "+ time": 0.8777},
    goals={"ids, no bags": 0.892, "ids": 0.875, "+ time": 0.870},
)

_U1 = Table(
    "u1",
    "MovieLens 100k, u1",
    "ml-100k",
    "u1",
    "stars",
    "rmse",
    (*_classics(), *_bayes()),
    par="RatingMF",
    beat={"ids": 0.8901, "+ time": 0.8868, "everything": 0.8808},
    goals={"ids": 0.885, "+ time": 0.882, "everything": 0.877},
)

_ML1M_FOLD = Table(
    "ml1m-10fold",
    "MovieLens 1M, fold 0 of ten",
    "ml-1m",
    "ml1m-10fold",
    "stars",
    "rmse",
    (
        Row("Baseline", pt.Baseline),
        Row("ItemKNN", pt.ItemKNN),
        Row("RatingMF", lambda: pt.RatingMF(factors=40)),
        *(row for row in _bayes(1, factors=32) if row.label == "BayesianMF + time"),
    ),
    par="RatingMF",
    beat={"+ time": 0.8140},
    goals={"+ time": 0.814},
    folds=1,
)


def _topn_ease() -> pt.EASE:
    return pt.EASE(l2=200, dropout=0.66, window=40, beta=0.15)


def _topn_als() -> pt.ImplicitALS:
    return pt.ImplicitALS(factors=64, alpha=0.7, reg=0.01)


def _shehzad_ease() -> pt.EASE:
    return pt.EASE(l2=200, dropout=0.5, window=40, balance=0.5, beta=0.15)


def _shehzad_als() -> pt.ImplicitALS:
    return pt.ImplicitALS(factors=128, alpha=0.3, reg=0.01, epochs=12)


_TOPN = Table(
    "topn-fold0",
    "MovieLens 100k, random hold-out, every rating a like",
    "ml-100k",
    "topn-fold0",
    "lists",
    "ndcg@10",
    (
        Row("Popularity", pt.Popularity),
        Row("ItemKNN", lambda: pt.ItemKNN(k=200, shrink=100), chosen=_VALIDATION),
        Row("RP3beta", pt.RP3beta),
        Row("EASE", lambda: pt.EASE(l2=400), chosen=_VALIDATION),
        Row("EASE, denoising", lambda: pt.EASE(l2=300, dropout=0.5), chosen=_VALIDATION),
        Row(
            "EASE, people more alike, popular items held back",
            lambda: pt.EASE(l2=200, dropout=0.66, balance=0.5, beta=0.15),
            chosen=_SLICES,
        ),
        Row(
            "EASE, people alike + ImplicitALS",
            lambda: pt.Blend(
                members=[pt.EASE(l2=200, dropout=0.66, balance=0.25, beta=0.1), _topn_als()],
                mix=[1, 1.5],
            ),
            chosen=_SLICES,
        ),
        Row("EASE by sittings", _topn_ease, uses=_ORDER, chosen=_SLICES),
        Row("ImplicitALS", _topn_als, seeds=5, chosen=_SLICES),
        Row(
            "EASE by sittings + ImplicitALS",
            lambda: pt.Blend(members=[_topn_ease(), _topn_als()], mix=[1, 1]),
            uses=_ORDER,
            chosen=_SLICES,
        ),
    ),
    par="EASE",
    beat={"one linear model": 0.4435, "ImplicitALS": 0.4262, "blend": 0.4441},
    goals={"one linear model": 0.445, "ImplicitALS": 0.435, "blend": 0.450},
)

_SHEHZAD = Table(
    "shehzad-ml1m",
    "MovieLens 1M, a fifth of each person, ratings of 4 and more, 10-core",
    "ml-1m",
    "shehzad-ml1m",
    "lists",
    "ndcg@10",
    (
        Row("Popularity", pt.Popularity),
        Row("EASE", lambda: pt.EASE(l2=697)),
        Row("EASE, denoising", lambda: pt.EASE(l2=500, dropout=0.5), chosen=_VALIDATION),
        Row(
            "EASE, people more alike, popular items held back",
            lambda: pt.EASE(l2=300, dropout=0.5, balance=0.75, beta=0.15),
            chosen=_SLICES,
        ),
        Row(
            "EASE, people alike + ImplicitALS",
            lambda: pt.Blend(
                members=[
                    pt.EASE(l2=300, dropout=0.5, balance=0.75, beta=0.2),
                    _shehzad_als(),
                ],
                mix=[1, 0.5],
            ),
            chosen=_SLICES,
        ),
        Row("EASE by sittings", _shehzad_ease, uses=_ORDER, chosen=_SLICES),
        Row("ImplicitALS", _shehzad_als, seeds=5, chosen=_VALIDATION),
        Row(
            "EASE by sittings + ImplicitALS",
            lambda: pt.Blend(members=[_shehzad_ease(), _shehzad_als()], mix=[1, 0.25]),
            uses=_ORDER,
            chosen=_SLICES,
        ),
    ),
    par="EASE",
    beat={"one model": 0.3442, "blend": 0.3479},
    goals={"one model": 0.347, "blend": 0.353},
    folds=1,
)

_SHEHZAD_FILES = Table(
    "shehzad-published",
    "The same, on the published fold 0",
    "ml-1m",
    FILES,
    "lists",
    "ndcg@10",
    (
        Row("Popularity", pt.Popularity, published=0.1622, source=_SHEHZAD_SAYS),
        Row("EASE", lambda: pt.EASE(l2=697), published=0.3433, source=_SHEHZAD_SAYS),
    ),
    par="EASE",
)


def _fading() -> pt.EASE:
    return pt.EASE(l2=700, recency=0.9)


def _fading_neighbours() -> pt.ItemKNN:
    return pt.ItemKNN(k=200, recency=0.7, recency_floor=0.0)


_LAST = Table(
    "loo-full",
    "MovieLens 1M, everybody's last film",
    "ml-1m",
    "loo-full",
    "lists",
    "ndcg@10",
    (
        Row("Popularity", pt.Popularity),
        Row("EASE, order-blind", lambda: pt.EASE(l2=700)),
        Row("EASE, fading", _fading, uses=_ORDER, chosen=_VALIDATION),
        Row("NextItem", pt.NextItem, uses=_ORDER, chosen=_VALIDATION),
        Row(
            "NextItem + EASE, fading",
            lambda: pt.Blend(members=[pt.NextItem(), _fading()], mix=[1, 1]),
            uses=_ORDER,
            chosen=_VALIDATION,
        ),
        Row("SLIT", pt.SLIT, uses=_ORDER, chosen=_VALIDATION),
        Row(
            "SLIT + EASE, fading",
            lambda: pt.Blend(members=[pt.SLIT(), _fading()]),
            uses=_ORDER,
            chosen=_VALIDATION,
        ),
        Row(
            "SLIT + EASE + ItemKNN, fading",
            lambda: pt.Blend(members=[pt.SLIT(), _fading(), _fading_neighbours()]),
            uses=_ORDER,
            chosen=_VALIDATION,
        ),
    ),
    par="NextItem + EASE, fading",
    beat={"no neural network": 0.1692},
    goals={"no neural network": 0.175},
)

_TIME = Table(
    "time-cuts",
    "MovieLens 1M, one moment before which everything is learned",
    "ml-1m",
    "time_cuts",
    "lists",
    "ndcg@10",
    (
        Row("Popularity", pt.Popularity),
        Row("Popularity, recent", lambda: pt.Popularity(half_life=30)),
        Row("ItemKNN", pt.ItemKNN),
        Row("UserKNN", pt.UserKNN),
        Row("RP3beta", pt.RP3beta),
        Row("SLIM", pt.SLIM),
        Row("BPR", pt.BPR, seeds=3),
        Row("RatingMF", pt.RatingMF, seeds=3),
        Row("ImplicitALS", pt.ImplicitALS, seeds=3),
        Row("EASE", pt.EASE),
        Row("EASE by sittings", _shehzad_ease, uses=_ORDER),
        Row("NextItem", pt.NextItem, uses=_ORDER),
        Row("SLIT", pt.SLIT, uses=_ORDER),
        Row("Blend", pt.Blend),
    ),
    par="ItemKNN",
    at_least=4,
)

TABLES: tuple[Table, ...] = (
    *(_NOTEBOOK, _SURPRISE_FOLDS, _U1, _ML1M_FOLD),
    *(_TOPN, _SHEHZAD, _SHEHZAD_FILES, _LAST, _TIME),
)
