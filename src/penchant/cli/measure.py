"""``penchant evaluate`` and ``penchant compare``: figures that a choice can rest on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from penchant.cli import show
from penchant.cli.train import DATA_FLAGS, read_source, require_ratings, typed
from penchant.data.interactions import Interactions
from penchant.data.tables import Table
from penchant.errors import UsageError, hint
from penchant.evaluation import Comparison, Evaluation, Split, compare, evaluate, protocol
from penchant.evaluation.metrics import DEFAULTS
from penchant.evaluation.protocols import plain_splits
from penchant.evaluation.protocols import split as split_of
from penchant.models import Model, catalogue, load

_COMPARED = ("ease", "implicit_als", "item_knn", "rp3beta", "user_knn")
_METRICS = ",".join(DEFAULTS)
_COLUMNS = {"recall@20", "mae", "mse", "coverage@10", "fit s", "ms each", "MB"}  # beside the first
_RATED = ("rating_mf", "item_knn", "user_knn")

SplitName = Annotated[
    str | None,
    typer.Option(
        "--split",
        help="how rows are held out, such as time_cuts, per_user, leave_last_out, or a published"
        " protocol, such as topn-fold0; global time cuts if not given",
    ),
]
PartName = Annotated[
    Literal["validation", "test"], typer.Option("--part", help="which held-out part is asked")
]
GoalName = Annotated[
    Literal["lists", "stars"] | None,
    typer.Option("--goal", help="rank, or predict ratings; what the models do if not given"),
]
Metrics = Annotated[str, typer.Option("--metrics", help="of lists, name@length, the first decides")]
Likes = Annotated[
    float | None,
    typer.Option("--at-least", help="the rating from which a rating is a like [default: 4]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document, for machines")]


def add_measures(app: typer.Typer) -> None:
    """The two commands."""
    for command in (evaluate_, compare_):
        app.command(command.__name__.rstrip("_"))(with_data_flags(command))


def evaluate_(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help='"ease l2=300", or a saved model, for its settings'),
    ],
    source: Annotated[str, typer.Argument(metavar="FILE", help="a file, or a data set")],
    split: SplitName = None,
    part: PartName = "test",
    goal: GoalName = None,
    metrics: Metrics = _METRICS,
    at_least: Likes = None,
    as_json: AsJson = False,
    **columns: Any,
) -> None:
    """How good one model is on held-out rows.

    [dim]penchant evaluate "ease l2=300" ratings.csv[/dim]
    """
    chosen = model_of(model)
    data = read_source(source, columns)
    asked = _options(data, part, goal, metrics, at_least)
    if not as_json:
        show.data(data)
    found = evaluate(chosen, divided(data, split), **asked)
    if as_json:
        show.as_json(found.to_dict())
    else:
        _evaluation(found)


def compare_(
    source: Annotated[str, typer.Argument(metavar="FILE", help="a file, or a data set")],
    models: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help='a model with settings, "ease l2=300"; repeat'),
    ] = None,
    split: SplitName = None,
    part: PartName = "test",
    goal: GoalName = None,
    metrics: Metrics = _METRICS,
    at_least: Likes = None,
    baselines: Annotated[bool, typer.Option(help="also run chance, popularity, ...")] = True,
    card: Annotated[Path | None, typer.Option(help="write what makes this run again")] = None,
    chart: Annotated[Path | None, typer.Option(help="write a picture, .svg")] = None,
    as_json: AsJson = False,
    **columns: Any,
) -> None:
    """Which model is best on held-out rows, by how much, and how sure that is.

    [dim]penchant compare ratings.csv -m ease -m "implicit_als factors=128"[/dim]

    [dim]penchant compare ml-100k --split topn-fold0 --chart best.svg[/dim]
    """
    if chart is not None and chart.suffix.lower() != ".svg":
        raise UsageError("must end in .svg", where="--chart", got=str(chart))
    data = read_source(source, columns)
    names = models or (_RATED if goal == "stars" else _COMPARED)
    asked = _options(data, part, goal, metrics, at_least)
    chosen = [model_of(name) for name in names]
    if not as_json:
        show.data(data)
    with show.progress(not as_json) as report:
        found = compare(
            chosen,
            divided(data, split),
            with_baselines=baselines,
            progress=report,
            **asked,
        )
    if card is not None:
        found.card.save(card)
    if chart is not None:
        chart.write_text(found.to_svg(), encoding="utf-8")
    if as_json:
        typer.echo(found.to_json())
    else:
        _comparison(found)


def with_data_flags(command: Callable[..., None]) -> Callable[..., None]:
    """The command, with the flags that say what a file's columns are."""

    def run(**given: Any) -> None:
        command(**given)

    own = list(inspect.signature(command, eval_str=True).parameters.values())
    keywords = [p.replace(kind=p.KEYWORD_ONLY) for p in (*own[:-1], *DATA_FLAGS)]
    run.__dict__["__signature__"] = inspect.Signature(keywords)
    run.__annotations__ = {p.name: p.annotation for p in keywords}
    run.__doc__ = command.__doc__
    return run


