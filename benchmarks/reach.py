"""Time to a quality: how long each contestant takes to its own best, and Penchant to the same.

Epochs differ in what they achieve, so seconds per epoch tell half. Here everybody learns epoch by
epoch on one part and is judged on another, with several settings each; of each library the best
counts. Only learning is timed, never judging.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import checks
import datasets
from conductor import Contestant, Wishes
from datasets import Arrays
from environments import NotRunError
from penchant import kernels
from penchant.evaluation.metrics import ndcg
from penchant.kernels import Rows
from tasks import TASKS, THREADS, Case

OURS = "penchant"


@dataclass(frozen=True)
class Goal:
    """A quality that contestants race to.

    Attributes:
        task: whose contestants learn.
        title: what the reader sees.
        data: on which data.
        recipe: the arrays, a function of `datasets`.
        variants: settings that each library may choose from.
        epochs: of everybody.
        look: epochs between two judgements.
        quality: higher is better.
        unit: what the quality is.
    """

    task: str
    title: str
    data: str
    recipe: str
    variants: Mapping[str, tuple[Mapping[str, object], ...]]
    epochs: int
    look: int
    quality: Callable[[Case, Arrays, Arrays], float]
    unit: str


def negative_loss(case: Case, data: Arrays, found: Arrays) -> float:
    """The true loss of implicit ALS, turned so that higher is better."""
    return -checks.als_loss(case, data, found["user_factors"], found["item_factors"])


def negative_rmse(case: Case, data: Arrays, found: Arrays) -> float:
    """The error on the test part, clipped to the stars, turned so that higher is better."""
    low, high = data["ratings"].min(), data["ratings"].max()
    errors = np.clip(found["predictions"], low, high) - data["test_ratings"]
    return -float(np.sqrt(np.mean(errors.astype(np.float64) ** 2)))


def validation_ndcg(case: Case, data: Arrays, found: Arrays) -> float:
    """nDCG@10 of held-out likes, the likes learned from left out."""
    seen = Rows(np.array(data["indptr"]), np.array(data["indices"]))
    held = Rows(np.array(data["held_indptr"]), np.array(data["held_indices"]))
    users, items = (found[f"{side}_factors"].astype(np.float32) for side in ("user", "item"))
    lists, _ = kernels.top_k(users, items, 10, exclude=seen)
    sizes = np.diff(held.indptr)
    asked = sizes > 0
    return float(ndcg(kernels.hits(lists, held, len(items))[asked], sizes[asked]).mean())


_ALS = {"factors": 64, "reg": 10.0, "alpha": 0.1}
_METHODS = tuple({**_ALS, "method": method} for method in ("cg", "exact"))
_RATES = tuple({"factors": 64, "learning_rate": rate, "reg": 0.01} for rate in (0.02, 0.05, 0.1))
_STEPS = tuple(
    {"factors": 64, "learning_rate": rate, "reg": reg}
    for rate, reg in ((0.005, 0.02), (0.01, 0.05), (0.02, 0.1))
)

GOALS = (
    Goal(
        "als",
        "Implicit ALS to the same true loss",
        "ml-1m",
        "als",
        {"": _METHODS, "irspack": ({**_ALS, "method": "cg"}, {**_ALS, "method": "exact"})},
        12,
        1,
        negative_loss,
        "loss",
    ),
    Goal(
        "bpr",
        "BPR to the same nDCG@10 of held-out likes",
        "ml-1m",
        "split_likes",
        {"": _RATES},
        30,
        2,
        validation_ndcg,
        "nDCG@10",
    ),
    Goal(
        "rating_mf",
        "Rating matrix factorization to the same test RMSE",
        "ml-100k",
        "ratings",
        {"": _STEPS},
        40,
        4,
        negative_rmse,
        "RMSE",
    ),
    Goal(
        "rating_mf",
        "Rating matrix factorization to the same test RMSE",
        "ml-1m",
        "ratings",
        {"": _STEPS[1:]},
        20,
        5,
        negative_rmse,
        "RMSE",
    ),
)


@dataclass
class Run:
    """One library with one variant on its way: seconds so far, and what they had brought."""

    contestant: str
    settings: Mapping[str, object]
    seconds: float = 0.0
    seen: tuple[tuple[int, float, float], ...] = ()  # epochs, seconds, quality

    def best(self) -> tuple[int, float, float]:
        """Where its quality was highest."""
        return max(self.seen, key=lambda one: one[2])

    def until(self, quality: float) -> float | None:
        """The seconds after which it was as good."""
        return next((seconds for _, seconds, found in self.seen if found >= quality), None)


def measured(goal: Goal, wishes: Wishes) -> dict:
    """One race, as it stands in results."""
    task = next(task for task in TASKS if task.name == goal.task)
    runs, gone = [], {}
    for library in wishes.invited(task.contestants):
        for settings in goal.variants.get(library, goal.variants[""]):
            case = Case(task, goal.data, settings, THREADS)
            try:
                runs.append(_raced(goal, case, library, wishes.limit))
            except NotRunError as reason:
                gone[library] = str(reason)
    ours = [run for run in runs if run.contestant == OURS]
    rows = []
    for library in dict.fromkeys(run.contestant for run in runs):
        run = max((one for one in runs if one.contestant == library), key=lambda one: one.best()[2])
        epochs, seconds, quality = run.best()
        near = quality - 0.001 * abs(quality)  # what counts as there: within a thousandth
        seconds = run.until(near) or seconds
        reached = [found for one in ours if (found := one.until(near)) is not None]
        rows.append(
            {
                "library": library,
                "settings": dict(run.settings),
                "epochs": epochs,
                "quality": abs(quality),
                "seconds": seconds,
                "ours": seconds if library == OURS else min(reached, default=None),
            }
        )
    return {
        "title": goal.title,
        "data": goal.data,
        "unit": goal.unit,
        "rows": sorted(rows, key=lambda row: row["seconds"]),
        "not_run": gone,
    }


def _raced(goal: Goal, case: Case, library: str, limit: float) -> Run:
    """One library's way, judged every few epochs."""
    data = datasets.RECIPES[goal.recipe](case)
    arrays, run = datasets.load(data), Run(library, case.settings)
    with tempfile.TemporaryDirectory(prefix="penchant-bench-") as scratch:
        one = Contestant(library, case, data, Path(scratch), limit)
        try:
            for epoch in range(1, goal.epochs + 1):
                run.seconds += one.ask("run")["seconds"]
                if epoch % goal.look == 0:
                    one.ask("results")
                    found = {path.stem: np.load(path) for path in Path(scratch).rglob("*.npy")}
                    quality = goal.quality(case, arrays, found)
                    run.seen += ((epoch, run.seconds, quality),)
        finally:
            one.stop()
    return run


def text(race: dict) -> str:
    """A race as lines of text."""
    lines = [f"{race['title']}, {race['data']}"]
    for row in race["rows"]:
        ours = "never" if row["ours"] is None else f"{row['ours']:.3f} s"
        ratio = "" if row["ours"] is None else f"{row['seconds'] / row['ours']:.2f} ×"
        lines.append(
            f"{row['library']:<10} {race['unit']} {row['quality']:<10.6g} in {row['seconds']:.3f} s"
            f" ({row['epochs']} epochs); Penchant there in {ours}  {ratio}"
        )
    lines += [f"{library} not run: {why}" for library, why in race["not_run"].items()]
    return "\n".join(lines)
