"""Which column is what, found by name; and cells -> ids, values, moments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.data.coded import Coded, Column, array, by_row, distinct_cells
from penchant.data.interactions import RATING_NAMES
from penchant.data.text_files import normalised
from penchant.errors import UsageError, hint, shown

NAMES = {
    "user": "user customer member person people visitor reviewer account client buyer profile uid",
    "item": "item movie product sku asin track artist book isbn song article game film show"
    " interest recipe business restaurant hotel thing iid",
    "value": f"{' '.join(sorted(RATING_NAMES))} value qty quantity count plays playcount listens"
    " weight amount",
    "time": "timestamp time date datetime createdat ts at purchasedat orderedat ratedat when"
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
_COMMA = re.compile(r"-?\d+,\d{1,2}")  # 4,5 as much of Europe writes it; 1,200 is not meant
_LONGEST_ID = 512  # bytes of UTF-8
_SHOWN = 10  # unused columns that a note names

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
    table: Mapping[str, Column],
    asked: Mapping[str, str | int | bool | None],
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
    usual = [name for name in names if _mostly_there(table[name])]
    evidence = [f"{role} <- {name} (as asked)" for role, name in found.items()]
    for role in NAMES:
        if role not in found and named and asked.get(role) is not False:
            free = [name for name in names if name not in found.values()]
            full = [name for name in free if name in usual or role not in ("user", "item")]
            name = _named_column(role, full, where) or _named_column(role, free, where)
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
    unused = [name for name in names if name not in found.values()]
    if unused and named:
        example = f"; value={unused[0]!r} to use it" if "value" not in found else ""
        more = f" and {len(unused) - _SHOWN} more" if len(unused) > _SHOWN else ""
        evidence.append(f"not used: {', '.join(unused[:_SHOWN])}{more}{example}")
    return Roles(**found, evidence=tuple(evidence))


def _mostly_there(cells: Column) -> bool:
    """Whether most rows have a cell: a column that only a few rows of a JSON file have does not."""
    judged = distinct_cells(cells)
    if judged.dtype != object or not len(cells):
        return True
    there = np.array([cell is not None for cell in judged], dtype=bool)
    return bool(there.all() or np.count_nonzero(by_row(there, cells)) > 0.5 * len(cells))


def _asked_columns(
    asked: Mapping[str, str | int | bool | None], names: list[str], where: str
) -> dict[str, str]:
    """The columns asked for; each may play one role."""
    found: dict[str, str] = {}
    for role, column in asked.items():
        if column is not None and column is not False:
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
    found: Mapping[str, str], table: Mapping[str, Column], free: list[str]
) -> list[str]:
    """Roles of the columns left over, in order; a third column of huge numbers is a time."""
    roles = [role for role in ("user", "item", "value", "time") if role not in found]
    if len(free) == 3 and roles[:3] == ["user", "item", "value"]:
        sample = _floats(table[free[2]][:50])
        if len(sample) and np.nanmedian(sample) > 1e8:
            return ["user", "item", "time"]
    return roles


def _floats(cells: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Cells as numbers, NaN where they are none; those of 32 bits stay so."""
    if cells.dtype == np.float32:
        return cells
    try:
        return np.asarray(cells, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([_float(cell) for cell in cells], dtype=np.float64)


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def bad_ids(cells: Column, column: str, bad: Reasons) -> None:
    """Note every row whose id is missing or cannot be one."""
    if not isinstance(cells, Coded) and cells.dtype.kind in "iu":
        return
    if not isinstance(cells, Coded) and cells.dtype.kind == "f":
        for gap in np.flatnonzero(~np.isfinite(cells)):
            bad.setdefault(int(gap), (column, "the id is missing"))
        return
    for row, reason in _by_distinct(cells, _id_fault).items():
        bad.setdefault(row, (column, reason))


def _id_fault(cell: Any) -> str | None:
    if type(cell) is str and cell.isascii() and cell.isprintable() and len(cell) <= _LONGEST_ID:
        return None if cell.strip() else "the id is missing"  # almost every id is such text
    if cell is None or cell != cell or (isinstance(cell, str) and not cell.strip()):
        return "the id is missing"
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | np.generic):
        return f"an id must be a whole number or text, not {type(cell).__name__}"
    if isinstance(cell, int):
        return None
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


def _by_distinct(cells: Column, fault: Any) -> dict[int, str]:
    """The fault of each row that has one; equal text cells are judged once."""
    try:
        coded = cells if isinstance(cells, Coded) else Coded.of(cells)
    except UsageError:  # not all text
        return {row: why for row, cell in enumerate(array(cells)) if (why := fault(cell))}
    faults = {code: why for code, cell in enumerate(coded.distinct) if (why := fault(cell))}
    if not faults:
        return {}
    rows = np.flatnonzero(np.isin(coded.codes, list(faults)))
    return {int(row): faults[int(coded.codes[row])] for row in rows}


def to_values(cells: Column, column: str, bad: Reasons) -> tuple[npt.NDArray[Any], str | None]:
    """Cells as finite numbers, and a note where commas are their points.

    Rows where they are none are noted.
    """
    judged, note = distinct_cells(cells), None
    values = _floats(judged)
    with np.errstate(over="ignore"):  # values are kept in 32 bits
        wrong = ~np.isfinite(values.astype(np.float32, copy=False))
    commas = [at for at in np.flatnonzero(wrong) if _COMMA.fullmatch(str(judged[at]).strip())]
    if commas:
        values[commas] = [float(str(judged[at]).replace(",", ".")) for at in commas]
        wrong[commas] = False
        note = f"{column}: commas read as decimal points, such as {judged[commas[0]]!r}"
    values = by_row(values, cells)
    for row in np.flatnonzero(by_row(wrong, cells)) if wrong.any() else ():
        cell = cells[row]
        empty = cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())
        reason = "the value is missing" if empty else f"the value {shown(cell)} is no finite number"
        bad.setdefault(int(row), (column, reason))
    return values, note
