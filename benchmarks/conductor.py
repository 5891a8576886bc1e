"""Contestants take turns: one process each, one run each per round, answers checked at the end."""

from __future__ import annotations

import json
import select
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import datasets
import floors
import machine
from checks import CHECKS, Verdicts
from environments import NotRunError, cache_folder, python_of
from tasks import Case

HERE = Path(__file__).resolve().parent
TRIES = 3  # of a round in which a core was missing
PAUSE = 0.2  # seconds in which the threads of the last turn fall asleep
SHORT = 0.25  # seconds that all runs of the quickest should amount to
MOST_ROUNDS = 25
LONG = 60.0  # seconds that additional rounds may take


@dataclass(frozen=True)
class Wishes:
    """How thorough a measurement is.

    Attributes:
        rounds: how often each contestant runs, at least.
        limit: seconds after which a contestant that does not answer is stopped.
        only: the contestants that take part; empty is all.
    """

    rounds: int = 5
    limit: float = 600.0
    only: tuple[str, ...] = ()

    def invited(self, contestants: Iterable[str]) -> list[str]:
        """Those of a task's contestants that take part."""
        return [one for one in contestants if not self.only or one in self.only]


class Contestant:
    """A worker process and its answers."""

    def __init__(self, library: str, case: Case, data: Path, results: Path, limit: float) -> None:
        self.limit = limit
        log = cache_folder() / "logs" / f"{library}-{case.task.name}.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        command = [str(python_of(library)), str(HERE / "worker.py"), library, case.task.name]
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                [*command, str(data), case.json(), str(results)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        try:
            self.greeting = self._answer()
        except NotRunError:
            self.stop()
            raise

    def ask(self, word: str) -> dict:
        """The answer to one word.

        Raises:
            NotRunError: it raised, died, or took longer than the limit.
        """
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        return self._answer()

    def _answer(self) -> dict:
        there, _, _ = select.select([self.process.stdout], [], [], self.limit)
        if not there:
            self.process.kill()
            raise NotRunError(f"stopped after {self.limit:g} s without an answer")
        line = self.process.stdout.readline()
        if not line:
            raise self._died()
        answer = json.loads(line)
        if "error" in answer:
            raise NotRunError(" ".join(answer["error"].split())[:300])
        return answer

    def _died(self) -> NotRunError:
        code = self.process.wait()
        last = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return NotRunError(f"ended with {code} ({(last or ['no message'])[-1].strip()[:200]})")

    def stop(self) -> None:
        """Let it end, or end it."""
        try:
            self.process.stdin.write("quit\n")
            self.process.stdin.close()
            self.process.wait(10)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@dataclass
class Group:
    """The contestants of one case, and those that had to leave."""

    there: dict[str, Contestant] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)

    def each(self, word: str) -> dict[str, dict]:
        """Everybody's answer, one after the other; who fails leaves."""
        answers = {}
        for library, one in list(self.there.items()):
            time.sleep(PAUSE)
            try:
                answers[library] = one.ask(word)
            except NotRunError as reason:
                self.gone[library] = str(reason)
                self.there.pop(library).stop()
        return answers

    def stop(self) -> None:
        """End everybody."""
        while self.there:
            self.there.popitem()[1].stop()


def measured(case: Case, wishes: Wishes, ceilings: Mapping[str, float]) -> dict:
    """One case, as it stands in results."""
    data = datasets.folder(case)
    arrays = datasets.load(data)
    scratch = Path(tempfile.mkdtemp(prefix="penchant-bench-"))
    group = Group()
    try:
        for library in wishes.invited(case.task.contestants):
            try:
                group.there[library] = Contestant(
                    library, case, data, scratch / library, wishes.limit
                )
            except NotRunError as reason:
                group.gone[library] = str(reason)
        greetings = {library: one.greeting for library, one in group.there.items()}
        first = {library: one["seconds"] for library, one in group.each("run").items()}
        rounds = enough(wishes.rounds, list(first.values()))
        runs, ratios, lent = in_turn(lambda: group.each("run"), rounds, case.threads)
        if case.task.check:
            group.each("results")
        verdicts = _verdicts(case, arrays, scratch, runs, group)
        left = list(group.there)
        group.stop()
        peaks = {library: _peak(library, case, data, scratch, wishes.limit) for library in left}
    finally:
        group.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    contestants: dict[str, dict] = {
        library: {
            **greetings[library],
            "first": first[library],
            **summary([one[library] for one in runs], case.task.measure),
            "peak": peaks[library],
            **_said(verdicts, library),
        }
        for library in left
    }
    return {
        **heading(case, ratios, lent),
        "shape": vars(floors.Shape.of(arrays)),
        "floor": floors.floor(case, arrays, ceilings),
        "contestants": contestants | {one: {"not_run": why} for one, why in group.gone.items()},
    }


def heading(case: Case, ratios: list[float], lent: bool) -> dict:
    """What a case is, and how the cores were while it was measured."""
    return {
        "key": case.key,
        "task": case.task.name,
        "title": case.task.title,
        "data": case.data,
        "settings": dict(case.settings),
        "threads": case.threads,
        "measure": case.task.measure,
        "date": time.strftime("%Y-%m-%d"),
        "cores_there": [round(one, 3) for one in ratios],
        "one_core_lent": lent,
    }


