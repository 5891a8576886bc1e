"""What every face does with an argument: dtype and layout settled, or a complaint that names it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.errors import UsageError


def array(
    verb: str, name: str, value: Any, dtype: npt.DTypeLike, shape: tuple[int | None, ...]
) -> npt.NDArray[Any]:
    """The value as a C-ordered array; sizes of None are free.

    Raises:
        UsageError: it is no array of numbers, or of another shape.
    """
    try:
        out = np.ascontiguousarray(value, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{name} must be an array of {np.dtype(dtype)}", where=verb) from error
    if np.ndim(value) == 0:
        out = out.reshape(())
    fits = out.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, out.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise UsageError(f"{name} must have the shape ({wanted})", where=verb, got=out.shape)
    return out


def within(verb: str, name: str, values: npt.NDArray[Any], size: int) -> None:
    """Complain unless all values are row numbers below ``size``."""
    if len(values) and (int(values.min()) < 0 or int(values.max()) >= size):
        bad = int(values[(values < 0) | (values >= size)][0])
        raise UsageError(f"{name} must be from 0 to {size - 1}", where=verb, got=bad)


def finite(verb: str, name: str, values: npt.NDArray[Any]) -> None:
    """Complain unless all values are finite."""
    if not np.isfinite(values).all():
        bad = float(values[~np.isfinite(values)].ravel()[0])
        raise UsageError(f"{name} must be finite", where=verb, got=bad)


def count(verb: str, name: str, value: Any) -> int:
    """A whole number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise UsageError(f"{name} must be a whole number of at least 0", where=verb, got=value)
    return int(value)
