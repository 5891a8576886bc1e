"""Ragged rows: `csr` builds them, `spread` multiplies them, `nearest` compares them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from penchant.errors import UsageError
from penchant.kernels import _native
from penchant.kernels.checks import array, count, finite, within
from penchant.kernels.machine import threads

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
_NORMS = {None: 0, "weights": 1, "history": 2}
_MEASURES = {"cosine": 0, "jaccard": 1, "pearson": 2, "dot": 3}


class Rows(NamedTuple):
    """A sparse matrix by rows (CSR).

    Attributes:
        indptr: int64 ``[R + 1]``; row r owns entries ``indptr[r]:indptr[r + 1]``.
        indices: int32 ``[nnz]``, the column of each entry.
        values: float32 ``[nnz]``; None is all ones.
    """

    indptr: Int64
    indices: Int32
    values: Float32 | None = None

    @property
    def n_rows(self) -> int:
        """R."""
        return len(self.indptr) - 1

    def slice(self, start: int, end: int) -> Rows:
        """Rows ``start`` to ``end``; the entries are views."""
        entries = np.s_[self.indptr[start] : self.indptr[end]]
        values = None if self.values is None else self.values[entries]
        return Rows(
            self.indptr[start : end + 1] - self.indptr[start], self.indices[entries], values
        )

    def take(self, rows: Int64) -> Rows:
        """Some rows, in the order asked for; int64 ``[b]``.

        >>> Rows(np.array([0, 2, 3]), np.array([0, 2, 1])).take(np.array([1, 0])).indices.tolist()
        [1, 0, 2]
        """
        counts = np.diff(self.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        entries = np.arange(indptr[-1]) + np.repeat(self.indptr[rows] - indptr[:-1], counts)
        values = None if self.values is None else self.values[entries]
        return Rows(indptr, self.indices[entries], values)

    def where(self, keep: npt.NDArray[np.bool_]) -> Rows:
        """The same rows, empty except where ``keep`` (bool ``[R]``) holds.

        >>> Rows(np.array([0, 2, 3]), np.array([0, 2, 1])).where(np.array([False, True]))[:2]
        (array([0, 0, 1]), array([1]))
        """
        counts = np.diff(self.indptr)
        entries = np.repeat(keep, counts)
        indptr = np.concatenate([[0], np.cumsum(np.where(keep, counts, 0))]).astype(np.int64)
        values = None if self.values is None else self.values[entries]
        return Rows(indptr, self.indices[entries], values)

    @classmethod
    def stacked(cls, parts: Sequence[Rows]) -> Rows:
        """Rows below each other; all of them with values."""
        lengths = [np.diff(part.indptr) for part in parts]
        return cls(
            np.concatenate([[0], np.cumsum(np.concatenate([*lengths, []]))]).astype(np.int64),
            np.concatenate([*(part.indices for part in parts), []]).astype(np.int32),
            np.concatenate([*(np.asarray(part.values) for part in parts), []]).astype(np.float32),
        )

    def transpose(self, n_columns: int) -> Rows:
        """Columns as rows; entries of a column stay in the order of the rows.

        >>> Rows(np.array([0, 2, 3]), np.array([0, 2, 0])).transpose(3).indices.tolist()
        [0, 1, 0]
        """
        n_columns = count("transpose", "n_columns", n_columns)
        rows = checked("transpose", "rows", self, n_columns)
        indptr = np.empty(n_columns + 1, dtype=np.int64)
        indices = np.empty(len(rows.indices), dtype=np.int32)
        values = None if rows.values is None else np.empty(len(indices), dtype=np.float32)
        _native.transpose(rows, n_columns, indptr, indices, values, threads())
        return Rows(indptr, indices, values)


def checked(verb: str, name: str, rows: Any, n_columns: int, n_rows: int | None = None) -> Rows:
    """Rows with dtypes and layout settled.

    Raises:
        UsageError: pointers that do not rise from 0 to the number of entries, a column outside
            ``0 .. n_columns - 1``, values of another length or not finite, or not ``n_rows`` rows.
    """
    size = None if n_rows is None else n_rows + 1
    if (
        isinstance(rows, Rows)
        and _native.sound(rows, n_columns, threads())
        and size in (None, len(rows.indptr))
    ):
        return rows  # as they nearly always are
    indptr = array(verb, f"{name}.indptr", rows.indptr, np.int64, (size,))
    indices = array(verb, f"{name}.indices", rows.indices, np.int32, (None,))
    values = None
    if rows.values is not None:
        values = array(verb, f"{name}.values", rows.values, np.float32, (len(indices),))
    settled = Rows(indptr, indices, values)
    if not _native.sound(settled, n_columns, threads()):
        _complain(verb, name, settled, n_columns)
    return settled


def _complain(verb: str, name: str, rows: Rows, n_columns: int) -> None:
    """Say what is wrong with rows that are not sound."""
    indptr, indices, values = rows
    within_array = len(indptr) and indptr[0] == 0 and indptr[-1] == len(indices)
    if not within_array or (indptr[1:] < indptr[:-1]).any():
        raise UsageError(f"{name}.indptr must rise from 0 to {len(indices)}", where=verb)
    within(verb, f"{name}.indices", indices, n_columns)
    if values is not None:
        finite(verb, f"{name}.values", values)


def csr(
    rows: npt.ArrayLike, n_rows: int, times: npt.ArrayLike | None = None
) -> tuple[Int64, Int64]:
    """Sort entries by (row, time, position).

    Args:
        rows: the row of each entry, ``[n]``.
        n_rows: how many rows there are.
        times: int64 ``[n]``; without them entries of a row stay in their order.

    Returns:
        indptr int64 ``[n_rows + 1]``, and the positions of the entries in order, int64 ``[n]``.

    >>> [a.tolist() for a in csr([1, 0, 1], 2, times=[5, 0, 3])]
    [[0, 1, 3], [1, 2, 0]]
    """
    found = arranged(rows, n_rows, times)
    return found.indptr, found.order


class Arranged(NamedTuple):
    """Entries by (row, time, position).

    Attributes:
        indptr: int64 ``[n_rows + 1]``.
        order: int64 ``[n]``, the position each entry had.
        times: int64 ``[n]`` in that order, or None.
        columns: the cells that stood beside the entries, in that order.
    """

    indptr: Int64
    order: Int64
    times: Int64 | None
    columns: tuple[npt.NDArray[Any], ...]


def arranged(
    rows: npt.ArrayLike,
    n_rows: int,
    times: npt.ArrayLike | None = None,
    columns: Sequence[npt.NDArray[Any]] = (),
) -> Arranged:
    """`csr`, with columns carried along: while entries move, cells beside them cost little.

    Args:
        rows: the row of each entry, ``[n]``.
        n_rows: how many rows there are.
        times: int64 ``[n]``; without them entries of a row stay in their order.
        columns: int32 or float32 ``[n]`` each.

    >>> found = arranged([1, 0, 1], 2, times=[5, 0, 3], columns=[np.float32([1.5, 2.5, 3.5])])
    >>> found.times.tolist(), found.columns[0].tolist()
    ([0, 3, 5], [2.5, 3.5, 1.5])
    """
    n_rows = count("csr", "n_rows", n_rows)
    owners = array("csr", "rows", rows, np.int32, (None,))
    within("csr", "rows", owners, n_rows)
    n = len(owners)
    when = None if times is None else array("csr", "times", times, np.int64, (n,))
    cells = [
        array("csr", "columns", one, np.float32 if one.dtype.kind == "f" else np.int32, (n,))
        for one in columns
    ]
    found = Arranged(
        np.empty(n_rows + 1, np.int64),
        np.empty(n, np.int64),
        None if when is None else np.empty(n, np.int64),
        tuple(np.empty_like(one) for one in cells),
    )
    given, moved = ([one.view(np.uint32) for one in some] for some in (cells, found.columns))
    _native.arranged(
        owners, n_rows, when, found.indptr, found.order, found.times, given, moved, threads()
    )
    return found


def grades(values: Float32, most: int) -> Float32 | None:
    """The distinct values in order, float32 ``[m]``; None if there are more than ``most``.

    >>> grades(np.float32([5, 1, 5]), 2).tolist(), grades(np.float32([1, 2, 3]), 2)
    ([1.0, 5.0], None)
    """
    cells = array("grades", "values", values, np.float32, (None,))
    return _native.grades(cells, count("grades", "most", most), threads())


def deciding(rows: Rows, n_columns: int, *, last: bool) -> npt.NDArray[np.bool_]:
    """The one entry that counts for each column of a row, bool ``[nnz]``.

    Args:
        rows: ``[R, n_columns]``; a column may occur many times in a row.
        n_columns: their width.
        last: the last entry counts; else the first among those that have the sign of the last
            entry that is not 0 (of entries that are all 0 the first).

    >>> rows = Rows(np.array([0, 3]), np.array([1, 1, 1]), np.array([1, -1, -2], np.float32))
    >>> deciding(rows, 2, last=True).tolist(), deciding(rows, 2, last=False).tolist()
    ([False, False, True], [False, True, False])
    """
    rows = checked("deciding", "rows", rows, count("deciding", "n_columns", n_columns))
    mask = np.empty(len(rows.indices), dtype=np.bool_)
    _native.deciding(rows, bool(last), mask, threads())
    return mask


def all_positive(values: Float32) -> bool:
    """Whether all values are above 0, float32 ``[n]``.

    >>> all_positive(np.ones(2, np.float32)), all_positive(np.array([1, 0], np.float32))
    (True, False)
    """
    return _native.all_positive(array("all_positive", "values", values, np.float32, (None,)))


def gather(source: npt.NDArray[Any], places: Int64) -> npt.NDArray[Any]:
    """``source[places]`` for one-dimensional arrays of 4 or 8 bytes a cell, on all threads.

    Raises:
        UsageError: a place outside the source, or another source.

    >>> gather(np.array([5.0, 6.0]), np.array([1, 1, 0])).tolist()
    [6.0, 6.0, 5.0]
    """
    places = array("gather", "places", places, np.int64, (None,))
    within("gather", "places", places, len(source))
    if source.ndim != 1 or source.dtype.itemsize not in (4, 8) or source.dtype.hasobject:
        raise UsageError("source must be a row of 4 or 8 byte cells", where="gather")
    raw = np.ascontiguousarray(source).view(f"u{source.dtype.itemsize}")
    out = np.empty(len(places), dtype=source.dtype)
    run = _native.gather4 if source.dtype.itemsize == 4 else _native.gather8
    run(raw, places, out.view(raw.dtype), threads())
    return out


class Table:
    """Rows looked at once for many calls: checked, and turned when first compared with.

    The arrays of the rows are used as they are; they must not change afterwards.

    Args:
        rows: ``[T, n_columns]``; for `nearest` a column occurs at most once in a row.
        n_columns: their width.

    >>> Table(Rows(np.array([0, 1]), np.array([2])), 3).n_rows
    1
    """

    def __init__(self, rows: Rows, n_columns: int) -> None:
        self.n_columns = count("Table", "n_columns", n_columns)
        self.rows = checked("Table", "rows", rows, self.n_columns)
        self.n_rows = self.rows.n_rows

    @cached_property
    def native(self) -> _native.Table:
        """What `nearest` reads."""
        return _native.Table(self.rows, self.n_columns, threads())


def _prepared(verb: str, name: str, rows: Rows | Table, n_columns: int) -> Table:
    if not isinstance(rows, Table):
        return Table(checked(verb, name, rows, n_columns), n_columns)
    if rows.n_columns != n_columns:
        raise UsageError(
            f"n_columns must be {rows.n_columns}, as of {name}", where=verb, got=n_columns
        )
    return rows


@overload
def spread(
    history: Rows, weights: Rows | Table | Float32, n_columns: int, *, norm: None = ...
) -> Float32: ...
@overload
def spread(
    history: Rows, weights: Rows | Table, n_columns: int, *, norm: Literal["weights", "history"]
) -> tuple[Float32, Float32]: ...
def spread(
    history: Rows,
    weights: Rows | Table | Float32,
    n_columns: int,
    *,
    norm: Literal["weights", "history"] | None = None,
) -> Float32 | tuple[Float32, Float32]:
    """``out[b, i] = Σ_j x_bj W_ji``, float32 ``[B, n_columns]``.

    Summed in the order of each history, sparse weights in float64 and rounded once, so a row's
    bytes do not depend on the other rows.

    Args:
        history: ``[B, J]``, x.
        weights: ``[J, n_columns]``, W; sparse, perhaps prepared, or a dense array.
        n_columns: width of the result.
        norm: also give what a rating neighbour's opinion is divided by, a sum over the j that
            the history holds and that hold i: ``"weights"`` is ``Σ_j |W_ji|``, whatever their x;
            ``"history"`` is ``Σ_j x_bj``, whatever their W. Of sparse weights alone.

    >>> w = Rows(np.array([0, 1, 2]), np.array([1, 0]), np.array([0.5, -2.0], np.float32))
    >>> x = Rows(np.array([0, 2]), np.array([0, 1]), np.array([3.0, 1.0], np.float32))
    >>> [a.tolist() for a in spread(x, w, 2, norm="weights")]
    [[[-2.0, 1.5]], [[2.0, 0.5]]]
    >>> [a.tolist() for a in spread(x, w, 2, norm="history")]
    [[[-2.0, 1.5]], [[1.0, 3.0]]]
    >>> spread(x, np.array([[0.0, 0.5], [-2.0, 0.0]]), 2).tolist()
    [[-2.0, 1.5]]
    """
    n_columns = count("spread", "n_columns", n_columns)
    if not isinstance(weights, Rows | Table):
        dense = array("spread", "weights", weights, np.float32, (None, n_columns))
        history = checked("spread", "history", history, len(dense))
        out = np.empty((history.n_rows, n_columns), dtype=np.float32)
        _native.spread_dense(history, dense, out, threads())
        return out
    table = _prepared("spread", "weights", weights, n_columns)
    history = checked("spread", "history", history, table.n_rows)
    out = np.empty((history.n_rows, n_columns), dtype=np.float32)
    beside = None if norm is None else np.empty_like(out)
    _native.spread(history, table.rows, n_columns, _NORMS[norm], out, beside, threads())
    return out if beside is None else (out, beside)


def nearest(
    queries: Rows,
    table: Rows | Table,
    n_columns: int,
    k: int | None,
    *,
    measure: str = "cosine",
    shrink: float = 0.0,
    itself: npt.ArrayLike | None = None,
    positive: bool = True,
) -> Rows:
    """The ``k`` most similar rows of a table for each query row.

    ``cosine``: ``Σab / (|a||b| + shrink)``. ``jaccard``: ``c / (n_a + n_b − c + shrink)`` of which
    columns are present. ``pearson``: ``Σab / √(Σa² Σb²)`` over the common columns of values that
    are already centred, times ``(m − 1)/(m − 1 + shrink)`` for m in common; 0 for m < 2.
    ``dot``: ``Σab``, whatever the shrinkage.

    Args:
        queries: ``[Q, n_columns]``; a column occurs at most once in a row.
        table: ``[T, n_columns]``, likewise; perhaps prepared.
        n_columns: width of both.
        k: how many, at least 0; None for all.
        measure: the similarity.
        shrink: at least 0.
        itself: int32 ``[Q]``, a table row to leave out for each query; -1 for none.
        positive: only similarities above 0; False takes all but 0, the negative ones last.

    Returns:
        Rows ``[Q, T]`` of similarities in order (similarity descending, table row ascending).

    >>> x = Rows(np.array([0, 2, 3]), np.array([0, 1, 1]))
    >>> near = nearest(x, x, 2, 1, itself=[0, 1])
    >>> near.indices.tolist(), near.values.astype(float).round(4).tolist()
    ([1, 0], [0.7071, 0.7071])
    """
    n_columns = count("nearest", "n_columns", n_columns)
    queries = checked("nearest", "queries", queries, n_columns)
    table = _prepared("nearest", "table", table, n_columns)
    most = _most("nearest", table, k, measure, shrink)
    alone = None
    if itself is not None:
        alone = array("nearest", "itself", itself, np.int32, (queries.n_rows,))
        within("nearest", "itself", alone, table.n_rows, low=-1)
    found = _native.nearest(
        queries,
        table.native,
        most,
        _MEASURES[measure],
        float(shrink),
        alone,
        positive,
        threads(),
    )
    return Rows(*found)


def neighbours(
    table: Rows, n_columns: int, k: int | None, *, measure: str = "cosine", shrink: float = 0.0
) -> Rows:
    """Every row's ``k`` most similar other rows: `nearest` of a table to itself, pair by pair once.

    Args:
        table: ``[T, n_columns]``; a column occurs at most once in a row.
        n_columns: width of the table.
        k: how many, at least 0; None for all.
        measure: a similarity of `nearest`.
        shrink: at least 0.

    Returns:
        Rows ``[T, T]`` of similarities above 0, in order (similarity descending, row ascending).
        Sums of weights are float32, so similarities may differ from those of `nearest` by 1e-6.

    >>> x = Rows(np.array([0, 2, 3, 5]), np.array([0, 1, 1, 0, 1]))
    >>> neighbours(x, 2, 1).indices.tolist()
    [2, 0, 0]
    """
    n_columns = count("neighbours", "n_columns", n_columns)
    table = checked("neighbours", "table", table, n_columns)
    most = _most("neighbours", table, k, measure, shrink)
    if measure == "pearson":
        alone = np.arange(table.n_rows, dtype=np.int32)
        return nearest(table, table, n_columns, k, measure=measure, shrink=shrink, itself=alone)
    found = _native.neighbours(table, n_columns, most, _MEASURES[measure], float(shrink), threads())
    return Rows(*found)


def _most(verb: str, table: Rows | Table, k: int | None, measure: str, shrink: float) -> int:
    """How many rows may be asked for; complains about what else a similarity needs."""
    if measure not in _MEASURES:
        known = ", ".join(_MEASURES)
        raise UsageError(f"measure must be one of {known}", where=verb, got=measure)
    if not (np.isfinite(shrink) and shrink >= 0):
        raise UsageError("shrink must be at least 0", where=verb, got=shrink)
    most = table.n_rows if k is None else count(verb, "k", k)
    return min(most, table.n_rows)
