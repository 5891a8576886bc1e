"""Dense symmetric matrices: `spd_inverse`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from penchant.errors import UsageError
from penchant.kernels import _native
from penchant.kernels.machine import threads


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
