"""The benchmark's own logic: the protocol, checks, floors and the page; nothing is timed."""

from __future__ import annotations

import doctest
import importlib
import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import bench
import checks
import conductor
import datasets
import environments
import floors
import goals
import growth
import machine
import reach
import report
import sources
import tasks
from conductor import Contestant, Wishes
from environments import NotRunError
from tasks import Case, Task

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
MODULES = sorted(p.stem for p in BENCHMARKS.glob("*.py") if p.stem != "choose_settings")
STUB = """
import os, sys, time
import numpy as np
def version(): return "7"
class Sum:
    def __init__(self, data, settings):
        print("chatter")  # must not look like an answer
        if settings.get("raise"): raise ValueError("no such factors")
        self.data, self.settings, self.runs = data, settings, 0
    def run(self):
        print("more chatter")
        if self.settings.get("sleep"): time.sleep(60)
        if self.settings.get("die"): os._exit(3)
        self.runs += 1
        return {"p50": 0.5 * self.runs}
    def results(self): return {"sum": np.array([self.data["x"].sum(), self.runs])}
TASKS = {"sum": Sum}
IMPORT, STARTUP = "import math", "import math; print(math.pi)"
"""
CEILINGS = {
    "fma GFLOP/s, 1 thread": 100.0,
    "fma GFLOP/s, 2 threads": 200.0,
    "read GB/s, 2 threads": 20.0,
}


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """A benchmark folder with one stub contestant in this python, and its data."""
    shutil.copy(BENCHMARKS / "worker.py", tmp_path)
    (tmp_path / "contestants").mkdir()
    (tmp_path / "contestants" / "stub_.py").write_text(STUB)
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "x.npy", np.arange(5))
    monkeypatch.setenv("PENCHANT_BENCHMARKS", str(tmp_path / "cache"))
    monkeypatch.setattr(conductor, "HERE", tmp_path)
    monkeypatch.setattr(conductor, "PAUSE", 0)
    monkeypatch.setattr(conductor, "python_of", lambda _: Path(sys.executable))
    monkeypatch.setattr(machine, "cores_there", lambda _: 2.0)
    monkeypatch.setitem(datasets.RECIPES, "here", lambda _: tmp_path / "data")
    return tmp_path


def case_of(name="sum", check=None, **settings) -> Case:
    task = Task(name, "A sum", "here", ("five",), (), ("stub", "ghost"), None, check, "p50")
    return Case(task, "five", settings)


def met(stage, case, limit=30.0) -> Contestant:
    return Contestant("stub", case, stage / "data", stage / "results", limit)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_a_worker_greets_runs_saves_and_quits(stage):
    one = met(stage, case_of())
    assert one.greeting["ready"]
    assert one.greeting["version"] == "7"
    answer = one.ask("run")
    assert answer["p50"] == 0.5
    assert answer["seconds"] >= 0
    assert one.ask("results") == {"saved": ["sum"]}
    assert datasets.load(stage / "results")["sum"].tolist() == [10, 1]
    assert one.ask("peak")["peak"] >= 0
    one.stop()
    assert one.process.returncode == 0
    assert "chatter" in one.log.read_text()


@pytest.mark.parametrize(
    ("name", "settings", "word", "says"),
    [
        ("sum", {"raise": True}, None, "ValueError: no such factors"),
        ("other", {}, None, "no task other"),
        ("sum", {"die": True}, "run", "ended with 3"),
        ("sum", {"sleep": True}, "run", "stopped after 2 s"),
    ],
)
def test_a_worker_that_fails_says_why(stage, name, settings, word, says):
    with pytest.raises(NotRunError, match=says):  # noqa: PT012 - either may be the one to fail
        one = met(stage, case_of(name, **settings), limit=2.0)
        try:
            one.ask(word)
        finally:
            one.stop()


