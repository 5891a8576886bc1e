"""Facts about items, one row per item: titles, years, genres and whatever else was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.data.coded import Coded
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
        cls, ids: Sequence[Id] | npt.NDArray[Any] | Coded, columns: Mapping[str, Sequence[Any]]
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
            cells = [column[position] for position in last.tolist()]
            packed[name] = _pack(cells, as_text=name in (TITLE, TAGS))
        return cls(vocabulary, packed)

    def __len__(self) -> int:
        return len(self.ids)

    def aligned(self, ids: Vocabulary) -> Features:
        """The same facts in the row order of another vocabulary; ids without facts get none."""
        rows = self.ids.rows(ids.ids())
        return Features(ids, {name: _pick(column, rows) for name, column in self.columns.items()})

    def title(self, row: int) -> str:
        """The title of a row, or its id as text where there is none."""
        return self.titles(np.array([row], dtype=np.int32))[0]

    def titles(self, rows: npt.NDArray[np.int32]) -> list[str]:
        """The titles of some rows, where there is none the id as text."""
        column = self.columns.get(TITLE)
        titles = column.many(rows) if isinstance(column, Text) else [""] * len(rows)
        if all(titles):
            return titles
        ids = self.ids.ids(rows)
        return [title or str(one) for title, one in zip(titles, ids, strict=True)]

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


def matching(words: str, titles: Sequence[str], most: int) -> list[int]:
    """Places of the titles that contain every word, any case: whole matches first, then short ones.

    >>> matching("r", ["Spark", "R", "Hadoop"], 5)
    [1, 0]
    """
    wanted = words.casefold().split()
    folded = [title.casefold() for title in titles]
    hits = [at for at, title in enumerate(folded) if all(word in title for word in wanted)]
    whole = " ".join(wanted)
    hits.sort(key=lambda at: (folded[at] != whole, len(folded[at]), at))
    return hits[:most] if wanted else []


def _pack(cells: Iterable[Any], as_text: bool) -> Column:
    cells = [None if missing(cell) else cell for cell in cells]
    numeric = all(cell is None or isinstance(cell, int | float | np.number) for cell in cells)
    if numeric and not as_text:
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    return Text.pack([cell_text(cell) for cell in cells])


def missing(cell: Any) -> bool:
    """Whether a cell of whatever library holds nothing: None, NaN, NaT or NA."""
    if cell is None:
        return True
    if isinstance(cell, str | list | tuple | np.ndarray):
        return False
    same = cell == cell
    return not (isinstance(same, bool | np.bool_) and same)


def cell_text(cell: Any) -> str:
    """A cell of whatever library as text; several tags are joined, None is the empty text."""
    if cell is None:
        return ""
    if isinstance(cell, list | tuple | np.ndarray):
        return TAG_SEPARATOR.join(str(one) for one in cell if not missing(one))
    return str(cell)


def _pick(column: Column, rows: npt.NDArray[np.int32]) -> Column:
    if isinstance(column, Text):
        return Text.pack([column[row] if row >= 0 else "" for row in rows])
    return np.where(rows >= 0, column[rows], np.nan)
