"""Results as text, as the page docs/benchmarks.md, and as charts.

Run: python benchmarks/report.py [--results FILE] [--docs FOLDER]. Remarks, why something loses or
was not run, are read from remarks.json: a task's name, or a case's key, to a sentence.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import charts
from environments import OWN

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
HEADS = (
    *("contestant", "version", "median", "least – most", "ratio", "peak memory"),
    *("share of floor", "answer"),
)


PREFACE = """\
Every contestant runs in a process of its own with the same arrays, start and number of threads;
conversion into its own format is not timed. Contestants take turns: one run each per round, after
a first run that does not count. `ratio` is a median over Penchant's: above 1 takes longer.
`peak memory` is what a fresh process needed above loaded libraries and arrays. The floor is the
arithmetic and traffic that no way of doing the task can leave out, at this machine's ceilings.
Before and after each round a loop that stays in registers checks that all cores deliver; a round
without them is repeated. Answers are checked in float64; a wrong one is marked and stands last.
`gemm` is no contestant but a measure: all scores by one BLAS product, none chosen."""
AGAIN = """\
$ make bench
$ .venv/bin/python benchmarks/bench.py top_k
$ .venv/bin/python benchmarks/report.py"""
REACH = """\
Everybody learns with several settings each and is judged as it goes (not timed). Of each library
that setting stands here which came first to within a thousandth of the best it reached with any:
what it reached, the seconds until it was within a thousandth of that, and the seconds in which
Penchant was as good. Libraries that cannot go on (cmfrec, LIBMF, rusket, scikit-surprise) fit anew
for each number of epochs, preparation and all, so Penchant's own counts in their rows, and nobody's
in the others. Where the judge is a test part, settings and numbers of epochs were chosen before on
a tenth of the part to learn from, and only what was chosen met the test. Penchant's for a row is
what was first there, a thousandth better than the other, on that tenth; if it never gets there on
the test part, the next in that order takes its turn, and all that was tried in vain counts."""
SOURCES = """\
Ids, values and times in, histories out: every row checked, ids numbered, each person's rows in the
order of their times. People grow with the rows (6,925 a million), items do not. Medians of three,
each source in a process of its own; memory at its highest above what the data themselves held,
which of a file is nothing. Of each row: by the clock, of both processors together, memory."""
INSTALLED = """\
Files of a fresh environment, bytecode included, pip and setuptools left out."""
GROWTH = """\
One size is doubled, the others are held; the exponent is the slope of log seconds over log size,
by least squares. That of threads is fitted over those that have a core each."""


def main() -> None:
    """Write the page and its pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=HERE / "results.json")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    args = parser.parse_args()
    remarks = json.loads((HERE / "remarks.json").read_text())
    others = {
        path.stem.partition("-")[2]: path
        for path in sorted(args.results.parent.glob(f"{args.results.stem}-*.json"))
    }
    for name, path in others.items():
        write(json.loads(path.read_text()), remarks, args.docs / name)
    write(json.loads(args.results.read_text()), remarks, args.docs, others)


def write(
    found: Mapping, remarks: Mapping[str, str], docs: Path, others: Iterable[str] = ()
) -> None:
    """One machine's page and pictures."""
    images = docs / "images" / "benchmarks"
    images.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures(found).items():
        (images / name).write_text(picture)
    (docs / "benchmarks.md").write_text(page(found, remarks, others))
    print(f"wrote {docs / 'benchmarks.md'} and {len(pictures(found))} pictures")


# Figures as words ----------------------------------------------------------------------------


