"""Delimited text files -> columns of text, the line of each row, and what could not be read.

Plain files are divided by a kernel, and those with quotes inside cells by DuckDB. Where anything
is unusual (another encoding, an open quote, a row of another length, blank lines) the careful way
below reads the same file line by line, so that every complaint can name its line and one bad row
costs no good one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.data.coded import Coded, Column, array, objects
from penchant.data.files import content, is_gzip, literal
from penchant.data.interactions import Reject
from penchant.errors import DataError, UsageError
from penchant.kernels import divide, threads

DELIMITERS = ("::", "\t", "|", ";", ",")
_SAMPLE = 200  # lines looked at to find the dialect
_LONGEST_RECORD = 50  # lines that one quoted field may span
_QUOTE = '"'
_ZIP = b"PK\x03\x04"
_MARK = b"\xef\xbb\xbf"  # UTF-8's byte order mark
_PIECE = 1 << 24  # bytes decoded at once
_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)  # Excel's first line
_BROKEN = re.compile("[\udc80-\udcff]")  # what a byte that is no UTF-8 becomes
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")


@dataclass(frozen=True)
class TextTable:
    """Columns of text.

    Attributes:
        columns: cells by name: int64 where all are written as integers are, else text; headerless
            files have names ``"0"``, ``"1"``, ...
        lines: the line each row began at, counted from 1.
        named: whether the names came from a header.
        rejected: rows that could not be divided into columns.
        notes: what was decided about the dialect.
        source: the file's bytes.
        encoding: theirs.
    """

    columns: dict[str, Column]
    lines: Sequence[int]
    named: bool
    rejected: tuple[Reject, ...] = ()
    notes: tuple[str, ...] = ()
    source: bytes = field(default=b"", repr=False)
    encoding: str = "utf-8"

    def texts(self) -> dict[str, npt.NDArray[Any]]:
        """The columns as objects, each cell a str as it stood."""
        return {
            name: array(cells if isinstance(cells, Coded) else cells.astype(str).astype(object))
            for name, cells in self.columns.items()
        }

    def raw_lines(self) -> list[str]:
        """The file's lines as they stood."""
        text = self.source.decode(self.encoding, "replace")
        return [line.rstrip("\r") for line in text.split("\n")]


def read_text_table(path: Path, known_names: frozenset[str]) -> TextTable:
    """Read a CSV, TSV or otherwise delimited file, plain or gzipped.

    Args:
        path: the file.
        known_names: column names, normalised, by which a header is recognised.

    Raises:
        DataError: the file cannot be opened, is empty, or has no columns.
    """
    source, ends = _with_line_ends(content(path))
    if source.startswith(_ZIP):
        raise DataError(
            "this is a zip or Excel file, not text", where=str(path), do="Save the table as CSV"
        )
    encoding, notes = _encoding(source)
    text = source[:1_000_000].decode(encoding, errors="replace").lstrip("\ufeff")
    sample = [line.rstrip("\r") for line in text.split("\n")[:_SAMPLE] if line.strip()]
    if not sample:
        raise DataError("the file is empty", where=str(path))
    said = _SEPARATOR.fullmatch(sample[0])
    delimiter = said[1] if said else _delimiter(sample)
    rows = [_split(line, delimiter) for line in sample[bool(said) :]]
    if not rows or len(rows[0]) < 2:
        raise DataError(
            "no delimiter divides the file into columns",
            where=str(path),
            got=sample[0],
            do="Known are comma, semicolon, tab, | and ::",
        )
    named = _is_header(rows[0], rows[1:], known_names)
    names = _unique(rows[0]) if named else [str(place) for place in range(len(rows[0]))]
    if named and len(set(rows[0])) < len(rows[0]):
        notes.append(f"a column name stands twice; the columns are {', '.join(names)}")
    dialect = _Dialect(
        path,
        delimiter,
        names,
        named,
        encoding,
        notes=(*notes, *ends),
        heading=named + bool(said),
        unusual=bool(ends or said),
    )
    return _plain(source, dialect) or _fast(source, dialect) or _careful(source, dialect)


