"""``penchant tune MODEL FILE``: the best of many trials, fitted on everything and saved."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from penchant.cli import show
from penchant.cli.measure import (
    AsJson,
    GoalName,
    Likes,
    SplitName,
    divided,
    model_of,
    with_data_flags,
)
from penchant.cli.train import claimed, read_source, require_ratings, typed
from penchant.data.interactions import LIKED_FROM, Interactions
from penchant.data.tables import Table
from penchant.errors import UsageError, hint
from penchant.evaluation import Split
from penchant.models import Model
from penchant.tuning import Tuning, tune

_LISTED = 10  # trials shown


def add_tuning(app: typer.Typer) -> None:
    """The command."""
    app.command("tune")(with_data_flags(tune_))


def tune_(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help='a model, perhaps with a start: "ease l2=300"')
    ],
    source: Annotated[str, typer.Argument(metavar="FILE", help="a file, or a data set")],
    trials: Annotated[int, typer.Option(help="how many, those in --storage included")] = 50,
    timeout: Annotated[float | None, typer.Option(help="seconds after which to stop")] = None,
    out: Annotated[Path, typer.Option(help="folder of the best model")] = Path("penchant-model"),
    histories: Annotated[bool, typer.Option(help="keep what people met in the folder")] = True,
    fix: Annotated[
        list[str] | None, typer.Option(help="a setting not to search, name=value; repeat")
    ] = None,
    space: Annotated[
        list[str] | None, typer.Option(help="a range to search, name=low:high; repeat")
    ] = None,
    split: SplitName = None,
    goal: GoalName = None,
    metric: Annotated[
        str | None, typer.Option(help="what is compared; ndcg@10 of lists, rmse of stars")
    ] = None,
    at_least: Likes = None,
    storage: Annotated[
        Path | None, typer.Option(help="a file that keeps the trials, to go on later")
    ] = None,
    seed: Annotated[int, typer.Option(help="of the draws")] = 0,
    as_json: AsJson = False,
    **columns: Any,
) -> None:
    """Search a model's settings on held-out rows, then fit the best on all rows and save it.

    [dim]penchant tune implicit_als ratings.csv --trials 50 --timeout 600[/dim]
    """
    start = model_of(model)
    floor = LIKED_FROM if at_least is None else at_least
    with claimed(out):
        data = read_source(source, columns)
        require_ratings(data, at_least)
        if not as_json:
            show.data(data)
        with show.progress(not as_json) as report:
            parts = divided(data, split)
            found = tune(
                start,
                parts,
                trials=trials,
                timeout=timeout,
                goal=goal,
                metric=metric,
                at_least=floor,
                fixed=_fixed(start, fix or ()),
                space=_space(start, space or ()),
                storage=storage,
                seed=seed,
                progress=report,
            )
        rows = parts.data if isinstance(parts, Split) else parts  # a protocol has likes of its own
        best = _on_everything(found, rows, floor)
        sizes = best.save(out, histories=histories)
    if as_json:
        show.as_json(found.to_dict() | {"folder": str(out), "bytes": sizes})
        return
    _found(found)
    typer.echo(f"saved {best!r}, fitted on all rows, in {out}")


def _on_everything(found: Tuning, data: Interactions, at_least: float) -> Model:
    """The best settings, learned from the test rows too, which nobody was asked about."""
    likes = found.model.fitted.kind == "likes"
    return found.model.fit(data.likes(at_least) if likes else data)


def _fixed(model: Model, written: Iterable[str]) -> dict[str, Any]:
    pairs = [_pair(model, one, "--fix", "name=value") for one in written]
    return {name: typed(type(model), model.params[name], value) for name, value in pairs}


def _space(model: Model, written: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in written:
        name, value = _pair(model, one, "--space", "name=low:high")
        low, colon, high = value.partition(":")
        if not colon:
            raise UsageError("written name=low:high", where="--space", got=one)
        ends = (typed(type(model), model.params[name], end) for end in (low, high))
        found[name] = tuple(ends)
    return found


def _pair(model: Model, written: str, flag: str, form: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not equals or name not in model.params:
        near = hint(name, model.params) or f"{model.name} has: {', '.join(model.params)}"
        raise UsageError(f"written {form}", where=flag, got=written, do=near)
    return name, value


def _found(found: Tuning) -> None:
    """The best trials, best first, and what they began from."""
    rows = found.trials.to_dicts()
    done = [row for row in rows if row["state"] == "done"]
    sign = 1 if found.metric in ("rmse", "mae", "mse") else -1
    best = sorted(done, key=lambda row: sign * row["value"])[:_LISTED]
    shown = [name for name in found.trials.columns if name not in ("state", "seconds")]
    shown.append("seconds")  # the first to go where there is no room
    title = f"{found.metric} on the validation part ({found.split}), the best of {len(rows)} trials"
    listed = Table({name: [row[name] for row in best] for name in shown})
    show.figures(listed, kept=len(shown) - 1, title=title)
    first = rows[0]["value"]
    typer.echo(f"as given {first:.4f}, at best {found.value:.4f}, in {found.seconds:.0f} s")
