"""Data that tests of models share."""

from __future__ import annotations

import numpy as np
import pytest

import penchant as pt


@pytest.fixture(scope="session")
def walks() -> pt.Interactions:
    """People who walk in circles through 30 items, with steps of one or two and repeats."""
    rng, rows = np.random.default_rng(2), []
    for u in range(70):
        at = int(rng.integers(30))
        for t in range(int(rng.integers(2, 20))):
            at = (at + int(rng.choice([0, 1, 1, 1, 2]))) % 30
            rows.append((u, at, 1.0, 10 * t))
    return pt.read(rows, kind="likes")