@dataclass(frozen=True)
class _Dialect:
    path: Path
    delimiter: str
    names: list[str]
    named: bool
    encoding: str
    notes: tuple[str, ...]
    heading: int  # lines before the first row
    unusual: bool  # only the careful way reads it

    def table(self, columns: Any, lines: Any, rejected: Any, source: bytes) -> TextTable:
        """The table with these rows."""
        by_name = dict(zip(self.names, columns, strict=True))
        return TextTable(
            by_name, lines, self.named, tuple(rejected), self.notes, source, self.encoding
        )


def _with_line_ends(source: bytes) -> tuple[bytes, list[str]]:
    """The bytes with lines that end in newlines, and a note if they ended otherwise."""
    if b"\n" in source or b"\r" not in source:
        return source, []
    return source.replace(b"\r", b"\n"), ["lines end in a bare carriage return"]


def _encoding(source: bytes) -> tuple[str, list[str]]:
    """UTF-8 unless most of what is not ASCII speaks for Latin-1."""
    if source[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", ["read as UTF-16 (by its byte order mark)"]
    if (broken_at := _no_utf8(source)) is not None:
        line = source[:broken_at].count(b"\n") + 1
        text = source.decode("utf-8", "surrogateescape")
        broken = len(_BROKEN.findall(text))
        if len(_BEYOND_ASCII.findall(text)) - broken > broken:
            return "utf-8", [f"line {line} is not all UTF-8, as the rest of the file is"]
        return "latin-1", [f"read as Latin-1: line {line} is no UTF-8"]
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
    return _record([line], 1, delimiter)[0] or [line]


def _is_header(head: list[str], rows: list[list[str]], known: frozenset[str]) -> bool:
    """Whether the first row names columns: by known names, or as words above numbers.

    One known word is not enough, for "book" may be an item; one that ends in "id" is.
    """
    if any(_number(cell) for cell in head):
        return False
    names = [name for name in map(normalised, head) if name in known]
    if len(names) > 1 or any(name.endswith("id") for name in names):
        return True
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


def _plain(source: bytes, dialect: _Dialect) -> TextTable | None:
    """The kernel's reading, or None where a line is not plain."""
    if dialect.encoding != "utf-8" or dialect.unusual or b"\0" in source:
        return None
    begin = len(_MARK) if source.startswith(_MARK) else 0
    if dialect.named:
        end = source.find(b"\n") + 1 or len(source)
        heading = source[begin:end].decode("utf-8", "replace").rstrip("\r\n")
        if not heading.strip() or len(_split(heading, dialect.delimiter)) != len(dialect.names):
            return None
        begin = end
    if _no_utf8(source) is not None:
        return None
    found = divide(source, dialect.delimiter, len(dialect.names), begin=begin)
    if found is None:
        return None
    columns = [
        Coded(cells[0], objects(cells[1])) if isinstance(cells, tuple) else cells for cells in found
    ]
    first = 1 + dialect.named
    return dialect.table(columns, range(first, first + len(columns[0])), (), source)


def _fast(source: bytes, dialect: _Dialect) -> TextTable | None:
    """DuckDB's reading, or None where anything is unusual."""
    if dialect.encoding != "utf-8" or dialect.unusual or b"\0" in source:
        return None
    if source.startswith(_MARK) or _no_utf8(source) is not None:
        return None
    marks = np.frombuffer(source, dtype=np.uint8)
    if _QUOTE.encode() in source and _unusual_quotes(marks, dialect.delimiter):
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
                hive_partitioning=False,  # a folder named year=2024 is no column
            )
            found = relation.fetchnumpy()
        except duckdb.Error:
            return None
    columns = [Coded.of(_filled(column)) for column in found.values()]
    n, lines = len(columns[0]), int(np.count_nonzero(marks == 10)) + (not source.endswith(b"\n"))
    if lines != n + dialect.named:
        return None
    return dialect.table(columns, range(1 + dialect.named, n + 1 + dialect.named), (), source)


def _filled(column: Any) -> npt.NDArray[Any]:
    """DuckDB's NULL for an empty cell is an empty cell here."""
    if np.ma.isMaskedArray(column):
        return np.asarray(column.filled(""), dtype=object)
    return np.asarray(column, dtype=object)