def _options(
    data: Interactions, part: str, goal: str | None, metrics: str, at_least: float | None
) -> dict[str, Any]:
    require_ratings(data, at_least)
    found: dict[str, Any] = {"part": part, "goal": goal}
    found["metrics"] = [one.strip() for one in metrics.split(",")]
    return found if at_least is None else found | {"at_least": at_least}


def model_of(written: str) -> Model:
    """A model as somebody writes it: a name, then settings; or the folder of a saved one."""
    name, *settings = written.split() or [""]
    known = catalogue()
    if name not in known:
        if written and Path(written).is_dir():
            return load(written)
        near = hint(name, known) or f"There are: {', '.join(known)}"
        raise UsageError("no such model", where="--model", got=name, do=near)
    owner, given = known[name], {}
    for one in settings:
        key, equals, value = one.partition("=")
        if not equals or key not in owner.params:
            near = hint(key, owner.params) or f"It has: {', '.join(owner.params)}"
            raise UsageError("settings are written name=value", where=name, got=one, do=near)
        given[key] = typed(owner, owner.params[key], value)
    return owner(**given)


def divided(data: Interactions, name: str | None) -> Split | Interactions:
    """The split that was named; of several folds the first."""
    if name is None:
        return data
    made: Any = split_of(name, data) if name in plain_splits() else protocol(name, data)
    first: Split = made[0] if isinstance(made, list) else made
    return first


def _evaluation(found: Evaluation) -> None:
    counts = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in found.counts.items())
    typer.echo(f"{found.label} on the {found.part} part: {counts}")
    for name, measure in found.measures.items():
        typer.echo(f"  {name:<18} {measure.value:.4f} ± {measure.error:.4f}")
    for name, value in found.beyond.items():
        if value is not None:
            typer.echo(f"  {name:<18} {value:.4f}")
    first = next(iter(found.measures))
    for name in found.segments:
        value, people = found.segment(name, first)
        if people:
            typer.echo(f"  {f'{first} of {name}':<18} {value:.4f} ({people:,} people)")
    typer.echo(
        f"  fit {found.seconds['fit']:.2f} s, one request {found.seconds['request'] * 1e3:.2f} ms,"
        f" {found.bytes / 1e6:.1f} MB"
    )


def _comparison(found: Comparison) -> None:
    counts = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in found.best.counts.items())
    typer.echo(f"{found.card.split['recipe'].get('name')}: {counts}")
    columns = found.table.columns
    kept = [name for at, name in enumerate(columns) if at < 4 or name in _COLUMNS]
    show.figures(Table({name: columns[name] for name in kept}), kept=4)
    show.table(found.segments, False, title=f"{found.primary} by kind of person")
    for line in found.verdict:
        typer.secho(show.as_flags(line), fg="red" if line.startswith("No evidence") else None)
