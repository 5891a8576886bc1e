"""Dense symmetric matrices: `spd_inverse`, `co_counts`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.errors import UsageError
from penchant.kernels import _native
from penchant.kernels.checks import count, finite
from penchant.kernels.machine import threads
from penchant.kernels.rows import Rows, checked


def spd_inverse(A: npt.NDArray[np.float32] | npt.NDArray[np.float64]) -> None:
    """``A ← A⁻¹`` in place, for a large symmetric positive definite A.

    The sweep operator (Goodnight, "A tutorial on the SWEEP operator", 1979), a block of pivots at
    a time: n³ operations, and beside A a few blocks and one row of them. The answer is symmetric
    to the last bit, and the same bytes on any number of threads.

    Args:
        A: float32 or float64 ``[n, n]``, C-ordered and writable; only its lower half is read.

    Raises:
        UsageError: A is not positive definite in its precision; what it holds is then of no use.

    >>> A = np.array([[4.0, 2.0], [2.0, 2.0]])
    >>> spd_inverse(A)
    >>> A.tolist()
    [[0.5, -0.5], [-0.5, 1.0]]
    """
    ready = isinstance(A, np.ndarray) and A.dtype in (np.float32, np.float64)
    if not (ready and A.flags.c_contiguous and A.flags.writeable):
        raise UsageError(
            "A is changed in place: a writable C-ordered array of float32 or float64",
            where="spd_inverse",
        )
    if A.ndim != 2 or A.shape[0] != A.shape[1]:
        raise UsageError("A must be a square matrix", where="spd_inverse", got=A.shape)
    row = _native.spd_inverse(A, threads())
    if row >= 0:
        raise UsageError(
            f"A is not positive definite: the pivot of row {row} is not above 0",
            where="spd_inverse",
            do="Raise the ridge on its diagonal, or look for values that are not finite",
        )


def co_counts(rows: Rows, n_items: int) -> npt.NDArray[np.float32]:
    """``G = XᵀX`` of sparse rows, dense: how many people have both i and j, on likes.

    Args:
        rows: X, each item at most once in a row; without values G counts, exactly below 2²⁴.
        n_items: I.

    Returns:
        float32 ``[I, I]``, symmetric; each sum runs over the rows in order, whatever the threads.

    Raises:
        UsageError: an item stands twice in a row, or a sum is not finite.

    >>> co_counts(Rows(np.array([0, 2, 3]), np.array([0, 1, 1])), 2).tolist()
    [[1.0, 1.0], [1.0, 2.0]]
    """
    n_items = count("co_counts", "n_items", n_items)
    table = checked("co_counts", "rows", rows, n_items)
    out = np.zeros((n_items, n_items), dtype=np.float32)
    doubled = _native.co_counts(table, out, threads())
    if doubled >= 0:
        raise UsageError(f"an item stands twice in row {doubled}", where="co_counts")
    if table.values is not None:
        finite("co_counts", "a sum of products of rows.values", out)
    return out