def span(seconds: float) -> str:
    """Seconds in the unit that suits them, three digits.

    >>> span(0.0000334), span(0.012), span(5.25), span(123.4)
    ('33.4 µs', '12.0 ms', '5.25 s', '123 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size or unit == "µs":
            return f"{digits(seconds / size)} {unit}"
    return ""


def digits(value: float) -> str:
    """Three significant digits, no exponent.

    >>> digits(1.234), digits(12.34), digits(123.4), digits(99.96), digits(12345.6)
    ('1.23', '12.3', '123', '100', '12,346')
    """
    places = next((p for p in (2, 1) if round(value, p) < 10.0 ** (3 - p)), 0)
    return f"{value:,.{places}f}"


def tick(seconds: float) -> str:
    """As `span`, without digits that say nothing.

    >>> tick(0.0001), tick(0.5)
    ('100 µs', '500 ms')
    """
    number, unit = span(seconds).split()
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}"


def memory(size: int | None) -> str:
    """Bytes as MB.

    >>> memory(12_345_678), memory(None)
    ('12 MB', '–')
    """
    return "–" if size is None else f"{size / 1e6:,.0f} MB"


def ratio(case: Mapping, library: str) -> float | None:
    """A contestant's median over Penchant's: above 1 it takes longer."""
    own = case["contestants"].get(OWN, {})
    one = case["contestants"][library]
    return one["median"] / own["median"] if "median" in own and "median" in one else None


def ranked(case: Mapping) -> list[str]:
    """Those that ran, the quickest first, the wrong ones after the right ones."""
    ran = {name: one for name, one in case["contestants"].items() if "median" in one}
    return sorted(ran, key=lambda name: (ran[name]["right"] is False, ran[name]["median"]))


def rows(case: Mapping) -> list[tuple[str, ...]]:
    """A case's table without its head."""
    table = []
    least = case["floor"]["seconds"] if case.get("floor") else None
    for name in ranked(case):
        one, times = case["contestants"][name], ratio(case, name)
        wrong = "WRONG: " if one["right"] is False else ""
        table.append(
            (
                name,
                one["version"],
                span(one["median"]),
                f"{span(one['min'])} – {span(one['max'])}",
                "–" if times is None else f"{digits(times)} ×",
                memory(one["peak"]),
                "–" if least is None else f"{least / one['median']:.0%}",
                wrong + one["answer"] or figures(one),
            )
        )
    return table


def figures(one: Mapping) -> str:
    """What a contestant measured beside the ranking figure."""
    others = {k: v for k, v in one.get("figures", {}).items() if k != "seconds"}
    return ", ".join(f"{name} {span(value)}" for name, value in others.items())


def notes(case: Mapping) -> list[str]:
    """What a reader of a case's table must know."""
    said = []
    if case.get("floor"):
        floor = case["floor"]
        said.append(f"Floor {span(floor['seconds'])}: {floor['says']}.")
    if case["one_core_lent"]:
        worst = min(case["cores_there"], default=0)
        said.append(f"One core lent: in some rounds only {worst:.2f} cores delivered.")
    for name, one in case["contestants"].items():
        if "not_run" in one:
            said.append(f"{name} not run: {one['not_run']}.")
    return said


