"""Files, frames and plain Python -> Interactions; bad rows are named here with their line."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.data import movielens
from penchant.data.coded import Column, array, by_row, distinct_cells, rows_where
from penchant.data.columns import (
    KNOWN_NAMES,
    Reasons,
    Roles,
    bad_ids,
    find_roles,
    to_values,
)
from penchant.data.facts import About, read_facts
from penchant.data.files import nearest_name
from penchant.data.frames import (
    Cells,
    from_frame,
    from_json,
    from_matrix,
    from_parquet,
    from_python,
)
from penchant.data.histories import Kind
from penchant.data.interactions import Interactions, Reject
from penchant.data.moments import to_moments
from penchant.data.text_files import TextTable, read_text_table
from penchant.data.vocabulary import settle_ids
from penchant.errors import DataError, ParameterError, PenchantNotice, UsageError, shown

_LISTED = 10  # event types that a note names
_HEADING = "line,column,reason,text"  # of a file of rejects
Wanted = str | int | bool | None


def read(
    source: Any,
    *,
    user: Wanted = None,
    item: Wanted = None,
    value: Wanted = None,
    time: Wanted = None,
    type: Wanted = None,  # noqa: A002 - the column's name
    kind: Kind | None = None,
    weights: Mapping[str, float] | None = None,
    items: Any = None,
    users: Any = None,
    rejects: str | os.PathLike[str] | None = None,
) -> Interactions:
    """Interactions from whatever holds them.

    Args:
        source: a path (CSV, TSV, ``::``, pipes, gzipped or not; JSON lines; Parquet; a MovieLens
            folder); a data frame of any library; (user, item[, value[, time]]) tuples; lists of
            likes, one per person; {user: likes}; a SciPy sparse matrix, alone or as
            (matrix, user ids, item ids).
        user: the users' column by name or position from 0; found by its name if not given.
        item: likewise.
        value: likewise; without one every row counts 1.
        time: likewise; numbers (their unit is detected), dates or text; False to use none.
        type: likewise; event types, used with ``weights``.
        kind: ``"ratings"`` or ``"likes"``; detected if not given.
        weights: value of each event type, such as ``{"view": 1, "purchase": 5, "dislike": -1}``.
        items: item facts (titles, years, genres) as a path, frame or {column: cells}.
        users: facts about the people (age, country), likewise.
        rejects: where rows that could not be read are written; default
            ``<file>.rejects.csv`` beside the file.

    Returns:
        Interactions whose ``notes`` say how columns, units and the kind were found.

    Raises:
        DataError: nothing can be read there.
        UsageError: the columns cannot be told; the message lists them and what to pass.

    >>> import penchant as pt
    >>> pt.read([("ann", "tea", 5), ("bob", "jam", 2), ("bob", "tea", 4)])
    <Interactions: 3 ratings of 2 users and 2 items>
    """
    if isinstance(source, Interactions):
        return _with_facts(source, None, items, users)
    path = _path(source)
    if path is not None and path.is_dir():
        path = movielens.in_folder(path)
    cells, table = _cells(source, path)
    where = str(path) if path else "read"
    asked = {"user": user, "item": item, "value": value, "time": time, "type": type}
    given = any(column not in (None, False) for column in asked.values())
    shape = None if path is None or given else movielens.shape_of(path, list(cells.columns))
    if path is None and not cells.named and not given:
        names = [*cells.columns, None, None]
        shape = Roles(
            str(names[0]), str(names[1]), names[2], names[3]
        )  # user, item, value, time: as documented
    roles = shape or find_roles(cells.columns, asked, cells.named, where)
    unwanted = [role for role in ("value", "time", "type") if asked[role] is False]
    nothing: dict[str, Any] = dict.fromkeys(unwanted)
    roles = replace(roles, **nothing)
    bad: Reasons = {}
    parts = _Parts(cells, roles, weights, bad, from_text=table is not None)
    rejected, total = _rejected(cells, table, bad), len(cells)
    del cells, table  # columns that are no longer needed go before histories are made
    data = _with_facts(parts.interactions(kind, rejected, where), path, items, users)
    if rejected:
        _report(data, total, path, rejects)
    return data


def _with_facts(data: Interactions, path: Path | None, items: Any, users: Any) -> Interactions:
    """The facts that were given, else those that lie beside MovieLens ratings."""
    films, people = movielens.beside(path) if path is not None else (None, None)
    if items is not None:
        data = read_facts(items, data, "item")
    elif films is not None:
        data = _facts_beside(films, data, "item")
    if users is not None:
        return read_facts(users, data, "user")
    return data if people is None else _facts_beside(people, data, "user")


def _facts_beside(facts: Path, data: Interactions, about: About) -> Interactions:
    """The facts of a file, if they are about these items or people."""
    try:
        return read_facts(facts, data, about)
    except DataError as error:
        return data.noted(f"{facts.name} beside it not used: {error.what}")


class _Parts:
    """The columns of each role, turned into ids, values and moments; bad rows noted."""

    def __init__(
        self,
        cells: Cells,
        roles: Roles,
        weights: Mapping[str, float] | None,
        bad: Reasons,
        *,
        from_text: bool,
    ) -> None:
        self.roles, self.bad, self.from_text = roles, bad, from_text
        self.named, self.origin, self.total = cells.named, cells.origin, len(cells)
        self.unit = "row" if cells.lines is None else "line"
        self.notes = [*cells.notes, *roles.evidence]
        columns = cells.columns
        self.users, self.items = columns[roles.user], columns[roles.item]
        bad_ids(self.users, roles.user, bad)
        bad_ids(self.items, roles.item, bad)
        self.values = None
        if roles.type is not None and weights is not None:
            self.values = self._typed(columns[roles.type], weights)
        elif weights is not None:
            raise UsageError("weights need a column of event types", where="weights", got=weights)
        elif roles.type is not None:
            found = sorted({str(cell) for cell in distinct_cells(columns[roles.type])})
            some = ", ".join(found[:_LISTED]) + (" and more" if len(found) > _LISTED else "")
            self.notes.append(
                f"column {roles.type} not used, every row counts alike ({some}):"
                " give weights={...} to use it"
            )
        if roles.value is not None:
            values, note = to_values(columns[roles.value], roles.value, bad)
            self.notes += [note] if note else []
            self.values = values if self.values is None else values * self.values
        self.moments = None
        if roles.time is not None:
            self.moments, wrong, how = to_moments(columns[roles.time])
            self.notes.append(f"time {how}")
            for row in np.flatnonzero(wrong):
                reason = f"the time {shown(columns[roles.time][row])} cannot be read"
                bad.setdefault(int(row), (roles.time, reason))

    def _typed(self, cells: Column, weights: Mapping[str, float]) -> npt.NDArray[np.float64]:
        """The weight of each event's type; a type without one makes a bad row."""
        found = [str(cell) for cell in distinct_cells(cells)]
        if not set(found) & set(weights):
            raise UsageError(
                "no event has a type that weights names",
                where="weights",
                got=dict(weights),
                do=f"The types are: {', '.join(sorted(set(found))[:_LISTED])}",
            )
        unknown = np.array([one not in weights for one in found], dtype=bool)
        for row in np.flatnonzero(by_row(unknown, cells)).tolist():
            reason = f"type {str(cells[row])!r} has no weight"
            self.bad.setdefault(row, (str(self.roles.type), reason))
        try:
            return by_row(np.array([float(weights.get(one, 0.0)) for one in found]), cells)
        except (TypeError, ValueError):
            raise ParameterError(
                "weights must be numbers", where="weights", got=dict(weights)
            ) from None

    def interactions(
        self, kind: Kind | None, rejected: tuple[Reject, ...], where: str
    ) -> Interactions:
        """The good rows as interactions."""
        good = np.ones(self.total, dtype=bool)
        good[list(self.bad)] = False
        if not good.any() and rejected:
            first = "; ".join(f"{self.unit} {one.line}: {one.reason}" for one in rejected[:3])
            raise DataError(f"no row could be read ({first})", where=where)
        roles, from_text = self.roles, self.from_text
        users, about_users = settle_ids(rows_where(self.users, good), from_text=from_text)
        items, about_items = settle_ids(rows_where(self.items, good), from_text=from_text)
        for role, note in (("user", about_users), ("item", about_items)):
            if note:
                self.notes.append(f"{role} {note}")
        weighted = roles.type is not None and self.values is not None
        return Interactions.from_columns(
            users,
            items,
            None if self.values is None else array(rows_where(self.values, good)),
            None if self.moments is None else array(rows_where(self.moments, good)),
            kind=kind or ("likes" if weighted else None),
            value_name=roles.value.split(":")[0] if roles.value and self.named else None,
            sources=np.flatnonzero(good) if self.bad else None,
            origin=self.origin,
            notes=self.notes,
            rejected=rejected,
        )


