"""Named data sets come from whichever source answers, verified; towns are made, not fetched."""

from __future__ import annotations

import http.client
import io
import subprocess
import urllib.request
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import penchant as pt
from penchant.data import datasets, sources
from penchant.errors import FetchError, ParameterError

RATINGS = "196\t242\t3\t881250949\n186\t302\t3\t891717742\n"
PEOPLE = "196\t49\tM\twriter\t5\n186\t39\tF\texecutive\tV\n"
FILMS = "242\tKolya (1996)\tComedy\n302\tunknown\t\n"


@pytest.fixture
def small(tmp_path, monkeypatch) -> sources.Source:
    """A two-row stand-in for ml-100k with a cache of its own, and no source that answers."""
    monkeypatch.setenv("PENCHANT_DATA", str(tmp_path / "cache"))
    one = replace(sources.SOURCES["ml-100k"], sha256=sources._digest(RATINGS))
    monkeypatch.setitem(sources.SOURCES, "ml-100k", one)
    monkeypatch.setattr(sources, "_GROUPLENS", "file:///nowhere")
    monkeypatch.setattr(subprocess, "run", _no_pip)
    return one


def _no_pip(*_: object, **__: object) -> None:
    raise subprocess.CalledProcessError(1, "pip", stderr="ERROR: no matching distribution\n")


