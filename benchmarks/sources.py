"""From columns, frames and files to histories: seconds, and memory at its highest, as rows grow.

`bench.py sources` measures it. Every figure comes from a process of its own; the data are drawn
(see `datasets.drawn_rows`) with values and times, files lie in a temporary folder.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import machine
import penchant as pt
from conductor import Wishes
from datasets import drawn_rows
from penchant import kernels
from worker import forget_peak, loaded, resident

ROWS = (1_000_000, 5_000_000, 20_000_000, 100_000_000)
MOST_TEXT = 20_000_000  # rows of text that are tried
DAY = 86_400_000_000
_COLUMNS = ("user_ids", "item_ids", "values", "times")
Task = Callable[[], Any]


@dataclass(frozen=True)
class Source:
    """What rows come in.

    Attributes:
        title: in words.
        prepare: what is read, from the folder; untimed.
        most: rows, because more would not fit a usual memory, or say nothing new.
    """

    title: str
    prepare: Callable[[Path], Task]
    most: int = MOST_TEXT


def make(n: int, folder: Path) -> None:
    """Columns of ids, values and times as arrays, and files of them."""
    rng = np.random.default_rng(1)
    columns = drawn_rows(n) | {
        "values": rng.integers(1, 11, n, np.int8).astype(np.float32) / 2,
        "times": 10**15 + rng.integers(0, 8_000 * 86_400, n, np.int32) * np.int64(1_000_000),
    }
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column)
    _files(columns, folder)


def _files(columns: dict[str, np.ndarray], folder: Path) -> None:
    import duckdb
    import pyarrow as pa

    names = ("user_id", "item_id", "rating", "timestamp")
    numbers = pa.table(dict(zip(names, columns.values(), strict=True)))  # DuckDB finds it by name
    whole = "SELECT user_id, item_id, rating, timestamp // 1000000 AS timestamp FROM numbers"
    texts = whole.replace(
        "user_id, item_id", "'u' || user_id AS user_id, 'item ' || item_id AS item_id"
    )
    kinds = {"parquet": "FORMAT parquet", "csv": "HEADER"}
    with duckdb.connect() as connection:
        for kind, options in kinds.items():
            for name, query in (("numbers", whole), ("texts", texts)):
                if len(numbers) <= MOST_TEXT or (kind, name) == ("parquet", "numbers"):
                    target = folder / f"{name}.{kind}"
                    connection.execute(f"COPY ({query}) TO '{target}' ({options})")


def _numbers(folder: Path) -> Task:
    data = loaded(folder)
    return lambda: pt.Interactions.from_columns(*(data[name] for name in _COLUMNS))


def _texts(folder: Path) -> Task:
    data = loaded(folder)
    users = [f"u{one}" for one in data["user_ids"].tolist()]
    items = [f"item {one}" for one in data["item_ids"].tolist()]
    return lambda: pt.Interactions.from_columns(users, items, data["values"], data["times"])


def _pandas(folder: Path) -> Task:
    import pandas as pd

    frame = pd.read_parquet(folder / "texts.parquet")
    return lambda: pt.read(frame)


def _polars(folder: Path) -> Task:
    import polars as pl

    frame = pl.read_parquet(folder / "texts.parquet")
    return lambda: pt.read(frame)


def _file(name: str) -> Callable[[Path], Task]:
    return lambda folder: lambda: pt.read(folder / name)


SOURCES = (
    Source("arrays of integers", _numbers, most=ROWS[-1]),
    Source("lists of str", _texts),
    Source("pandas frame, text ids", _pandas),
    Source("Polars frame, text ids", _polars),
    Source("Parquet, integers", _file("numbers.parquet"), most=ROWS[-1]),
    Source("Parquet, text ids", _file("texts.parquet")),
    Source("CSV, integers", _file("numbers.csv")),
    Source("CSV, text ids", _file("texts.csv")),
)


def measured(wishes: Wishes, threads: int, quick: bool) -> list[dict[str, Any]]:
    """Every source at every size, as it stands in results."""
    found = []
    for n in (ROWS[0] // 10,) if quick else ROWS:
        print(f"\nsources of {n:,} rows", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            make(n, Path(folder))
            for source in (one for one in SOURCES if n <= one.most):
                try:
                    figures = _apart(source.title, folder, min(wishes.rounds, 3), threads)
                except subprocess.CalledProcessError as failure:  # what was measured is kept
                    print(f"{source.title} not measured: exit {failure.returncode}", flush=True)
                    continue
                found.append({"source": source.title, "rows": n, **figures})
                print(text(found[-1]), flush=True)
    return found


def text(one: dict[str, Any]) -> str:
    """A line for the terminal."""
    return (
        f"{one['source']:<24}{one['rows']:>13,} rows {one['seconds']:8.3f} s"
        f" {one['processor_seconds']:8.3f} s of processors {one['peak'] / 1e6:8,.0f} MB"
    )


def _apart(title: str, folder: str, rounds: int, threads: int) -> dict[str, Any]:
    """The figures of one source, from a process of its own."""
    before = machine.cores_there(threads)
    # What is freed is given back at once, so that the peak is what was needed.
    environment = os.environ | {
        "MALLOC_MMAP_THRESHOLD_": "1000000",
        "PENCHANT_THREADS": str(threads),
    }
    command = [sys.executable, __file__, title, folder, str(rounds)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    cores = min(before, machine.cores_there(threads))
    lent = not machine.delivers(cores, threads)
    return {**json.loads(run.stdout), "cores_there": round(cores, 3), "one_core_lent": lent}


def _measure(title: str, folder: Path, rounds: int) -> dict[str, float]:
    """Seconds by the clock and of processors, medians; memory above the data's in the first run."""
    run = next(one for one in SOURCES if one.title == title).prepare(folder)
    forget_peak()
    before, peak = resident("VmRSS"), 0
    seconds, busy = [], []
    for _ in range(rounds):
        start, worked = time.perf_counter(), time.process_time()
        kept = run()
        seconds.append(time.perf_counter() - start)
        busy.append(time.process_time() - worked)
        del kept
        peak = peak or resident("VmHWM") - before
    return {
        "seconds": statistics.median(seconds),
        "processor_seconds": statistics.median(busy),
        "peak": max(peak, 0),
    }


if __name__ == "__main__":
    kernels.set_threads(int(os.environ["PENCHANT_THREADS"]))
    print(json.dumps(_measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
