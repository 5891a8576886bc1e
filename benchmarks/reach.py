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
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

import datasets
from conductor import Contestant, Wishes, in_turn
from environments import NotRunError
from goals import Goal, Settings
from tasks import TASKS, THREADS, Case, said

OURS = "penchant"
NEAR = 0.001  # of a quality: what counts as there
LONG = 20.0  # seconds after which a run is not repeated
PATIENCE = 30  # epochs before a run may be given up; some learn late
INF = float("inf")


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
    anew: bool = False  # every look is a fit from nothing, preparation and all
    preparation: float = 0.0  # seconds, not in the looks of one that goes on

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
        for settings in self.goal.settings(library):
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
            prepared = statistics.median(run.preparation for run in runs)
            self.finals[key] = replace(runs[0], looks=_medians(runs), preparation=prepared)
        return self.finals[key]

    def run(self, library: str, settings: Settings, recipe: str) -> Run:
        """One run, again if a core was missing."""
        task = next(task for task in TASKS if task.name == self.goal.task)
        case = Case(task, self.goal.data, settings, THREADS)
        data = datasets.RECIPES[recipe](case)
        runs, _, lent = in_turn(lambda: {library: self._run(library, case, data)}, 1, case.threads)
        self.lent |= lent
        return runs[0][library]

    def _run(self, library: str, case: Case, data: Path) -> Run:
        arrays, looks = datasets.load(data), []
        with tempfile.TemporaryDirectory(prefix="penchant-bench-") as scratch:
            one = Contestant(library, case, data, Path(scratch), self.wishes.limit)
            told = one.greeting
            try:
                for epochs in self.goal.looks:
                    seconds = one.ask(f"learn {epochs}")["seconds"]
                    one.ask("results")
                    found = {path.stem: np.load(path) for path in Path(scratch).glob("*.npy")}
                    quality = self.goal.quality(case, arrays, found)
                    looks.append(Look(epochs, seconds, quality if quality == quality else -INF))
                    if _hopeless(looks):
                        break
            finally:
                one.stop()
        return Run(library, case.settings, tuple(looks), told["anew"], told["setup_seconds"])


def measured(goal: Goal, wishes: Wishes) -> dict:
    """One race, as it stands in results."""
    race = Race(goal, wishes)
    task = next(task for task in TASKS if task.name == goal.task)
    trials = {library: race.trials(library) for library in wishes.invited(task.contestants)}
    rows = []
    for library, runs in trials.items():
        try:
            rows += [_row(race, runs, trials.get(OURS, []))] if runs else []
        except NotRunError as reason:
            race.gone[library] = str(reason)
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
        if race.goal.choosing:  # a thousandth more, as the final is on other rows
            sought += NEAR * abs(sought)
        else:
            sought = _nearly(sought)
        ordered = sorted(ours, key=lambda run: (run.until(sought), -run.best().quality))
        row |= _ours(race, [trial] if trial.library == OURS else ordered, near, final.anew)
    return row


def _ours(race: Race, trials: list[Run], near: float, prepared: bool) -> dict:
    """Penchant's time to a quality: of its trials in order the first that gets there.

    What was tried in vain before counts, to its last look; preparation if it counts for the other.
    """
    spent = 0.0
    for trial in trials:
        found = race.final(trial)
        spent += found.preparation if prepared else 0
        if found.until(near) < INF:
            return {"ours": spent + found.until(near), "by": dict(trial.settings)}
        spent += found.looks[-1].seconds
    return {"ours": None, "by": dict(trials[0].settings)}


def _nearly(quality: float) -> float:
    return quality - NEAR * abs(quality)


def _hopeless(looks: list[Look]) -> bool:
    """Whether the later half of the epochs, of not too few, brought nothing better."""
    best = max(looks, key=lambda look: look.quality)
    return looks[-1].epochs >= max(PATIENCE, 2 * best.epochs)


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