def _archive(**files: str | bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _grouplens(tmp_path: Path, monkeypatch, ratings: str = RATINGS, people: bool = True) -> None:
    none = "|".join("0" * 5 + "1" + "0" * 13)
    item = f"242|Kolya (1996)|24-Jan-1997||http://x|{none}\n302|unknown||||{'|'.join('0' * 19)}\n"
    files = {"ml-100k/u.data": ratings, "ml-100k/u.item": item.encode("latin-1")}
    if people:
        files["ml-100k/u.user"] = "196|49|M|writer|55105\n186|39|F|executive|V3N4P\n"
    (tmp_path / "ml-100k.zip").write_bytes(_archive(**files))
    monkeypatch.setattr(sources, "_GROUPLENS", tmp_path.as_uri())


def _wheel(monkeypatch) -> None:
    place = "recbole/dataset_example/ml-100k/ml-100k"
    content = _archive(
        **{
            f"{place}.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
            + RATINGS,
            f"{place}.item": "item_id\ttitle\tyear\tclass\n242\tKolya\t1996\tComedy\n"
            "302\tunkonwn\tunkonwn\t\n",
            f"{place}.user": "user_id:token\tage:token\tgender:token\toccupation\tzip_code\n"
            "196\t49\tM\twriter\t55105\n186\t39\tF\texecutive\tV3N4P",
        }
    )

    def download(command: list[str], **_: object) -> None:
        assert command[1:4] == ["-m", "pip", "download"]
        (Path(command[command.index("--dest") + 1]) / "recbole-1.2.1-py3-none-any.whl").write_bytes(
            content
        )

    monkeypatch.setattr(subprocess, "run", download)


def test_both_sources_give_the_same_rows(small, tmp_path, monkeypatch):
    """Normalised content is equal, so one SHA-256 verifies either."""
    _grouplens(tmp_path, monkeypatch)
    folder, place = sources.fetched(small)
    assert place == "GroupLens"
    first = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    films = {"films.tsv": FILMS, "films.sha256": sources._digest(FILMS)}
    people = {"people.tsv": PEOPLE, "people.sha256": sources._digest(PEOPLE)}
    assert first == {"ratings.tsv": RATINGS, **films, **people}
    monkeypatch.setenv("PENCHANT_DATA", str(tmp_path / "other"))
    monkeypatch.setattr(sources, "_GROUPLENS", "file:///nowhere")
    _wheel(monkeypatch)
    folder, place = sources.fetched(small)
    assert place == "recbole==1.2.1 by pip"
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == first


def test_what_was_fetched_is_cached_and_verified_again(small, tmp_path, monkeypatch):
    _grouplens(tmp_path, monkeypatch)
    folder, _ = sources.fetched(small)
    monkeypatch.setattr(sources, "_GROUPLENS", "file:///nowhere")
    assert sources.fetched(small) == (folder, "the cache")
    (folder / "ratings.tsv").write_text(RATINGS.replace("196", "197"))
    with pytest.raises(FetchError):
        sources.fetched(small)
    _grouplens(tmp_path, monkeypatch)
    assert sources.fetched(small)[1] == "GroupLens"


@pytest.mark.parametrize("damage", [FILMS[:20], FILMS.replace("Kolya", "Kolja"), ""])
def test_damaged_films_are_fetched_again(small, tmp_path, monkeypatch, damage):
    """Half a file of titles is mended, not met as an error while it is read."""
    _grouplens(tmp_path, monkeypatch)
    folder, _ = sources.fetched(small)
    (folder / "films.tsv").write_text(damage)
    assert sources.fetched(small)[1] == "GroupLens"
    assert (folder / "films.tsv").read_text() == FILMS


def test_people_that_are_missing_are_fetched_or_done_without(small, tmp_path, monkeypatch):
    """A cache of an earlier version is filled up where a source answers, and else serves."""
    _grouplens(tmp_path, monkeypatch)
    folder, _ = sources.fetched(small)
    (folder / "people.tsv").write_text("196\t49")
    monkeypatch.setattr(sources, "_GROUPLENS", "file:///nowhere")
    assert sources.fetched(small)[1] == "the cache"
    assert sources.people_of(folder) == "", "half a file is none"
    assert datasets.load("ml-100k").user_facts is None
    _grouplens(tmp_path, monkeypatch)
    assert sources.fetched(small)[1] == "GroupLens"
    facts = datasets.load("ml-100k").user_facts
    assert [facts.value(name, 0) for name in facts.columns] == [49, "M", "writer", "5"]


def test_a_source_that_knows_nothing_of_people_is_not_asked_again(small, tmp_path, monkeypatch):
    _grouplens(tmp_path, monkeypatch, people=False)
    sources.fetched(small)
    monkeypatch.setattr(sources, "_GROUPLENS", "file:///nowhere")
    data = datasets.load("ml-100k")
    assert data.user_facts is None
    assert "user facts: none came with it" in data.notes
    assert data.notes[-1].startswith("from the cache")


@pytest.mark.parametrize(
    "error",
    [http.client.IncompleteRead(b"half"), zlib.error("bad block"), IndexError("a short line")],
)
def test_a_source_that_breaks_off_gives_way_to_the_next(small, monkeypatch, error):
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(urllib.request, "urlopen", broken)
    _wheel(monkeypatch)
    assert sources.fetched(small)[1] == "recbole==1.2.1 by pip"


def test_a_cache_that_cannot_be_written_is_a_complaint(small, tmp_path, monkeypatch):
    _grouplens(tmp_path, monkeypatch)
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("PENCHANT_DATA", str(tmp_path / "file"))
    with pytest.raises(FetchError, match=r"cannot be kept .*Let PENCHANT_DATA name a folder"):
        sources.fetched(small)


def test_data_that_are_not_the_published_ones_are_refused(small, tmp_path, monkeypatch):
    _grouplens(tmp_path, monkeypatch, RATINGS.replace("881250949", "881250950"))
    with pytest.raises(FetchError, match=r"GroupLens: the ratings are not the published ones"):
        sources.fetched(small)


def test_without_network_the_message_names_every_source_and_the_way_out(small):
    with pytest.raises(FetchError) as error:
        datasets.load("ml-100k")
    message = str(error.value)
    assert "GroupLens:" in message
    assert "recbole==1.2.1 by pip: ERROR: no matching distribution" in message
    assert "PENCHANT_DATA" in message


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(
        ParameterError, match=r"no such data set, got 'ml-100'\. Did you mean 'ml-100k'"
    ):
        datasets.load("ml-100")


def test_movielens_100k_as_published(ml100k):
    """Integer ids in file order, titles with their year, 18 genres; item 267 is unknown."""
    assert ml100k.kind == "ratings"
    assert ml100k.columns()["user_id"][:3].tolist() == [196, 186, 22]
    assert ml100k.title(ml100k.items.row(50)) == "Star Wars (1977)"
    assert ml100k.facts.value("year", ml100k.items.row(50)) == 1977
    assert "Sci-Fi" in ml100k.facts.tags(ml100k.items.row(50))
    assert ml100k.facts.value("year", ml100k.items.row(267)) is None
    facts, person = ml100k.user_facts, ml100k.users.row(196)
    assert [facts.value(name, person) for name in facts.columns] == [49, "M", "writer", "5"]
    assert "SHA-256 verified" in ml100k.notes[-1]


def test_towns_are_the_same_each_time_and_have_what_was_asked_for():
    first, again, other = (pt.datasets.town(300, 120, 6_000, seed=s) for s in (1, 1, 2))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
    assert (len(first), len(first.users)) == (6_000, 300)
    assert len(first.merged.items) == len(first), "nobody meets an item twice"
    popularity = np.sort(first.histories.item_counts())[::-1]
    assert popularity[:12].mean() > 3 * popularity[-60:].mean()
    assert len(first.notes) == 2


def test_a_town_of_ratings_has_taste_to_learn():
    town = pt.datasets.town(200, 80, 5_000, ratings=True)
    assert set(np.unique(town.histories.values)) == {1, 2, 3, 4, 5}
    model = pt.RatingMF(factors=8, epochs=8).fit(town)
    spread = float(np.var(town.histories.values))
    assert model.fitted.epochs[-1]["train_mse"] < 0.7 * spread


def test_a_dense_town_still_has_no_repeats():
    town = pt.datasets.town(20, 30, 300, seed=3)
    assert len(town.merged.items) == len(town) == 300


@pytest.mark.parametrize("sizes", [(0, 10, 5), (10, 1, 10), (10, 10, 5), (10, 10, 99)])
def test_impossible_towns_are_refused(sizes):
    with pytest.raises(ParameterError, match="at least one per user and at most half"):
        pt.datasets.town(*sizes)


def test_published_shapes_state_their_statistics():
    with pytest.raises(ParameterError, match="There are: ml-1m, ml-20m"):
        pt.datasets.town("ml-5b")
    town = pt.datasets.town("ml-1m")
    assert (len(town.users), len(town.items)) == (6_040, 3_416)
    assert "published ml-1m: median 96" in town.notes[-1]