@pytest.mark.parametrize(("anew", "runs"), [(False, 5), (True, 7)])
def test_a_worker_learns_on_or_anew(stage, anew, runs):
    if anew:
        stub = stage / "contestants" / "stub_.py"
        stub.write_text(stub.read_text() + "Sum.anew = True\n")
    one = met(stage, case_of())
    assert one.greeting["anew"] is anew
    first, second = (one.ask(f"learn {epochs}")["seconds"] for epochs in (2, 5))
    one.ask("results")
    one.stop()
    assert datasets.load(stage / "results")["sum"][1] == runs
    assert second > 0
    assert anew or second > first  # of one that goes on, all that went before counts


def _way(library, *looks, anew=False, **settings):
    told = tuple(reach.Look(*look) for look in looks)
    return reach.Run(library, settings, told, anew=anew, preparation=0.5)


def test_a_race_compares_with_who_came_nearest_first(monkeypatch):
    slow = _way("stub", (1, 1.0, -2.0), (2, 2.0, -1.0), reg=1)
    fast = _way("stub", (1, 0.5, -2.0), (2, 1.5, -1.0005), reg=2, anew=True)
    ours = _way("penchant", (1, 0.1, -2.0), (2, 0.25, -0.9))
    monkeypatch.setattr(reach.Race, "run", lambda self, library, *_: next(left[library]))
    goal = goals.Goal(
        "als", "A loss", "five", "here", {"": ({}, {}), "penchant": ({},)}, (1, 2), min, "loss"
    )
    left = {"stub": iter((slow, fast, fast)), "penchant": iter((ours, ours, ours))}
    monkeypatch.setattr(Wishes, "invited", lambda *_: ["stub", "penchant"])
    race = reach.measured(goal, Wishes(rounds=1))
    own, row = (race["rows"][at] for at in (0, 1))
    assert (own["library"], own["ours"]) == ("penchant", 0.25)
    assert (row["library"], row["settings"], row["seconds"]) == ("stub", {"reg": 2}, 1.5)
    assert row["ours"] == 0.75  # who fits anew prepares anew, so preparation counts


def test_of_our_settings_the_first_that_gets_there_counts_and_what_failed_before(monkeypatch):
    short = _way("penchant", (1, 0.1, -2.0), (2, 0.25, -1.5), reg=1)
    there = _way("penchant", (1, 0.1, -2.0), (2, 0.5, -0.9), reg=2)
    monkeypatch.setattr(reach.Race, "final", lambda self, trial: trial)
    race = reach.Race(goals.GOALS[-1], Wishes(rounds=1))
    for trials, prepared, seconds in (
        ([there, short], False, 0.5),
        ([short, there], False, 0.75),
        ([short, there], True, 1.75),
    ):
        found = reach._ours(race, trials, -1.0, prepared)
        assert found == {"ours": seconds, "by": {"reg": 2}}
    assert reach._ours(race, [short], -1.0, False) == {"ours": None, "by": {"reg": 1}}


def test_a_run_is_given_up_when_its_later_half_brought_nothing():
    early, late = ([reach.Look(e, e, -abs(e - best)) for e in (5, 20, 34)] for best in (5, 30))
    assert reach._hopeless(early)
    assert not reach._hopeless(late)
    assert not reach._hopeless(early[:2])


