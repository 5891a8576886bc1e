"""Time to a quality: how long each contestant takes to its own best, and Penchant to the same.

Epochs differ in what they achieve, so seconds per epoch tell half. Here everybody learns on one
part and is judged on another as it goes, with several settings each; of each library the best
counts. Only learning is timed, never judging. Where the judge is a test part, settings and the
number of epochs are chosen on a validation part first, and only what was chosen meets the test.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import checks
import datasets
from conductor import Contestant, Wishes, in_turn
from datasets import Arrays
from environments import NotRunError
from penchant import kernels
from penchant.evaluation.metrics import ndcg
from penchant.kernels import Rows
from tasks import TASKS, THREADS, Case, said

OURS = "penchant"
NEAR = 0.001  # of a quality: what counts as there
LONG = 20.0  # seconds after which a run is not repeated
PATIENCE = 3  # looks without a better quality, after which a run ends
INF = float("inf")

Settings = Mapping[str, object]


@dataclass(frozen=True)
class Goal:
    """A quality that contestants race to.

    Attributes:
        task: whose contestants learn.
        title: what the reader sees.
        data: on which data.
        recipe: the arrays, a function of `datasets`.
        variants: settings that each library may choose from.
        looks: after how many epochs everybody is judged.
        quality: higher is better.
        unit: what the quality is.
        choosing: the arrays on which settings are chosen, if not those of the race.
    """

    task: str
    title: str
    data: str
    recipe: str
    variants: Mapping[str, tuple[Settings, ...]]
    looks: tuple[int, ...]
    quality: Callable[[Case, Arrays, Arrays], float]
    unit: str
    choosing: str | None = None


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
_THREE = tuple({**_ALS, "method": method} for method in ("cg", "exact", "block"))
_OURS = tuple({**_ALS, "method": "cg", "momentum": momentum} for momentum in (0.6, 0.7, 0.8))


def _sgd(*pairs: tuple[float, float], **others: object) -> tuple[Settings, ...]:
    """Settings of 64 factors, of pairs of learning rate and damping."""
    return tuple(
        {"factors": 64, "learning_rate": rate, "reg": reg, **others} for rate, reg in pairs
    )


_BPR = {
    "": _sgd((0.02, 0.01), (0.05, 0.01), (0.1, 0.01), (0.02, 0.003)),
    "lightfm": _sgd((0.05, 0.0), (0.05, 1e-5)),
    OURS: (
        *_sgd((0.02, 0.01), (0.05, 0.01)),
        *_sgd((0.1, 0.01), (0.15, 0.01), decay=0.9),
        *_sgd((0.2, 0.01), (0.2, 0.007), (0.3, 0.01), decay=0.85),
    ),
}
_RATINGS = {
    OURS: (
        *_sgd((0.02, 0.05), (0.03, 0.05), (0.03, 0.06), (0.03, 0.07), init=0.01, decay=0.95),
        *_sgd((0.05, 0.05), (0.05, 0.06), init=0.01, decay=0.92),
        *_sgd((0.05, 0.04), (0.05, 0.05), (0.07, 0.05), init=0.01, decay=0.85),
    ),
    "cornac": _sgd((0.005, 0.02), (0.01, 0.02), (0.01, 0.05), (0.02, 0.05), (0.02, 0.07)),
    "rusket": _sgd((0.005, 0.02), (0.01, 0.05), (0.02, 0.05), (0.02, 0.1)),
    "cmfrec": (
        *({"factors": 64, "reg": reg} for reg in (0.05, 0.08)),
        *({"factors": 64, "reg": reg, "scaled": False} for reg in (10.0, 15.0, 25.0)),
    ),
    "libmf": tuple(
        {"factors": 64, "reg": reg, "start": start} for start in (0.05, 0.1) for reg in (0.05, 0.1)
    ),
    "surprise": (*_sgd((0.005, 0.02)), *_sgd((0.01, 0.05), (0.02, 0.05), init=0.01)),
}
_TO_12 = tuple(range(1, 13))
_TO_40 = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 29, 34, 40)
_TO_60 = (*_TO_40, 50, 60)

GOALS = (
    Goal(
        "als",
        "Implicit ALS to the same true loss",
        "ml-1m",
        "als",
        {"": _THREE[:2], OURS: (*_THREE[:2], *_OURS), "irspack": _THREE, "rusket": _THREE},
        _TO_12,
        negative_loss,
        "loss",
    ),
    Goal(
        "bpr",
        "BPR to the same nDCG@10 of held-out likes",
        "ml-1m",
        "split_likes",
        _BPR,
        _TO_60,
        validation_ndcg,
        "nDCG@10",
    ),
    *(
        Goal(
            "rating_mf",
            "Rating matrix factorization to the same test RMSE",
            data,
            "ratings",
            _RATINGS,
            _TO_40,
            negative_rmse,
            "RMSE",
            "ratings_to_choose",
        )
        for data in ("ml-100k", "ml-1m")
    ),
)


@dataclass(frozen=True)
class Look:
    """What so many epochs brought, and in how many seconds."""

    epochs: int
    seconds: float
    quality: float


@dataclass(frozen=True)
class Run:
    """One library's way with one of its settings."""

    library: str
    settings: Settings
    looks: tuple[Look, ...]

    def best(self) -> Look:
        """Where its quality was highest."""
        return max(self.looks, key=lambda look: look.quality)

    def after(self, epochs: int) -> Look:
        """The look after so many epochs, or the last."""
        return next((look for look in self.looks if look.epochs == epochs), self.looks[-1])

    def until(self, quality: float) -> float:
        """The seconds after which it was as good; infinite if it never was."""
        there = (look.seconds for look in self.looks if look.quality >= quality)
        return next(there, float("inf"))


