"""What follows what: `follow_counts`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.errors import UsageError
from penchant.kernels import _native
from penchant.kernels.checks import array, count
from penchant.kernels.machine import threads
from penchant.kernels.rows import Rows, checked


def follow_counts(sequences: Rows, n_columns: int, weights: npt.ArrayLike) -> Rows:
    """``C_ab = Σ weights[g]`` over the pairs in which b stands ``g + 1`` places after a.

    Summed in float64, in the order of the sequences.

    Args:
        sequences: ``[B, n_columns]``, entries of a row in order; a column may occur many times
            in a row. Values are not looked at.
        n_columns: how many items there are.
        weights: float64 ``[h]``, above 0: how much a pair counts by its distance; pairs more
            than h places apart do not.

    Returns:
        Rows ``[n_columns, n_columns]``; columns of a row rise.

    Raises:
        UsageError: a weight is not a finite number above 0.

    >>> C = follow_counts(Rows(np.array([0, 3]), np.array([2, 0, 1])), 3, [1.0, 0.5])
    >>> C.indptr.tolist(), C.indices.tolist(), C.values.tolist()
    ([0, 1, 1, 3], [1, 0, 1], [1.0, 1.0, 0.5])
    """
    verb = "follow_counts"
    n_columns = count(verb, "n_columns", n_columns)
    rows = checked(verb, "sequences", sequences, n_columns)
    by_distance = array(verb, "weights", weights, np.float64, (None,))
    if not (np.isfinite(by_distance) & (by_distance > 0)).all():
        raise UsageError("weights must be finite and above 0", where=verb, got=by_distance.tolist())
    return Rows(*_native.follow_counts(rows, n_columns, by_distance, threads()))
