"""Delimited text files -> columns of text, the line of each row, and what could not be read.

Clean files are read by DuckDB. Where anything is unusual (another encoding, an open quote, a row of
another length, blank lines) the careful way below reads the same file line by line, so that every
complaint can name its line and one bad row costs no good one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.data.files import content, is_gzip, literal
from penchant.data.interactions import Reject
from penchant.errors import DataError
from penchant.kernels import threads

DELIMITERS = ("::", "\t", "|", ";", ",")
_SAMPLE = 200  # lines looked at to find the dialect
_LONGEST_RECORD = 50  # lines that one quoted field may span
_QUOTE = '"'


@dataclass(frozen=True)
class TextTable:
    """Columns of text.

    Attributes:
        columns: object arrays of str by name; headerless files have names ``"0"``, ``"1"``, ...
        lines: int64, the line each row began at, counted from 1.
        named: whether the names came from a header.
        rejected: rows that could not be divided into columns.
        notes: what was decided about the dialect.
        source: the file's bytes.
        encoding: theirs.
    """

    columns: dict[str, npt.NDArray[Any]]
    lines: npt.NDArray[np.int64]
    named: bool
    rejected: tuple[Reject, ...] = ()
    notes: tuple[str, ...] = ()
    source: bytes = field(default=b"", repr=False)
    encoding: str = "utf-8"

    def raw_lines(self) -> list[str]:
        """The file's lines as they stood."""
        return [
            line.rstrip("\r") for line in self.source.decode(self.encoding, "replace").split("\n")
        ]


def read_text_table(path: Path, known_names: frozenset[str]) -> TextTable:
    """Read a CSV, TSV or otherwise delimited file, plain or gzipped.

    Args:
        path: the file.
        known_names: column names, normalised, by which a header is recognised.

    Raises:
        DataError: the file cannot be opened, is empty, or has no columns.
    """
    source = content(path)
    encoding, notes = _encoding(source)
    text = source[:1_000_000].decode(encoding, errors="replace").lstrip("\ufeff")
    sample = [line for line in text.split("\n")[:_SAMPLE] if line.strip()]
    if not sample:
        raise DataError("the file is empty", where=str(path))
    delimiter = _delimiter(sample)
    head = _split(sample[0].rstrip("\r"), delimiter)
    named = _is_header(
        head, [_split(line.rstrip("\r"), delimiter) for line in sample[1:]], known_names
    )
    names = _unique(head) if named else [str(place) for place in range(len(head))]
    dialect = _Dialect(path, delimiter, names, named, encoding, tuple(notes))
    return _fast(source, dialect) or _careful(source, dialect)


@dataclass(frozen=True)
class _Dialect:
    path: Path
    delimiter: str
    names: list[str]
    named: bool
    encoding: str
    notes: tuple[str, ...]

    def table(self, columns: Any, lines: Any, rejected: Any, source: bytes) -> TextTable:
        """The table with these rows."""
        by_name = dict(zip(self.names, columns, strict=True))
        return TextTable(
            by_name, lines, self.named, tuple(rejected), self.notes, source, self.encoding
        )


def _encoding(source: bytes) -> tuple[str, list[str]]:
    if source[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", ["read as UTF-16 (by its byte order mark)"]
    try:
        source.decode("utf-8")
    except UnicodeDecodeError as error:
        return "latin-1", [f"read as Latin-1: byte {error.start:,} is no UTF-8"]
    return "utf-8", []


def _delimiter(sample: list[str]) -> str:
    """The delimiter that divides most lines into the same number of columns, two or more."""

    def evenness(delimiter: str) -> tuple[float, int]:
        widths = [len(_split(line, delimiter)) for line in sample]
        usual = max(set(widths), key=widths.count)
        return (
            widths.count(usual) / len(widths) if usual > 1 else 0.0,
            -DELIMITERS.index(delimiter),
        )

    best = max(DELIMITERS, key=evenness)
    return best if evenness(best)[0] > 0 else ","


def _split(line: str, delimiter: str) -> list[str]:
    if len(delimiter) > 1 or _QUOTE not in line:
        return line.split(delimiter)
    return _parsed(line, delimiter) or [line]


def _parsed(record: str, delimiter: str) -> list[str] | None:
    """The fields of a record with quotes, None where they cannot be told."""
    try:
        return next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter, strict=False))
    except (csv.Error, StopIteration):
        return None


def _is_header(head: list[str], rows: list[list[str]], known: frozenset[str]) -> bool:
    """Whether the first row names columns: by a known name, or as words above numbers."""
    if any(normalised(cell) in known for cell in head):
        return True
    if any(_number(cell) for cell in head):
        return False
    return any(_number(cell) for row in rows[:20] for cell in row)


