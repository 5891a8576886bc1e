"""What goes into a fit beside the histories: suitable data, validation, and a way to report."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from penchant.data.encoder import FactEncoder
from penchant.data.features import Features
from penchant.data.histories import Float32, Histories, Int32, Int64, Kind
from penchant.data.interactions import LIKED_FROM, Interactions, require_kind
from penchant.errors import DataError, PenchantNotice
from penchant.kernels import Rows
from penchant.models.bodies.body import Body
from penchant.progress import Progress, Report

Figures = dict[str, float]


class Known(NamedTuple):
    """What is known about people and items, as features, for models that use facts.

    Attributes:
        encoder: how facts about people become features.
        users: features of the training people, sparse ``[B, n_features]``.
        items: features of the items, sparse ``[n_items, n_features]``.
        notes: the facts left out, and why.

    """

    encoder: FactEncoder | None = None
    users: Rows | None = None
    items: Rows | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def about(cls, data: Interactions) -> Known:
        """The facts that came with some interactions."""
        of_users, users = _encoded(data.user_facts)
        of_items, items = _encoded(data.facts)
        notes = tuple(note for one in (of_users, of_items) if one for note in one.notes)
        return cls(of_users, users, items, notes)


def _encoded(facts: Features | None) -> tuple[FactEncoder | None, Rows | None]:
    if facts is None:
        return None, None
    encoder = FactEncoder.learn(facts)
    return encoder, encoder.encode(facts.columns, len(facts))


class Job:
    """One fit under way.

    Attributes:
        data: what is learned from, of a kind the model takes.
        h: its histories, each item once per person; of likes only what is an opinion.
        rates: whether the histories are ratings.
        stars: lowest and highest rating; None for likes.
        epochs: the figures reported so far.
        notes: what was decided on the way, for the fitted model to keep.
        report: the callable that is told how far the work is.
        known: the facts that the model learns from, if it says ``uses_facts``.
        user_facts: features of the training people, sparse ``[B, n_features]``; None without facts,
            and for a model that does not say ``uses_facts``.
        item_facts: features of the items, sparse ``[n_items, n_features]``; likewise.
        as_model: makes a fitted model of a body, for those who watch the epochs.

    """

    as_model: Callable[[Body], Any] | None = None

    def __init__(
        self,
        data: Interactions,
        validation: Interactions | None,
        report: Report,
        task: str,
        known: Known = Known(),  # noqa: B008 - a constant
    ) -> None:
        self.data, self.report = data, report
        self.rates = data.kind == "ratings"
        self.h = self._opinions(data.merged.knowing(known.users))
        values = self.h.values
        self.stars = (float(values.min()), float(values.max())) if self.rates else None
        self.epochs: list[Figures] = []
        self.known, self.user_facts, self.item_facts = known, known.users, known.items
        self.notes: list[str] = []
        self._task = task
        self._held = None if validation is None else _held_out(data, validation)

    @cached_property
    def events(self) -> Histories:
        """Every event that is an opinion, repeated ones too, in order of time."""
        return self._opinions(self.data.histories)

    def step(self, done: int, total: int) -> None:
        """Report how far the work is."""
        self.report(Progress(self._task, done, total))

    def epoch(self, done: int, total: int, body: Callable[[], Body], **figures: float) -> None:
        """Record and report one epoch, with its validation error, answered as users get it."""
        if self._held is not None:
            people, items, values, times = self._held
            learned = body()
            scores = learned.clipped(learned.pairs(self.h, people, items, times))
            figures["validation_mse"] = float(np.mean((scores - values) ** 2))
        self.epochs.append(figures)
        self.report(Progress(self._task, done, total, figures, self._so_far(body)))

    def _so_far(self, body: Callable[[], Body]) -> Callable[[], Any] | None:
        make = self.as_model
        return None if make is None else lambda: make(body())

    def _opinions(self, h: Histories) -> Histories:
        return h if self.rates else h.where(h.values != 0)


def training_data(source: Any, feedback: tuple[Kind, ...], who: str) -> Interactions:
    """What a model learns from: interactions of a kind it takes, ratings as likes if need be.

    Raises:
        DataError: there are none.
        UsageError: they are likes and the model learns from ratings.
    """
    data = _interactions(source)
    if not len(data):
        raise DataError("there is nothing to learn from: no interactions", where=who)
    if data.kind in feedback:
        return data
    if "likes" not in feedback:
        require_kind(data, feedback[0], who)
    warnings.warn(
        f"{who} learns from likes: ratings of {LIKED_FROM:g} and more count as likes."
        " Say .likes(at_least=...) to choose.",
        PenchantNotice,
        stacklevel=3,
    )
    return data.likes()


def validation_data(source: Any) -> Interactions:
    """Ratings held out.

    Raises:
        UsageError: they are likes, which have no rating error.
    """
    data = _interactions(source)
    require_kind(data, "ratings", "fit(validation=)")
    return data


def _interactions(source: Any) -> Interactions:
    if isinstance(source, Interactions):
        return source
    from penchant.data.readers import read

    return read(source)


def _held_out(
    data: Interactions, validation: Interactions
) -> tuple[Int32, Int32, Float32, Int64 | None]:
    """Validation ratings of known people as (person row, item row or -1, value, time)."""
    h = validation.histories
    people = data.users.rows(validation.users.ids())[h.owners]
    items = data.items.rows(validation.items.ids())[h.items]
    known = people >= 0
    times = None if h.times is None else h.times[known]
    return people[known], items[known], h.values[known], times