def test_a_worker_sets_threads_and_removes_blas_tuning(stage):
    program = (
        "import os, sys; sys.path.insert(0, '.'); import worker; worker.prepare(3);"
        "print(os.environ['OMP_NUM_THREADS'], 'OPENBLAS_CORETYPE' in os.environ)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"OPENBLAS_CORETYPE": "generic"},
        cwd=stage,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["3", "False"]


def test_a_case_is_measured_checked_and_told(stage, monkeypatch):
    def judge(case, data, results, figures):
        right = results["stub"]["sum"][0] == data["x"].sum()
        return {"stub": checks.Verdict(right, f"{results['stub']['sum'][1]} runs")}

    def python_of(library):
        if library == "ghost":
            raise NotRunError("nobody there")
        return Path(sys.executable)

    monkeypatch.setattr(conductor, "python_of", python_of)
    monkeypatch.setitem(conductor.CHECKS, "judge", judge)
    monkeypatch.setattr(conductor, "MOST_ROUNDS", 5)
    found = conductor.measured(case_of(check="judge", factors=4), Wishes(rounds=5), CEILINGS)
    stub = found["contestants"]["stub"]
    assert stub["runs"] == [1.0, 1.5, 2.0, 2.5, 3.0]
    assert (stub["median"], stub["min"], stub["max"]) == (2.0, 1.0, 3.0)
    assert (stub["right"], stub["answer"]) == (True, "6 runs")
    assert stub["peak"] >= 0
    assert found["contestants"]["ghost"] == {"not_run": "nobody there"}
    assert found["key"] == "sum/five/factors=4"
    json.dumps(found)


def test_startup_runs_fresh_processes(stage):
    case = case_of("startup")
    found = conductor.startup(case, Wishes(rounds=1, only=("stub",)))
    stub = found["contestants"]["stub"]
    assert stub["median"] > 0
    assert stub["peak"] > 0
    assert set(stub["figures"]) == {"import", "python"}
    assert "stub" in report.text_table(found)


def test_a_round_without_a_core_is_repeated_then_marked(monkeypatch):
    ratios = iter([2.0, 1.2, 1.99, 2.0])
    monkeypatch.setattr(machine, "cores_there", lambda _: next(ratios))
    rounds = iter(range(9))
    runs, seen, lent = conductor.in_turn(lambda: {"a": {"n": next(rounds)}}, 1, 2)
    assert [one["a"]["n"] for one in runs] == [2]
    assert (seen, lent) == ([1.99], False)
    monkeypatch.setattr(machine, "cores_there", lambda _: 1.0)
    runs, seen, lent = conductor.in_turn(lambda: {"a": {}}, 2, 2)
    assert (len(runs), seen, lent) == (2, [1.0, 1.0], True)


def test_who_fails_leaves_the_others_stay(stage):
    group = conductor.Group({"good": met(stage, case_of()), "bad": met(stage, case_of(die=True))})
    assert list(group.each("run")) == ["good"]
    assert list(group.there) == ["good"]
    assert "ended with 3" in group.gone["bad"]
    group.stop()


def test_environments_without_requirements_are_no_disaster(tmp_path, monkeypatch):
    monkeypatch.setenv("PENCHANT_PEERS", str(tmp_path))
    assert environments.python_of("penchant") == Path(sys.executable)
    with pytest.raises(NotRunError, match=r"no peers/nobody\.txt"):
        environments.python_of("nobody")


def test_environments_are_made_beside_what_is_there(tmp_path, monkeypatch):
    """A folder that somebody else made is left alone; a complete one of ours is used again."""
    (tmp_path / "peers").mkdir()
    (tmp_path / "peers" / "lib.txt").write_text("")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "theirs").touch()
    monkeypatch.setenv("PENCHANT_PEERS", str(tmp_path))
    monkeypatch.setattr(environments, "HERE", tmp_path)
    done = []
    monkeypatch.setattr(environments, "_do", lambda command, _: done.append(_made(command)))
    environments.python_of.cache_clear()
    python = environments.python_of("lib")
    environments.python_of.cache_clear()
    assert environments.python_of("lib") == python
    assert len(done) == 2  # the environment and its installation, once
    assert (tmp_path / "lib" / "theirs").exists()
    assert not any("--clear" in command for command in done)


def _made(command: list[str]) -> list[str]:
    if "venv" in command:
        Path(command[-1]).mkdir()
    return command


# Checks --------------------------------------------------------------------------------------

DATA = {
    "indptr": np.array([0, 2, 3, 5]),
    "indices": np.array([0, 1, 1, 0, 2], np.int32),
}


def test_the_als_loss_is_its_formula():
    rng = np.random.default_rng(0)
    P, Q = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    case = Case(tasks.TASKS[0], "", {"reg": 3.0, "alpha": 0.5})
    scores, liked = P @ Q.T, np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1]], bool)
    plain = ((scores - 1)[liked] ** 2).sum() + 0.5 * (scores**2).sum()
    plain += 3.0 * ((P**2).sum() + (Q**2).sum())
    assert checks.als_loss(case, DATA, P, Q) == pytest.approx(plain)