def normalised(name: str) -> str:
    """A column name without case, punctuation and type suffix: ``user_id:token`` -> ``userid``."""
    return "".join(c for c in name.split(":")[0].casefold() if c.isalnum())


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _unique(head: list[str]) -> list[str]:
    names: list[str] = []
    for place, cell in enumerate(head):
        name = cell.strip().lstrip("\ufeff") or str(place)
        names.append(f"{name}_{place}" if name in names else name)
    return names


def _fast(source: bytes, dialect: _Dialect) -> TextTable | None:
    """DuckDB's reading, or None where anything is unusual."""
    if dialect.encoding != "utf-8" or b"\0" in source or source[:3] == b"\xef\xbb\xbf":
        return None
    marks = np.frombuffer(source, dtype=np.uint8)
    if _QUOTE.encode() in source and _odd_quotes(marks):
        return None
    import duckdb

    with duckdb.connect(":memory:", config={"threads": threads()}) as connection:
        try:
            relation = connection.read_csv(
                literal(dialect.path),
                delimiter=dialect.delimiter,
                header=dialect.named,
                columns=dict.fromkeys(dialect.names, "VARCHAR"),
                auto_detect=False,
                quotechar=_QUOTE if len(dialect.delimiter) == 1 else "",
                escapechar=_QUOTE if len(dialect.delimiter) == 1 else "",
                compression="gzip" if is_gzip(dialect.path) else "none",
            )
            found = relation.fetchnumpy()
        except duckdb.Error:
            return None
    columns = [_filled(column) for column in found.values()]
    n, lines = len(columns[0]), int(np.count_nonzero(marks == 10)) + (not source.endswith(b"\n"))
    if lines != n + dialect.named:
        return None
    return dialect.table(columns, np.arange(n) + 1 + dialect.named, (), source)


def _filled(column: Any) -> npt.NDArray[Any]:
    """DuckDB's NULL for an empty cell is an empty cell here."""
    if np.ma.isMaskedArray(column):
        return np.asarray(column.filled(""), dtype=object)
    return np.asarray(column, dtype=object)


def _odd_quotes(marks: npt.NDArray[np.uint8]) -> bool:
    """Whether a line has an odd number of quotes: a field over several lines, or an open quote."""
    ends = np.append(np.flatnonzero(marks == 10), len(marks))
    before = np.searchsorted(np.flatnonzero(marks == ord(_QUOTE)), ends)
    return bool((np.diff(before, prepend=0) % 2).any())


def _careful(source: bytes, dialect: _Dialect) -> TextTable:
    lines = source.decode(dialect.encoding, "replace").removeprefix("\ufeff").split("\n")
    rows: list[list[str]] = []
    starts: list[int] = []
    rejected: list[Reject] = []
    width = len(dialect.names)
    for start, row in _records(lines, dialect, width):
        if isinstance(row, Reject):
            rejected.append(row)
        else:
            rows.append(row)
            starts.append(start)
    columns = [_objects([row[place] for row in rows]) for place in range(width)]
    return dialect.table(columns, np.array(starts, dtype=np.int64), rejected, source)


def _records(
    lines: list[str], dialect: _Dialect, width: int
) -> Iterator[tuple[int, list[str] | Reject]]:
    """Each record with the line it began at, or the reason why it is none."""
    at, header = 0, dialect.named
    while at < len(lines):
        line = lines[at].rstrip("\r")
        at += 1
        if not line.strip():
            continue
        if header:
            header = False
            continue
        taken = 1
        if len(dialect.delimiter) == 1 and line.count(_QUOTE) % 2:
            joined = _joined(lines, at, line, dialect.delimiter, width)
            if joined is None:
                yield at, Reject(at, None, "a quote is never closed", line)
                continue
            row, taken = joined
        else:
            row = _split(line, dialect.delimiter)
        if len(row) == width:
            yield at, row
        else:
            reason = f"{len(row)} columns where there should be {width}"
            yield at, Reject(at, None, reason, line)
        at += taken - 1


def _joined(
    lines: list[str], at: int, line: str, delimiter: str, width: int
) -> tuple[list[str], int] | None:
    """A record whose quoted field spans lines, and how many; None if no line closes it."""
    for more in range(1, min(_LONGEST_RECORD, len(lines) - at + 1)):
        following = lines[at + more - 1].rstrip("\r")
        line += "\n" + following
        if following.count(_QUOTE) % 2:
            row = _parsed(line, delimiter)
            return (row, more + 1) if row is not None and len(row) == width else None
    return None


def _objects(cells: list[str]) -> npt.NDArray[Any]:
    out = np.empty(len(cells), dtype=object)
    out[:] = cells
    return out