def _no_utf8(source: bytes) -> int | None:
    """The first byte that is no UTF-8; looked for piece by piece, so that no copy is made."""
    if source.isascii():
        return None
    begin = 0
    while begin < len(source):
        end = min(begin + _PIECE, len(source))
        while end < len(source) and source[end] & 0xC0 == 0x80 and end > begin + 1:
            end -= 1  # not inside a character
        try:
            source[begin:end].decode("utf-8")
        except UnicodeDecodeError as error:
            return begin + error.start
        begin = end
    return None


def _unusual_quotes(marks: npt.NDArray[np.uint8], delimiter: str) -> bool:
    """Whether quotes do more than enclose whole fields of one line.

    A line with an odd number of them holds an open quote or the begin of a field over several
    lines; one that neither begins nor ends a field is an ordinary character.
    """
    quotes = np.flatnonzero(marks == ord(_QUOTE))
    ends = np.append(np.flatnonzero(marks == 10), len(marks))
    odd = np.diff(np.searchsorted(quotes, ends), prepend=0) % 2
    around = np.concatenate([[10], marks, [10]])
    edges = [ord(delimiter[0]), 10, 13]
    begins, closes = np.isin(around[quotes], edges), np.isin(around[quotes + 2], edges)
    return bool(odd.any() or (begins & ~closes).sum() != (closes & ~begins).sum())


def _careful(source: bytes, dialect: _Dialect) -> TextTable:
    lines = (
        source.decode(dialect.encoding, _errors(dialect.encoding))
        .removeprefix("\ufeff")
        .split("\n")
    )
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
    columns = [_column([row[place] for row in rows]) for place in range(width)]
    return dialect.table(columns, starts, rejected, source)


def _records(
    lines: list[str], dialect: _Dialect, width: int
) -> Iterator[tuple[int, list[str] | Reject]]:
    """Each record with the line it began at, or the reason why it is none."""
    at, heading = 0, dialect.heading
    while at < len(lines):
        line = lines[at].rstrip("\r")
        at += 1
        if not line.strip(" "):
            continue
        if heading:
            heading -= 1
            continue
        row, taken = _record(lines, at, dialect.delimiter)
        while row is not None and taken == 1 and len(row) > width and not row[-1]:
            row.pop()  # delimiters at the end of the line, as the fast way reads it
        if row is None or (taken > 1 and len(row) != width):  # only this line is lost
            yield at, Reject(at, None, "a quote is never closed", line)
        elif len(row) == width:
            yield at, row
            at += taken - 1
        else:
            reason = f"{len(row)} columns where there should be {width}"
            yield at, Reject(at, None, reason, line)


def _record(lines: list[str], at: int, delimiter: str) -> tuple[list[str] | None, int]:
    """The record that begins in a line (counted from 1), and over how many lines it goes.

    Only a field that begins with a quote may go over several, and only if a quote ends it
    properly: else one open quote would swallow the rows up to the next.
    """
    line = lines[at - 1].rstrip("\r")
    if len(delimiter) > 1 or _QUOTE not in line:
        return line.split(delimiter), 1
    fed = _Fed([line])
    row = _parsed(fed, delimiter, strict=False)
    if row is None or not fed.wanted_more:
        return row, 1
    fed = _Fed([one.rstrip("\r") for one in lines[at - 1 : at - 1 + _LONGEST_RECORD]])
    row = _parsed(fed, delimiter, strict=True)
    return (None, 1) if row is None or fed.wanted_more else (row, fed.given)


class _Fed:
    """Lines as a CSV reader asks for them, and whether it asked for more than there were."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.given, self.wanted_more = lines, 0, False

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.given += 1
            yield line + "\n"
        self.wanted_more = True


def _parsed(lines: Iterable[str], delimiter: str, *, strict: bool) -> list[str] | None:
    """The first record of some lines, None where its fields cannot be told."""
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=strict))
    except (csv.Error, StopIteration):
        return None


def _errors(encoding: str) -> str:
    """Bytes that are no UTF-8 stay visible, so that an id that holds one is refused."""
    return "surrogateescape" if encoding == "utf-8" else "replace"


def _column(cells: list[str]) -> Column:
    """Text cells; as they are where one is no valid text."""
    try:
        return Coded.of(cells)
    except UsageError:
        return objects(cells)
