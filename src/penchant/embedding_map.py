"""The catalogue as a map: item vectors in two dimensions, as a page and as a picture."""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant.data.features import YEAR
from penchant.data.tables import Table
from penchant.embedding_map_picture import Scene, picture
from penchant.errors import ParameterError, UsageError
from penchant.kernels import Rows
from penchant.models import Model

# Okabe and Ito's colours, which most colour-blind people can tell apart; grey for the rest.
COLOURS = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"),
    *("#b8a800", "#7b5aa6", "#8a8f98"),
)
REST = "other"
THIRDS = ("most liked third", "middle third", "long tail")
_NEIGHBOURS = 10
_SMALL = 64  # rows or columns up to which a sparse matrix is taken apart densely

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EmbeddingMap:
    """Every item as a point; near points are alike.

    Attributes:
        points: float32 ``[n_items, 2]``, the first two principal components.
        explained: the share of the vectors' variance along each, 0 to 1.
        ids: the items.
        titles: theirs.
        counts: how many people liked each.
        neighbours: int32 ``[n_items, 10]``, the nearest in the original space; -1 pads.
        similarities: float32 ``[n_items, 10]``, theirs.
        genre: the group of each item by genre, or None where none are known.
        popularity: the group of each item by popularity.
        years: of each item, None where unknown.
        tags: all genres of each item.
        model: the model's name.
        colour: ``"genres"`` or ``"popularity"``, what is coloured first.
    """

    points: npt.NDArray[np.float32] = field(repr=False)
    explained: tuple[float, float]
    ids: list[Any] = field(repr=False)
    titles: list[str] = field(repr=False)
    counts: npt.NDArray[np.int64] = field(repr=False)
    neighbours: npt.NDArray[np.int32] = field(repr=False)
    similarities: npt.NDArray[np.float32] = field(repr=False)
    genre: list[str] | None = field(repr=False)
    popularity: list[str] = field(repr=False)
    years: list[int | None] = field(repr=False)
    tags: list[list[str]] = field(repr=False)
    model: str
    colour: str

    @property
    def caption(self) -> str:
        """What the picture shows, in words."""
        a, b = self.explained
        return (
            f"{len(self.ids):,} items by their {self.model} vectors. The two directions shown hold"
            f" {a:.1%} and {b:.1%} of the variance of the item vectors."
        )

    @property
    def table(self) -> Table:
        """The map as columns: item_id, title, x, y, count, group."""
        return Table(
            {
                "item_id": self.ids,
                "title": self.titles,
                "x": self.points[:, 0],
                "y": self.points[:, 1],
                "count": self.counts,
                "group": self.groups(self.colour),
            }
        )

    def groups(self, colour: str) -> list[str]:
        """The group of each item by a colouring."""
        return self.genre if colour == "genres" and self.genre else self.popularity

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write one page that needs no network: search, zoom, neighbours of what is clicked.

        Raises:
            UsageError: the file cannot be written.
        """
        page = (files("penchant") / "map_page.html").read_text("utf-8")
        # In a script element only "<" could end the data; JSON may write it as an escape.
        data = json.dumps(self._page_data(), ensure_ascii=False, separators=(",", ":"))
        safe = (
            data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        )
        with _writing(path):
            Path(path).write_text(page.replace('"the map\'s data"', safe), encoding="utf-8")

    def _page_data(self) -> dict[str, Any]:
        shown = ("genres", "popularity") if self.genre else ("popularity",)
        return {
            "caption": self.caption,
            "titles": self.titles,
            "ids": [str(one) for one in self.ids],
            "x": [round(float(x), 4) for x in self.points[:, 0]],
            "y": [round(float(y), 4) for y in self.points[:, 1]],
            "counts": self.counts.tolist(),
            "years": self.years,
            "tags": [", ".join(tags) for tags in self.tags],
            "neighbours": [[int(j) for j in row if j >= 0] for row in self.neighbours],
            "similarities": [
                [round(float(s), 3) for s, j in zip(row, near, strict=True) if j >= 0]
                for row, near in zip(self.similarities, self.neighbours, strict=True)
            ],
            "colourings": {colour: _legend(self.groups(colour)) for colour in shown},
            "colours": COLOURS,
            "first": self.colour,
        }

    def to_png(self, path: str | os.PathLike[str], *, width: int = 1200, height: int = 800) -> None:
        """Write a picture with the titles of the most liked items.

        Args:
            path: where to.
            width: in pixels, 200 to 5,000.
            height: likewise.

        Raises:
            ParameterError: a size outside its range.
            MissingExtraError: Pillow is not installed.
            UsageError: the file cannot be written.
        """
        legend = _legend(self.groups(self.colour))
        scene = Scene(
            points=self.points,
            counts=self.counts,
            titles=self.titles,
            names=legend["names"],
            colours=COLOURS,
            group=legend["of"],
            caption=self.caption,
        )
        image = picture(scene, width, height)
        with _writing(path):
            image.save(path, format="PNG")


@contextlib.contextmanager
def _writing(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot be written ({error.strerror})", where=str(path)) from error


def embedding_map(model: Model, *, colour: str = "auto") -> EmbeddingMap:
    """The map of a fitted model's item vectors, by principal component analysis.

    Vectors are the factors of a factor model, the neighbour profiles of an item model, or the
    people who met an item; profiles are scaled to length 1 first. The axes' signs are fixed: the
    largest loading is positive.

    Args:
        model: fitted.
        colour: ``"genres"``, ``"popularity"``, or ``"auto"`` for genres where they are known.

    Raises:
        UsageError: the model has no item vectors.
        ParameterError: no such colouring, or genres are not known.

    >>> import penchant as pt
    >>> chart = embedding_map(pt.ItemKNN(k=None).fit(pt.datasets.load("interests")))
    >>> chart.points.shape
    (36, 2)
    """
    fitted = model.fitted
    vectors = fitted.body.map_vectors()
    if vectors is None:
        raise UsageError(
            "has no item vectors to draw", where=model.name, do="Draw a rating_mf or an item_knn"
        )
    tags = [fitted.facts.tags(row) if fitted.facts else [] for row in range(len(fitted.items))]
    genre = _by_genre(tags) if any(tags) else None
    if colour not in ("auto", "genres", "popularity") or (colour == "genres" and genre is None):
        known = "auto, genres or popularity" if genre else "popularity (no genres are known)"
        raise ParameterError(f"colour must be {known}", where="embedding_map", got=colour)
    points, explained = (
        _sparse_components(vectors, len(tags)) if isinstance(vectors, Rows) else components(vectors)
    )
    near, similarities = fitted.body.all_similar(_NEIGHBOURS)
    return EmbeddingMap(
        points=points,
        explained=explained,
        ids=fitted.items.ids(),
        titles=[fitted.title(row) for row in range(len(tags))],
        counts=fitted.counts,
        neighbours=near,
        similarities=similarities,
        genre=genre,
        popularity=_by_popularity(fitted.counts),
        years=[_year(fitted.facts, row) for row in range(len(tags))],
        tags=tags,
        model=model.name,
        colour="genres" if genre and colour != "popularity" else "popularity",
    )


def components(vectors: npt.ArrayLike) -> tuple[npt.NDArray[np.float32], tuple[float, float]]:
    """The first two principal components of rows, and the share of variance along each.

    Args:
        vectors: ``[n, d]``.

    Returns:
        float32 ``[n, 2]`` and two shares; what does not exist (one row, one column, no variance)
        is 0.

    >>> points, explained = components([[0, 0], [2, 0], [4, 0]])
    >>> points[:, 0].tolist(), explained
    ([-2.0, 0.0, 2.0], (1.0, 0.0))
    """
    from threadpoolctl import threadpool_limits

    x = np.asarray(vectors, dtype=np.float64)
    x = x - x.mean(axis=0) if len(x) else x
    with threadpool_limits(1):  # the same bytes whatever the machine
        _, singular, axes = np.linalg.svd(x, full_matrices=False)
        return _projected(x @ axes[:2].T, axes.T, singular**2, float((x**2).sum()))


def _sparse_components(rows: Rows, n: int) -> tuple[npt.NDArray[np.float32], tuple[float, float]]:
    """`components` of sparse rows scaled to length 1, without making them dense."""
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import LinearOperator, svds
    from threadpoolctl import threadpool_limits

    values = np.ones(len(rows.indices)) if rows.values is None else rows.values.astype(np.float64)
    width = max(int(rows.indices.max(initial=-1)) + 1, 1)
    x = csr_array((values, rows.indices, rows.indptr), shape=(n, width))
    lengths = np.sqrt(np.asarray(x.multiply(x).sum(axis=1))).ravel()
    x = csr_array(x.multiply(1 / np.maximum(lengths, 1e-12)[:, None]))
    if min(x.shape) <= _SMALL:
        return components(x.toarray())
    mean = np.asarray(x.mean(axis=0)).ravel()
    centred = LinearOperator(
        x.shape,
        matvec=lambda v: x @ v.ravel() - mean @ v.ravel(),
        rmatvec=lambda v: x.T @ v.ravel() - mean * v.sum(),
        dtype=np.float64,
    )
    # Not all ones: centring maps that start to 0, and then there is nothing to iterate on.
    start = np.random.default_rng(0).standard_normal(min(x.shape))
    with threadpool_limits(1):
        _, singular, axes = svds(centred, k=2, v0=start, tol=1e-8)
        order = np.argsort(-singular)
        axes = axes[order].T
        total = float(x.multiply(x).sum() - n * (mean @ mean))
        points = np.column_stack([x @ axes[:, k] - mean @ axes[:, k] for k in range(2)])
    return _projected(points, axes, singular[order] ** 2, total)


def _projected(
    points: Float64, axes: Float64, values: Float64, total: float
) -> tuple[npt.NDArray[np.float32], tuple[float, float]]:
    """Two columns of points with their signs fixed, and the variance along them."""
    out = np.zeros((len(points), 2))
    shares = [0.0, 0.0]
    for k in range(min(2, points.shape[1])):
        if total > 0 and values[k] > 1e-12 * total:
            sign = np.sign(axes[np.argmax(abs(axes[:, k])), k])
            out[:, k] = sign * points[:, k]
            shares[k] = min(float(values[k] / total), 1.0)
    return out.astype(np.float32), (shares[0], shares[1])


def _by_genre(tags: list[list[str]]) -> list[str]:
    """The first genre of each item; the rarer ones together."""
    first = [one[0] if one else REST for one in tags]
    common = [name for name, _ in Counter(first).most_common() if name != REST][: len(COLOURS) - 1]
    return [name if name in common else REST for name in first]


def _by_popularity(counts: npt.NDArray[np.int64]) -> list[str]:
    """The items that hold the first, second and last third of all likes."""
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    third = np.minimum(3 * before // max(int(counts.sum()), 1), 2)
    which = np.empty(len(counts), dtype=np.int64)
    which[order] = third
    return [THIRDS[one] for one in which]


def _legend(groups: list[str]) -> dict[str, Any]:
    """Group names and the number of each item's group: thirds in order, genres by size."""
    sizes = Counter(groups)
    names = sorted(sizes, key=lambda name: (name == REST, -sizes[name], name))
    if sizes.keys() <= set(THIRDS):
        names = [name for name in THIRDS if name in sizes]
    number = {name: k for k, name in enumerate(names)}
    return {"names": names, "of": [number[name] for name in groups]}


def _year(facts: Any, row: int) -> int | None:
    value = facts.value(YEAR, row) if facts and YEAR in facts.columns else None
    return int(value) if isinstance(value, float) and np.isfinite(value) else None
