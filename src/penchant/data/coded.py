"""A column of cells in which each distinct cell is held once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant import kernels


@dataclass(frozen=True, eq=False)
class Coded:
    """Cells as numbers of distinct cells: what is said of these is said of all rows.

    Attributes:
        codes: int32 ``[n]``, the number of each row's cell.
        distinct: objects ``[m]`` in order of first appearance, each of them in some row.

    >>> column = Coded.of(["b", "a", "b"])
    >>> column[2], column.distinct.tolist(), column.array().tolist()
    ('b', ['b', 'a'], ['b', 'a', 'b'])
    >>> column.where(np.array([False, True, True])).distinct.tolist()
    ['a', 'b']

    """

    codes: npt.NDArray[np.int32]
    distinct: npt.NDArray[Any]

    @classmethod
    def of(cls, cells: Sequence[str] | npt.NDArray[Any] | kernels.Text) -> Coded:
        """The column of some texts.

        Raises:
            UsageError: a cell is no text.
        """
        codes, first = kernels.encode(cells)
        if isinstance(cells, kernels.Text):
            return cls(codes, objects(cells.many(first)))
        return cls(codes, objects([cells[at] for at in first.tolist()]))

    @classmethod
    def numbered(cls, codes: npt.NDArray[Any], cells: Sequence[Any] | npt.NDArray[Any]) -> Coded:
        """The column of cells numbered in any way: distinct ones, not all of which need occur."""
        again, first = kernels.encode(codes)
        return cls(again, objects(list(cells))[codes[first]])

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: Any) -> Any:
        return self.distinct[self.codes[row]]

    def where(self, keep: npt.NDArray[np.bool_]) -> Coded:
        """The rows where ``keep`` (bool ``[n]``) holds."""
        return self if keep.all() else Coded.numbered(self.codes[keep], self.distinct)

    def array(self) -> npt.NDArray[Any]:
        """The cells row by row, as objects."""
        return np.asarray(self.distinct[self.codes])


Column = npt.NDArray[Any] | Coded


def array(cells: Column) -> npt.NDArray[Any]:
    """The cells of any column as an array."""
    return cells.array() if isinstance(cells, Coded) else cells


def rows_where(cells: Column, keep: npt.NDArray[np.bool_]) -> Column:
    """The rows of any column where ``keep`` holds; the column itself if that is all of them."""
    if isinstance(cells, Coded):
        return cells.where(keep)
    return cells if keep.all() else cells[keep]


def distinct_cells(cells: Column) -> npt.NDArray[Any]:
    """The cells to judge: each distinct one once, or all of them."""
    return cells.distinct if isinstance(cells, Coded) else cells


def by_row(judged: npt.NDArray[Any], cells: Column) -> npt.NDArray[Any]:
    """What was found for the cells to judge, row by row."""
    return np.asarray(judged[cells.codes]) if isinstance(cells, Coded) else judged


def objects(cells: Sequence[Any]) -> npt.NDArray[Any]:
    """Any cells as an object array."""
    out = np.empty(len(cells), dtype=object)
    out[:] = cells
    return out
