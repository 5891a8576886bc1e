"""Answers as columns: one small table that turns into the caller's frame library."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.errors import PenchantError


class Table:
    """Equally long named columns, in order.

    >>> table = Table({"item_id": ["tea", "jam"], "score": np.array([2.0, 1.0])})
    >>> table.to_dicts()[0], len(table)
    ({'item_id': 'tea', 'score': 2.0}, 2)
    >>> print(table)
    item_id  score
    tea          2
    jam          1
    """

    def __init__(self, columns: Mapping[str, Any], origin: str | None = None) -> None:
        self.columns: dict[str, npt.NDArray[Any]] = {
            name: column if isinstance(column, np.ndarray) else _as_array(column)
            for name, column in columns.items()
        }
        self.origin = origin

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.columns[name]

    def to_dicts(self) -> list[dict[str, Any]]:
        """The rows as dicts of plain Python values."""
        columns = [column.tolist() for column in self.columns.values()]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*columns, strict=True)]

    def to_pandas(self) -> Any:
        """The table as a pandas frame."""
        return _library("pandas").DataFrame(self.columns)

    def to_polars(self) -> Any:
        """The table as a polars frame."""
        return _library("polars").DataFrame(
            {name: _plain(column) for name, column in self.columns.items()}
        )

    def to_arrow(self) -> Any:
        """The table as a pyarrow table."""
        make: Any = _library("pyarrow").table
        return make({name: _plain(column) for name, column in self.columns.items()})

    def to_native(self) -> Any:
        """The table in the frame library the data came in; dicts when it was none."""
        verbs = {"pandas": "to_pandas", "polars": "to_polars", "pyarrow": "to_arrow"}
        return getattr(self, verbs.get(self.origin or "", "to_dicts"))()

    def __repr__(self) -> str:
        shown = {
            name: [_cell(one) for one in column[:20].tolist()]
            for name, column in self.columns.items()
        }
        widths = {name: max([len(name), *map(len, cells)]) for name, cells in shown.items()}
        right = {name: column.dtype.kind in "iuf" for name, column in self.columns.items()}
        lines = ["  ".join(_pad(name, widths[name], right[name]) for name in shown).rstrip()]
        for row in zip(*shown.values(), strict=True):
            cells = zip(shown, row, strict=True)
            lines.append("  ".join(_pad(cell, widths[n], right[n]) for n, cell in cells).rstrip())
        if len(self) > 20:
            lines.append(f"… {len(self):,} rows")
        return "\n".join(lines)


def _as_array(column: Any) -> npt.NDArray[Any]:
    values = list(column)
    if any(isinstance(one, str | list | None) for one in values):
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array
    return np.asarray(values)


def _plain(column: npt.NDArray[Any]) -> Any:
    return column.tolist() if column.dtype == object else column


def _cell(one: Any) -> str:
    return f"{one:.6g}" if isinstance(one, float) else "" if one is None else str(one)


def _pad(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise PenchantError(f"{name} is not installed", do=f"Run: pip install {name}") from error
