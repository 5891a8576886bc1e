"""What a fit may use beside the histories: the data's scale, validation, and a way to report."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from penchant.data.histories import Histories
from penchant.data.interactions import Interactions
from penchant.models.bodies.body import Body
from penchant.models.fitted import Figures
from penchant.progress import Progress, Report


class Job:
    """One fit under way.

    Attributes:
        rates: whether the histories are ratings.
        stars: lowest and highest rating; None for likes.
        epochs: the figures reported so far.

    """

    def __init__(
        self,
        data: Interactions,
        h: Histories,
        validation: Interactions | None,
        report: Report,
        task: str,
    ) -> None:
        self.rates = data.kind == "ratings"
        self.stars = (float(h.values.min()), float(h.values.max())) if self.rates else None
        self.epochs: list[Figures] = []
        self._task, self._report, self._h = task, report, h
        self._held = None if validation is None else _held_out(data, validation)

    def step(self, done: int, total: int) -> None:
        """Report how far the work is."""
        self._report(Progress(self._task, done, total))

    def epoch(self, done: int, total: int, body: Callable[[], Body], **figures: float) -> None:
        """Record and report one epoch, with its validation error, answered as users get it."""
        if self._held is not None:
            people, items, values = self._held
            learned = body()
            scores = learned.clipped(learned.pairs(self._h, people, items))
            figures["validation_mse"] = float(np.mean((scores - values) ** 2))
        self.epochs.append(figures)
        self._report(Progress(self._task, done, total, figures))


def _held_out(
    data: Interactions, validation: Interactions
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Validation ratings of known people as (person row, item row or -1, value)."""
    h = validation.histories
    people = data.users.rows(validation.users.ids())[h.owners]
    items = data.items.rows(validation.items.ids())[h.items]
    known = people >= 0
    return people[known], items[known], h.values[known]
