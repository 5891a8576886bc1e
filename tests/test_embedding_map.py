"""The map is the principal components, the page needs no network, and hostile titles stay text."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import penchant as pt
from penchant.embedding_map import components
from penchant.errors import ParameterError, UsageError

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


@pytest.mark.parametrize("size", [(1200, 800), (400, 300)])
def test_the_picture(ml100k, tmp_path, size):
    image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'penchant[map]'")
    chart = pt.embedding_map(pt.RatingMF(epochs=3).fit(ml100k))
    chart.to_png(tmp_path / "map.png", width=size[0], height=size[1])
    with image.open(tmp_path / "map.png") as picture:
        assert picture.size == size
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 500


# In a real browser ------------------------------------------------------------------------------

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="needs Chromium: apt-get install chromium, or your system's package"
)


def _shown(page: Path, folder: Path, hash_: str = "") -> str:
    """The page's document after its script ran."""
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-quic",
        f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=4000", "--dump-dom",
        page.as_uri() + hash_,
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    return run.stdout


@needs_browser
def test_a_browser_shows_the_chosen_item_and_its_neighbours(ml100k, tmp_path):
    model = pt.RatingMF().fit(ml100k)
    pt.embedding_map(model).to_html(tmp_path / "map.html")
    document = _shown(tmp_path / "map.html", tmp_path, "#item=50")
    assert ">Star Wars (1977)</h2>" in document
    for title in model.similar(50, n=3).titles:
        assert title in document
    assert f"liked by {model.fitted.counts[ml100k.items.row(50)]}" in document
    assert document.count('aria-pressed="true"') == 9


@needs_browser
def test_a_browser_shows_hostile_titles_as_text(tmp_path):
    document = _shown(_hostile_map(tmp_path), tmp_path, "#item=1")
    assert "<title>Penchant: map of the catalogue</title>" in document
    assert ">&lt;/script&gt;&lt;img" in document
    assert "<img" not in document.split("<script>")[0]


@needs_browser
def test_searching_and_clicking_work(ml100k, tmp_path):
    """Typing a title lists it; Enter flies to it; a neighbour's button flies on."""
    pt.embedding_map(pt.RatingMF(epochs=3).fit(ml100k)).to_html(tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text()
    journey = """
      const words = document.getElementById("words");
      words.value = "star wars"; words.dispatchEvent(new Event("input"));
      words.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
      const first = document.querySelector("h2").textContent;
      document.querySelector("#near button").click();
      document.body.dataset.journey = first + " > " + document.querySelector("h2").textContent;
    """
    page = page.replace("</script>\n</body>", f"{journey}</script>\n</body>")
    (tmp_path / "journey.html").write_text(page)
    document = _shown(tmp_path / "journey.html", tmp_path)
    found = re.search(r'data-journey="([^"]*) &gt; ([^"]*)"', document) or re.search(
        r'data-journey="([^"]*) > ([^"]*)"', document
    )
    assert found is not None
    assert found[1] == "Star Wars (1977)"
    assert found[2] not in ("", "Star Wars (1977)")