def test_lists_are_right_by_worth_not_by_id():
    worth = np.array([[3.0, 3.0, 1.0, -np.inf]])
    share = checks.equal_share
    assert share(worth, np.array([[1, 0]]), np.array([[3.0, 3.0]])) == 1
    assert share(worth, np.array([[0, 2]]), np.array([[3.0, 1.0]])) == 0.5
    assert share(worth, np.array([[0, 3]]), np.array([[3.0, 3.0]])) == 0.5  # it was seen
    assert share(worth, np.array([[0, 0]]), np.array([[3.0, 3.0]])) == 0  # one item twice
    assert share(worth, np.array([[0, 1]]), np.array([[3.0, 9.0]])) == 0.5  # a made-up score
    assert share(worth, np.array([[0, 1, 2, -1]]), np.array([[3.0, 3.0, 1.0, 0.0]])) == 1


def test_cosine_lists_of_a_tiny_table():
    case = Case(next(t for t in tasks.TASKS if t.name == "item_cosine"), "", {"k": 1})
    right = {
        "ids": np.array([[2], [0], [0]]),
        "scores": np.array([[0.5**0.5], [0.5], [0.5**0.5]]),
    }
    wrong = {"ids": right["ids"], "scores": right["scores"] + 0.1}
    verdicts = checks.lists(case, DATA, {"a": right, "b": wrong}, {})
    assert (verdicts["a"].right, verdicts["b"].right) == (True, False)


def test_metrics_of_a_tiny_list():
    data = {
        "lists": np.array([[5, 7], [1, -1]], np.int32),
        "held_indptr": np.array([0, 2, 3]),
        "held_indices": np.array([7, 9, 1], np.int32),
    }
    case = Case(
        next(t for t in tasks.TASKS if t.name == "metrics"), "", {"ndcg_at": 2, "recall_at": 2}
    )
    gain = 1 / np.log2(3)
    told = {"ndcg": (gain / (1 + gain) + 1) / 2, "recall": 0.75}
    verdicts = checks.metrics(case, data, {}, {"a": told, "b": {**told, "recall": 0.7}})
    assert (verdicts["a"].right, verdicts["b"].right) == (True, False)


def test_weights_are_judged():
    ease = Case(next(t for t in tasks.TASKS if t.name == "ease"), "", {"l2": 1.0})
    gram = np.array([[2, 1, 1], [1, 2, 0], [1, 0, 1]]) + np.eye(3)
    inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    verdicts = checks.ease(ease, DATA, {"a": {"weights": weights}, "b": {"weights": weights.T}}, {})
    assert (verdicts["a"].right, verdicts["b"].right) == (True, False)
    slim = Case(
        next(t for t in tasks.TASKS if t.name == "slim"), "", {"l1_ratio": 0.5, "alpha": 0.01}
    )
    lazy, copying = {"weights": np.zeros((3, 3))}, {"weights": np.eye(3)}
    verdicts = checks.slim(slim, DATA, {"a": {"weights": weights}, "b": lazy, "c": copying}, {})
    assert [verdicts[one].right for one in "abc"] == [True, False, False]


def test_a_matrix_is_right_whatever_its_rows_are_called():
    case = Case(next(t for t in tasks.TASKS if t.name == "reading"), "", {"ids": "texts"})
    data = {"user_ids": np.array([8, 1, 8, 15]), "item_ids": np.array([1, 1, 8, 8])}
    right = {
        "indptr": np.array([0, 1, 3, 4]),
        "indices": np.array([0, 1, 0, 1]),
        "user_ids": np.array(["u1", "u8", "u15"]),
        "item_ids": np.array(["item 1", "item 8"]),
    }
    numbered = right | {"user_ids": np.array([1, 8, 15]), "item_ids": np.array([1, 8])}
    wrong = right | {"user_ids": np.array(["u8", "u1", "u15"])}
    verdicts = checks.reading(case, data, {"a": right, "b": numbered, "c": wrong}, {})
    assert [verdicts[one].right for one in "abc"] == [True, True, False]
    assert floors.Shape.of(data) == floors.Shape(users=3, items=2, entries=4)


