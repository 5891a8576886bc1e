"""The map is the principal components; its page and its picture hold whatever titles there are."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import penchant as pt
from penchant import embedding_map_picture
from penchant.embedding_map import THIRDS, components
from penchant.errors import MissingExtraError, ParameterError, UsageError

HOSTILE = "</script><img src=x onerror=\"document.title='broken'\">"


def _twin(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """PCA by a full singular value decomposition."""
    centred = x - x.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign([axis[np.argmax(abs(axis))] for axis in axes[:2]])
    return centred @ axes[:2].T * signs, singular[:2] ** 2 / (singular**2).sum()


@pytest.fixture(scope="module")
def factors(ratings) -> pt.Model:
    return pt.RatingMF(factors=6).fit(ratings)


def test_dense_components_are_the_singular_vectors():
    x = np.random.default_rng(0).normal(size=(200, 7)) * [5, 4, 3, 2, 1, 1, 1]
    points, explained = components(x)
    expected, shares = _twin(x)
    np.testing.assert_allclose(points, expected, atol=1e-4)
    np.testing.assert_allclose(explained, shares, rtol=1e-6)


def test_sparse_vectors_give_the_map_of_their_dense_form():
    """Neighbour profiles, scaled to length 1, centred without being made dense."""
    town = pt.datasets.town(400, 150, 9_000)
    model = pt.ItemKNN(k=20).fit(town)
    rows = model.fitted.body.map_vectors()
    dense = np.zeros((150, 150))
    dense[np.repeat(np.arange(150), np.diff(rows.indptr)), rows.indices] = rows.values
    dense /= np.maximum(np.linalg.norm(dense, axis=1), 1e-12)[:, None]
    chart = pt.embedding_map(model)
    expected, shares = _twin(dense)
    np.testing.assert_allclose(chart.points, expected, atol=1e-4)
    np.testing.assert_allclose(chart.explained, shares, rtol=1e-4)


def test_centring_that_is_exact_leaves_a_map():
    """128 items of 4 people each: sums are exact, so a start of ones would be centred to 0."""
    rng = np.random.default_rng(0)
    rows = [(int(u), i) for i in range(128) for u in rng.choice(400, 4, replace=False)]
    model = pt.UserKNN().fit(pt.read(rows, kind="likes"))
    rows = model.fitted.body.map_vectors()
    dense = np.zeros((128, 400))
    dense[np.repeat(np.arange(128), np.diff(rows.indptr)), rows.indices] = 0.5
    chart = pt.embedding_map(model)
    expected, shares = _twin(dense)
    np.testing.assert_allclose(chart.points, expected, atol=1e-4)
    np.testing.assert_allclose(chart.explained, shares, rtol=1e-4)


@pytest.mark.parametrize(
    "model", [pt.ItemKNN(k=20), pt.UserKNN(), pt.RatingMF(factors=8)], ids=lambda m: m.name
)
def test_the_same_bytes_for_any_number_of_threads(model):
    town = pt.datasets.town(900, 300, 20_000)
    if model.feedback == ("ratings",):
        stars = np.random.default_rng(1).integers(1, 6, len(town)).astype(float)
        rows = town.to_pandas()
        town = pt.read(rows[["user_id", "item_id"]].assign(rating=stars))
    model.fit(town)
    maps = set()
    for threads in (1, 2, 7):
        with threadpool_limits(threads):
            maps.add(pt.embedding_map(model).points.tobytes())
    assert len(maps) == 1


@pytest.mark.parametrize(
    "vectors",
    [
        np.zeros((0, 3)),
        np.zeros((1, 3)),
        np.ones((5, 3)),
        np.zeros((5, 0)),
        np.arange(5.0)[:, None],
    ],
)
def test_what_has_no_two_directions_is_still_drawn(vectors):
    points, explained = components(vectors)
    assert points.shape == (len(vectors), 2)
    assert np.isfinite(points).all()
    assert explained[1] == 0


@pytest.mark.parametrize(
    "model", [pt.ItemKNN(), pt.UserKNN(), pt.RatingMF(factors=3)], ids=lambda m: m.name
)
def test_maps_of_every_body_with_vectors(model, ratings):
    chart = pt.embedding_map(model.fit(ratings))
    assert chart.points.shape == (50, 2)
    assert 0 < chart.explained[1] <= chart.explained[0] <= 1
    again = pt.embedding_map(model)
    assert again.points.tobytes() == chart.points.tobytes()


@pytest.mark.parametrize(
    "model", [pt.ItemKNN(), pt.UserKNN(), pt.RatingMF(factors=3)], ids=lambda m: m.name
)
def test_neighbours_are_those_of_the_model_not_of_the_picture(model, ratings):
    chart = pt.embedding_map(model.fit(ratings))
    for item in (0, 7, 30):
        near = model.similar(ratings.items.id(item), n=10)
        assert [chart.ids[j] for j in chart.neighbours[item] if j >= 0] == list(near.ids)


def test_popularity_has_no_vectors(likes):
    with pytest.raises(UsageError, match="popularity: has no item vectors"):
        pt.embedding_map(pt.Popularity().fit(likes))


def test_colours(ml100k, factors):
    films = pt.embedding_map(pt.ItemKNN().fit(ml100k.likes()))
    assert films.colour == "genres"
    assert len(set(films.groups("genres"))) == 9
    by_popularity = films.groups("popularity")
    counts = {
        name: films.counts[[g == name for g in by_popularity]].sum() for name in set(by_popularity)
    }
    assert max(counts.values()) < 1.1 * min(counts.values())
    with pytest.raises(ParameterError, match=r"popularity \(no genres are known\)"):
        pt.embedding_map(factors, colour="genres")


def test_the_table_has_a_row_per_item(factors, ratings):
    rows = pt.embedding_map(factors).table.to_dicts()
    assert len(rows) == len(ratings.items)
    assert set(rows[0]) == {"item_id", "title", "x", "y", "count", "group"}


def test_the_page_asks_no_network_for_anything(factors, tmp_path):
    pt.embedding_map(factors).to_html(tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text()
    assert not re.search(r"(src|href)\s*=|https?:|@import|url\(", page)
    assert "default-src 'none'" in page
    assert "innerHTML" not in page


def _hostile_map(folder: Path) -> Path:
    titles = {"id": [1, 2, 3], "title": [HOSTILE, "Plain & <b>simple</b>", "Étoile\u2028 noire"]}
    rows = [(u, i) for u in range(6) for i in (1, 2, 3) if (u + i) % 3]
    model = pt.ItemKNN().fit(pt.read(rows, items=titles))
    pt.embedding_map(model).to_html(folder / "map.html")
    return folder / "map.html"


def test_hostile_titles_cannot_leave_the_data(tmp_path):
    page = _hostile_map(tmp_path).read_text()
    assert HOSTILE not in page
    assert "\\u003c/script>" in page


def test_facts_and_titles_of_any_kind_are_drawn(tmp_path):
    """Line breaks, empty titles, other scripts and a year that is no number of a year."""
    pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'penchant[map]'")
    titles = ["two\nlines", "tab\there", "", "東京物語", "x" * 500]
    facts = {
        "id": [1, 2, 3, 4, 5],
        "title": titles,
        "year": [np.inf, 1953.0, None, 2000.0, -np.inf],
    }
    rows = [(u, i) for u in range(9) for i in range(1, 6) if (u + i) % 3]
    chart = pt.embedding_map(pt.ItemKNN().fit(pt.read(rows, items=facts)))
    assert sorted(chart.years, key=str) == [1953, 2000, None, None, None]
    chart.to_html(tmp_path / "map.html")
    chart.to_png(tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 1000


def test_popularity_is_named_from_the_most_liked_down(factors):
    chart = pt.embedding_map(factors, colour="popularity")
    groups = np.array(chart.groups("popularity"))
    least = [chart.counts[groups == name].min() for name in THIRDS]
    most = [chart.counts[groups == name].max() for name in THIRDS]
    assert least[0] >= most[1] >= least[1] >= most[2]


def test_the_page_of_a_real_catalogue_is_small(ml100k, tmp_path):
    pt.embedding_map(pt.RatingMF(epochs=3).fit(ml100k)).to_html(tmp_path / "map.html")
    assert (tmp_path / "map.html").stat().st_size < 600_000


@pytest.mark.parametrize("write", ["to_html", "to_png"])
def test_a_place_that_cannot_be_written_is_a_clear_complaint(factors, tmp_path, write):
    pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'penchant[map]'")
    with pytest.raises(UsageError, match="cannot be written"):
        getattr(pt.embedding_map(factors), write)(tmp_path / "no such folder" / "map")


@pytest.mark.parametrize("size", [(0, 800), (1200, 5001), (1200.5, 800), (800, None)])
def test_sizes_no_picture_can_have(factors, tmp_path, size):
    with pytest.raises(ParameterError, match="must be a whole number from 200 to 5000"):
        pt.embedding_map(factors).to_png(tmp_path / "map.png", width=size[0], height=size[1])


def test_without_pillow_the_way_to_it_is_said(factors, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    chart = pt.embedding_map(factors)
    chart.to_html(tmp_path / "map.html")
    with pytest.raises(MissingExtraError, match=r"penchant\[map\]"):
        chart.to_png(tmp_path / "map.png")


@pytest.mark.parametrize("size", [(200, 200), (320, 900), (1200, 800), (2400, 700)])
def test_words_in_the_picture_neither_overlap_nor_stick_out(factors, tmp_path, monkeypatch, size):
    """Titles, legend and caption, as they are written."""
    pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'penchant[map]'")
    written, write = [], embedding_map_picture._write

    def watched(draw, at, words, size, *rest, **more):
        width = embedding_map_picture._ruler(draw, size)(words)
        box = (at[0], at[1] - size / 2, at[0] + width, at[1] + size / 2)
        written.append(embedding_map_picture.Box(*box))
        write(draw, at, words, size, *rest, **more)

    monkeypatch.setattr(embedding_map_picture, "_write", watched)
    chart = pt.embedding_map(factors)
    chart = replace(chart, titles=[f"A title of some length {i}" for i in range(50)])
    chart.to_png(tmp_path / "map.png", width=size[0], height=size[1])
    assert len(written) > 3 + 1, "a legend of three, a caption, and titles"
    page = embedding_map_picture.Box(0, 0, *size)
    assert all(box.within(page) for box in written)
    assert not any(a.meets(b, gap=0) for a, b in combinations(written, 2))


def test_distances_in_the_picture_are_those_of_the_map():
    """Both directions have one scale, however wide the picture is."""
    points = np.random.default_rng(2).normal(size=(40, 2)).astype(np.float32) * [5, 1]
    for box in ((0, 0, 900, 300), (10, 20, 200, 700)):
        at = embedding_map_picture._placed(points, embedding_map_picture.Box(*box))
        ratio = np.linalg.norm(at[1:] - at[0], axis=1) / np.linalg.norm(
            points[1:] - points[0], axis=1
        )
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
        assert (at.min(axis=0) >= np.array(box[:2]) - 1e-6).all()
        assert (at.max(axis=0) <= np.array(box[2:]) + 1e-6).all()


@pytest.mark.parametrize("size", [(1200, 800), (400, 300)])
def test_the_picture(ml100k, tmp_path, size):
    image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'penchant[map]'")
    chart = pt.embedding_map(pt.RatingMF(epochs=3).fit(ml100k))
    chart.to_png(tmp_path / "map.png", width=size[0], height=size[1])
    with image.open(tmp_path / "map.png") as picture:
        assert picture.size == size
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 500
