"""What is asked, as histories: people of the data and strangers take one path from here."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from penchant.data.histories import NO_TIME, Bool, Histories, Int32, Int64
from penchant.data.moments import moment
from penchant.data.vocabulary import Id
from penchant.errors import ParameterError, PenchantNotice, UnknownIdError, UsageError, shown
from penchant.kernels import Rows
from penchant.models.fitted import Fitted

OnUnknown = Literal["popular", "raise"]
_MOST = 5  # unknown facts that a notice names
History = Sequence[Any] | Mapping[Any, float]
Facts = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Question(NamedTuple):
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
    if len(users) == 1 and (row := fitted.users.row(users[0])) >= 0:
        return Question(fitted.histories.person(row))  # what is asked most, by the short way
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
        if met.facts is not None:
            met = met.knowing(met.facts.where(rows >= 0))
    return Question(met.of_people(rows))


def of_stranger(fitted: Fitted, history: History) -> Question:
    """The history somebody gives: item ids, or (item, value[, time]), or {item: value}.

    Raises:
        ParameterError: an entry of another shape, or a value that is not finite.

    """
    entries = list(history.items()) if isinstance(history, Mapping) else _entries(history)
    parsed = [_entry(entry, fitted, at) for at, entry in enumerate(entries)]
    parsed.sort(key=lambda entry: entry[2])  # those without a time first
    rows = fitted.items.rows([item for item, _, _ in parsed])
    values = np.array([value for _, value, _ in parsed], dtype=np.float32)
    times = np.array([time for _, _, time in parsed], dtype=np.int64)
    known = np.flatnonzero(rows >= 0)
    met = Histories(
        np.array([0, len(known)]),
        rows[known],
        values[known],
        len(fitted.items),
        times[known] if (times > NO_TIME).any() else None,
    )
    if parsed and not len(known):
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


def _entry(entry: Any, fitted: Fitted, at: int) -> tuple[Any, float, int]:
    """One entry as (item, value in the model's feedback, time)."""
    if not isinstance(entry, tuple | list):
        return entry, fitted.like_value, NO_TIME
    if not 1 <= len(entry) <= 3:
        raise ParameterError(
            "an entry of a history is item, (item, value) or (item, value, time)",
            where=f"history[{at}]",
            got=entry,
        )
    item, value, time = (*entry, None, None)[:3]
    when = moment(time, f"history[{at}]")
    if value is None:
        return item, fitted.like_value, when
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
    return item, value, when


def in_context(
    fitted: Fitted, question: Question, at: Int64 | None, facts: Facts | None
) -> Question:
    """A question about some moments, of people of whom something is known.

    Args:
        fitted: the model asked.
        question: about ``B`` people.
        at: int64 ``[B]`` microseconds UTC, or None.
        facts: {column: value} for each of them, or as many of these as there are people; what is
            said replaces what the model knows of a person.

    Raises:
        ParameterError: facts of another shape.

    """
    met = question.met
    if at is not None:
        met = met.asked_at(at)
    if met.facts is None and fitted.encoder is not None:
        met = met.knowing(fitted.features(None, len(met)))
    if facts is not None:
        met = met.knowing(_told(fitted, met, _said(facts, len(met))))
    return question if met is question.met else question._replace(met=met)


def _said(facts: Any, n: int) -> Sequence[Mapping[str, Any]]:
    """What is said of each person."""
    said = [facts] * n if isinstance(facts, Mapping) else list(facts) if is_many(facts) else []
    if len(said) != n or not all(isinstance(one, Mapping) for one in said):
        raise ParameterError(
            "facts are {column: value}, or one of these per person",
            where="facts",
            got=facts,
        )
    return said


def _told(fitted: Fitted, met: Histories, said: Sequence[Mapping[str, Any]]) -> Rows | None:
    """The features of people of whom something is said; what has none is noticed."""
    if fitted.encoder is None or met.facts is None:
        _notice("this model learned nothing from facts about people: facts= changes nothing")
        return None
    rows, faults = fitted.encoder.told(met.facts, said)
    if faults:
        known = ", ".join(fitted.encoder.columns) or "none"
        _notice(f"facts not used: {'; '.join(faults[:_MOST])}. The model knows: {known}")
    return rows


def _notice(message: str) -> None:
    warnings.warn(message, PenchantNotice, stacklevel=6)


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
    if type(n) is int and n > 0:
        return
    if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1:
        raise ParameterError("n must be a whole number of at least 1", got=n)


def check_facts(facts: Any) -> None:
    """Complain unless facts are about everybody alike: {column: value}, or None."""
    if facts is not None and not isinstance(facts, Mapping):
        raise ParameterError("facts are {column: value}", where="facts", got=facts)


def check_share(name: str, value: Any) -> float:
    """A number between 0 and 1, neither of them."""
    if not isinstance(value, float | np.floating) or not 0 < value < 1:
        raise ParameterError(f"{name} must be a number between 0 and 1", got=value)
    return float(value)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Complain unless a value is one of the choices."""
    if value not in choices:
        raise ParameterError(f"{name} must be {' or '.join(choices)}", got=value)
