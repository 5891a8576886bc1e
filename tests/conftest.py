"""Data that many tests share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings

import penchant as pt
from penchant.evaluation.splits import Split, notebook_split

settings.register_profile("here", deadline=None)  # a busy machine is no failure
settings.load_profile("here")


@pytest.fixture(scope="session")
def interests() -> pt.Interactions:
    return pt.datasets.load("interests")


@pytest.fixture(scope="session")
def notebook(ml100k: pt.Interactions) -> Split:
    return notebook_split(ml100k)


@pytest.fixture(scope="session")
def likes() -> pt.Interactions:
    """60 people and 41 items with unicode and very long ids, one dislike each, repeated events."""
    rng = np.random.default_rng(5)
    names = [f"ítem·{i}·东" for i in range(40)] + ["long" * 100]
    rows = [
        (f"usér {u}", names[i], 1.0)
        for u in range(60)
        for i in rng.choice(41, size=rng.integers(3, 15), replace=False, p=_skew(41))
    ]
    rows += [(f"usér {u}", names[int(rng.integers(41))], -1.0) for u in range(0, 60, 3)]
    rows += rows[:20]
    return pt.read(rows, kind="likes")


@pytest.fixture(scope="session")
def ratings() -> pt.Interactions:
    """80 people and 50 items, ratings 1 to 5 with taste in them, integer ids, times."""
    rng = np.random.default_rng(6)
    taste, item = rng.normal(size=(80, 3)), rng.normal(size=(50, 3))
    rows = []
    for u in range(80):
        for i in rng.choice(50, size=rng.integers(4, 25), replace=False, p=_skew(50)):
            star = np.clip(np.round(3.4 + 0.8 * taste[u] @ item[i] + rng.normal() * 0.4), 1, 5)
            rows.append((u + 100, int(i) + 7, float(star), 1_000_000_000 + len(rows) * 60))
    return pt.read(rows, kind="ratings")


def _skew(n: int) -> np.ndarray:
    weight = 1 / np.arange(1, n + 1) ** 0.7
    return weight / weight.sum()
