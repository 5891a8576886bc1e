"""Which column is what, found by name; and cells -> ids, values, moments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.interactions import RATING_NAMES
from penchant.data.text_files import normalised
from penchant.errors import UsageError, hint

NAMES = {
    "user": "user customer member person people visitor reviewer account client buyer profile uid",
    "item": "item movie product sku asin track artist book isbn song article game film show"
    " interest recipe business restaurant hotel thing iid",
    "value": f"{' '.join(sorted(RATING_NAMES))} value qty quantity count plays playcount listens"
    " weight amount",
    "time": "timestamp time date datetime createdat ts at purchasedat orderedat ratedat"
    " unixreviewtime timestampms eventtime day",
    "type": "type event eventtype action interaction behavior behaviour",
}
CANONICAL = {
    "user": ("userid",),
    "item": ("itemid",),
    "value": ("rating", "value"),
    "time": ("timestamp",),
    "type": ("type",),
}
_SAMPLE = 1_000  # cells by which a column of times is judged
_LONGEST_ID = 512  # bytes of UTF-8
_UNITS = ((1e11, 1_000_000, "seconds"), (1e14, 1_000, "milliseconds"), (1e17, 1, "microseconds"))
_COMPACT = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")  # 20240131
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?$")

Bools = npt.NDArray[np.bool_]
Reasons = dict[int, tuple[str, str]]  # row -> (column, reason)


def _aliases(role: str) -> frozenset[str]:
    words = NAMES[role].split()
    ids = [f"{word}id" for word in words] if role in ("user", "item") else []
    return frozenset(words + ids)


ALIASES = {role: _aliases(role) for role in NAMES}
KNOWN_NAMES = frozenset().union(*ALIASES.values())


@dataclass(frozen=True)
class Roles:
    """The column that plays each role, by name; None where none does."""

    user: str
    item: str
    value: str | None = None
    time: str | None = None
    type: str | None = None
    evidence: tuple[str, ...] = ()


def find_roles(
    table: Mapping[str, npt.NDArray[Any]],
    asked: Mapping[str, str | int | None],
    named: bool,
    where: str,
) -> Roles:
    """The column of each role: as asked, else by name, else by position in a small table.

    Raises:
        UsageError: a column asked for is not there, two fit equally, or users and items cannot be
            told.
    """
    names = list(table)
    found = _asked_columns(asked, names, where)
    evidence = [f"{role} <- {name} (as asked)" for role, name in found.items()]
    for role in NAMES:
        if role not in found and named:
            name = _named_column(role, [n for n in names if n not in found.values()], where)
            if name is not None:
                found[role] = name
                evidence.append(f"{role} <- {name} (named so)")
    free = [name for name in names if name not in found.values()]
    missing = [role for role in ("user", "item") if role not in found]
    if missing and (not named or len(names) == 2) and len(free) >= len(missing) and len(names) <= 4:
        for role, name in zip(_positional(found, table, free), free, strict=False):
            found[role] = name
            evidence.append(f"{role} <- column {names.index(name)} (by position)")
    for role in ("user", "item"):
        if role not in found:
            raise UsageError(
                f"no column is known to hold the {role}s",
                where=where,
                got=names,
                do=f"Name it: {role}='...' (or its position from 0)",
            )
    return Roles(**found, evidence=tuple(evidence))


def _asked_columns(
    asked: Mapping[str, str | int | None], names: list[str], where: str
) -> dict[str, str]:
    """The columns asked for; each may play one role."""
    found: dict[str, str] = {}
    for role, column in asked.items():
        if column is not None:
            name = _asked_column(role, column, names, where)
            if name in found.values():
                raise UsageError("one column cannot play two roles", where=where, got=name)
            found[role] = name
    return found


def _asked_column(role: str, column: str | int, names: list[str], where: str) -> str:
    if isinstance(column, str) and column in names:
        return column
    place = int(column) if isinstance(column, int) or str(column).isdecimal() else -1
    if 0 <= place < len(names):
        return names[place]
    near = hint(column, names)
    raise UsageError(
        f"there is no column for {role}",
        where=where,
        got=column,
        do=near or f"There are: {', '.join(names)}",
    )


def _named_column(role: str, names: list[str], where: str) -> str | None:
    """The column named for a role: canonical names before ids before other words."""
    fits = [name for name in names if normalised(name) in ALIASES[role]]
    for rank in (
        [name for name in fits if normalised(name) in CANONICAL[role]],
        [name for name in fits if role in ("user", "item") and normalised(name).endswith("id")],
        fits,
    ):
        if len(rank) == 1:
            return rank[0]
        if len(rank) > 1:
            raise UsageError(
                f"several columns could hold the {role}s: {', '.join(rank)}",
                where=where,
                do=f"Choose one: {role}={rank[0]!r}",
            )
    return None


def _positional(
    found: Mapping[str, str], table: Mapping[str, npt.NDArray[Any]], free: list[str]
) -> list[str]:
    """Roles of the columns left over, in order; a third column of huge numbers is a time."""
    roles = [role for role in ("user", "item", "value", "time") if role not in found]
    if len(free) == 3 and roles[:3] == ["user", "item", "value"]:
        sample = _floats(table[free[2]][:50])
        if len(sample) and np.nanmedian(sample) > 1e8:
            return ["user", "item", "time"]
    return roles


def _floats(cells: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Cells as numbers, NaN where they are none."""
    try:
        return np.asarray(cells).astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([_float(cell) for cell in cells], dtype=np.float64)


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def bad_ids(cells: npt.NDArray[Any], column: str, bad: Reasons) -> None:
    """Note every row whose id is missing or cannot be one."""
    if cells.dtype.kind in "iu":
        return
    if cells.dtype.kind == "f":
        for gap in np.flatnonzero(~np.isfinite(cells)):
            bad.setdefault(int(gap), (column, "the id is missing"))
        return
    for row, reason in _by_distinct(cells, _id_fault).items():
        bad.setdefault(row, (column, reason))


