"""Every command of ``penchant``, and what happens to a user's mistakes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

import penchant
from penchant.cli import show
from penchant.cli.items import find_facts, find_history, find_item, find_items, find_user
from penchant.cli.train import add_trainers
from penchant.errors import PenchantError, UsageError, hint
from penchant.models import Model, catalogue, load
from penchant.models.questions import OnUnknown


class _Commands(TyperGroup):
    """Commands whose mistakes end in one clear message and exit code 2, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except PenchantError as error:
            show.complaint(str(error))
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            show.complaint("interrupted")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="What people liked, turned into what they will like next.",
    epilog="Start with [bold]penchant demo[/bold]; then `penchant train item_knn ratings.csv`.",
)  # fmt: skip


class _Trainers(TyperGroup):
    """A command per model, which a class's name finds too."""

    def get_command(self, ctx: Any, name: str) -> Any:
        same = {model.__name__: known for known, model in catalogue().items()}
        return super().get_command(ctx, same.get(name, name))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None:
            known = self.list_commands(ctx)
            do = hint(args[0], known) or f"There are: {', '.join(known)}"
            raise UsageError("no such model", where="train", got=args[0], do=do)
        return super().resolve_command(ctx, args)


trainers = typer.Typer(
    cls=_Trainers,
    no_args_is_help=True,
    help="Learn a model from a file and save it."
    "\n\n[dim]penchant train item_knn ratings.csv --k 50[/dim]",
)
app.add_typer(trainers, name="train")

Folder = Annotated[Path, typer.Argument(metavar="MODEL", help="folder of a saved model")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document, for machines")]
Number = Annotated[int, typer.Option("-n", help="how many")]
History = Annotated[
    list[str] | None,
    typer.Option(
        "--history",
        help="instead of a user: what somebody likes, id or title, or ITEM=STARS; repeat",
    ),
]

At = Annotated[
    str | None, typer.Option(help="the moment asked about, such as 2026-04-03 or 2026-04-03T18:30")
]
Facts = Annotated[
    list[str] | None,
    typer.Option("--facts", help="what is known of the person, as COLUMN=VALUE; repeat"),
]


def main() -> int:
    """Run the command line; the process's exit code."""
    show.any_letter()
    with show.notices():  # from here on: other packages' models may have something to say
        return _main()


def _main() -> int:
    try:
        add_trainers(trainers)
        _add_measures()
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):  # before any command began
        show.complaint("interrupted")
        return 130
    except typer.Exit as stop:
        code = stop.exit_code
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        if error.filename is not None:
            show.complaint(f"{error.filename}: {error.strerror}")
            return 2
        show.complaint(f"the output cannot be written ({error.strerror})")
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - nothing more can be said there
        return 2
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise  # a bug, and bugs show where they are
        if message := error.format_message():
            show.complaint(message)
        return 2
    return int(code or 0)


def _add_measures() -> None:
    """The commands that measure, once."""
    from penchant.cli.measure import add_measures
    from penchant.cli.tune import add_tuning

    if not any(command.name == "compare" for command in app.registered_commands):
        add_measures(app)
        add_tuning(app)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="show the version and stop")] = False,
) -> None:
    if version:
        typer.echo(f"penchant {penchant.__version__}")
        raise typer.Exit


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="folder for the map")] = Path("penchant-demo"),
    as_json: AsJson = False,
) -> None:
    """Train, measure and explain every kind of model on MovieLens 100k.

    [dim]penchant demo --out penchant-demo[/dim]
    """
    from penchant.cli.demo import run

    show.answer(run(out, quiet=as_json), as_json)


@app.command()
def recommend(
    folder: Folder,
    users: Annotated[
        list[str] | None, typer.Argument(metavar="[USER]...", help="people of the data")
    ] = None,
    history: History = None,
    at: At = None,
    facts: Facts = None,
    n: Number = 10,
    keep_seen: Annotated[
        bool, typer.Option("--keep-seen", help="also what the person met")
    ] = False,
    items: Annotated[list[str] | None, typer.Option(help="only these items; repeat")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="not these items; repeat")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="do not fill up with popular items")
    ] = False,
    on_unknown: Annotated[OnUnknown, typer.Option(help="what an unknown user gets")] = "popular",
    reasons: Annotated[bool, typer.Option(help="say why")] = True,
    as_json: AsJson = False,
) -> None:
    """The best items for people of the data, or for anybody's history.

    [dim]penchant recommend penchant-model 196 -n 5[/dim]

    [dim]penchant recommend penchant-model --history "Star Wars (1977)" --history 181[/dim]
    """
    model = load(folder)
    if on_unknown == "popular":
        show.strangers(model, users or [], "popular items instead")
    people = [find_user(model, user) for user in users or []]
    options: dict[str, Any] = {
        **_context(at, facts),
        "n": n,
        "exclude_seen": not keep_seen,
        "explain": reasons,
        "on_unknown": on_unknown,
        "items": find_items(model, items) if items else None,
        "exclude": find_items(model, exclude or []),
        "on_shortage": "strict" if strict else "fill",
    }
    if bool(people) == bool(history):
        raise UsageError("give users or a --history, one of the two", where="recommend")
    if history:
        answer = model.recommend(history=find_history(model, history), **options)
        show.ranked({"history": history}, answer, as_json)
    elif len(people) > 1:
        show.table(model.recommend(people, **options), as_json)
    else:
        show.ranked({"user_id": people[0]}, model.recommend(people[0], **options), as_json)


