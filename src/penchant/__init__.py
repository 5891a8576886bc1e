"""Penchant turns what people liked into what they will like next.

>>> import penchant as pt
>>> model = pt.ItemKNN(k=None).fit(pt.datasets.load("interests"))
>>> model.recommend(history=["Python", "R"], n=1).ids
('pandas',)
"""

from penchant.data import datasets
from penchant.data.features import Features
from penchant.data.interactions import Interactions
from penchant.data.readers import read
from penchant.data.vocabulary import Vocabulary
from penchant.embedding_map import EmbeddingMap, embedding_map
from penchant.errors import PenchantError, PenchantNotice
from penchant.evaluation.compare import compare
from penchant.evaluation.trial import evaluate
from penchant.models import (
    BPR,
    EASE,
    SLIM,
    SLIT,
    Baseline,
    BayesianMF,
    Blend,
    ImplicitALS,
    ItemKNN,
    Model,
    NextItem,
    Popularity,
    RatingMF,
    RP3beta,
    UserKNN,
    catalogue,
    load,
)
from penchant.tuning.tune import tune
from penchant.version import __version__ as __version__

__all__ = [
    "BPR",
    "EASE",
    "SLIM",
    "SLIT",
    "Baseline",
    "BayesianMF",
    "Blend",
    "EmbeddingMap",
    "Features",
    "ImplicitALS",
    "Interactions",
    "ItemKNN",
    "Model",
    "NextItem",
    "PenchantError",
    "PenchantNotice",
    "Popularity",
    "RP3beta",
    "RatingMF",
    "UserKNN",
    "Vocabulary",
    "catalogue",
    "compare",
    "datasets",
    "embedding_map",
    "evaluate",
    "load",
    "read",
    "tune",
]
