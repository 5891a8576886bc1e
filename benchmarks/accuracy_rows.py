"""What is measured for docs/accuracy.md: each table's protocol, its models, and what to beat.

Settings come from validation rows: the validation part of the split named, never its test part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

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

    """

    label: str
    model: Callable[[], pt.Model]
    uses: str = ""
    seeds: int = 0
    published: float | None = None
    source: str = ""
    chosen: str = ""


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
_SHEHZAD_SAYS = "Shehzad and Jannach, RecSys 2023, their data/movielens_1m/splitting/0"
FILES = "files"  # a split that its authors publish as files, not made by rule

_NOTEBOOK = Table(
    "notebook",
    "MovieLens 100k, the notebook's split",
    "ml-100k",
    "notebook",
    "stars",
    "mse",
    (
        Row("Biases", lambda: pt.RatingMF(factors=0)),
        Row("UserKNN", pt.UserKNN, chosen=_VALIDATION),
        Row("ItemKNN", pt.ItemKNN, chosen=_VALIDATION),
        Row("RatingMF", lambda: pt.RatingMF(factors=10), chosen=_VALIDATION),
    ),
)

_SURPRISE_FOLDS = Table(
    "surprise-5fold",
    "MovieLens 100k, Surprise's five folds",
    "ml-100k",
    "surprise-5fold",
    "stars",
    "rmse",
    (
        Row("ItemKNN", pt.ItemKNN),
        Row("RatingMF", lambda: pt.RatingMF(factors=10)),
    ),
)

_U1 = Table("u1", "MovieLens 100k, u1", "ml-100k", "u1", "stars", "rmse", ())

_ML1M_FOLD = Table(
    "ml1m-10fold",
    "MovieLens 1M, fold 0 of ten",
    "ml-1m",
    "ml1m-10fold",
    "stars",
    "rmse",
    (Row("RatingMF", lambda: pt.RatingMF(factors=40)),),
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

_LAST = Table(
    "loo-full",
    "MovieLens 1M, everybody's last film",
    "ml-1m",
    "loo-full",
    "lists",
    "ndcg@10",
    (
        Row("Popularity", pt.Popularity),
        Row("EASE", lambda: pt.EASE(l2=700)),
    ),
    beat={"": 0.1692},
    goals={"": 0.175},
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
    ),
    par="ItemKNN",
    at_least=4,
)

TABLES: tuple[Table, ...] = (
    *(_NOTEBOOK, _SURPRISE_FOLDS, _U1, _ML1M_FOLD),
    *(_TOPN, _SHEHZAD, _SHEHZAD_FILES, _LAST, _TIME),
)
