"""The MovieLens files as people have them: names, shapes, and which belong together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.data.columns import Roles
from penchant.errors import DataError

TOGETHER = (  # ratings, films, people
    ("u.data", "u.item", "u.user"),
    ("ratings.dat", "movies.dat", "users.dat"),
    ("ratings.csv", "movies.csv", None),
)
GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
_PEOPLE = {
    "u.user": ("user_id", "age", "gender", "occupation", "region"),
    "users.dat": ("user_id", "gender", "age", "occupation", "region"),
}
_HEADERLESS = {"u.data", "ratings.dat"}


def in_folder(folder: Path) -> Path:
    """The ratings of a MovieLens folder.

    Raises:
        DataError: the folder holds no MovieLens ratings.
    """
    for ratings, *_ in TOGETHER:
        if (folder / ratings).is_file():
            return folder / ratings
    inside = sorted(path.name for path in folder.iterdir())[:10]
    raise DataError(
        "a folder is read only if it is MovieLens (u.data, ratings.dat or ratings.csv)",
        where=str(folder),
        got=inside,
        do="Name the file itself",
    )


def beside(path: Path) -> tuple[Path | None, Path | None]:
    """The files of films and of people that lie beside MovieLens ratings; None where there is none.

    >>> beside(Path("elsewhere/ratings.dat"))
    (None, None)
    """
    films, people = next((two for ratings, *two in TOGETHER if ratings == path.name), (None, None))
    return _beside(path, films), _beside(path, people)


def _beside(path: Path, name: str | None) -> Path | None:
    found = path.with_name(name) if name else None
    return found if found is not None and found.is_file() else None


def shape_of(path: Path, names: list[str]) -> Roles | None:
    """The roles of a headerless MovieLens file, known by its name and width; else None."""
    if path.name not in _HEADERLESS or names != ["0", "1", "2", "3"]:
        return None
    evidence = (f"user, item, rating, timestamp (the shape of MovieLens {path.name})",)
    return Roles("0", "1", "2", "3", None, evidence)


def region(zip_code: Any) -> str:
    """The first character of a zip code.

    >>> region("55105"), region("V3N4P"), region("")
    ('5', 'V', '')
    """
    return zip_code[:1] if isinstance(zip_code, str) else ""


def named_facts(path: Path, columns: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The columns of MovieLens files without a header by their names; others as they are.

    Of a person's zip code the first character is kept: the part of the country.
    """
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
    if path.name in _PEOPLE and names == ["0", "1", "2", "3", "4"]:
        facts = dict(zip(_PEOPLE[path.name], columns.values(), strict=True))
        facts["region"] = np.array([region(cell) for cell in facts["region"]], dtype=object)
        return facts
    return columns
