"""What is asked, as histories: people of the data and strangers take one path from here."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from penchant.data.histories import Bool, Histories, Int32
from penchant.data.vocabulary import Id
from penchant.errors import ParameterError, PenchantNotice, UnknownIdError, UsageError, shown
from penchant.kernels import Rows
from penchant.models.fitted import Fitted

OnUnknown = Literal["popular", "raise"]
History = Sequence[Any] | Mapping[Any, float]


@dataclass(frozen=True)
class Question:
    """A batch of histories that somebody asks about.

    Attributes:
        met: everything each person met, each item once, values in the model's feedback.
        ignored: entries of a stranger's history whose item nobody knows.

    """

    met: Histories
    ignored: int = 0


def is_many(asked: Any) -> bool:
    """Whether ids were asked about as a batch."""
    return hasattr(asked, "__iter__") and not isinstance(asked, str | bytes | np.generic)


def of_people(fitted: Fitted, users: Sequence[Id], on_unknown: OnUnknown) -> Question:
    """The histories of people of the data; an unknown person has an empty one.

    Raises:
        UnknownIdError: someone is unknown and ``on_unknown`` is ``"raise"``.
        UsageError: the model was loaded without histories.

    """
    if fitted.users is None or fitted.histories is None:
        if on_unknown == "raise" and users:
            raise UsageError(
                "this model was saved without histories",
                where="user",
                got=users[0],
                do="Give the person's history: history=[item, ...]",
            )
        return Question(Histories.of([[] for _ in users], n_items=len(fitted.items)))
    rows = fitted.users.rows(users)
    strangers = np.count_nonzero(rows < 0)
    if on_unknown == "raise" and strangers:
        who = users[int(np.argmax(rows < 0))]
        raise UnknownIdError(
            "no such user", got=who, do=fitted.users.near(who) or "Give a history=[item, ...]"
        )
    met = fitted.histories.take(np.maximum(rows, 0))
    if strangers:
        met = met.where(np.repeat(rows >= 0, met.counts))
    return Question(met.of_people(rows))


def of_stranger(fitted: Fitted, history: History) -> Question:
    """The history somebody gives: item ids, or (item, value[, time]), or {item: value}.

    Raises:
        ParameterError: an entry of another shape, or a value that is not finite.

    """
    entries = list(history.items()) if isinstance(history, Mapping) else _entries(history)
    parsed = [_entry(entry, fitted, at) for at, entry in enumerate(entries)]
    if any(time is not None for _, _, time in parsed):
        parsed.sort(key=lambda entry: -np.inf if entry[2] is None else entry[2])
    rows = fitted.items.rows([item for item, _, _ in parsed]).tolist()
    known = [(row, value) for row, (_, value, _) in zip(rows, parsed, strict=True) if row >= 0]
    met = Histories.of(
        [[row for row, _ in known]], [[value for _, value in known]], n_items=len(fitted.items)
    )
    if parsed and not known:
        warnings.warn(
            f"no item of the history is known, such as {shown(parsed[0][0])};"
            " titles are looked up with find()",
            PenchantNotice,
            stacklevel=4,
        )
    return Question(fitted.once(met), ignored=len(parsed) - len(known))


def _entries(history: Any) -> list[Any]:
    if not isinstance(history, str) and hasattr(history, "__iter__"):
        return history.tolist() if isinstance(history, np.ndarray) else list(history)
    raise ParameterError(
        "history must be a list", where="history", got=history, do="Write history=[item, ...]"
    )


def _entry(entry: Any, fitted: Fitted, at: int) -> tuple[Any, float, float | None]:
    """One entry as (item, value in the model's feedback, time)."""
    if not isinstance(entry, tuple | list):
        return entry, fitted.like_value, None
    if not 1 <= len(entry) <= 3:
        raise ParameterError(
            "an entry of a history is item, (item, value) or (item, value, time)",
            where=f"history[{at}]",
            got=entry,
        )
    item, value, time = (*entry, None, None)[:3]
    if value is None:
        return item, fitted.like_value, _time(time)
    try:
        value = float(value)
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        raise ParameterError("a value must be a finite number", where=f"history[{at}]", got=entry)
    if fitted.body.stars is not None and not fitted.body.stars[0] <= value <= fitted.body.stars[1]:
        low, high = fitted.body.stars
        raise ParameterError(
            f"a rating is from {low:g} to {high:g} here", where=f"history[{at}]", got=entry
        )
    if fitted.liked_from is not None:
        value = float(value >= fitted.liked_from)
    return item, value, _time(time)


def _time(time: Any) -> float | None:
    """A moment as a number that orders: datetimes by their microseconds."""
    if time is None or isinstance(time, int | float):
        return time
    try:
        return float(np.datetime64(time, "us").astype(np.int64))
    except (TypeError, ValueError):
        raise ParameterError(
            "a time must be a number or a date", where="history", got=time
        ) from None


def distinct_people(users: Any, n: int, history: History | None) -> tuple[Any, Int32]:
    """Each person of ``n`` pairs once, and the row of each pair's person, int32 ``[n]``.

    Raises:
        UsageError: there are not ``n`` users.

    """
    if history is not None:
        return None, np.zeros(n, dtype=np.int32)
    people = list(users) if is_many(users) else [users] * n
    if len(people) != n:
        raise UsageError(
            "users and items must be equally long", where="predict", got=(len(people), n)
        )
    try:
        place = {person: at for at, person in enumerate(dict.fromkeys(people))}
    except TypeError as error:
        raise UsageError("a user id is a number or text", where="predict", got=users) from error
    return list(place), np.array([place[person] for person in people], dtype=np.int32)


def left_out(fitted: Fitted, met: Histories, exclude_seen: bool) -> Rows:
    """The items not to be shown to each person: those met, else only those disliked."""
    if not exclude_seen:
        disliked = met.values < 0 if fitted.kind == "likes" else np.zeros(len(met.items), bool)
        met = met.where(disliked)
    return Rows(met.indptr, met.items, None)


def allowed_items(
    fitted: Fitted, items: Sequence[Id] | None, exclude: Sequence[Id] | None
) -> Bool | None:
    """The mask of an allow-list less a block-list, bool ``[n_items]``; None allows everything."""
    if items is None and exclude is None:
        return None
    mask = np.full(len(fitted.items), items is None)
    for ids, name in ((items, "items"), (exclude, "exclude")):
        if ids is not None:
            rows = fitted.items.rows(_listed(ids, name))
            mask[rows[rows >= 0]] = name == "items"
    return mask


def _listed(ids: Any, name: str) -> list[Any]:
    if isinstance(ids, str) or not hasattr(ids, "__iter__"):
        raise ParameterError(f"{name} must be a list of ids", where=name, got=ids)
    return list(ids)


def check_n(n: Any) -> None:
    """Complain unless ``n`` is a whole number of at least 1."""
    if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1:
        raise ParameterError("n must be a whole number of at least 1", got=n)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Complain unless a value is one of the choices."""
    if value not in choices:
        raise ParameterError(f"{name} must be {' or '.join(choices)}", got=value)
