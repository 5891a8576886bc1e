"""How Penchant's cost grows: one size doubled again and again, the others held."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import datasets
from conductor import Contestant, Group, Wishes, enough, in_turn, summary
from environments import OWN, NotRunError
from tasks import TASKS, Case, Task

DOUBLINGS = 4
AXES = ("users", "items", "interactions", "factors", "threads")
SETTINGS = {
    "reading": {"ids": "integers"},
    "als": {"factors": 64, "method": "cg", "reg": 10.0, "alpha": 0.1},
    "item_cosine": {"k": 100},
    "top_k": {"factors": 64, "n": 10},
}


@dataclass(frozen=True)
class Size:
    """A town, and what is done in it."""

    users: int = 4_000
    items: int = 2_000
    interactions: int = 100_000
    factors: int = 64
    threads: int = 2
    rows: int = 0  # drawn instead of a town, people with them

    def case(self, task: Task) -> Case:
        """The task at this size."""
        settings = dict(SETTINGS[task.name])
        if "factors" in settings:
            settings["factors"] = self.factors
        town = f"town-{self.users}x{self.items}x{self.interactions}"
        data = f"rows-{self.rows}" if self.rows else town
        return Case(task, data, settings, self.threads)


TOWN = Size()
BASES = {"reading": Size(rows=6_250_000)}  # whose fourth doubling is 100 million
QUICK_ROWS = 100_000


def axes_of(task: str) -> list[str]:
    """What is doubled for a task.

    >>> axes_of("item_cosine"), axes_of("reading")
    (['users', 'items', 'interactions', 'threads'], ['rows', 'threads'])
    """
    if task in BASES:
        return ["rows", "threads"]
    return [one for one in AXES if one != "factors" or "factors" in SETTINGS[task]]


def sizes(axis: str, threads: int, doublings: int = DOUBLINGS, base: Size = TOWN) -> list[Size]:
    """The base and its doublings along an axis; factors begin at 16 and threads at one.

    >>> [size.users for size in sizes("users", 2, 2)]
    [4000, 8000, 16000]
    """
    base = replace(base, threads=threads)
    begin = {"factors": 16, "threads": 1}.get(axis, getattr(base, axis))
    return [replace(base, **{axis: begin << step}) for step in range(doublings + 1)]


def exponent(x: list[float], seconds: list[float]) -> float:
    """The slope of log seconds over log size by least squares.

    >>> round(exponent([1, 2, 4], [3, 6, 12]), 6)
    1.0
    """
    return float(np.polyfit(np.log(x), np.log(seconds), 1)[0])


def measured(wishes: Wishes, threads: int, quick: bool, variant: str = "") -> dict:
    """For each task and axis the medians and the exponent, as they stand in results.

    Only of tasks whose name holds ``variant``. The exponent of threads is fitted over those that
    have a core each.
    """
    found: dict[str, dict] = {}
    for task in TASKS:
        if task.name not in SETTINGS or variant not in task.name:
            continue
        base = BASES.get(task.name, TOWN)
        if quick and base.rows:
            base = replace(base, rows=QUICK_ROWS)
        for axis in axes_of(task.name):
            print(f"\ngrowth of {task.name} with {axis}", flush=True)
            points = sizes(axis, threads, 2 if quick else DOUBLINGS, base)
            try:
                series = _series(task, axis, points, wishes)
            except NotRunError as reason:
                found.setdefault(task.name, {})[axis] = {"not_run": str(reason)}
                continue
            found.setdefault(task.name, {})[axis] = series
    return found


def _series(task: Task, axis: str, points: list[Size], wishes: Wishes) -> dict:
    """All points of an axis in turn, so that a slow minute hits them all."""
    scratch = Path(tempfile.mkdtemp(prefix="penchant-bench-"))
    group, cores = Group(), len(os.sched_getaffinity(0))
    try:
        for point in points:
            case = point.case(task)
            folder = datasets.folder(case)
            x = str(getattr(point, axis))
            group.there[x] = Contestant(OWN, case, folder, scratch / x, wishes.limit)
        first = [one["seconds"] for one in group.each("run").values()]
        rounds = enough(wishes.rounds, first)
        needed = min(points[-1].threads, cores)
        runs, ratios, lent = in_turn(lambda: group.each("run"), rounds, needed)
        if group.gone:
            raise NotRunError("; ".join(f"{x}: {why}" for x, why in group.gone.items()))
    finally:
        group.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    table = []
    for x in (getattr(point, axis) for point in points):
        one = summary([answers[str(x)] for answers in runs], "seconds")
        table.append([x, one["median"], one["min"], one["max"]])
    fitted = [row for row in table if axis != "threads" or row[0] <= cores]
    return {
        "points": table,
        "exponent": exponent([row[0] for row in fitted], [row[1] for row in fitted]),
        "held": {name: getattr(points[0], name) for name in _held(points[0], axis)},
        "cores_there": [round(one, 3) for one in ratios],
        "one_core_lent": lent,
    }


def _held(point: Size, axis: str) -> list[str]:
    """The sizes that matter and are not doubled."""
    names = ("rows", "threads") if point.rows else AXES
    return [name for name in names if name != axis]