@dataclass
class Race:
    """Everybody on the way to one goal."""

    goal: Goal
    wishes: Wishes
    gone: dict[str, str] = field(default_factory=dict)
    lent: bool = False  # a core was missing, however often a run was repeated
    finals: dict[str, Run] = field(default_factory=dict)

    def trials(self, library: str) -> list[Run]:
        """A run with each of a library's settings, on the part where settings are chosen."""
        recipe = self.goal.choosing or self.goal.recipe
        runs = []
        for settings in self.goal.variants.get(library, self.goal.variants[""]):
            try:
                runs.append(self.run(library, settings, recipe))
            except NotRunError as reason:
                self.gone[library] = str(reason)
        return runs

    def final(self, trial: Run) -> Run:
        """The race itself with the settings of a trial: several times, the median of each look."""
        key = f"{trial.library} {said(trial.settings)}"
        if key not in self.finals:
            begin, runs = time.perf_counter(), []
            while len(runs) < self.wishes.rounds and time.perf_counter() - begin < LONG:
                runs.append(self.run(trial.library, trial.settings, self.goal.recipe))
            self.finals[key] = Run(trial.library, trial.settings, _medians(runs))
        return self.finals[key]

    def run(self, library: str, settings: Settings, recipe: str) -> Run:
        """One run, again if a core was missing."""
        task = next(task for task in TASKS if task.name == self.goal.task)
        case = Case(task, self.goal.data, settings, THREADS)
        data = datasets.RECIPES[recipe](case)
        runs, _, lent = in_turn(
            lambda: {library: self._looks(library, case, data)}, 1, case.threads
        )
        self.lent |= lent
        return Run(library, settings, runs[0][library])

    def _looks(self, library: str, case: Case, data: Path) -> tuple[Look, ...]:
        arrays, looks = datasets.load(data), []
        with tempfile.TemporaryDirectory(prefix="penchant-bench-") as scratch:
            one = Contestant(library, case, data, Path(scratch), self.wishes.limit)
            # Of the others only learning counts, of Penchant what it prepares as well.
            before = one.greeting["setup_seconds"] if library == OURS else 0.0
            try:
                for epochs in self.goal.looks:
                    seconds = before + one.ask(f"learn {epochs}")["seconds"]
                    one.ask("results")
                    found = {path.stem: np.load(path) for path in Path(scratch).glob("*.npy")}
                    quality = self.goal.quality(case, arrays, found)
                    looks.append(Look(epochs, seconds, quality if quality == quality else -INF))
                    if _hopeless(looks):
                        break
            finally:
                one.stop()
        return tuple(looks)


def measured(goal: Goal, wishes: Wishes) -> dict:
    """One race, as it stands in results."""
    race = Race(goal, wishes)
    task = next(task for task in TASKS if task.name == goal.task)
    trials = {library: race.trials(library) for library in wishes.invited(task.contestants)}
    rows = [_row(race, runs, trials.get(OURS, [])) for runs in trials.values() if runs]
    return {
        "title": goal.title,
        "data": goal.data,
        "unit": goal.unit,
        "rows": sorted(rows, key=lambda row: row["seconds"]),
        "not_run": race.gone,
        "one_core_lent": race.lent,
    }


def _row(race: Race, runs: list[Run], ours: list[Run]) -> dict:
    """A library's best, and Penchant to the same, each with the settings chosen in the trials."""
    near = _nearly(max(run.best().quality for run in runs))
    trial = min(runs, key=lambda run: (run.until(near), -run.best().quality))
    final = race.final(trial)
    goal = final.after(trial.best().epochs)
    near = _nearly(goal.quality)
    row = {
        "library": trial.library,
        "settings": dict(trial.settings),
        "epochs": goal.epochs,
        "quality": abs(goal.quality),
        "seconds": final.until(near),
        "ours": None,
    }
    if ours:
        sought = trial.best().quality
        if not race.goal.choosing:  # else no thousandth less, as the final is on other rows
            sought = _nearly(sought)
        quickest = min(ours, key=lambda run: (run.until(sought), -run.best().quality))
        chosen = trial if trial.library == OURS else quickest
        seconds = race.final(chosen).until(near)
        row |= {"ours": None if seconds == INF else seconds, "by": dict(chosen.settings)}
    return row


def _nearly(quality: float) -> float:
    return quality - NEAR * abs(quality)


def _hopeless(looks: list[Look]) -> bool:
    """Whether the last looks brought nothing better."""
    best = max(range(len(looks)), key=lambda at: looks[at].quality)
    return len(looks) - 1 - best >= PATIENCE


def _medians(runs: list[Run]) -> tuple[Look, ...]:
    """Of runs with the same settings the median of each look that all of them had."""
    return tuple(
        Look(
            same[0].epochs,
            statistics.median(look.seconds for look in same),
            statistics.median(look.quality for look in same),
        )
        for same in zip(*(run.looks for run in runs), strict=False)
    )


def text(race: dict) -> str:
    """A race as lines of text."""
    lines = [f"{race['title']}, {race['data']}"]
    for row in race["rows"]:
        ours = "never" if row["ours"] is None else f"{row['ours']:.3f} s"
        ratio = "" if row["ours"] is None else f"{row['seconds'] / row['ours']:.2f} ×"
        lines += [
            f"{row['library']:<10} {race['unit']} {row['quality']:<10.6g} ({row['epochs']} epochs)",
            f"    near in {row['seconds']:.3f} s, Penchant in {ours}  {ratio}",
            f"    {said(row['settings'])}" + (f" | {said(row['by'])}" if "by" in row else ""),
        ]
    lines += [f"{library} not run: {why}" for library, why in race["not_run"].items()]
    return "\n".join(lines)
