"""Cells -> moments in time: numbers, whose unit their size tells, and dates in usual forms.

What is asked in a call (`moment`, `moments`) is not guessed at: numbers there are microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.coded import Column, by_row, distinct_cells
from penchant.data.features import missing
from penchant.data.histories import NO_TIME
from penchant.errors import ParameterError, UsageError, shown

_UNITS = ((1e11, 1_000_000, "seconds"), (1e14, 1_000, "milliseconds"), (1e17, 1, "microseconds"))
_COMPACT = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")  # 20240131
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?$")
_NOTHING = frozenset({"", "nan", "nat", "null", "none", "na", "n/a"})
_SAMPLE = 100_000  # numbers whose median tells the unit of all
_START = datetime(1970, 1, 1, tzinfo=UTC)

Moments = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def to_moments(cells: Column) -> tuple[Moments | None, Bools, str]:
    """Cells as int64 microseconds UTC.

    Returns:
        The moments, `NO_TIME` where a cell is empty; which cells hold something that is no time;
        and how they were read. No moments (None) if none or hardly any can be read.
    """
    judged = distinct_cells(cells)
    empty = _empty(judged)
    if empty.all():
        return None, np.zeros(len(cells), dtype=bool), "not used: it is empty"
    if empty.any():
        some, how = _read(judged[~empty])
        moments = np.full(len(judged), NO_TIME)
        moments[~empty] = some
    else:
        moments, how = _read(judged)
    bad = by_row((moments == NO_TIME) & ~empty, cells)
    moments, empty = by_row(moments, cells), by_row(empty, cells)
    gaps, faults = np.count_nonzero(empty), np.count_nonzero(bad)
    if faults > 0.5 * (len(cells) - gaps):
        example = shown(cells[int(np.argmax(bad))])
        return None, np.zeros(len(cells), dtype=bool), f"not used: {example} is no time it knows"
    if gaps:
        how += f"; {gaps:,} rows without a time come first"
    return moments, bad, f"read as {how}"


def _empty(cells: npt.NDArray[Any]) -> Bools:
    if cells.dtype.kind == "M":
        return np.asarray(np.isnat(cells))
    if cells.dtype.kind == "f":
        return np.asarray(np.isnan(cells))
    if cells.dtype.kind in "iu":
        return np.zeros(len(cells), dtype=bool)
    return np.array(
        [cell is None or str(cell).strip().casefold() in _NOTHING for cell in cells], bool
    )


def _read(cells: npt.NDArray[Any]) -> tuple[Moments, str]:
    """Cells that hold something; `NO_TIME` where that is no time."""
    if cells.dtype.kind == "M":
        return cells.astype("datetime64[us]").astype(np.int64), "dates"
    written = cells.dtype.kind in "iu" and ((cells >= 19000101) & (cells <= 21001231)).mean() > 0.5
    if cells.dtype == np.int64 and not written and (read := _from_integers(cells)):
        return read
    if cells.dtype.kind in "iuf" and not written:
        return _from_numbers(cells)
    texts = [str(cell).strip() for cell in cells]
    codes, first = kernels.encode([text.encode("utf-8", "replace").decode() for text in texts])
    distinct = [texts[at] for at in first]
    numbers = np.array([_number(text) for text in distinct])
    compact = sum(bool(_COMPACT.match(text)) for text in distinct) > 0.5 * len(distinct)
    if np.isfinite(numbers).mean() > 0.5 and not compact:
        moments, how = _from_numbers(numbers)
        return moments[codes], how
    day_first, how = _order_of_days(distinct)
    return np.array([_moment(text, day_first) for text in distinct])[codes], how


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _from_integers(numbers: Moments) -> tuple[Moments, str] | None:
    """Moments of integers of usual size; None leaves them to the way for all numbers."""
    low, high = int(numbers.min()), int(numbers.max())
    most = max(abs(low), abs(high))
    size = float(np.median(numbers[:: len(numbers) // _SAMPLE + 1]))
    factor = next((factor for limit, factor, _ in _UNITS if size < limit), 0)
    if low < 0 or high <= 2100 or not factor or most * factor >= 9e18:
        return None
    unit = next(name for _, known, name in _UNITS if known == factor)
    return numbers * factor, f"{unit} since 1970"


def _from_numbers(numbers: npt.NDArray[Any]) -> tuple[Moments, str]:
    """Moments since 1970, their unit told by their size; or years."""
    usable = np.isfinite(numbers.astype(np.float64)) & (abs(numbers.astype(np.float64)) < 9e18)
    size = float(np.median(abs(numbers[usable].astype(np.float64)))) if usable.any() else 0.0
    whole = np.where(usable, numbers, 0)
    if usable.any() and ((whole[usable] >= 1900) & (whole[usable] <= 2100)).all():
        years = (whole.astype(np.int64) - 1970).astype("datetime64[Y]").astype("datetime64[us]")
        return np.where(usable, years.astype(np.int64), NO_TIME), "years"
    factor, unit = next(
        ((factor, name) for limit, factor, name in _UNITS if size < limit), (0, "nanoseconds")
    )
    if factor:
        micros = np.round(whole.astype(np.float64) * factor) if factor > 1 else whole
    else:
        micros = whole.astype(np.int64) // 1000
    usable &= abs(np.asarray(micros, dtype=np.float64)) < 9e18
    return np.where(
        usable, np.where(usable, micros, 0).astype(np.int64), NO_TIME
    ), f"{unit} since 1970"


def _order_of_days(texts: Sequence[str]) -> tuple[bool, str]:
    """Whether 3/4/2026 is the third of April, by the values that leave no doubt."""
    matches = [match for text in texts if (match := _SLASHED.match(text))]
    if not matches:
        return True, "dates"
    day = sum(int(match[1]) > 12 for match in matches)
    month = sum(int(match[2]) > 12 for match in matches)
    if day == month == 0:
        return True, "dates, day first (nothing tells; write dates as 2026-04-03 to be sure)"
    return day >= month, f"dates, {'day' if day >= month else 'month'} first"


def _moment(text: str, day_first: bool) -> int:
    match = _SLASHED.match(text)
    try:
        if match:
            a, b, year, hour, minute, second = (int(part or 0) for part in match.groups())
            month, day = (b, a) if day_first else (a, b)
            moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        else:
            moment = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return int(NO_TIME)
    return _micros(moment)


def _micros(when: datetime) -> int:
    """Microseconds since 1970; without a zone it is UTC."""
    since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - _START
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def moment(asked: Any, where: str = "at") -> int:
    """One moment as microseconds UTC since 1970; `NO_TIME` for None, NaN and NaT.

    Args:
        asked: a datetime or date, a NumPy datetime64, ISO text, or a number in microseconds;
            without a zone it is UTC.
        where: the argument, for the complaint.

    Raises:
        ParameterError: none of these, or beyond what 64 bits hold.

    >>> moment("1970-01-02"), moment(datetime(1970, 1, 2, 0, 0, 1)), moment(5)
    (86400000000, 86401000000, 5)
    """
    if missing(asked):
        return int(NO_TIME)
    try:
        found = _asked(asked)
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or not abs(found) < 2**63:
        raise ParameterError(
            "a moment is a datetime, ISO text or a number in microseconds UTC",
            where=where,
            got=asked,
        )
    return found


def _asked(asked: Any) -> int | None:
    if isinstance(asked, str):
        return _micros(datetime.fromisoformat(asked.strip()))
    if isinstance(asked, datetime):
        return _micros(asked)
    if isinstance(asked, date):
        return _micros(datetime(asked.year, asked.month, asked.day))
    if isinstance(asked, np.datetime64):
        return int(asked.astype("datetime64[us]").astype(np.int64))
    if isinstance(asked, int | float | np.integer | np.floating) and not isinstance(asked, bool):
        return int(asked)
    return None


def moments(asked: Any, n: int, where: str = "at") -> Moments | None:
    """``n`` moments, int64 ``[n]``: one for all, or one for each; None if none was said.

    Raises:
        ParameterError: something that is no moment.
        UsageError: many moments, but not ``n``.

    >>> moments("1970-01-02", 2).tolist(), moments([1, None], 2)[0], moments(None, 2)
    ([86400000000, 86400000000], np.int64(1), None)
    """
    if asked is None:
        return None
    if isinstance(asked, str | bytes | np.generic) or not hasattr(asked, "__iter__"):
        return np.full(n, moment(asked, where), dtype=np.int64)
    cells = np.atleast_1d(np.asarray(asked)) if hasattr(asked, "dtype") else list(asked)
    if len(cells) != n:
        raise UsageError(f"give one moment, or one for each of {n}", where=where, got=asked)
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "M":
        return cells.astype("datetime64[us]").astype(np.int64)
    return np.array([moment(cell, where) for cell in cells], dtype=np.int64)