@pytest.mark.parametrize("ids", ["integers", "texts"])
def test_penchant_reads_the_columns_it_is_given(ids, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS / "contestants"))
    data = datasets.drawn_rows(500)
    reading = importlib.import_module("penchant_").Reading(data, {"ids": ids, "threads": 2})
    reading.run()
    found = reading.results()
    rows = np.repeat(found["user_ids"], np.diff(found["indptr"]))
    pairs = set(zip(rows.tolist(), found["item_ids"][found["indices"]].tolist(), strict=True))
    users, items = importlib.import_module("given").columns(data, {"ids": ids})
    assert pairs == set(zip(list(users), list(items), strict=True))


def test_every_source_gives_the_same_histories(tmp_path):
    sources.make(3_000, tmp_path)
    found = [source.prepare(tmp_path)() for source in sources.SOURCES]
    for one in found:
        assert len(one) == 3_000
        assert (one.histories.indptr == found[0].histories.indptr).all()
        assert (one.histories.items == found[0].histories.items).all()
        assert (one.histories.times == found[0].histories.times).all()


# Figures and the page ------------------------------------------------------------------------


def test_every_task_has_its_parts():
    for task in tasks.TASKS:
        assert task.recipe in datasets.RECIPES
        assert task.floor is None or task.floor in floors.FLOORS
        assert task.check is None or task.check in checks.CHECKS
        assert set(task.data_sets) <= {*tasks.DATA_SETS, "tiny"}
        assert task.contestants[0] == "penchant"


def test_cases_are_what_was_asked_for():
    found = tasks.cases(["ease", "startup"], ["ml-100k"], 2, False)
    assert [case.key for case in found] == ["ease/ml-100k/l2=500.0", "startup/tiny"]
    assert {case.data for case in tasks.cases([], None, 2, True)} == {"ml-100k", "tiny"}
    with pytest.raises(SystemExit):
        tasks.cases(["nonsense"], None, 2, False)


def test_floors_are_the_longer_of_arithmetic_and_traffic():
    assert floors.seconds(floors.Work(2e9, 1e3, ""), CEILINGS, 2) == pytest.approx(0.01)
    assert floors.seconds(floors.Work(2e3, 2e9, ""), CEILINGS, 2) == pytest.approx(0.1)
    assert floors.seconds(floors.Work(2e9, 0, "", threads=1), CEILINGS, 2) == pytest.approx(0.02)
    shape = floors.Shape.of(DATA)
    assert (shape.users, shape.items, shape.entries, shape.pairs) == (3, 3, 5, 2)
    scores = floors.top_k(shape, {"factors": 4, "n": 2})
    assert scores.flops == 2 * 3 * 3 * 4
    exact = floors.als(shape, {"factors": 2, "method": "exact"})
    assert exact.flops == 2 * 5 * 2 * 3 + 6 * (8 / 3 + 8) + 6 * 2 * 3


def test_growth_doubles_one_size_at_a_time():
    assert [one.factors for one in growth.sizes("factors", 2)] == [16, 32, 64, 128, 256]
    assert [one.threads for one in growth.sizes("threads", 2)] == [1, 2, 4, 8, 16]
    assert {one.items for one in growth.sizes("users", 2)} == {2000}
    assert growth.sizes("rows", 2, base=growth.BASES["reading"])[-1].rows == 100_000_000
    assert growth.exponent([1, 2, 4, 8], [1, 4, 16, 64]) == pytest.approx(2)


