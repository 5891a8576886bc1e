"""Facts about items, one row per item: titles, years, genres and whatever else was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.data.vocabulary import Id, Vocabulary, settle_ids
from penchant.errors import DataError
from penchant.kernels import Text

TITLE, YEAR, TAGS = "title", "year", "genres"
TAG_SEPARATOR = "|"
Column = Text | npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Features:
    """Columns of facts about the ids of one vocabulary.

    A column is text (missing: the empty string) or float64 (missing: NaN). A cell that holds
    several tags joins them by ``|``.

    >>> facts = Features.from_columns([7, 9], {"title": ["Up", "Heat"], "year": [2009, None]})
    >>> facts.title(1), facts.value("year", 0), facts.value("year", 1)
    ('Heat', 2009.0, None)
    """

    ids: Vocabulary
    columns: Mapping[str, Column]

    @classmethod
    def from_columns(
        cls, ids: Sequence[Id] | npt.NDArray[Any], columns: Mapping[str, Sequence[Any]]
    ) -> Features:
        """Facts from ids and equally long columns; of a repeated id the last row counts.

        Raises:
            DataError: a column's length differs from the number of ids.

        """
        vocabulary, rows = Vocabulary.encode(settle_ids(ids)[0])
        last = np.zeros(len(vocabulary), dtype=np.int64)
        last[rows] = np.arange(len(rows))
        packed = {}
        for name, column in columns.items():
            if len(column) != len(rows):
                raise DataError(
                    f"column {name!r} must have one cell per id ({len(rows)})", got=len(column)
                )
            packed[name] = _pack([column[position] for position in last.tolist()])
        return cls(vocabulary, packed)

    def __len__(self) -> int:
        return len(self.ids)

    def aligned(self, ids: Vocabulary) -> Features:
        """The same facts in the row order of another vocabulary; ids without facts get none."""
        rows = self.ids.rows(ids.ids())
        return Features(ids, {name: _pick(column, rows) for name, column in self.columns.items()})

    def title(self, row: int) -> str:
        """The title of a row, or its id as text where there is none."""
        column = self.columns.get(TITLE)
        title = column[row] if isinstance(column, Text) else ""
        return title or str(self.ids.id(row))

    def value(self, name: str, row: int) -> str | float | None:
        """One fact, None where it is missing."""
        cell = self.columns[name][row]
        if isinstance(cell, str):
            return cell or None
        return None if np.isnan(cell) else float(cell)

    def tags(self, row: int, name: str = TAGS) -> list[str]:
        """The tags of a row, in their order."""
        column = self.columns.get(name)
        cell = column[row] if isinstance(column, Text) else ""
        return [tag for tag in cell.split(TAG_SEPARATOR) if tag]

    def find(self, words: str, most: int = 10) -> list[int]:
        """Rows whose title contains every word, any case: exact titles first, then shorter ones."""
        wanted = words.casefold().split()
        if not wanted:
            return []
        titles = [self.title(row).casefold() for row in range(len(self))]
        hits = [row for row, title in enumerate(titles) if all(word in title for word in wanted)]
        whole = " ".join(wanted)
        return sorted(hits, key=lambda row: (titles[row] != whole, len(titles[row]), row))[:most]

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        """What is saved, by name (the ids are saved by whoever owns them)."""
        saved: dict[str, npt.NDArray[Any]] = {}
        for name, column in self.columns.items():
            if isinstance(column, Text):
                saved[f"{prefix}.{name}.blob"] = column.blob
                saved[f"{prefix}.{name}.offsets"] = column.offsets
            else:
                saved[f"{prefix}.{name}.numbers"] = column
        return saved

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, npt.NDArray[Any]], prefix: str, ids: Vocabulary
    ) -> Features | None:
        """The facts that `arrays` described, or None if there were none."""
        columns: dict[str, Column] = {}
        for key, array in arrays.items():
            if not key.startswith(f"{prefix}."):
                continue
            name, part = key[len(prefix) + 1 :].rsplit(".", 1)
            if part == "numbers":
                columns[name] = array
            elif part == "blob":
                columns[name] = Text(array, arrays[f"{prefix}.{name}.offsets"])
        return cls(ids, columns) if columns else None


def _pack(cells: Iterable[Any]) -> Column:
    cells = [None if cell is None or cell != cell else cell for cell in cells]
    if all(cell is None or isinstance(cell, int | float | np.number) for cell in cells):
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    return Text.pack([_cell_text(cell) for cell in cells])


def _cell_text(cell: Any) -> str:
    if cell is None:
        return ""
    return TAG_SEPARATOR.join(map(str, cell)) if isinstance(cell, list | tuple) else str(cell)


def _pick(column: Column, rows: npt.NDArray[np.int32]) -> Column:
    if isinstance(column, Text):
        return Text.pack([column[row] if row >= 0 else "" for row in rows])
    return np.where(rows >= 0, column[rows], np.nan)
