"""How accurate Penchant is on published protocols: every figure of docs/accuracy.md.

Run: python benchmarks/accuracy.py [table ...]. Without arguments every table is made again, which
takes about half an hour. Figures are kept in accuracy.json; the page is written from it. The table
of a published fold is made again only with --folds FOLDER, for its authors' test.tsv is not ours to
redistribute.

Settings stand in accuracy_rows.py, and were chosen on validation rows alone (see there). Here the
test part of each protocol is scored, once per row and seed.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import penchant as pt
from accuracy_page import write
from accuracy_rows import FILES, TABLES, Row, Table
from penchant import kernels
from penchant.evaluation import Evaluation, Split, evaluate, protocol, split
from penchant.evaluation.protocols import core, liked
from penchant.evaluation.splits import SPLITS, Role
from penchant.evaluation.statistics import differences
from penchant.evaluation.trial import means

HERE = Path(__file__).resolve().parent
SEEDS = (0, 1, 2, 3, 4)  # of stochastic models; figures are means over them


def main() -> None:
    """Make the tables that were asked for, and the page of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help=f"of {', '.join(one.name for one in TABLES)}")
    parser.add_argument("--rows", default="", help="only rows whose label holds this text")
    parser.add_argument("--out", type=Path, default=HERE / "accuracy.json")
    parser.add_argument(
        "--folds", type=Path, help="folder of a published test.tsv, for the table that needs it"
    )
    parser.add_argument("--page-only", action="store_true", help="write the page, measure nothing")
    args = parser.parse_args()
    kept = json.loads(args.out.read_text()) if args.out.exists() else {"tables": {}}
    if not args.page_only:
        for table in TABLES:
            if not args.tables or table.name in args.tables:
                if table.protocol == FILES and args.folds is None:
                    continue
                splits = divided(table, args.folds)
                made = measured(table, splits, args.rows, kept["tables"].get(table.name, {}))
                kept["tables"][table.name] = made
                kept |= {"versions": versions(), "date": time.strftime("%Y-%m-%d")}
                args.out.write_text(json.dumps(kept, indent=1) + "\n")
    write(kept, TABLES)


def versions() -> dict[str, str]:
    """What the figures were made with."""
    return {
        "penchant": f"{pt.__version__} ({kernels.isa()})",
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def divided(table: Table, folder: Path | None) -> list[Split]:
    """The table's splits: of a protocol, or of files that somebody published."""
    if table.protocol == FILES:
        return [published_test(folder / "test.tsv")]
    divide = split if table.protocol in SPLITS else protocol
    made: Any = divide(table.protocol, pt.datasets.load(table.data))
    return [made] if isinstance(made, Split) else made[: table.folds]


def published_test(path: Path) -> Split:
    """The split whose test rows a file names by user, film number and moment.

    Film numbers find their titles by what people rated at those moments: most of a number's rows
    stand at moments of one title.
    """
    data = core(liked(pt.datasets.load("ml-1m"), 4), 10)
    h, users = data.histories, data.users.array()
    file = np.loadtxt(path, np.int64)
    ours = pd.DataFrame({"user": users[h.owners], "time": h.times // 1_000_000, "title": h.items})
    theirs = pd.DataFrame({"user": file[:, 0], "time": file[:, 3], "number": file[:, 1]})
    met = theirs.merge(ours).groupby("number")["title"].agg(lambda titles: titles.mode()[0])
    theirs["title"] = theirs["number"].map(met)
    mine = pd.MultiIndex.from_frame(ours[["user", "title"]])
    asked = mine.isin(pd.MultiIndex.from_frame(theirs[["user", "title"]]))
    return Split(data, np.where(asked, Role.TEST, Role.TRAIN).astype(np.int8))


def measured(
    table: Table, splits: list[Split], wanted: str, before: dict[str, Any]
) -> dict[str, Any]:
    """One table's figures by row; rows not asked for keep those they had."""
    rows: dict[str, Any] = {}
    runs: dict[str, list[Evaluation]] = {}
    for row in table.rows:
        if wanted and wanted not in row.label and row.label != table.par:
            if row.label in before.get("rows", {}):
                rows[row.label] = before["rows"][row.label]
            continue
        runs[row.label] = asked(table, row, splits)
        rows[row.label] = figures(table, row, runs[row.label])
        print(f"{table.name:<16} {row.label:<60} {said(rows[row.label])}", flush=True)
    for label, run in runs.items():
        if table.par in runs and label != table.par:
            rows[label]["against_par"] = against(table, run, runs[table.par])
    return {"rows": rows, "people": _people(runs) or before.get("people"), "splits": len(splits)}


def asked(table: Table, row: Row, splits: Sequence[Split]) -> list[Evaluation]:
    """The row's model on every split."""
    return [_on(table, row, one) for one in splits]


def _on(table: Table, row: Row, part: Split) -> Evaluation:
    seeds, given = SEEDS[: row.seeds], {"goal": table.goal, "at_least": table.at_least}
    if row.seeded is None:
        return evaluate(row.model(), part, seeds=seeds, **given)
    runs = [evaluate(row.seeded(seed), part, **given) for seed in seeds]
    return replace(runs[0], measures=means([run.measures for run in runs]), seeds=seeds)


def figures(table: Table, row: Row, runs: Sequence[Evaluation]) -> dict[str, Any]:
    """Means over splits, the standard error, and what it cost."""
    found: dict[str, Any] = {
        name: float(np.mean([run[name] for run in runs])) for name in runs[0].measures
    }
    errors = np.array([run.errors[table.metric] for run in runs])
    return {
        "metrics": found,
        "error": float(np.sqrt(np.square(errors).sum()) / len(errors)),
        "fit_seconds": float(np.mean([run.seconds["fit"] for run in runs])),
        "request_ms": float(np.mean([run.seconds["request"] for run in runs]) * 1e3),
        "seeds": list(runs[0].seeds),
        "settings": runs[0].label,
        "segments": {name: segment(table, runs[0], name) for name in ("warm", "new")},
    }


def segment(table: Table, run: Evaluation, name: str) -> dict[str, float] | None:
    """The figure of some of the people, with its standard error; None where they are nobody."""
    keep = run.segments[name]
    if not keep.any():
        return None
    some = run.measures[table.metric].where(keep)
    return {"value": some.value, "error": some.error, "people": int(keep.sum())}


def against(
    table: Table, runs: Sequence[Evaluation], par: Sequence[Evaluation]
) -> dict[str, float]:
    """The paired difference to the number to beat, run again; the mean over splits."""
    gaps = [
        differences([one.measures[table.metric]], base.measures[table.metric])[0]
        for one, base in zip(runs, par, strict=True)
    ]
    value = float(np.mean([gap.value for gap in gaps]))
    margins = np.array([(gap.high - gap.low) / 2 for gap in gaps])
    margin = float(np.sqrt(np.square(margins).sum()) / len(gaps))
    return {"value": value, "low": value - margin, "high": value + margin}


def said(row: dict[str, Any]) -> str:
    """A row's metrics in one line."""
    shown = ("ndcg@10", "recall@20", "hit_rate@10", "rmse", "mse", "mae")
    metrics = (f"{name} {row['metrics'][name]:.4f}" for name in shown if name in row["metrics"])
    return f"{'  '.join(metrics)}  ± {row['error']:.4f}  {row['fit_seconds']:.1f} s"


def _people(runs: dict[str, list[Evaluation]]) -> int | None:
    first = next(iter(runs.values()), None)
    return None if first is None else first[0].counts["people"]


if __name__ == "__main__":
    main()
