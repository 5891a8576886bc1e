"""``penchant train MODEL FILE``: one command per model, its flags from its hyperparameters."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from penchant.cli import show
from penchant.data import datasets
from penchant.data.files import nearest_name
from penchant.data.interactions import Interactions
from penchant.data.readers import read
from penchant.errors import DataError, ParameterError, UsageError, hint
from penchant.models import Model, catalogue, folder
from penchant.models.params import Param

_NONE = "none"  # how None is written on a command line
_OPTIONAL = ("value", "time", "type")  # columns that one may do without


def add_trainers(trainers: typer.Typer) -> None:
    """One command for each model of the catalogue; once."""
    known = {command.name for command in trainers.registered_commands}
    for name, model in catalogue().items():
        if name not in known:
            trainers.command(name, help=_help(model))(_trainer(model))


def _help(model: type[Model]) -> str:
    example = f"penchant train {model.name} ratings.csv --out penchant-model"
    return f"{show.summary(model)}\n\n[dim]{example}[/dim]"


def _data(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="a file, or a data set: interests, ml-100k, ml-1m")
    ],
    items: Annotated[Path | None, typer.Option(help="file of item facts: titles, genres")] = None,
    users: Annotated[
        Path | None, typer.Option(help="file of facts about people: age, country")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="column of the users, by name or position")
    ] = None,
    item: Annotated[str | None, typer.Option(help="column of the items")] = None,
    value: Annotated[
        str | None, typer.Option(help="column of ratings or amounts; none for none")
    ] = None,
    time: Annotated[str | None, typer.Option(help="column of times; none for none")] = None,
    type: Annotated[str | None, typer.Option(help="column of event types")] = None,  # noqa: A002
    kind: Annotated[
        str | None, typer.Option(help="likes or ratings; detected if not given")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="event types as values: view=1,purchase=5")
    ] = None,
    at_least: Annotated[
        float | None, typer.Option(help="learn likes: ratings from here on")
    ] = None,
    every_rating: Annotated[
        bool, typer.Option("--every-rating", help="learn likes: every rating is one")
    ] = False,
    out: Annotated[Path, typer.Option(help="folder of the model")] = Path("penchant-model"),
    histories: Annotated[bool, typer.Option(help="keep what people met in the folder")] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="one JSON document, for machines")
    ] = False,
) -> None:
    """Carry the signature of what every model's command shares."""


_OWN_TO_TRAIN = ("source", "at_least", "every_rating", "out", "histories", "as_json")
DATA_FLAGS = tuple(  # what a file's columns are, for every command that reads one
    flag.replace(kind=inspect.Parameter.KEYWORD_ONLY)
    for name, flag in inspect.signature(_data, eval_str=True).parameters.items()
    if name not in _OWN_TO_TRAIN
)


def _trainer(model: type[Model]) -> Any:
    """The command of a model, as a function whose signature is its flags."""
    shared = inspect.signature(_data, eval_str=True)

    def train(**given: Any) -> None:
        hyper = {name: typed(model, one, given.pop(name)) for name, one in model.params.items()}
        _train(model(**hyper), **given)

    flags = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=_default(one), annotation=_flag(one)
        )
        for name, one in model.params.items()
    ]
    parameters = [*shared.parameters.values(), *flags]
    keywords = [p.replace(kind=p.KEYWORD_ONLY) for p in parameters]
    train.__dict__["__signature__"] = shared.replace(parameters=keywords)
    train.__annotations__ = {p.name: p.annotation for p in parameters}
    return train


def _flag(one: Param) -> Any:
    """The flag of a hyperparameter: its type, or text where ``none`` may be written too."""
    written = one.dtype if one.dtype is bool else str
    names = [f"--{one.name.replace('_', '-')}"]
    if one.dtype is bool:
        names = [f"{names[0]}/--no-{names[0][2:]}"]
    text = one.help if one.dtype is bool else f"{one.help}; {one.rule}"
    metavar = {int: "INTEGER", float: "NUMBER", str: "WORD"}.get(one.dtype)
    return Annotated[written, typer.Option(*names, help=text, metavar=metavar, show_default=True)]


