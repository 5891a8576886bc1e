"""Data frames, Parquet, JSON lines, tuples, lists and matrices -> columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.coded import Coded, Column, objects
from penchant.data.columns import ALIASES
from penchant.data.features import missing
from penchant.data.files import content, literal
from penchant.data.interactions import Reject
from penchant.data.text_files import normalised
from penchant.errors import DataError, UsageError
from penchant.kernels import threads

Columns = Mapping[str, Column]


@dataclass(frozen=True)
class Cells:
    """Columns of typed cells with what came along.

    Attributes:
        columns: cells by name; None where one of text is missing.
        named: whether the names mean anything.
        origin: the frame library, or None.
        lines: the line of each row in a file, or None.
        rejected: rows that could not be read at all.
        notes: how the source was read.
    """

    columns: Columns
    named: bool
    origin: str | None = None
    lines: Sequence[int] | None = None
    rejected: tuple[Reject, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def from_frame(frame: Any) -> Cells | None:
    """The columns of a data frame of any library that narwhals knows; None if it is none."""
    import narwhals as nw

    try:
        wrapped = nw.from_native(frame, pass_through=True)
    except (nw.exceptions.NarwhalsError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"the frame cannot be read ({reason})", where="read") from error
    if isinstance(wrapped, nw.LazyFrame):
        wrapped = wrapped.collect()
    if not isinstance(wrapped, nw.DataFrame):
        return None
    origin = str(wrapped.implementation.value)
    columns = {str(name): _column(wrapped.get_column(name)) for name in wrapped.columns}
    return Cells(columns, any(isinstance(name, str) for name in wrapped.columns), origin)


def _column(series: Any) -> Column:
    """One column as numbers, moments, text, or objects with None where a cell is missing."""
    import narwhals as nw

    if series.dtype == nw.Datetime or series.dtype == nw.Date:
        if getattr(series.dtype, "time_zone", None):
            series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return np.asarray(series.to_numpy()).astype("datetime64[us]")
    if series.dtype.is_numeric() and not series.is_null().any():
        return np.asarray(series.to_numpy())
    if series.dtype.is_float():
        return np.asarray(series.to_numpy(), dtype=np.float64)
    text = _arrow_text(series)
    if text is not None:
        return text
    return objects([None if missing(cell) else cell for cell in series.to_list()])


def _arrow_text(series: Any) -> Coded | None:
    """A column of text as Arrow holds it, if that is there; no Python object per row."""
    import narwhals as nw

    try:
        import pyarrow as pa
    except ImportError:
        return None
    if series.dtype != nw.String:
        return None
    found = series.to_arrow()
    parts = pa.chunked_array(found.chunks if isinstance(found, pa.ChunkedArray) else [found])
    parts = parts.cast(pa.large_string())
    gaps = parts.is_null().to_numpy() if parts.null_count else None
    if gaps is not None:
        parts = parts.fill_null("")  # any bytes may lie beneath a gap
    whole = parts.chunk(0) if parts.num_chunks == 1 else parts.combine_chunks()
    _, offsets, blob = whole.buffers()
    n, begin = len(whole), whole.offset
    places = np.frombuffer(offsets or bytes(8), np.int64)[begin : begin + n + 1]
    text = kernels.Text(np.frombuffer(blob or b"", np.uint8), places)
    column = Coded.of(text)
    if gaps is None:
        return column
    codes = np.where(gaps, len(column.distinct), column.codes.astype(np.int64))
    return Coded.numbered(codes, [*column.distinct, None])


def from_parquet(path: Path) -> Cells:
    """The columns of a Parquet file.

    Raises:
        DataError: it is none, or damaged.
    """
    import duckdb

    with duckdb.connect(":memory:", config={"threads": threads()}) as connection:
        try:
            rows = connection.read_parquet(literal(path), hive_partitioning=False)
            kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
            columns: dict[str, Column | None] = dict.fromkeys(kinds)
            for name in (name for name, kind in kinds.items() if kind == "VARCHAR"):
                columns[name] = _numbered_text(rows, name)
            for name in (name for name, column in columns.items() if column is None):
                # One after the other: DuckDB holds twice what it hands out.
                columns[name] = _unmasked(rows.project(_quoted(name)).fetchnumpy()[name])
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"not a readable Parquet file ({reason})", where=str(path)) from error
    return Cells({name: cells for name, cells in columns.items() if cells is not None}, True)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _numbered_text(rows: Any, name: str) -> Coded | None:
    """A column of text by its hashes, so that no row's text becomes a Python object.

    None where two texts share a hash: then the cells are read one by one.
    """
    cell = _quoted(name)
    kinds = rows.aggregate(f"{cell} AS cell, hash({cell}) AS hash", cell).fetchnumpy()
    hashes = np.asarray(kinds["hash"], dtype=np.uint64).view(np.int64)
    if len(np.unique(hashes)) < len(hashes):
        return None
    found = rows.project(f"hash({cell}) AS hash").fetchnumpy()["hash"]
    codes, first = kernels.encode(np.asarray(found, dtype=np.uint64).view(np.int64))
    place = np.argsort(hashes)
    at = place[np.searchsorted(hashes, np.asarray(found).view(np.int64)[first], sorter=place)]
    return Coded(codes, _unmasked(kinds["cell"]).astype(object)[at])


def _unmasked(column: Any) -> npt.NDArray[Any]:
    if not np.ma.isMaskedArray(column):
        return np.asarray(column)
    if not np.any(column.mask):
        return np.asarray(column.data)
    missing = np.ma.getmaskarray(column)
    if column.dtype.kind == "M":
        return np.where(missing, np.datetime64("NaT"), column.data)
    if column.dtype.kind == "f":
        return np.where(missing, np.nan, column.data)
    cells = column.data.astype(object)
    cells[missing] = None
    return np.asarray(cells)


def from_json(path: Path) -> Cells:
    """The columns of a file with one JSON object a line, or one array of objects.

    Raises:
        DataError: the file is empty, or no line holds an object.
    """
    raw = content(path)
    rows, lines, rejected = _array_of_objects(raw) or _objects_by_line(raw)
    if not rows:
        reason = (
            f"no line is a JSON object ({rejected[0].reason})" if rejected else "the file is empty"
        )
        raise DataError(reason, where=str(path))
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: objects([row.get(name) for row in rows]) for name in names}
    return Cells(columns, True, None, lines, tuple(rejected))


_Parsed = tuple[list[dict[str, Any]], list[int], list[Reject]]


def _array_of_objects(raw: bytes) -> _Parsed | None:
    """One array; its elements are counted as lines."""
    if raw.lstrip()[:1] != b"[":
        return None
    try:
        found = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    rows = [(at, one) for at, one in enumerate(found, start=1) if isinstance(one, dict)]
    bad = [at for at, one in enumerate(found, start=1) if not isinstance(one, dict)]
    rejects = [Reject(at, None, "not a JSON object") for at in bad]
    return [one for _, one in rows], [at for at, _ in rows], rejects


def _objects_by_line(raw: bytes) -> _Parsed:
    rows, lines, rejected = [], [], []
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line.strip():
            continue
        row, fault = _json_object(line)
        if row is None:
            text = line.decode("utf-8", "replace").strip()
            rejected.append(Reject(number, None, fault, text))
        else:
            rows.append(row)
            lines.append(number)
    return rows, lines, rejected


def _json_object(raw: bytes) -> tuple[dict[str, Any] | None, str]:
    try:
        row = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return None, f"no JSON: {error}"
    return (row, "") if isinstance(row, dict) else (None, "not a JSON object")


def from_python(source: Any) -> Cells:
    """Columns of tuples (user, item[, value[, time]]), lists of likes, or {user: likes}.

    A person's likes may also be {item: value}.

    Raises:
        UsageError: none of these.
    """
    if isinstance(source, Mapping) and _names_roles(source):
        return _columns_of(source)
    if isinstance(source, Mapping):
        return _tuples([row for user, liked in source.items() for row in _liked(user, liked)])
    rows = list(source) if hasattr(source, "__iter__") and not isinstance(source, str) else [source]
    if all(isinstance(row, tuple) for row in rows):
        return _tuples(rows)
    if rows and all(isinstance(row, dict) and _names_roles(row) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return Cells({name: objects([row.get(name) for row in rows]) for name in names}, True)
    if all(isinstance(row, list | set | frozenset | dict) for row in rows):
        return _tuples([row for user, liked in enumerate(rows) for row in _liked(user, liked)])
    raise UsageError(
        "cannot be read as interactions",
        where="read",
        got=type(source).__name__,
        do="Give a path, a data frame, (user, item[, value[, time]]) tuples, or lists of likes",
    )


def _names_roles(row: Mapping[Any, Any]) -> bool:
    """Whether the keys name a user and an item column."""
    keys = {normalised(key) for key in row if isinstance(key, str)}
    return all(keys & ALIASES[role] for role in ("user", "item"))


def _columns_of(source: Mapping[Any, Any]) -> Cells:
    columns = {str(name): objects(list(cells)) for name, cells in source.items()}
    if len({len(cells) for cells in columns.values()}) > 1:
        raise DataError("columns must be equally long", where="read", got=list(columns))
    return Cells(columns, True)


def _liked(user: Any, liked: Any) -> list[tuple[Any, ...]]:
    """The rows of one person."""
    if isinstance(liked, Mapping):
        return [(user, item, value) for item, value in liked.items()]
    if isinstance(liked, str) or not hasattr(liked, "__iter__"):
        raise UsageError("likes must be a list of items", where=f"read[{user!r}]", got=liked)
    return [(user, item) for item in liked]


def _tuples(rows: Sequence[tuple[Any, ...]]) -> Cells:
    widths = {len(row) for row in rows}
    if widths and (len(widths) > 1 or not widths <= {2, 3, 4}):
        raise UsageError(
            "tuples must all be (user, item), (user, item, value) or (user, item, value, time)",
            where="read",
            got=sorted(widths),
        )
    width = widths.pop() if widths else 2
    columns = {str(place): objects([row[place] for row in rows]) for place in range(width)}
    return Cells(columns, False)


def from_matrix(source: Any) -> Cells | None:
    """Columns of a SciPy sparse matrix people × items, alone or with (user ids, item ids)."""
    matrix, ids = (source[0], source[1:]) if isinstance(source, tuple) and source else (source, ())
    if not hasattr(matrix, "tocoo") or not hasattr(matrix, "shape"):
        return None
    coo = matrix.tocsr().tocoo()
    users, items = (ids[0], ids[1]) if len(ids) == 2 else (range(size) for size in coo.shape)
    if (len(users), len(items)) != coo.shape:
        raise UsageError(
            f"the matrix is {coo.shape[0]} × {coo.shape[1]}",
            where="read",
            got=(len(users), len(items)),
            do="Give one id per row and one per column",
        )
    for name, listed in (("user", users), ("item", items)):
        if len(set(listed)) < len(listed):
            raise UsageError(f"{name} ids of a matrix must be distinct", where="read")
    return Cells(
        {
            "0": _picked(users, coo.row),
            "1": _picked(items, coo.col),
            "2": np.asarray(coo.data, dtype=np.float64),
        },
        False,
    )


def _picked(ids: Any, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    listed = np.asarray(ids) if isinstance(ids, range | np.ndarray) else objects(list(ids))
    return np.asarray(listed[rows])
