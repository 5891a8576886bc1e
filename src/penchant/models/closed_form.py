"""What models in closed form share: a damped inverse in the precision it needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.histories import Float32

_SHARP = 1e-2  # relative error up to which float32 is asked to invert
_FLOAT32 = 6e-8


def inverted(gram: Float32, damping: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """``(G + diag damping)⁻¹``, float32 ``[n, n]``, or float64 where the conditioning asks for it.

    Args:
        gram: float32 ``[n, n]``, positive semidefinite; used up.
        damping: float64 ``[n]``, above 0.

    """
    diagonal = np.diag(gram).astype(np.float64)
    inverse: npt.NDArray[Any] = gram if _float32(gram, damping) else gram.astype(np.float64)
    inverse.flat[:: len(gram) + 1] = diagonal + damping
    kernels.spd_inverse(inverse)
    return inverse


def _float32(gram: Float32, damping: npt.NDArray[np.float64]) -> bool:
    """Whether float32 will do: by a bound of the largest eigenvalue over the smallest."""
    most = float(np.abs(gram).sum(axis=1, dtype=np.float64).max(initial=0))
    return bool((most + damping.max()) / damping.min() * _FLOAT32 < _SHARP)
