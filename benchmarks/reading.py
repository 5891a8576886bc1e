"""How long the way from columns and files to histories takes, and how much memory at its highest.

Run: python benchmarks/reading.py [--rows 1000000 5000000 20000000] [--only csr read] [--json FILE].
Every figure comes from a process of its own; the data are made up, files lie in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import penchant as pt
from penchant import kernels

Task = Callable[[], Any]
Data = dict[str, np.ndarray]
PEOPLE_PER_ROW, ITEMS = 138_493 / 20_000_263, 26_744  # the shape of MovieLens 20M
DAY = 86_400_000_000


def make(n: int, folder: Path) -> None:
    """Columns of ids, values and times as arrays, and files of them."""
    rng = np.random.default_rng(0)
    share = rng.lognormal(0, 1.4, max(int(n * PEOPLE_PER_ROW), 2)).cumsum()
    users = np.searchsorted(share / share[-1], rng.random(n)).astype(np.int64) + 1
    items = (ITEMS * rng.random(n) ** 3).astype(np.int64) * 7 + 1
    values = rng.integers(1, 11, n).astype(np.float32) / 2
    times = 10**15 + rng.integers(0, 8_000 * DAY, n) // 1_000_000 * 1_000_000
    columns = {"users": users, "items": items, "values": values, "times": times}
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column)
    _files(folder)


def _files(folder: Path) -> None:
    import duckdb
    import pyarrow as pa

    data = {name: np.load(folder / f"{name}.npy") for name in ("users", "items", "values", "times")}
    numbers = pa.table(  # noqa: F841 - DuckDB finds it by its name
        {
            "user_id": data["users"],
            "item_id": data["items"],
            "rating": data["values"],
            "timestamp": data["times"] // 1_000_000,
        }
    )
    texts = (
        "SELECT 'u' || user_id AS user_id, 'item ' || item_id AS item_id, rating, timestamp"
        " FROM numbers"
    )
    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = true")
        for name, query in (("numbers", "FROM numbers"), ("texts", texts)):
            connection.execute(f"COPY ({query}) TO '{folder}/{name}.csv' (HEADER)")
            connection.execute(f"COPY ({query}) TO '{folder}/{name}.parquet' (FORMAT parquet)")


def _load(folder: Path) -> Data:
    return {path.stem: np.load(path) for path in folder.glob("*.npy")}


def _texts(data: Data) -> tuple[list[str], list[str]]:
    users = [f"u{one}" for one in data["users"].tolist()]
    return users, [f"item {one}" for one in data["items"].tolist()]


def _interactions(folder: Path) -> pt.Interactions:
    data = _load(folder)
    return pt.Interactions.from_columns(
        data["users"], data["items"], data["values"], data["times"], kind="ratings"
    )


def from_numbers(folder: Path) -> Task:
    """Columns of int64 ids."""
    data = _load(folder)
    return lambda: pt.Interactions.from_columns(
        data["users"], data["items"], data["values"], data["times"]
    )


def from_texts(folder: Path) -> Task:
    """Lists of str."""
    data = _load(folder)
    users, items = _texts(data)
    return lambda: pt.Interactions.from_columns(users, items, data["values"], data["times"])


def from_pandas(folder: Path) -> Task:
    """A pandas frame with columns of text."""
    import pandas as pd

    data = _load(folder)
    users, items = _texts(data)
    frame = pd.DataFrame({"user_id": users, "item_id": items, "rating": data["values"]})
    del users, items
    return lambda: pt.read(frame)


def from_polars(folder: Path) -> Task:
    """A Polars frame with columns of text."""
    import polars as pl

    frame = pl.read_parquet(folder / "texts.parquet")
    return lambda: pt.read(frame)


def encode(folder: Path) -> Task:
    """The kernel alone, numbers."""
    users = np.load(folder / "users.npy")
    return lambda: kernels.encode(users)


def csr(folder: Path) -> Task:
    """The kernel alone, by row and time."""
    data = _load(folder)
    users, _ = kernels.encode(data["users"])
    n = int(users.max()) + 1
    return lambda: kernels.csr(users, n, data["times"])


def transpose(folder: Path) -> Task:
    """The kernel alone, with values."""
    histories = _interactions(folder).histories
    return lambda: histories.rows().transpose(histories.n_items)


def merged(folder: Path) -> Task:
    """Each item once per person, likes."""
    histories = _interactions(folder).histories
    return lambda: histories.merged("likes")


def take(folder: Path) -> Task:
    """Every second person's history."""
    histories = _interactions(folder).histories
    return lambda: histories.take(np.arange(0, len(histories), 2))


def fingerprint(folder: Path) -> Task:
    """SHA-256 over everything."""
    return _interactions(folder).fingerprint


def _reading(name: str) -> Callable[[Path], Task]:
    return lambda folder: lambda: pt.read(folder / name)


TASKS: dict[str, Callable[[Path], Task]] = {
    "from_columns, numbers": from_numbers,
    "from_columns, texts": from_texts,
    "read pandas, texts": from_pandas,
    "read Polars, texts": from_polars,
    "read CSV, numbers": _reading("numbers.csv"),
    "read CSV, texts": _reading("texts.csv"),
    "read Parquet, numbers": _reading("numbers.parquet"),
    "read Parquet, texts": _reading("texts.parquet"),
    "kernel encode, numbers": encode,
    "kernel csr, times": csr,
    "kernel transpose": transpose,
    "merged": merged,
    "take half": take,
    "fingerprint": fingerprint,
}


def measure(task: str, folder: Path, repeats: int) -> dict[str, float]:
    """Seconds by the clock and of processors, the best of some repeats; memory above the data's."""
    run = TASKS[task](folder)
    before = _memory("VmRSS")
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    except OSError:
        before = min(before, _memory("VmHWM"))
    best, busy = float("inf"), float("inf")
    for _ in range(repeats):
        start, worked = time.perf_counter(), time.process_time()
        kept = run()
        best = min(best, time.perf_counter() - start)
        busy = min(busy, time.process_time() - worked)
        del kept
    return {"seconds": best, "processor_seconds": busy, "peak": max(_memory("VmHWM") - before, 0)}


def _memory(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    """Measure every task at every size and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 5_000_000, 20_000_000])
    parser.add_argument("--only", nargs="+", default=[""], help="tasks whose name has such a part")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)  # task, folder
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.one[0], Path(asked.one[1]), asked.repeats)))
        return
    found: list[dict[str, Any]] = []
    print(f"{'task':<24}{'rows':>12}{'seconds':>10}{'processor':>10}{'peak MB':>10}")
    for n in asked.rows:
        with tempfile.TemporaryDirectory() as folder:
            make(n, Path(folder))
            for task in TASKS:
                if any(part in task for part in asked.only):
                    found.append({"task": task, "rows": n, **_apart(task, folder, asked.repeats)})
                    one = found[-1]
                    line = f"{task:<24}{n:>12,}{one['seconds']:>10.3f}"
                    line += f"{one['processor_seconds']:>10.3f}{one['peak'] / 1e6:>10,.0f}"
                    print(line, flush=True)
    if asked.json:
        asked.json.write_text(json.dumps({"threads": kernels.threads(), "figures": found}))


def _apart(task: str, folder: str, repeats: int) -> dict[str, Any]:
    """The figures of one task, from a process of its own."""
    command = [sys.executable, __file__, "--repeats", str(repeats), "--one", task, folder]
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000"}  # what is freed is given back
    answer = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=environment
    ).stdout
    return dict(json.loads(answer))


if __name__ == "__main__":
    main()
