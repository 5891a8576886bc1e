"""What a person sees, and the same as JSON: tables, notices, complaints, progress."""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from penchant.data.interactions import Interactions
from penchant.data.tables import Table
from penchant.errors import PenchantNotice
from penchant.explain import Explanation
from penchant.models import Model
from penchant.models.answers import RankedList
from penchant.progress import Progress, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_WIDE = 10_000  # columns where no terminal says how wide it is: a row stays one line for grep
_FLAGS = (
    (re.compile(r"\.likes\(at_least=\.\.\.\)"), "--at-least STARS"),
    (re.compile(r"\blikes\(at_least=\)"), "--at-least"),
    (re.compile(r"\bkind='(\w+)'"), r"--kind \1"),
    (re.compile(r"\bhistory=\[item, \.\.\.\]"), "--history ITEM"),
    (re.compile(r"\b(user|item|value|time|type)='([^']*)'"), r"--\1 \2"),
    (re.compile(r"\bweights=\{\.\.\.\}"), "--weights view=1,purchase=5"),
    (re.compile(r"\bspace=\{\.\.\.\}"), "--space name=low:high"),
)
_INTERVALS = "vs reference"  # a column of figures, of which half a cell says nothing
_SHOWN = 12  # shares listed one by one


def console(*, stderr: bool = False) -> Console:
    """Where tables are printed; plain text where that is no terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDE
    return Console(stderr=stderr, width=width, highlight=False, soft_wrap=True)


def any_letter() -> None:
    """Let a terminal that lacks a letter show a question mark, and not the end of the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def complaint(message: str) -> None:
    """A mistake, as one line on standard error."""
    typer.echo(f"penchant: {as_flags(message)}", err=True)


def as_flags(message: str) -> str:
    """What the library says of arguments, in the words of a command line."""
    for pattern, flag in _FLAGS:
        message = pattern.sub(flag, message)
    return message


def strangers(model: Model, users: Sequence[str], instead: str) -> None:
    """Say that people are not in the data, or that the model does not know who was."""
    known = model.fitted.users
    if users and known is None:
        notice(f"this model was saved without histories, so everybody is a stranger: {instead}")
    elif known is not None:
        for user in (user for user in users if user not in known):
            notice(f"no such user, {user!r}: {instead}")


def notice(message: Warning | str) -> None:
    """A decision made for the user, as one line on standard error."""
    typer.echo(f"note: {as_flags(str(message))}", err=True)


def data(read: Interactions) -> None:
    """What was read and how its columns were understood."""
    typer.echo(as_flags(read.describe()))


@contextmanager
def notices() -> Iterator[None]:
    """Within: a notice of the library is one line on standard error, each said once."""
    said: set[str] = set()  # the filter "once" forgets whenever any library changes a filter

    def show_once(message: Warning | str, *_: Any, **__: Any) -> None:
        if str(message) not in said:
            said.add(str(message))
            notice(message)

    with warnings.catch_warnings():
        warnings.simplefilter("always", PenchantNotice)
        warnings.showwarning = show_once
        yield


def as_json(value: Any) -> None:
    """One document on standard output."""
    escaped = "utf" not in (sys.stdout.encoding or "").casefold()  # else letters would be lost
    typer.echo(json.dumps(value, ensure_ascii=escaped, indent=1, default=_plain))


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def answer(value: Mapping[str, Any], json_wanted: bool) -> None:
    """A few facts: as JSON, or a line each; what was printed on the way stands for itself."""
    if json_wanted:
        as_json(value)
        return
    for name, one in value.items():
        if isinstance(one, str | int | float) or (isinstance(one, list) and name != "results"):
            shown = f"{one:.4g}" if isinstance(one, float) else one
            if isinstance(one, list):
                shown = ", ".join(f"{x:.1%}" if isinstance(x, float) else str(x) for x in one)
            typer.echo(f"{name.replace('_', ' ')}: {shown}")


def ranked(asked: Mapping[str, Any], found: RankedList, json_wanted: bool, **said: str) -> None:
    """A short list."""
    if json_wanted:
        as_json({**asked, "ignored": found.ignored, "items": found.to_dicts()})
        return
    if found.ignored:
        notice(f"{found.ignored} items of the history are unknown")
    table(found.table, False, **said)


def table(
    found: Table,
    json_wanted: bool,
    title: str | None = None,
    empty: str = "nothing to recommend",
) -> None:
    """A table of columns; one line a row, whatever is in a cell."""
    if json_wanted:
        as_json({"items": found.to_dicts()})
        return
    if not len(found):
        typer.echo(f"({empty})")
        return
    console().print(_filled(found, title))


