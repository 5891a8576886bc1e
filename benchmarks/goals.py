"""Which qualities contestants race to, and the settings that each library may choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

import checks
from datasets import Arrays
from penchant import kernels
from penchant.evaluation.metrics import ndcg
from penchant.kernels import Rows
from tasks import Case

Settings = Mapping[str, object]


@dataclass(frozen=True)
class Goal:
    """A quality that contestants race to.

    Attributes:
        task: whose contestants learn.
        title: what the reader sees.
        data: on which data.
        recipe: the arrays, a function of `datasets`.
        variants: settings that each library may choose from.
        looks: after how many epochs everybody is judged.
        quality: higher is better.
        unit: what the quality is.
        choosing: the arrays on which settings are chosen, if not those of the race.
    """

    task: str
    title: str
    data: str
    recipe: str
    variants: Mapping[str, tuple[Settings, ...]]
    looks: tuple[int, ...]
    quality: Callable[[Case, Arrays, Arrays], float]
    unit: str
    choosing: str | None = None

    @property
    def key(self) -> str:
        """How results call it."""
        return f"{self.task}/{self.data}"

    def settings(self, library: str) -> tuple[Settings, ...]:
        """What a library may choose from: its own, else everybody's."""
        return self.variants[library if library in self.variants else ""]


def negative_loss(case: Case, data: Arrays, found: Arrays) -> float:
    """The true loss of implicit ALS, turned so that higher is better."""
    return -checks.als_loss(case, data, found["user_factors"], found["item_factors"])


def negative_rmse(case: Case, data: Arrays, found: Arrays) -> float:
    """The error on the test part, clipped to the stars, turned so that higher is better."""
    low, high = data["ratings"].min(), data["ratings"].max()
    errors = np.clip(found["predictions"], low, high) - data["test_ratings"]
    return -float(np.sqrt(np.mean(errors.astype(np.float64) ** 2)))


def validation_ndcg(case: Case, data: Arrays, found: Arrays) -> float:
    """nDCG@10 of held-out likes, the likes learned from left out."""
    seen = Rows(np.array(data["indptr"]), np.array(data["indices"]))
    held = Rows(np.array(data["held_indptr"]), np.array(data["held_indices"]))
    users, items = (found[f"{side}_factors"].astype(np.float32) for side in ("user", "item"))
    lists, _ = kernels.top_k(users, items, 10, exclude=seen)
    sizes = np.diff(held.indptr)
    asked = sizes > 0
    return float(ndcg(kernels.hits(lists, held, len(items))[asked], sizes[asked]).mean())


_ALS = {"factors": 64, "reg": 10.0, "alpha": 0.1}
_THREE = tuple({**_ALS, "method": method} for method in ("cg", "exact", "block"))
_OURS = tuple({**_ALS, "method": "cg", "momentum": momentum} for momentum in (0.6, 0.7, 0.8))


def _sgd(*pairs: tuple[float, float], **others: object) -> tuple[Settings, ...]:
    """Settings of 64 factors, of pairs of learning rate and damping."""
    return tuple(
        {"factors": 64, "learning_rate": rate, "reg": reg, **others} for rate, reg in pairs
    )


_BPR = {
    "": _sgd((0.02, 0.01), (0.05, 0.01), (0.1, 0.01), (0.02, 0.003)),
    "lightfm": _sgd((0.05, 0.0), (0.05, 1e-5)),
    "rusket": _sgd((0.02, 0.01), (0.05, 0.01)),
    "penchant": (
        *_sgd((0.02, 0.01), (0.05, 0.01)),
        *_sgd((0.1, 0.01), (0.15, 0.01), decay=0.9),
        *_sgd((0.2, 0.01), (0.2, 0.007), (0.3, 0.01), decay=0.85),
    ),
}
_RATINGS = {
    "penchant": (
        *_sgd((0.01, 0.05), (0.01, 0.06), (0.01, 0.07), init=0.01),
        *_sgd((0.02, 0.05), (0.02, 0.06), (0.02, 0.07), init=0.01, decay=0.97),
        *_sgd((0.02, 0.05), (0.03, 0.05), (0.03, 0.06), (0.03, 0.07), init=0.01, decay=0.95),
        *_sgd((0.05, 0.05), (0.05, 0.06), init=0.01, decay=0.92),
        *_sgd((0.05, 0.04), (0.05, 0.05), (0.07, 0.05), init=0.01, decay=0.85),
    ),
    "cornac": _sgd((0.005, 0.02), (0.01, 0.02), (0.01, 0.05), (0.02, 0.05), (0.02, 0.07)),
    "rusket": _sgd((0.005, 0.02), (0.01, 0.05), (0.02, 0.05)),
    "cmfrec": (
        *({"factors": 64, "reg": reg} for reg in (0.07,)),
        *({"factors": 64, "reg": reg, "scaled": False} for reg in (10.0, 15.0, 25.0)),
    ),
    "libmf": tuple(
        {"factors": 64, "reg": reg, "start": start} for start in (0.05, 0.1) for reg in (0.05, 0.1)
    ),
    "surprise": (*_sgd((0.005, 0.02)), *_sgd((0.01, 0.05), init=0.01)),
}
_TO_12 = tuple(range(1, 13))
_TO_40 = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 29, 34, 40)
_TO_60 = (*_TO_40, 50, 60)

GOALS = (
    Goal(
        "als",
        "Implicit ALS to the same true loss",
        "ml-1m",
        "als",
        {"": _THREE[:2], "penchant": (*_THREE[:2], *_OURS), "irspack": _THREE, "rusket": _THREE},
        _TO_12,
        negative_loss,
        "loss",
    ),
    Goal(
        "bpr",
        "BPR to the same nDCG@10 of held-out likes",
        "ml-1m",
        "split_likes",
        _BPR,
        _TO_60,
        validation_ndcg,
        "nDCG@10",
    ),
    *(
        Goal(
            "rating_mf",
            "Rating matrix factorization to the same test RMSE",
            data,
            "ratings",
            _RATINGS,
            _TO_40,
            negative_rmse,
            "RMSE",
            "ratings_to_choose",
        )
        for data in ("ml-100k", "ml-1m")
    ),
)
