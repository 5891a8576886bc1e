"""Sparse regressions of each item on all others: `slim_columns`."""

from __future__ import annotations

import math

from penchant.errors import UsageError
from penchant.kernels import _native
from penchant.kernels.checks import count
from penchant.kernels.machine import threads
from penchant.kernels.rows import Rows, checked

_MOST = 2**31 - 1


def slim_columns(
    x: Rows,
    n_items: int,
    *,
    l1: float,
    l2: float,
    k: int | None = None,
    candidates: int | None = None,
    positive: bool = True,
    max_iterations: int = 100,
    tolerance: float = 1e-4,
) -> Rows:
    """For each item j the w that minimises ``½|x_j − Xw|² + l1 |w|₁ + ½ l2 |w|²`` with ``w_j = 0``.

    Coordinate descent on ``G = XᵀX`` (Friedman et al. 2010, "covariance updates"), on a growing
    set of items: those that would move a weight by more than ``tolerance`` are taken in, the ones
    that lower the loss most first, until there are none. G is summed in float64 and kept in
    float32: ``4 I²`` bytes up to 8,192 items, or ``2 I²`` where all values are 1 and no item has
    more than 65,535 of them; 8 bytes for each pair that meets beyond.

    Args:
        x: X, ``[U, n_items]``; a column occurs at most once in a row.
        n_items: I.
        l1: at least 0.
        l2: at least 0.
        k: how many weights of an item are kept, those of the largest size; None for all.
        candidates: how many items a column may use: those that alone would lower its loss most;
            None for all.
        positive: only ``w >= 0``.
        max_iterations: rounds of one descent, and how often the set may grow.
        tolerance: a round that moves no weight by more than this is the last.

    Returns:
        Rows ``[n_items, n_items]``: row j holds the weights w of item j that are not 0, in order
        (weight descending, item ascending).

    >>> import numpy as np
    >>> x = Rows(np.array([0, 2, 4, 5]), np.array([0, 1, 0, 1, 0]))
    >>> w = slim_columns(x, 2, l1=0.0, l2=1.0)
    >>> w.indices.tolist(), w.values.astype(float).round(3).tolist()
    ([1, 0], [0.667, 0.5])
    """
    verb = "slim_columns"
    n_items = count(verb, "n_items", n_items)
    x = checked(verb, "x", x, n_items)
    for name, value in (("l1", l1), ("l2", l2), ("tolerance", tolerance)):
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"{name} must be at least 0", where=verb, got=value)
    found = _native.slim_columns(
        x,
        n_items,
        float(l1),
        float(l2),
        n_items if k is None else min(count(verb, "k", k), n_items),
        -1 if candidates is None else min(count(verb, "candidates", candidates), n_items),
        positive,
        min(count(verb, "max_iterations", max_iterations), _MOST),
        float(tolerance),
        threads(),
    )
    return Rows(*found)
