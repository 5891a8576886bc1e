"""Figures of accuracy.json as the page docs/accuracy.md, with a picture per table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from accuracy_rows import FILES, Row, Table
from penchant.evaluation.chart import Bar, chart

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images" / "accuracy"

PREFACE = """\
Every figure comes from `make accuracy` (`python benchmarks/accuracy.py`, one table: `python
benchmarks/accuracy.py topn-fold0`), with data fetched on the way. Settings were chosen on
validation rows carved from the training part; the test part was then scored once per row and seed.
Figures of models with chance are means over seeds (0, 1, ...; their number is said). `±` is the
standard error over people; `against par` is the paired difference to the row marked par, with its
95 % bootstrap interval: where that holds 0 the two are not distinguishable. Everybody is answered
through the history, as in use.
What a model looks at beside ids and values is said, because it matters: the *time of the rating*
asked about is usual in the literature and not to be had in real recommending."""

FROM_FILES = """\
The test rows are the authors' file, which is not ours to redistribute: `python
benchmarks/accuracy.py shehzad-published --folds FOLDER`, a folder that holds their `test.tsv`."""


def write(kept: dict[str, Any], tables: Sequence[Table]) -> None:
    """The page and its pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    parts = ["# Accuracy", PREFACE, _versions(kept)]
    for table in tables:
        found = kept["tables"].get(table.name)
        if found:
            (IMAGES / f"{table.name}.svg").write_text(_picture(table, found))
            parts.append(_section(table, found))
    page = ROOT / "docs" / "accuracy.md"
    page.write_text("\n\n".join(parts) + "\n")
    print(f"wrote {page.relative_to(ROOT)}")


def _versions(kept: dict[str, Any]) -> str:
    made = ", ".join(f"{name} {one}" for name, one in kept.get("versions", {}).items())
    return f"Made on {kept.get('date')} with {made}."


def _section(table: Table, found: dict[str, Any]) -> str:
    lines = [
        f"## {table.title}",
        f"`{table.protocol}`, {found['people']:,} people asked"
        + (f", mean of {found['splits']} splits" if found["splits"] > 1 else "")
        + ".",
    ]
    if table.protocol == FILES:
        lines.append(FROM_FILES)
    if table.beat:
        lines.append(_aims(table))
    lines += [_grid(table, found), f"![{table.title}](images/accuracy/{table.name}.svg)"]
    return "\n\n".join(lines)


def _aims(table: Table) -> str:
    aims = (
        f"{what or 'any model'} {beat:.4f}"
        + (f" (aim {table.goals[what]:.3f})" if what in table.goals else "")
        for what, beat in table.beat.items()
    )
    return f"To beat, {table.metric}: {'; '.join(aims)}."


def _grid(table: Table, found: dict[str, Any]) -> str:
    rows = [row for row in table.rows if row.label in found["rows"]]
    others = [name for name in _shown(table) if name != table.metric]
    heads = ["model", "uses", table.metric, "±", "against par", *others]
    heads += [*_segments(table), "fit s", "settings"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(_cells(table, row, found, others))} |" for row in rows]
    notes = [one for row in rows if (one := _note(table, row, found))]
    return "\n".join(lines + (["", *notes] if notes else []))


def _cells(table: Table, row: Row, found: dict[str, Any], others: Iterable[str]) -> list[str]:
    one = found["rows"][row.label]
    gap = one.get("against_par")
    said = "par" if row.label == table.par else "" if gap is None else _gap(gap)
    metrics = one["metrics"]
    return [
        row.label,
        row.uses or "ids",
        f"**{metrics[table.metric]:.4f}**",
        f"{one['error']:.4f}",
        said,
        *(f"{metrics[name]:.4f}" for name in others),
        *(_segment(one["segments"][name]) for name in _segments(table)),
        f"{one['fit_seconds']:.1f}",
        f"`{one['settings']}`{_how(row, one)}",
    ]


def _how(row: Row, one: dict[str, Any]) -> str:
    said = [row.chosen] if row.chosen else []
    said += [f"mean of {len(one['seeds'])} seeds"] if len(one["seeds"]) > 1 else []
    return f" ({'; '.join(said)})" if said else ""


def _segments(table: Table) -> tuple[str, ...]:
    """Kinds of people who are told apart, where a split has both."""
    return ("warm", "new") if table.protocol == "time_cuts" else ()


def _segment(one: dict[str, float] | None) -> str:
    return "" if one is None else f"{one['value']:.4f} ± {one['error']:.4f}"


def _gap(gap: dict[str, float]) -> str:
    return f"{gap['value']:+.4f} [{gap['low']:+.4f}, {gap['high']:+.4f}]"


def _note(table: Table, row: Row, found: dict[str, Any]) -> str:
    """Whether a published figure came out."""
    if row.published is None:
        return ""
    one = found["rows"][row.label]
    away = abs(one["metrics"][table.metric] - row.published)
    inside = "within" if away <= one["error"] else "NOT within"
    return (
        f"* {row.label}: published {row.published:.4f} ({row.source}); here"
        f" {one['metrics'][table.metric]:.4f}, {inside} one standard error."
    )


def _picture(table: Table, found: dict[str, Any]) -> str:
    bars = [
        Bar(row.label, one["metrics"][table.metric], 1.96 * one["error"], False)
        for row in table.rows
        if (one := found["rows"].get(row.label))
    ]
    best = (min if table.goal == "stars" else max)(bars, key=lambda bar: bar.value)
    return chart(f"{table.title}: {table.metric}", bars, best.label)


def _shown(table: Table) -> tuple[str, ...]:
    return (
        ("rmse", "mse", "mae") if table.goal == "stars" else ("ndcg@10", "recall@20", "hit_rate@10")
    )