def text_table(case: Mapping) -> str:
    """A case for the terminal."""
    table = [HEADS, *rows(case)]
    widths = [max(len(row[at]) for row in table) for at in range(len(HEADS))]
    lines = [
        "  ".join(
            cell.rjust(width) if 2 <= at < 7 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return "\n".join([*lines, *notes(case)])


def growth_text(growth: Mapping) -> str:
    """Exponents for the terminal."""
    lines = []
    for task, axes in growth.items():
        for axis, one in axes.items():
            said = one.get("not_run") or f"exponent {one['exponent']:.2f}: " + ", ".join(
                f"{x:,.0f} {span(median)}" for x, median, *_ in one["points"]
            )
            lines.append(f"{task:12} {axis:13} {said}")
    return "\n".join(lines)


# The page ------------------------------------------------------------------------------------


def page(found: Mapping, remarks: Mapping[str, str], others: Iterable[str] = ()) -> str:
    """docs/benchmarks.md; ``others`` are the folders of other machines' pages."""
    parts = ["# Benchmarks", *_preface(found)]
    links = ", ".join(f"[{name}]({name}/benchmarks.md)" for name in others)
    parts += [f"On other machines: {links}."] if links else []
    for task, cases in by_task(found["cases"].values()).items():
        parts += [
            f"## {cases[0]['title']}",
            f"![{cases[0]['title']}](images/benchmarks/{task}.svg)",
        ]
        parts += [remarks[task]] if task in remarks else []
        for case in cases:
            parts.append(f"**{_caption(case)}**")
            parts.append(markdown(HEADS, rows(case)))
            parts += [" ".join(notes(case))] if notes(case) else []
            parts += [remarks[case["key"]]] if case["key"] in remarks else []
    if found.get("reach"):
        parts += _reach(found["reach"], remarks)
    if found.get("sources"):
        parts += _sources(found["sources"], remarks)
    if found.get("installed"):
        parts += _installed(found["installed"], remarks)
    if found.get("growth"):
        parts += _growth(found["growth"], remarks)
    return "\n\n".join(parts) + "\n"


def _reach(races: Mapping[str, Mapping], remarks: Mapping[str, str]) -> list[str]:
    """How long each took to its own best, and Penchant to the same."""
    parts = ["## Time to a quality", REACH]
    for key, race in races.items():
        table = [
            (
                row["library"],
                f"{row['quality']:.6g}",
                str(row["epochs"]),
                f"{row['seconds']:.3f} s",
                "never" if row["ours"] is None else f"{row['ours']:.3f} s",
                "" if row["ours"] is None else f"{row['seconds'] / row['ours']:.2f} ×",
            )
            for row in race["rows"]
        ]
        heads = ("contestant", race["unit"], "epochs", "its time", "Penchant's time", "ratio")
        parts += [f"**{race['title']}, {race['data']}**", markdown(heads, table)]
        parts += [remarks[f"reach/{key}"]] if f"reach/{key}" in remarks else []
    return parts


def _sources(figures: list[Mapping], remarks: Mapping[str, str]) -> list[str]:
    """Seconds and memory of each source at each size."""
    sizes = sorted({one["rows"] for one in figures})
    table = []
    for source in dict.fromkeys(one["source"] for one in figures):
        mine = {one["rows"]: one for one in figures if one["source"] == source}
        last = mine[max(mine)]
        cells = [
            f"{span(mine[n]['seconds'])}, {memory(mine[n]['peak'])}" for n in sizes if n in mine
        ]
        cells += ["–"] * (len(sizes) - len(cells))
        each = (
            last["seconds"] / last["rows"] * 1e9,
            last["processor_seconds"] / last["rows"] * 1e9,
        )
        a_row = f"{each[0]:.0f} ns, {each[1]:.0f} ns, {last['peak'] / last['rows']:.0f} B"
        table.append((source, *cells, a_row))
    heads = ("rows", *(f"{n:,}" for n in sizes), "each row, in the last")
    lent = any(one["one_core_lent"] for one in figures)
    return [
        "## From columns, frames and files to histories",
        SOURCES + (" One core was lent in some of the runs." if lent else ""),
        markdown(heads, table),
        *([remarks["sources"]] if "sources" in remarks else []),
    ]


def _installed(found: Mapping[str, Mapping], remarks: Mapping[str, str]) -> list[str]:
    """Bytes on disk, the smallest whole first."""
    there = sorted((n for n in found if "whole" in found[n]), key=lambda n: found[n]["whole"])
    table = [
        (
            name,
            found[name]["version"],
            f"{found[name]['alone'] / 1e6:,.1f} MB",
            memory(found[name]["whole"]),
            str(found[name]["packages"]),
        )
        for name in there
    ]
    lost = [f"{name} not run: {one['not_run']}." for name, one in found.items() if "not_run" in one]
    return [
        "## Installed size",
        INSTALLED,
        markdown(("library", "version", "alone", "with what it requires", "packages"), table),
        *([" ".join(lost)] if lost else []),
        *([remarks["installed"]] if "installed" in remarks else []),
    ]


def by_task(cases: Iterable[Mapping]) -> dict[str, list[Mapping]]:
    """Cases under their tasks, in the order of the file."""
    grouped: dict[str, list[Mapping]] = {}
    for case in cases:
        grouped.setdefault(case["task"], []).append(case)
    return grouped


def markdown(heads: tuple[str, ...], table: list[tuple[str, ...]]) -> str:
    r"""A table in Markdown.

    >>> print(markdown(("a", "b"), [("1", "x|y")]))
    | a | b |
    |---|---|
    | 1 | x\|y |
    """
    lines = [heads, *table]
    text = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines]
    return "\n".join([text[0], "|" + "---|" * len(heads), *text[1:]])


def _preface(found: Mapping) -> list[str]:
    def said(facts: Mapping) -> str:
        return "\n".join(f"| {name} | {_value(value)} |" for name, value in facts.items())

    limits = {name: f"{value:,.0f}" for name, value in found.get("ceilings", {}).items()}
    facts = found["machine"] | found["versions"] | limits
    return [
        f"Measured on {found['date']}. {PREFACE}",
        "Run again, all of it or one task:",
        f"```console\n{AGAIN}\n```",
        f"| machine | |\n|---|---|\n{said(facts)}",
    ]


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _caption(case: Mapping) -> str:
    shape = case["shape"]
    size = (
        f" ({shape['users']:,} users, {shape['items']:,} items, {shape['entries']:,} entries)"
        if shape.get("entries")
        else ""
    )
    settings = ", ".join(f"{name} {value}" for name, value in case["settings"].items())
    return f"{case['data']}{size}" + (f"; {settings}" if settings else "")


def _growth(growth: Mapping, remarks: Mapping[str, str]) -> list[str]:
    parts = [
        "## How cost grows",
        GROWTH,
    ]
    for task, axes in growth.items():
        ran = {axis: one for axis, one in axes.items() if "points" in one}
        parts += [f"![Growth of {task}](images/benchmarks/growth-{task}.svg)"] if ran else []
        table = [
            (
                axis,
                f"{one['exponent']:.2f}",
                ", ".join(f"{x:,.0f}: {span(median)}" for x, median, *_ in one["points"]),
                _value(one["held"]) + (" (one core lent)" if one["one_core_lent"] else ""),
            )
            for axis, one in ran.items()
        ]
        parts.append(f"**{task}**")
        parts.append(markdown(("doubled", "exponent", "medians", "held"), table))
        lost = [
            f"{axis} not run: {one['not_run']}." for axis, one in axes.items() if axis not in ran
        ]
        parts += [" ".join(lost)] if lost else []
        parts += [remarks[f"growth/{task}"]] if f"growth/{task}" in remarks else []
    return parts


def pictures(found: Mapping) -> dict[str, str]:
    """Every chart by the name of its file."""
    drawn = {}
    for task, cases in by_task(found["cases"].values()).items():
        panels = []
        for case in cases:
            ran = {name: case["contestants"][name] for name in ranked(case)}
            panel = [
                charts.Dot(name, one["median"], one["min"], one["max"], one["right"] is not False)
                for name, one in ran.items()
            ]
            least = case["floor"]["seconds"] if case.get("floor") else None
            if panel:
                panels.append((_caption(case), panel, least))
        if panels:
            drawn[f"{task}.svg"] = charts.dots(cases[0]["title"], panels, OWN, tick)
    for task, axes in found.get("growth", {}).items():
        ran = [
            (axis, one["points"], one["exponent"]) for axis, one in axes.items() if "points" in one
        ]
        if ran:
            drawn[f"growth-{task}.svg"] = charts.growth(f"Growth of {task}", ran, tick)
    return drawn


if __name__ == "__main__":
    main()