def _path(source: Any) -> Path | None:
    if not isinstance(source, str | os.PathLike):
        return None
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        raise UsageError(
            "web addresses are not fetched", where="read", got=source, do="Download the file first"
        )
    if isinstance(source, str) and "://" in source:
        raise UsageError(
            "databases are not read by this version",
            where="read",
            got=source.split("://")[0] + "://…",
            do="Export the table as CSV or Parquet and read that file",
        )
    path = Path(source).expanduser()
    if "\n" in str(source) or "\0" in str(source):
        raise UsageError(
            "a text is taken for a path", where="read", got=source, do="Write the rows to a file"
        )
    if not path.exists():
        raise DataError("there is no such file", where=str(path), do=nearest_name(path))
    return path


def _cells(source: Any, path: Path | None) -> tuple[Cells, TextTable | None]:
    """The columns of a source, and the table of text where it was a text file."""
    if path is None:
        for reader in (from_matrix, from_frame):
            cells = reader(source)
            if cells is not None:
                return cells, None
        return from_python(source), None
    names = path.name.lower().removesuffix(".gz")
    if names.endswith((".parquet", ".pq")):
        return from_parquet(path), None
    if names.endswith((".jsonl", ".ndjson", ".json")):
        return from_json(path), None
    table = read_text_table(path, KNOWN_NAMES)
    return Cells(table.columns, table.named, None, table.lines, table.rejected, table.notes), table