def _id_fault(cell: Any) -> str | None:
    if cell is None or cell != cell or (isinstance(cell, str) and not cell.strip()):
        return "the id is missing"
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | np.generic):
        return f"an id must be a whole number or text, not {type(cell).__name__}"
    if not isinstance(cell, str):
        return None if np.isfinite(float(cell)) else "the id is not finite"
    try:
        if len(cell.encode()) > _LONGEST_ID:
            return f"the id is longer than {_LONGEST_ID} bytes"
    except UnicodeEncodeError:
        return "the id is no valid text"
    if not cell.isprintable() and any(ord(c) < 32 or 127 <= ord(c) < 160 for c in cell):
        return "the id holds a control character"
    return None


def _by_distinct(cells: npt.NDArray[Any], fault: Any) -> dict[int, str]:
    """The fault of each row that has one; equal text cells are judged once."""
    try:
        codes, first = kernels.encode(cells)
    except UsageError:  # not all text
        return {row: why for row, cell in enumerate(cells) if (why := fault(cell))}
    faults = {code: why for code, at in enumerate(first) if (why := fault(cells[at]))}
    if not faults:
        return {}
    rows = np.flatnonzero(np.isin(codes, list(faults)))
    return {int(row): faults[int(codes[row])] for row in rows}


def to_values(cells: npt.NDArray[Any], column: str, bad: Reasons) -> npt.NDArray[np.float64]:
    """Cells as finite numbers; rows where they are none are noted."""
    values = _floats(cells)
    for row in np.flatnonzero(~np.isfinite(values) | (abs(values) > np.finfo(np.float32).max)):
        cell = cells[row]
        empty = cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())
        reason = "the value is missing" if empty else "the value is no finite number"
        bad.setdefault(int(row), (column, reason))
    return values


def to_moments(
    cells: npt.NDArray[Any], column: str, bad: Reasons
) -> tuple[npt.NDArray[np.int64], str]:
    """Cells as int64 microseconds UTC, and how they were read; rows that are none are noted."""
    if cells.dtype.kind == "M":
        micros = cells.astype("datetime64[us]")
        _note_moments(np.isnat(micros), column, bad)
        return micros.astype(np.int64), "dates"
    sample = np.isfinite(_floats(cells[:_SAMPLE]))
    written = sum(bool(_COMPACT.match(str(cell))) for cell in cells[:_SAMPLE])
    if written > 0.5 * len(sample):
        return _from_text(np.array([_dashed(str(cell)) for cell in cells], object), column, bad)
    if not len(sample) or sample.mean() > 0.5:
        return _from_numbers(cells, _floats(cells), column, bad)
    return _from_text(cells, column, bad)


def _dashed(compact: str) -> str:
    """``20240131`` as 2024-01-31."""
    return f"{compact[:4]}-{compact[4:6]}-{compact[6:8]}" if _COMPACT.match(compact) else compact


def _note_moments(missing: Bools, column: str, bad: Reasons) -> None:
    for row in np.flatnonzero(missing):
        bad.setdefault(int(row), (column, "the time cannot be read"))


def _from_numbers(
    cells: npt.NDArray[Any], numbers: npt.NDArray[np.float64], column: str, bad: Reasons
) -> tuple[npt.NDArray[np.int64], str]:
    """Moments since 1970, their unit told by their size."""
    missing = ~np.isfinite(numbers) | (abs(numbers) > 9e18)
    size = float(np.median(abs(numbers[~missing]))) if not missing.all() else 0.0
    factor, unit = next(
        ((f, name) for limit, f, name in _UNITS if size < limit), (0, "nanoseconds")
    )
    exact = numbers if cells.dtype == object else cells
    whole = np.where(missing, 0, exact).astype(np.float64 if factor > 1 else exact.dtype)
    micros = whole * factor if factor else whole.astype(np.int64) // 1000
    missing |= abs(np.asarray(micros, dtype=np.float64)) > 9e18
    _note_moments(missing, column, bad)
    return np.where(missing, 0, np.round(micros)).astype(np.int64), f"{unit} since 1970"


def _from_text(
    cells: npt.NDArray[Any], column: str, bad: Reasons
) -> tuple[npt.NDArray[np.int64], str]:
    texts = ["" if cell is None else str(cell) for cell in cells]
    codes, first = kernels.encode(texts)
    distinct = [texts[at].strip() for at in first]
    day_first, how = _order_of_days(distinct)
    parsed = [_moment(text, day_first) for text in distinct]
    _note_moments(np.array([moment is None for moment in parsed])[codes], column, bad)
    return np.array([moment or 0 for moment in parsed], dtype=np.int64)[codes], how


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


def _moment(text: str, day_first: bool) -> int | None:
    match = _SLASHED.match(text)
    try:
        if match:
            a, b, year, hour, minute, second = (int(part or 0) for part in match.groups())
            month, day = (b, a) if day_first else (a, b)
            moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds
