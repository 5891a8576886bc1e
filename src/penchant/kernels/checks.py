"""What every face does with an argument: dtype and layout settled, or a complaint that names it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.errors import UsageError

_LINE = 64  # bytes


def array(
    verb: str, name: str, value: Any, dtype: npt.DTypeLike, shape: tuple[int | None, ...]
) -> npt.NDArray[Any]:
    """The value as a C-ordered array; sizes of None are free.

    Raises:
        UsageError: it is no array of such numbers, or of another shape.
    """
    if type(value) is np.ndarray and value.dtype == dtype and value.flags.c_contiguous:
        out = value
        if len(shape) == 1 == out.ndim and shape[0] in (None, len(out)):
            return out  # kernels are given such arrays over and over
    else:
        out = _converted(verb, name, value, np.dtype(dtype))
    fits = out.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, out.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise UsageError(f"{name} must have the shape ({wanted})", where=verb, got=out.shape)
    return out if out.flags.c_contiguous else out.copy()


def _converted(verb: str, name: str, value: Any, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The value with the dtype; a number is refused where NumPy would wrap or cut it."""
    try:
        source = np.asarray(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{name} must be an array of {dtype}", where=verb) from error
    if source.dtype == dtype or source.size == 0:
        return source.astype(dtype, copy=False)
    if source.dtype.kind not in ("biu" if dtype.kind in "iu" else "biuf"):
        raise UsageError(f"{name} must be an array of {dtype}", where=verb, got=source.dtype.name)
    if dtype.kind in "iu" and not np.can_cast(source.dtype, dtype):
        limits = np.iinfo(dtype)
        for extreme in (int(source.min()), int(source.max())):
            if not limits.min <= extreme <= limits.max:
                raise UsageError(f"{name} must fit {dtype}", where=verb, got=extreme)
    with np.errstate(over="ignore"):  # becomes inf, which `finite` complains of
        return source.astype(dtype)


def within(verb: str, name: str, values: npt.NDArray[Any], size: int, low: int = 0) -> None:
    """Complain unless all values are row numbers below ``size``."""
    if len(values) and (int(values.min()) < low or int(values.max()) >= size):
        bad = int(values[(values < low) | (values >= size)][0])
        raise UsageError(f"{name} must be from {low} to {size - 1}", where=verb, got=bad)


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


def on_lines(shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """An array, not filled, that begins on a cache line: no load of a register touches two.

    >>> on_lines((3, 16)).ctypes.data % 64
    0
    """
    kind = np.dtype(dtype)
    size = int(np.prod(shape)) * kind.itemsize
    raw = np.empty(size + _LINE, dtype=np.uint8)
    start = -raw.ctypes.data % _LINE
    return raw[start : start + size].view(kind).reshape(shape)
