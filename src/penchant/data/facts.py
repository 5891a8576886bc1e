"""Facts from a file, frame or columns, joined to the items or people they are about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from penchant.data import movielens
from penchant.data.coded import array, objects
from penchant.data.columns import ALIASES, Reasons, bad_ids
from penchant.data.features import TAG_SEPARATOR, TAGS, TITLE, YEAR, Features
from penchant.data.files import nearest_name
from penchant.data.frames import Cells, from_frame, from_json, from_parquet
from penchant.data.interactions import Interactions
from penchant.data.text_files import normalised, read_text_table
from penchant.data.vocabulary import Vocabulary, settle_ids
from penchant.errors import DataError

About = Literal["item", "user"]

_TITLES = ("title", "name", "movietitle", "productname", "itemname", "label")
_YEARS = ("year", "releaseyear")
_TAGS = ("genres", "genre", "categories", "category", "tags", "class")
_OF_PEOPLE = {"age", "gender", "sex", "occupation", "country", "region", "city", "zip", "zipcode"}
YEAR_IN_TITLE = re.compile(r"\((\d{4})\)\s*$")
_ENOUGH = 0.05  # share of the items or people that a column must name to be their id


def read_facts(source: Any, data: Interactions, about: About = "item") -> Interactions:
    """The interactions with facts attached; the id column is found by name, else by overlap.

    Raises:
        DataError: no column holds the ids of what the facts are about.
    """
    columns = _columns(source, about)
    name, share = _id_column(columns, data.items if about == "item" else data.users, about)
    kept = _kept(columns, name) if about == "item" else _as_named(columns, name)
    rows = np.flatnonzero(~np.isin(np.arange(len(columns[name])), list(_bad(columns[name], name))))
    features = Features.from_columns(
        settle_ids(columns[name][rows], from_text=True)[0],
        {key: [column[row] for row in rows.tolist()] for key, column in kept.items()},
    )
    note = f"{about} facts: {name} names {share:.0%} of the {about}s; {', '.join(kept)}"
    attach = data.with_features if about == "item" else data.with_user_facts
    return attach(features).noted(note)


def _bad(cells: npt.NDArray[Any], name: str) -> Reasons:
    """Rows without an id."""
    bad: Reasons = {}
    bad_ids(cells, name, bad)
    return bad


def _columns(source: Any, about: About) -> dict[str, npt.NDArray[Any]]:
    if isinstance(source, Mapping):
        columns = {str(name): objects(list(cells)) for name, cells in source.items()}
        if len({len(cells) for cells in columns.values()}) > 1:
            raise DataError("columns must be equally long", where=f"{about}s", got=list(columns))
        return columns
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        if not path.is_file():
            raise DataError("there is no such file", where=str(path), do=nearest_name(path))
        return _file_columns(path, about)
    cells = from_frame(source)
    if cells is None:
        raise DataError(
            f"{about} facts come from a path, a frame or columns",
            where=f"{about}s",
            got=type(source).__name__,
        )
    return _arrays(cells)


def _arrays(cells: Cells) -> dict[str, npt.NDArray[Any]]:
    return {name: array(column) for name, column in cells.columns.items()}


def _file_columns(path: Path, about: About) -> dict[str, npt.NDArray[Any]]:
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".parquet", ".pq")):
        return _arrays(from_parquet(path))
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return _arrays(from_json(path))
    known = {*_TITLES, *_YEARS, *_TAGS} if about == "item" else _OF_PEOPLE
    table = read_text_table(path, frozenset(_id_names(about) | known))
    return movielens.named_facts(path, table.texts())


def _id_names(about: About) -> frozenset[str]:
    """What a column of the ids is called; a file of facts may call it just id."""
    return ALIASES[about] | {"id"}


def _id_column(
    columns: dict[str, npt.NDArray[Any]], ids: Vocabulary, about: About
) -> tuple[str, float]:
    """The column that names most of the ids; one that is called so wins among equals."""

    def overlap(name: str) -> float:
        cells = [
            cell
            for cell in columns[name][:100_000]
            if isinstance(cell, str | int | float | np.generic)
        ]
        met = set(ids.rows(cells).tolist()) - {-1}
        return len(met) / max(len(ids), 1)

    shares = {name: overlap(name) for name in columns}
    named = {name: normalised(name) in _id_names(about) for name in columns}
    best = max(
        columns, key=lambda name: (shares[name] > _ENOUGH and named[name], shares[name]), default=""
    )
    if not best or shares[best] == 0:
        raise DataError(
            f"no column of the {about} facts names the {about}s",
            where=f"{about}s",
            got=list(columns),
            do=f"One must hold ids like {ids.ids(range(min(3, len(ids))))}",
        )
    return best, shares[best]


def _kept(columns: dict[str, npt.NDArray[Any]], id_column: str) -> dict[str, list[Any]]:
    """Facts under their canonical names; the year is also taken off titles like "Heat (1995)"."""
    kept: dict[str, list[Any]] = {}
    for name, cells in columns.items():
        if name == id_column:
            continue
        key = normalised(name)
        if key in _TITLES and TITLE not in kept:
            kept[TITLE] = list(cells)
        elif key in _YEARS and YEAR not in kept:
            kept[YEAR] = [_year(cell) for cell in cells]
        elif key in _TAGS and TAGS not in kept:
            kept[TAGS] = [_tags(cell) for cell in cells]
        else:
            kept[name] = _numbers_or_text(cells)
    if TITLE in kept and YEAR not in kept:
        found = [
            YEAR_IN_TITLE.search(title if isinstance(title, str) else "") for title in kept[TITLE]
        ]
        if any(found):
            kept[YEAR] = [int(match[1]) if match else None for match in found]
    return kept


def _as_named(columns: dict[str, npt.NDArray[Any]], id_column: str) -> dict[str, list[Any]]:
    """Facts about people: under the names they have."""
    return {name: _numbers_or_text(cells) for name, cells in columns.items() if name != id_column}


def _year(cell: Any) -> float | None:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _tags(cell: Any) -> str:
    if isinstance(cell, list | tuple | np.ndarray):
        return TAG_SEPARATOR.join(map(str, cell))
    text = cell if isinstance(cell, str) else ""
    return TAG_SEPARATOR.join(part.strip() for part in re.split(r"[|;,]", text) if part.strip())


def _numbers_or_text(cells: npt.NDArray[Any]) -> list[Any]:
    """Cells as numbers if all that is there is one, else as they are."""
    listed = [None if isinstance(cell, str) and not cell else cell for cell in cells.tolist()]
    try:
        return [None if cell is None else float(cell) for cell in listed]
    except (TypeError, ValueError):
        return listed