def results() -> dict:
    """A file of results as bench.py keeps it, with a case of every kind."""
    ran = {"version": "1", "runs": [1.0], "figures": {}, "peak": 10**7, "answer": "loss 5"}
    case = {
        "key": "als/ml-1m/factors=4",
        "task": "als",
        "title": "ALS <one> iteration",
        "data": "ml-1m",
        "settings": {"factors": 4},
        "threads": 2,
        "shape": {"users": 3, "items": 4, "entries": 5},
        "floor": {"seconds": 0.5, "flops": 1, "bytes": 0, "says": "all of it", "threads": 0},
        "cores_there": [1.5],
        "one_core_lent": True,
        "contestants": {
            "peer": ran | {"median": 3.0, "min": 2.0, "max": 4.0, "right": True},
            "quick": ran | {"median": 0.1, "min": 0.1, "max": 0.1, "right": False},
            "penchant": ran | {"median": 1.0, "min": 0.9, "max": 1.2, "right": True},
            "ghost": {"not_run": "it cannot be installed"},
        },
    }
    series = {
        "points": [[1, 0.1, 0.1, 0.2], [2, 0.2, 0.2, 0.3]],
        "exponent": 1.0,
        "held": {"users": 3},
        "one_core_lent": False,
    }
    return {
        "machine": {"processor": "P", "caches": {"L1": "32K"}, "instruction sets": ["avx"]},
        "versions": {"python": "3"},
        "ceilings": CEILINGS,
        "date": "2026-01-01",
        "cases": {case["key"]: case},
        "sources": [
            {
                "source": "arrays",
                "rows": n,
                "seconds": n / 1e8,
                "processor_seconds": n / 5e7,
                "peak": 40 * n,
                "one_core_lent": False,
            }
            for n in (1_000_000, 5_000_000)
        ],
        "installed": {
            "penchant": {"version": "1", "alone": 3 * 10**6, "whole": 3 * 10**8, "packages": 9},
            "ghost": {"not_run": "it cannot be installed"},
        },
        "growth": {"als": {"users": series, "items": {"not_run": "too large"}}},
    }


def test_a_table_ranks_compares_and_hides_nothing():
    case = next(iter(results()["cases"].values()))
    assert report.ranked(case) == ["penchant", "peer", "quick"]  # the wrong one last, though quick
    table = {row[0]: row for row in report.rows(case)}
    assert table["peer"][2:7] == ("3.00 s", "2.00 s – 4.00 s", "3.00 ×", "10 MB", "17%")
    assert table["quick"][-1] == "WRONG: loss 5"
    text = report.text_table(case)
    assert "ghost not run: it cannot be installed." in text
    assert "only 1.50 cores" in text
    del case["contestants"]["penchant"]
    assert report.ratio(case, "peer") is None


def test_the_page_holds_everything_and_its_pictures():
    found = results()
    remarks = {"als": "Why it loses.", "als/ml-1m/factors=4": "Only here."}
    page = report.page(found, remarks)
    for words in ("2026-01-01", "Why it loses.", "Only here.", "| P |", "L1 32K", "growth-als.svg"):
        assert words in page
    drawn = report.pictures(found)
    assert set(drawn) == {"als.svg", "growth-als.svg"}
    for name, picture in drawn.items():
        assert f"images/benchmarks/{name}" in page
        root = ET.fromstring(picture)  # noqa: S314 - our own picture
        assert root.find("{*}title").text
        assert root.find("{*}desc").text
        assert "prefers-color-scheme: dark" in picture
    assert "items not run: too large" in page
    assert "| arrays | 10.0 ms, 40 MB | 50.0 ms, 200 MB | 10 ns, 20 ns, 40 B |" in page
    assert "| penchant | 1 | 3.0 MB | 300 MB | 9 |" in page


def test_results_of_another_machine_are_not_mixed(tmp_path):
    file = tmp_path / "results.json"
    bench.keep({"machine": {"processor": "another"}, "cases": {}}, file)
    with pytest.raises(SystemExit, match="another machine"):
        bench.begun(file)
    fresh = bench.begun(tmp_path / "new.json")
    assert fresh["cases"] == {}
    assert not any("/" + part in json.dumps(fresh) for part in ("root", "home", "tmp"))


def test_every_file_says_what_it_is_for():
    for path in BENCHMARKS.rglob("*.py"):
        assert path.read_text().startswith('"""'), path
