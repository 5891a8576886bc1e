"""What is measured: each task said once, as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

DATA_SETS = ("ml-100k", "ml-1m", "town-ml-20m")
THREADS = 2


@dataclass(frozen=True)
class Task:
    """One question to many libraries.

    Attributes:
        name: the key in a contestant's TASKS.
        title: what the reader sees.
        recipe: the arrays it needs, a function of `datasets`.
        data_sets: on which data by default.
        settings: the variants, each handed to contestants with `threads` added.
        contestants: libraries by the name of their file in contestants/.
        floor: a function of `floors`: the least arithmetic and traffic the task can cost.
        check: a function of `checks`: what of the answers is compared.
        measure: the figure that ranks contestants: seconds of a run, or one it reports.
        unit: what one measure is.
    """

    name: str
    title: str
    recipe: str
    data_sets: tuple[str, ...]
    settings: tuple[Mapping[str, object], ...]
    contestants: tuple[str, ...]
    floor: str | None
    check: str | None
    measure: str = "seconds"
    unit: str = "s"


@dataclass(frozen=True)
class Case:
    """One task on one data set with one variant of the settings."""

    task: Task
    data: str
    settings: Mapping[str, object] = field(default_factory=dict)
    threads: int = THREADS

    @property
    def key(self) -> str:
        """The case's name in results: task/data/settings."""
        return "/".join([self.task.name, self.data, said(self.settings)]).rstrip("/")

    def json(self) -> str:
        """The settings as a worker gets them."""
        return json.dumps({**self.settings, "threads": self.threads})


def said(settings: Mapping[str, object]) -> str:
    """Settings in one line.

    >>> said({"factors": 64, "method": "cg"})
    'factors=64,method=cg'
    """
    return ",".join(f"{name}={value}" for name, value in settings.items())


_ALS = {"reg": 10.0, "alpha": 0.1}
_LARGE = ("ml-1m", "town-ml-20m")

TASKS: tuple[Task, ...] = (
    Task(
        "als",
        "Implicit ALS, one iteration",
        recipe="als",
        data_sets=_LARGE,
        settings=(
            {"factors": 64, "method": "cg", **_ALS},
            {"factors": 64, "method": "exact", **_ALS},
            {"factors": 128, "method": "cg", **_ALS},
            {"factors": 128, "method": "exact", **_ALS},
        ),
        contestants=("penchant", "rusket", "irspack", "implicit", "cmfrec"),
        floor="als",
        check="als",
    ),
    Task(
        "item_cosine",
        "Item neighbours by cosine, the best 100 of each item",
        recipe="likes",
        data_sets=_LARGE,
        settings=({"k": 100},),
        contestants=(
            *("penchant", "rusket", "sparse_dot_topn", "implicit", "irspack", "skrecsys"),
        ),
        floor="item_cosine",
        check="lists",
    ),
    Task(
        "top_k",
        "The best 10 for every user, seen items left out",
        recipe="factors",
        data_sets=_LARGE,
        settings=({"factors": 64, "n": 10},),
        contestants=("penchant", "rusket", "implicit", "irspack", "rectools", "numpy", "gemm"),
        floor="top_k",
        check="lists",
    ),
    Task(
        "one_user",
        "The best 10 for one user whose vector is stored",
        recipe="one_user",
        data_sets=_LARGE,
        settings=({"factors": 64, "n": 10},),
        contestants=("penchant", "rusket", "implicit", "irspack", "rectools", "numpy"),
        floor="one_user",
        check=None,
        measure="p50",
    ),
    Task(
        "one_user_fold_in",
        "The best 10 for one user, the vector computed from the history",
        recipe="one_user",
        data_sets=_LARGE,
        settings=({"factors": 64, "n": 10, **_ALS},),
        contestants=("penchant", "kernels", "rusket", "implicit", "irspack"),
        floor="one_user_fold_in",
        check=None,
        measure="p50",
    ),
    Task(
        "all_users_fold_in",
        "The best 10 for every user, vectors computed from the histories; public call, and arrays",
        recipe="factors",
        data_sets=_LARGE,
        settings=({"factors": 64, "n": 10, **_ALS},),
        contestants=("penchant", "kernels"),
        floor="top_k",
        check=None,
    ),
    Task(
        "ease",
        "EASE",
        recipe="likes",
        data_sets=("ml-1m",),
        settings=({"l2": 500.0},),
        contestants=("penchant", "rusket", "irspack", "skrecsys", "numpy"),
        floor="ease",
        check="ease",
    ),
    Task(
        "slim",
        "SLIM",
        recipe="likes",
        data_sets=("ml-100k", "ml-1m"),
        settings=({"l1_ratio": 0.1, "alpha": 0.05, "k": 200, "tolerance": 1e-4, "iterations": 50},),
        contestants=("penchant", "fastslim", "irspack", "skrecsys"),
        floor=None,
        check="slim",
    ),
    Task(
        "bpr",
        "BPR, one epoch of as many draws as likes",
        recipe="likes",
        data_sets=_LARGE,
        settings=({"factors": 64, "learning_rate": 0.05, "reg": 0.01},),
        contestants=("penchant", "rusket", "implicit", "lightfm", "skrecsys", "cornac"),
        floor="bpr",
        check="bpr",
    ),
    Task(
        "rating_mf",
        "Rating matrix factorization, one epoch",
        recipe="ratings",
        data_sets=("ml-100k", "ml-1m"),
        settings=({"factors": 64, "reg": 0.02, "learning_rate": 0.01},),
        contestants=("penchant", "surprise", "cmfrec", "libmf", "cornac", "rusket"),
        floor="rating_mf",
        check="rating_mf",
    ),
    Task(
        "metrics",
        "nDCG@10 and recall@20 of every user's list",
        recipe="lists",
        data_sets=_LARGE,
        settings=({"ndcg_at": 10, "recall_at": 20},),
        contestants=("penchant", "rusket", "ranx", "rectools", "irspack", "numpy"),
        floor="metrics",
        check="metrics",
    ),
    Task(
        "reading",
        "From columns of ids to a matrix and the ids of its rows and columns",
        recipe="columns",
        data_sets=_LARGE,
        settings=({"ids": "integers"}, {"ids": "texts"}),
        contestants=("penchant", "pandas", "polars", "rectools", "rusket_pandas"),
        floor="reading",
        check="reading",
    ),
    Task(
        "startup",
        "From nothing to the first recommendation: import, fit on tiny data, recommend",
        recipe="nothing",
        data_sets=("tiny",),
        settings=({},),
        contestants=("penchant", "rusket", "implicit", "irspack", "cmfrec"),
        floor=None,
        check=None,
    ),
)


def cases(names: list[str], data_sets: list[str] | None, threads: int, quick: bool) -> list[Case]:
    """The cases asked for; no names are all tasks, no data sets are each task's own.

    `quick` keeps the first variant of each task, on ml-100k.
    """
    unknown = set(names) - {task.name for task in TASKS}
    if unknown:
        raise SystemExit(f"no such task: {', '.join(sorted(unknown))}")
    found = []
    for task in TASKS:
        if names and task.name not in names:
            continue
        own = task.data_sets if task.recipe == "nothing" else data_sets or task.data_sets
        if quick and task.recipe != "nothing":
            own = data_sets or ("ml-100k",)
        settings = task.settings[:1] if quick else task.settings
        found += [Case(task, data, variant, threads) for data in own for variant in settings]
    return found
