"""The MovieLens files as people have them: names, shapes, and which belong together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.data.columns import Roles
from penchant.errors import DataError

PAIRS = (("u.data", "u.item"), ("ratings.dat", "movies.dat"), ("ratings.csv", "movies.csv"))
GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
_HEADERLESS = {"u.data", "ratings.dat"}


def in_folder(folder: Path, items: Any) -> tuple[Path, Any]:
    """The ratings of a MovieLens folder, and its films unless item facts were given.

    Raises:
        DataError: the folder holds no MovieLens ratings.
    """
    for ratings, films in PAIRS:
        if (folder / ratings).is_file():
            found = folder / films
            return folder / ratings, items or (found if found.is_file() else None)
    inside = sorted(path.name for path in folder.iterdir())[:10]
    raise DataError(
        "a folder is read only if it is MovieLens (u.data, ratings.dat or ratings.csv)",
        where=str(folder),
        got=inside,
        do="Name the file itself",
    )


def beside(path: Path) -> Path | None:
    """The films that lie beside MovieLens ratings, or None."""
    films = dict(PAIRS).get(path.name)
    found = path.with_name(films) if films else None
    return found if found is not None and found.is_file() else None


def shape_of(path: Path, names: list[str]) -> Roles | None:
    """The roles of a headerless MovieLens file, known by its name and width; else None."""
    if path.name not in _HEADERLESS or names != ["0", "1", "2", "3"]:
        return None
    evidence = (f"user, item, rating, timestamp (the shape of MovieLens {path.name})",)
    return Roles("0", "1", "2", "3", None, evidence)


def named_facts(path: Path, columns: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The columns of ``u.item`` and ``movies.dat`` by their names; others as they are."""
    names = list(columns)
    if path.name == "movies.dat" and names == ["0", "1", "2"]:
        return dict(zip(("movie_id", "title", "genres"), columns.values(), strict=True))
    if path.name == "u.item" and len(names) == 5 + len(GENRES):
        flags = np.array([columns[name] for name in names[5:]]) == "1"
        genres = [
            "|".join(genre for genre, flag in zip(GENRES, film, strict=True) if flag)
            for film in flags.T
        ]
        ids, titles = columns["0"], columns["1"]
        return {"movie_id": ids, "title": titles, "genres": np.array(genres, dtype=object)}
    return columns