def figures(found: Table, kept: int, title: str | None = None) -> None:
    """A table without those of its last columns that a terminal has no room for, but ``kept``."""
    screen, names = console(), list(found.columns)
    while len(names) > kept and _width(found, names) > screen.width:
        names.pop()
    screen.print(_filled(Table({name: found[name] for name in names}), title))
    if left := list(found.columns)[len(names) :]:
        typer.echo(f"(no room for {', '.join(left)}: see --json, or a wider terminal)")


def _width(found: Table, names: Sequence[str]) -> int:
    """Columns of a terminal that these columns of a table take."""
    screen = console()
    drawn = _filled(Table({name: found[name] for name in names}))
    return int(screen.measure(drawn, options=screen.options.update(width=_WIDE)).maximum)


def _filled(found: Table, title: str | None = None) -> Any:
    drawn = _drawn(title)
    for name, column in found.columns.items():
        number = all(isinstance(one, int | float | None) for one in column.tolist())
        whole = number or name == _INTERVALS
        justify = "right" if number else "left"
        drawn.add_column(
            name, justify=justify, no_wrap=whole, overflow="ellipsis" if whole else "fold"
        )
    for row in found.to_dicts():
        drawn.add_row(*(_cell(one) for one in row.values()))
    return drawn


def _drawn(title: str | None = None) -> Any:
    from rich import box
    from rich.table import Table as RichTable

    return RichTable(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        pad_edge=False,
        collapse_padding=True,
    )


def _cell(one: Any) -> Any:
    from rich.text import Text

    text = "" if one is None else str(one)
    if isinstance(one, float):
        text = f"{one:.4f}" if abs(one) < 100 else f"{one:.6g}"
    return Text(" ".join(text.split()))


def explanation(why: Explanation, json_wanted: bool) -> None:
    """A score and the shares it is the sum of."""
    if json_wanted:
        as_json(
            {
                "item_id": why.item_id,
                "title": why.title,
                "score": why.score,
                "reason": why.reason,
                "shares": why.to_dicts(),
            }
        )
        return
    typer.echo(f"{why}\nscore {why.score:.4f}, the sum of")
    shares = Table(
        {
            "share": np.array([share.amount for share in why.shares[:_SHOWN]]),
            "cause": [share.cause for share in why.shares[:_SHOWN]],
            "of": [share.title or str(share.id or "") for share in why.shares[:_SHOWN]],
        }
    )
    table(shares, False)
    if len(why.shares) > _SHOWN:
        rest = sum(share.amount for share in why.shares[_SHOWN:])
        typer.echo(f"{rest:.4f} in {len(why.shares) - _SHOWN} smaller shares (all of them: --json)")


def models(known: Mapping[str, type[Model]], json_wanted: bool) -> None:
    """The catalogue, from what each hyperparameter declares."""
    if json_wanted:
        as_json(
            [
                {
                    "name": name,
                    "class": model.__name__,
                    "learns_from": list(model.feedback),
                    "parameters": [
                        {"name": p, "default": one.default, "rule": one.rule, "help": one.help}
                        for p, one in model.params.items()
                    ],
                }
                for name, model in known.items()
            ]
        )
        return
    for name, model in known.items():
        typer.echo(f"{name}  learns from {' or '.join(model.feedback)}\n  {summary(model)}")
        drawn = _drawn()
        for heading in ("hyperparameter", "default", "rule", "what it does"):
            drawn.add_column(heading)
        for p, one in model.params.items():
            default = f"{one.default:g}" if isinstance(one.default, float) else one.default
            shown = "none" if default is None else str(default)
            drawn.add_row(p, *map(_cell, (shown, one.rule, one.help)))
        console().print(drawn)


def summary(model: type[Model]) -> str:
    """A model in one line, without the marks of its docstring."""
    return (model.__doc__ or "").strip().splitlines()[0].replace("``", "").replace("*", "")


@contextmanager
def progress(wanted: bool = True) -> Iterator[Report | None]:
    """A progress bar on standard error that shows the figures of each step, on a terminal."""
    if not wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Bar(*columns, console=console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def report(step: Progress) -> None:
            if step.task not in tasks:
                tasks[step.task] = bar.add_task(step.task, total=step.total, figures="")
            figures = "  ".join(f"{name} {value:.4f}" for name, value in step.figures.items())
            bar.update(tasks[step.task], completed=step.done, figures=figures)

        yield report
