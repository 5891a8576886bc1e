"""The arrays that all contestants share, written once into the cache as .npy files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

import penchant as pt
from environments import cache_folder
from penchant import kernels
from penchant.data.interactions import Interactions
from penchant.kernels import Rows
from tasks import Case

Arrays = dict[str, np.ndarray]
ASKED = 1000  # people asked about one by one
TESTED = 0.1  # share of ratings held out
GAP = 7  # between raw ids, as a database that forgets some leaves
LISTED = 20  # length of the lists that metrics judge


def folder(case: Case) -> Path:
    """The folder with a case's arrays; written if it is not there yet."""
    return RECIPES[case.task.recipe](case)


def load(path: Path) -> Arrays:
    """The arrays of a folder, mapped."""
    return {p.stem: np.load(p, mmap_mode="r") for p in sorted(path.glob("*.npy"))}


def interactions(name: str, ratings: bool = False) -> Interactions:
    """A data set by its name here: ml-100k, ml-1m, town-ml-20m, town-USERSxITEMSxLIKES."""
    if name.startswith("town-"):
        shape = name.removeprefix("town-")
        sizes = shape.split("x")
        if len(sizes) == 3:
            return pt.datasets.town(*map(int, sizes), ratings=ratings)
        return pt.datasets.town(shape, ratings=ratings)
    data = pt.datasets.load(name)
    return data if ratings else data.likes(at_least=None)


def as_csr(data: Interactions) -> Arrays:
    """Likes as users × items CSR, items ascending within a row."""
    matrix = data.csr.copy()
    matrix.sort_indices()
    return {
        "indptr": matrix.indptr.astype(np.int64),
        "indices": matrix.indices.astype(np.int32),
    }


def likes(case: Case) -> Path:
    """indptr, indices."""
    return _written(f"{case.data}/likes", lambda: as_csr(interactions(case.data)))


def als(case: Case) -> Path:
    """Likes and the same start for everybody: user_start, item_start."""
    d = int(case.settings["factors"])

    def start() -> Arrays:
        n_users, n_items = sizes(load(likes(case)))
        rng = np.random.default_rng(0)
        return {
            "user_start": rng.normal(0, 0.1, (n_users, d)).astype(np.float32),
            "item_start": rng.normal(0, 0.1, (n_items, d)).astype(np.float32),
        }

    return _written(f"{case.data}/als-{d}", start, likes(case))


def factors(case: Case) -> Path:
    """Likes and trained factors: random ones would make thresholds and early stops meaningless."""
    d = int(case.settings["factors"])
    how = "als" if hasattr(pt, "ImplicitALS") else "svd"
    make = _by_als if how == "als" else _by_svd

    def trained() -> Arrays:
        users, items = make(case, d)
        return {
            "user_factors": np.ascontiguousarray(users, np.float32),
            "item_factors": np.ascontiguousarray(items, np.float32),
        }

    return _written(f"{case.data}/factors-{how}-{d}", trained, likes(case))


def one_user(case: Case) -> Path:
    """As `factors`, and the users who are asked for."""
    given = factors(case)

    def users() -> Arrays:
        counts = np.diff(load(given)["indptr"])
        somebody = np.flatnonzero(counts)
        drawn = np.random.default_rng(1).choice(somebody, min(ASKED, len(somebody)), replace=False)
        return {"users": drawn.astype(np.int32)}

    return _written(f"{case.data}/one-user-{given.name}", users, given)


def ratings(case: Case) -> Path:
    """Nine tenths of the ratings to learn from, one to predict."""

    def columns() -> Arrays:
        data = interactions(case.data, ratings=True).merged
        return {"users": data.owners, "items": data.items, "ratings": data.values}

    return _written(f"{case.data}/ratings", lambda: _parted(columns(), 0))


def ratings_to_choose(case: Case) -> Path:
    """The part to learn from of `ratings`, parted again in the same way: for choosing settings."""
    made = load(ratings(case))
    columns = {name: np.asarray(made[name]) for name in ("users", "items", "ratings")}
    return _written(f"{case.data}/ratings-to-choose", lambda: _parted(columns, 1))


def _parted(columns: Arrays, seed: int) -> Arrays:
    order = np.random.default_rng(seed).permutation(len(columns["items"]))
    cut = int(len(order) * (1 - TESTED))
    train = {name: column[order[:cut]] for name, column in columns.items()}
    return train | {f"test_{name}": column[order[cut:]] for name, column in columns.items()}