def _default(one: Param) -> Any:
    if one.dtype is bool:
        return one.default
    return _NONE if one.default is None else str(one.default)


def typed(owner: type[Model], one: Param, written: Any) -> Any:
    """What somebody wrote, in the hyperparameter's type."""
    if one.dtype is bool:
        return written
    if one.none and written.casefold() == _NONE:
        return None
    try:
        return one.read(written)
    except ValueError:
        raise ParameterError(
            f"{one.name} must be {one.rule}", where=owner.__name__, got=written
        ) from None


def _train(
    model: Model,
    *,
    source: str,
    out: Path,
    histories: bool,
    as_json: bool,
    at_least: float | None,
    every_rating: bool,
    **columns: Any,
) -> None:
    if at_least is not None and every_rating:
        raise UsageError("choose one", where="--at-least and --every-rating")
    if (at_least is not None or every_rating) and "likes" not in model.feedback:
        raise UsageError(
            f"{model.name} learns from ratings, not from likes",
            do="Leave out --at-least and --every-rating",
        )
    with claimed(out):
        data = read_source(source, columns)
        require_ratings(data, at_least)
        if at_least is not None or every_rating:
            data = data.likes(at_least=None if every_rating else at_least)
        if not as_json:
            show.data(data)
        with show.progress() as report:
            model.fit(data, progress=report)
        sizes = model.save(out, histories=histories)
    if as_json:
        show.as_json(
            {
                "model": model.name,
                "parameters": dict(model.fitted.params),
                "folder": str(out),
                "bytes": sizes,
                "data": data.describe().splitlines(),
                "notes": list(model.fitted.notes),
                "epochs": list(model.fitted.epochs),
            }
        )
        return
    for note in model.fitted.notes:
        if note not in data.notes:
            typer.echo(show.as_flags(note))
    listed = ", ".join(f"{part} {size / 1e6:.1f} MB" for part, size in sizes.items())
    typer.echo(f"saved {model!r} in {out} ({listed})")
    someone = data.users.id(0) if histories else f"--history {data.items.id(0)!r}"
    typer.echo(f"next: penchant recommend {out} {someone}")


@contextmanager
def claimed(out: Path) -> Iterator[None]:
    """The model's folder, made before the work and not after it; work that fails leaves none."""
    new = False
    with suppress(OSError):  # a name that cannot be looked up is claim's to complain of
        new = not out.exists()
    folder.claim(out)
    try:
        yield
    except BaseException:
        if new:
            with suppress(OSError):  # the complaint under way matters more
                out.rmdir()
        raise


def read_source(source: str, columns: dict[str, Any]) -> Interactions:
    """The interactions of a file or a named data set, columns as their flags say."""
    if source in datasets.names() and not Path(source).exists():
        if asked := [name for name, column in columns.items() if column is not None]:
            raise UsageError(
                f"{source} is a named data set, whose columns are known", where=f"--{asked[0]}"
            )
        return datasets.load(source)
    given: dict[str, Any] = {k: v for k, v in columns.items() if v is not None}
    given |= {name: False for name in _OPTIONAL if given.get(name) == _NONE}
    if "://" not in source and not Path(source).exists():
        near = hint(source, datasets.names()) or nearest_name(Path(source))
        raise DataError("there is no such file or data set", where=source, do=near or None)
    if "weights" in given:
        given["weights"] = _weights(given["weights"])
    if given.get("kind") not in (None, "likes", "ratings"):
        raise ParameterError("kind must be likes or ratings", where="--kind", got=given["kind"])
    return read(source, **given)


def require_ratings(data: Interactions, at_least: float | None) -> None:
    """Complain of a rating to be liked from, where there are no ratings."""
    if at_least is not None and data.kind == "likes":
        raise UsageError(
            "these are likes already, not ratings",
            where="--at-least",
            do="If the values are graded opinions, say --kind ratings",
        )


def _weights(written: str) -> dict[str, float]:
    try:
        pairs = [part.split("=") for part in written.split(",")]
        return {name.strip(): float(value) for name, value in pairs}
    except ValueError:
        raise UsageError(
            "weights are written view=1,purchase=5", where="--weights", got=written
        ) from None