@app.command()
def similar(
    folder: Folder,
    item: Annotated[str, typer.Argument(help="id or title")],
    n: Number = 10,
    as_json: AsJson = False,
) -> None:
    """The items nearest to one.

    [dim]penchant similar penchant-model "Star Wars (1977)" -n 5[/dim]
    """
    model = load(folder)
    row = find_item(model, item)
    found, empty = model.similar(row, n), f"{model.name} knows of no item like it"
    show.ranked({"item_id": row, "title": _title(model, row)}, found, as_json, empty=empty)


@app.command()
def predict(
    folder: Folder,
    first: Annotated[str, typer.Argument(metavar="USER", help="a person; left out with --history")],
    second: Annotated[str | None, typer.Argument(metavar="ITEM", help="id or title")] = None,
    history: History = None,
    at: At = None,
    facts: Facts = None,
    as_json: AsJson = False,
) -> None:
    """The stars that a person would give an item.

    [dim]penchant predict penchant-model 196 "Star Wars (1977)"[/dim]

    [dim]penchant predict penchant-model "Star Wars (1977)" --history 181=5[/dim]
    """
    model = load(folder)
    typed, item = _pair(first, second, history)
    show.strangers(model, [] if typed is None else [typed], "rated as a stranger")
    user = None if typed is None else find_user(model, typed)
    row = find_item(model, item)
    asked: dict[str, Any] = {"history": find_history(model, history)} if history else {}
    stars = model.predict(user, row, **asked, **_context(at, facts))
    show.answer(
        {"user_id": user, "item_id": row, "title": _title(model, row), "rating": stars}, as_json
    )


@app.command()
def explain(
    folder: Folder,
    first: Annotated[str, typer.Argument(metavar="USER", help="a person; left out with --history")],
    second: Annotated[str | None, typer.Argument(metavar="ITEM", help="id or title")] = None,
    history: History = None,
    at: At = None,
    facts: Facts = None,
    by: Annotated[
        Literal["item", "person"], typer.Option(help="a share per past item, or per person")
    ] = "item",
    as_json: AsJson = False,
) -> None:
    """Why an item has its score for a person: shares that sum to it.

    [dim]penchant explain penchant-model 196 "Star Wars (1977)"[/dim]

    [dim]penchant explain penchant-model 50 --history "Return of the Jedi (1983)"[/dim]
    """
    model = load(folder)
    user, item = _pair(first, second, history)
    asked: dict[str, Any] = {"history": find_history(model, history)} if history else {"user": user}
    asked |= _context(at, facts)
    show.explanation(model.explain(item=find_item(model, item), by=by, **asked), as_json)


@app.command("map")
def draw_map(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="the page to write")] = Path("map.html"),
    png: Annotated[Path | None, typer.Option(help="also a picture")] = None,
    colour: Annotated[str, typer.Option(help="auto, genres or popularity")] = "auto",
    as_json: AsJson = False,
) -> None:
    """The catalogue as one page: near items are alike.

    [dim]penchant map penchant-model --out map.html --png map.png[/dim]
    """
    from penchant.embedding_map import embedding_map

    for place, endings in ((out, (".html", ".htm")), (png, (".png",))):
        if place is not None and place.suffix.lower() not in endings:
            raise UsageError(f"must end in {endings[0]}", where="map", got=str(place))
    chart = embedding_map(load(folder), colour=colour)
    written = {"html": str(out)}
    chart.to_html(out)
    if png is not None:
        chart.to_png(png)
        written["png"] = str(png)
    show.answer({**written, "explained_variance": list(chart.explained)}, as_json)


@app.command()
def models(as_json: AsJson = False) -> None:
    """Every model, what it learns from, and its hyperparameters.

    [dim]penchant models --json[/dim]
    """
    show.models(catalogue(), as_json)


def _pair(first: str, second: str | None, history: list[str] | None) -> tuple[str | None, str]:
    """User and item of two words, or of one word and a history."""
    if history and second is None:
        return None, first
    if history or second is None:
        raise UsageError("give a user and an item, or an item and a --history")
    return first, second


def _context(at: str | None, facts: list[str] | None) -> dict[str, Any]:
    """What was said about the moment and the person."""
    return {"at": at, "facts": find_facts(facts) if facts else None}


def _title(model: Model, item: Any) -> str:
    return model.fitted.title(model.fitted.items.row(item))