def _rejected(cells: Cells, table: TextTable | None, bad: Reasons) -> tuple[Reject, ...]:
    """Every row left out, in order of lines."""
    raw = table.raw_lines() if table is not None and bad else None
    found = list(cells.rejected)
    for row, (column, reason) in bad.items():
        line = row if cells.lines is None else int(cells.lines[row])
        found.append(Reject(line, column, reason, raw[line - 1] if raw else ""))
    return tuple(sorted(found, key=lambda one: one.line))


def _report(
    data: Interactions, total: int, path: Path | None, rejects: str | os.PathLike[str] | None
) -> None:
    """Say once how many rows were left out, and write them down beside the file."""
    left_out, note = len(data.rejected), ""
    target = Path(rejects) if rejects is not None else path and path.with_suffix(".rejects.csv")
    if target:
        try:
            _write(target, data.rejected)
            note = f": {target}"
        except OSError as error:
            note = f" (they could not be written to {target}: {error.strerror or error})"
    first = data.rejected[0]
    place = f"line {first.line}" if path else f"row {first.line}"
    column = f", column {first.column}" if first.column else ""
    everything = total + sum(one.column is None for one in data.rejected)
    message = (
        f"{left_out:,} of {everything:,} rows could not be read{note}"
        f" (first: {place}{column}: {first.reason})"
    )
    warnings.warn(message, PenchantNotice, stacklevel=3)


def _write(target: Path, rejected: tuple[Reject, ...]) -> None:
    """Write rejects; a file that is not one of rejects is left alone."""
    if target.exists() and not target.read_bytes().startswith(_HEADING.encode()):
        raise FileExistsError("a file of another kind is there")
    with target.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        file.write(_HEADING + "\r\n")
        writer.writerows([one.line, one.column or "", one.reason, one.text] for one in rejected)