def enough(rounds: int, first: list[float]) -> int:
    """More rounds where runs are so short that five say little, as far as the slowest allow.

    >>> enough(5, [0.01, 0.1]), enough(5, [0.01, 20.0]), enough(5, [9.0])
    (25, 5, 5)
    """
    if not first:
        return rounds
    wanted = min(SHORT / max(min(first), 1e-9), LONG / max(sum(first), 1e-9), MOST_ROUNDS)
    return max(rounds, int(wanted))


def in_turn(
    everybody: Callable[[], dict[str, dict]], rounds: int, threads: int
) -> tuple[list[dict[str, dict]], list[float], bool]:
    """Rounds of answers, the cores that were there before and after each, and whether some lacked.

    A round during which a core was missing is run again, at most `TRIES` times in all.
    """
    runs, ratios, lent = [], [], False
    before = machine.cores_there(threads)
    for _ in range(rounds):
        for _ in range(TRIES):
            answers = everybody()
            after = machine.cores_there(threads)
            worst, before = min(before, after), after
            if machine.delivers(worst, threads):
                break
        else:
            lent = True
        runs.append(answers)
        ratios.append(worst)
    return runs, ratios, lent


def summary(runs: list[dict], measure: str) -> dict:
    """Median, least and most of the measure, every run of it, and the other figures' medians.

    >>> summary([{"seconds": 3.0}, {"seconds": 1.0}, {"seconds": 2.0}], "seconds")["median"]
    2.0
    """
    values = [one[measure] for one in runs]
    others = {
        name: statistics.median(one[name] for one in runs) for name in runs[0] if name != measure
    }
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "runs": values,
        "figures": others,
    }


def _verdicts(case: Case, arrays: dict, scratch: Path, runs: list, group: Group) -> Verdicts:
    if case.task.check is None:
        return {}
    results, figures = {}, {}
    for library in group.there:
        figures[library] = runs[-1][library]
        found = datasets.load(scratch / library)
        if found:
            results[library] = {name: np.asarray(array) for name, array in found.items()}
    return CHECKS[case.task.check](case, arrays, results, figures)


def _said(verdicts: Verdicts, library: str) -> dict:
    if library not in verdicts:
        return {"right": None, "answer": ""}
    return {"right": bool(verdicts[library].right), "answer": verdicts[library].says}


def _peak(library: str, case: Case, data: Path, scratch: Path, limit: float) -> int | None:
    """Peak memory in a process that ran once."""
    try:
        one = Contestant(library, case, data, scratch / library, limit)
    except NotRunError:
        return None
    try:
        one.ask("run")
        return int(one.ask("peak")["peak"])
    except NotRunError:
        return None
    finally:
        one.stop()


# Start-up: fresh processes instead of runs --------------------------------------------------


def startup(case: Case, wishes: Wishes) -> dict:
    """Seconds from the start of Python to the first recommendation, in fresh processes."""
    data, scratch = datasets.folder(case), Path(tempfile.mkdtemp(prefix="penchant-bench-"))
    gone: dict[str, str] = {}
    programs: dict[str, dict] = {}
    for library in wishes.invited(case.task.contestants):
        try:
            one = Contestant(library, case, data, scratch, wishes.limit)
            programs[library] = one.greeting
            one.stop()
        except NotRunError as reason:
            gone[library] = str(reason)

    def everybody() -> dict[str, dict]:
        answers = {}
        for library, told in list(programs.items()):
            python = python_of(library)
            try:
                answers[library] = {
                    "seconds": _seconds(python, told["startup"], wishes.limit, scratch),
                    "import": _seconds(python, told["import"], wishes.limit, scratch),
                    "python": _seconds(python, "pass", wishes.limit, scratch),
                }
            except NotRunError as reason:
                gone[library] = str(reason)
                del programs[library]
        return answers

    try:
        everybody()  # compiles to bytecode, fills the file cache
        runs, ratios, lent = in_turn(everybody, wishes.rounds, case.threads)
        contestants = {
            library: {
                **told,
                **_said({}, library),
                **summary([one[library] for one in runs], "seconds"),
                "peak": _startup_peak(python_of(library), told["startup"], scratch),
            }
            for library, told in programs.items()
        }
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {
        **heading(case, ratios, lent),
        "shape": {},
        "floor": None,
        "contestants": contestants | {one: {"not_run": why} for one, why in gone.items()},
    }


def _seconds(python: Path, program: str, limit: float, folder: Path) -> float:
    begin = time.perf_counter()
    _program(python, program, limit, folder)
    return time.perf_counter() - begin


def _startup_peak(python: Path, program: str, folder: Path) -> int | None:
    ask = "\nprint(*[line for line in open('/proc/self/status') if line.startswith('VmHWM:')])"
    said = _program(python, program + ask, 60, folder).split("VmHWM:")
    return int(said[-1].split()[0]) * 1024 if len(said) > 1 else None


def _program(python: Path, program: str, limit: float, folder: Path) -> str:
    try:
        run = subprocess.run(
            [str(python), "-c", program],
            capture_output=True,
            text=True,
            timeout=limit,
            cwd=folder,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise NotRunError(f"stopped after {limit:g} s") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise NotRunError(f"the program failed ({last[:200]})") from None
    return run.stdout
