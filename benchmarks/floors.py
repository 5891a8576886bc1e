"""The least a task can cost on this machine: its arithmetic and traffic at measured ceilings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from datasets import GAP, Arrays
from tasks import Case


@dataclass(frozen=True)
class Shape:
    """What costs depend on."""

    users: int = 0
    items: int = 0
    entries: int = 0  # likes or ratings
    pairs: int = 0  # of items that one user met, over all users
    history: float = 0  # the median length

    @classmethod
    def of(cls, data: Arrays) -> Shape:
        """The shape of a folder's arrays."""
        if "users" in data and "ratings" in data:
            n = (int(data[side].max()) + 1 for side in ("users", "items"))
            return cls(*n, len(data["ratings"]))
        if "user_ids" in data:
            n = (int(data[f"{side}_ids"].max()) // GAP + 1 for side in ("user", "item"))
            return cls(*n, len(data["user_ids"]))
        prefix = "held_" if "held_indptr" in data else ""
        if f"{prefix}indptr" not in data:
            return cls()
        counts = np.diff(data[f"{prefix}indptr"])
        indices = data[f"{prefix}indices"]
        pairs = int((counts * (counts - 1) // 2).sum())
        items = int(indices.max()) + 1
        return cls(len(counts), items, len(indices), pairs, float(np.median(counts)))


@dataclass(frozen=True)
class Work:
    """Operations and bytes that no way of doing the task can leave out.

    Attributes:
        flops: float32 operations, a fused multiply-add being two.
        bytes: that come from or go to memory.
        says: the count in words.
        threads: on how many the task can run.
    """

    flops: float
    bytes: float
    says: str
    threads: int = 0  # 0: all


def floor(case: Case, data: Arrays, ceilings: Mapping[str, float]) -> dict[str, object] | None:
    """Seconds of the floor and why, or None for a task without one."""
    if case.task.floor is None:
        return None
    work = FLOORS[case.task.floor](Shape.of(data), case.settings)
    return {**asdict(work), "seconds": seconds(work, ceilings, case.threads)}


def renewed(
    floor: Mapping[str, object] | None, ceilings: Mapping[str, float], threads: int
) -> object:
    """A floor that was kept, at ceilings measured since."""
    if floor is None:
        return None
    work = Work(**{name: one for name, one in floor.items() if name != "seconds"})
    return {**floor, "seconds": seconds(work, ceilings, threads)}


def seconds(work: Work, ceilings: Mapping[str, float], threads: int) -> float:
    """Arithmetic and traffic at once: the longer of the two.

    >>> seconds(Work(2e9, 0, ""), {"fma GFLOP/s, 2 threads": 200, "read GB/s, 2 threads": 30}, 2)
    0.01
    """
    used = work.threads or threads
    plural = "s" if used > 1 else ""
    arithmetic = work.flops / (ceilings[f"fma GFLOP/s, {used} thread{plural}"] * 1e9)
    traffic = work.bytes / (ceilings[f"read GB/s, {threads} threads"] * 1e9)
    return max(arithmetic, traffic)


def als(s: Shape, settings: Mapping[str, object]) -> Work:
    """One iteration: both half-steps and both Gram matrices."""
    d, rows = int(settings["factors"]), s.users + s.items
    grams = rows * d * (d + 1)
    traffic = 2 * 4 * s.entries + 2 * 4 * rows * d
    if settings["method"] == "exact":
        flops = 2 * s.entries * d * (d + 1) + rows * (d**3 / 3 + 2 * d * d) + grams
        return Work(flops, traffic, "half of each normal matrix, a Cholesky and two solves a row")
    if settings["method"] == "cg":
        flops = 2 * s.entries * 16 * d + rows * 4 * 2 * d * d + grams
        return Work(flops, traffic, "residual and 3 steps, each 4d a like, and 2d² a row")
    flops = 2 * s.entries * 4 * d + rows * 2 * d * d + grams
    return Work(flops, traffic, "each like met once with its score, 4d, and 2d² a row")


def item_cosine(s: Shape, settings: Mapping[str, object]) -> Work:
    """Co-counts of all pairs, once each."""
    # An addition is half of a multiply-add, so it takes the time of two operations.
    return Work(2 * s.pairs, 4 * s.entries, "one addition per pair of items that a user met")


def top_k(s: Shape, settings: Mapping[str, object]) -> Work:
    """All scores; nothing for choosing among them."""
    d = int(settings["factors"])
    traffic = 4 * d * (s.users + s.items) + 4 * s.entries + 8 * s.users * int(settings["n"])
    return Work(
        2 * s.users * s.items * d, traffic, "every score, 2d each; an early stop needs less"
    )


def one_user(s: Shape, settings: Mapping[str, object]) -> Work:
    """One user's scores on one thread; the table stands in a cache."""
    d = int(settings["factors"])
    return Work(2 * s.items * d, 0, "every score, 2d each, on one thread", threads=1)


def one_user_fold_in(s: Shape, settings: Mapping[str, object]) -> Work:
    """As `one_user`, after solving the vector of a median history."""
    d = int(settings["factors"])
    solve = s.history * d * (d + 1) + d**3 / 3 + 2 * d * d
    return Work(2 * s.items * d + solve, 0, "one exact solve and every score", threads=1)


def ease(s: Shape, settings: Mapping[str, object]) -> Work:
    """Gram, Cholesky and inverse of one triangle."""
    flops = 2 * s.pairs + float(s.items) ** 3
    return Work(flops, 2 * 4 * s.items**2, "I³ for Cholesky and inverse, one addition a pair")


def bpr(s: Shape, settings: Mapping[str, object]) -> Work:
    """One draw per like."""
    d = int(settings["factors"])
    return Work(s.entries * 15 * d, 0, "15d a draw: a difference, a dot, three updates")


def rating_mf(s: Shape, settings: Mapping[str, object]) -> Work:
    """One step per rating."""
    d = int(settings["factors"])
    return Work(s.entries * 10 * d, 12 * s.entries, "10d a rating: a dot and two updates")


def metrics(s: Shape, settings: Mapping[str, object]) -> Work:
    """Lists and held-out likes read once."""
    listed = int(settings["recall_at"]) * s.users
    return Work(0, 4 * (listed + s.entries), "lists and held-out likes read once")


def reading(s: Shape, settings: Mapping[str, object]) -> Work:
    """Columns read once and the matrix written once."""
    traffic = (8 + 8 + 4 + 4) * s.entries + 8 * (s.users + s.items)
    return Work(0, traffic, "ids of 8 bytes read once, the matrix written once; no sorting")


FLOORS: dict[str, Callable[[Shape, Mapping[str, object]], Work]] = {
    floor.__name__: floor
    for floor in (
        *(als, item_cosine, top_k, one_user, one_user_fold_in),
        *(ease, bpr, rating_mf, metrics, reading),
    )
}