def lists(case: Case) -> Path:
    """Twenty items per user, and a fifth of each user's likes to judge them by."""
    d = 64

    def judged() -> Arrays:
        made = load(factors(Case(case.task, case.data, {"factors": d})))
        indptr, indices = made["indptr"], np.asarray(made["indices"])
        counts = np.diff(indptr)
        owners = np.repeat(np.arange(len(counts)), counts)
        order = np.lexsort((np.random.default_rng(2).random(len(indices)), owners))
        place = np.empty(len(indices), np.int64)
        place[order] = np.arange(len(indices)) - np.repeat(indptr[:-1], counts)
        held = place < np.maximum(counts // 5, 1)[owners]
        parts = []
        for keep in (held, ~held):
            sums = np.concatenate([[0], np.cumsum(keep)])[indptr]
            parts.append(Rows(sums.astype(np.int64), indices[keep]))
        best, _ = kernels.top_k(
            made["user_factors"], made["item_factors"], LISTED, exclude=parts[1]
        )
        return {"lists": best, "held_indptr": parts[0].indptr, "held_indices": parts[0].indices}

    return _written(f"{case.data}/lists", judged)


def split_likes(case: Case) -> Path:
    """Nine tenths of each user's likes to learn from, the rest to be found."""

    def split() -> Arrays:
        made = load(likes(case))
        indptr, indices = made["indptr"], np.asarray(made["indices"])
        drawn = np.random.default_rng(4).random(len(indices)) < TESTED
        parts = {}
        for name, keep in (("", ~drawn), ("held_", drawn)):
            sums = np.concatenate([[0], np.cumsum(keep)])[indptr]
            parts |= {f"{name}indptr": sums.astype(np.int64), f"{name}indices": indices[keep]}
        return parts

    return _written(f"{case.data}/split-likes", split)


def columns(case: Case) -> Path:
    """user_ids, item_ids: a row per like in no order, ids with gaps; or drawn ones, rows-N."""
    if case.data.startswith("rows-"):
        n = int(case.data.removeprefix("rows-"))
        return _written(f"{case.data}/columns", lambda: drawn_rows(n))

    def shuffled() -> Arrays:
        made = load(likes(case))
        users = np.repeat(np.arange(len(made["indptr"]) - 1), np.diff(made["indptr"]))
        order = np.random.default_rng(6).permutation(len(users))
        items = np.asarray(made["indices"], np.int64)
        return {"user_ids": users[order] * GAP + 1, "item_ids": items[order] * GAP + 1}

    return _written(f"{case.data}/columns", shuffled)


def drawn_rows(n: int) -> Arrays:
    """Rows of log-normal people and skewed items; as many of both per row as MovieLens 20M has.

    >>> {name: (len(ids), int(ids.min()) % GAP) for name, ids in drawn_rows(100).items()}
    {'user_ids': (100, 1), 'item_ids': (100, 1)}
    """
    rng = np.random.default_rng(0)
    share = rng.lognormal(0, 1.4, max(n * 138_493 // 20_000_263, 2)).cumsum()
    users = np.empty(n, np.int64)
    for part in np.array_split(users, max(n // 10_000_000, 1)):
        part[:] = np.searchsorted(share / share[-1], rng.random(len(part))) * GAP + 1
    items = (26_744 * rng.random(n) ** 3).astype(np.int64)
    items *= GAP
    return {"user_ids": users, "item_ids": items + 1}


def nothing(case: Case) -> Path:
    """No arrays."""
    return _written("nothing", dict)


def sizes(arrays: Arrays) -> tuple[int, int]:
    """Users and items of a CSR; every item of these data sets is liked by somebody."""
    return len(arrays["indptr"]) - 1, int(arrays["indices"].max()) + 1


RECIPES: dict[str, Callable[[Case], Path]] = {
    recipe.__name__: recipe
    for recipe in (
        *(likes, als, factors, one_user, ratings, ratings_to_choose),
        *(lists, split_likes, columns, nothing),
    )
}


def _by_als(case: Case, d: int) -> tuple[np.ndarray, np.ndarray]:
    arrays = load(likes(case))
    users = np.repeat(np.arange(len(arrays["indptr"]) - 1), np.diff(arrays["indptr"]))
    data = pt.Interactions.from_columns(users, np.asarray(arrays["indices"]))
    fitted = pt.ImplicitALS(factors=d, seed=0).fit(data).fitted
    sides = []
    for ids, vectors, size in zip(
        (data.users, data.items),
        (fitted.body.taste(fitted.opinions(fitted.histories)), fitted.body.vectors),
        sizes(arrays),
        strict=True,
    ):
        side = np.zeros((size, d), np.float32)
        side[ids.array()] = vectors[:, :d]  # ids are the folder's row numbers
        sides.append(side)
    return sides[0], sides[1]


def _by_svd(case: Case, d: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import svds

    arrays = load(likes(case))
    ones = np.ones(len(arrays["indices"]), np.float32)
    matrix = csr_array((ones, arrays["indices"], arrays["indptr"]), shape=sizes(arrays))
    u, s, vt = svds(matrix, k=d, random_state=0)
    return u * np.sqrt(s), vt.T * np.sqrt(s)


def _written(name: str, make: Callable[[], Arrays], base: Path | None = None) -> Path:
    """A folder of arrays in the cache; those of `base` are linked, not copied."""
    place = cache_folder() / "data" / name
    if place.exists():
        return place
    print(f"  writing {name}", flush=True)
    draft = place.with_name(f"{place.name}.draft-{os.getpid()}")
    draft.mkdir(parents=True)
    try:
        for array, values in make().items():
            np.save(draft / f"{array}.npy", values)
        for path in base.glob("*.npy") if base else ():
            os.link(path, draft / path.name)
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return place
