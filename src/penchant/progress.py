"""How long work tells how far it is: one record, one callable, one plain bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_WIDTH = 24
_EVERY = 0.1  # seconds between two drawings


@dataclass(frozen=True)
class Progress:
    """One step of long work.

    Attributes:
        task: what is being done.
        done: steps finished.
        total: steps in all.
        figures: numbers worth showing, such as the training error of an epoch.
        model: of an epoch, makes the model as it is now, to be asked at once; else None.

    """

    task: str
    done: int
    total: int
    figures: Mapping[str, float] = field(default_factory=dict)
    model: Callable[[], Any] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return "  ".join([self.task, *(f"{name} {x:.4f}" for name, x in self.figures.items())])


Report = Callable[[Progress], None]


def silent(step: Progress) -> None:
    """Report nothing."""


def text_bar() -> Report:
    """A bar on standard error, for libraries and notebooks (the command line draws its own)."""
    drawn = 0.0

    def draw(step: Progress) -> None:
        nonlocal drawn
        ended = step.done >= step.total
        if not ended and time.monotonic() - drawn < _EVERY:
            return
        drawn = time.monotonic()
        full = _WIDTH * step.done // max(step.total, 1)
        bar = "█" * full + "·" * (_WIDTH - full)
        sys.stderr.write(f"\r{bar} {step.done}/{step.total} {step}" + ("\n" if ended else ""))
        sys.stderr.flush()

    return draw


def reporter(progress: bool | Report | None) -> Report:
    """The callable that ``progress=`` stands for: True is the plain bar, None and False silence."""
    if callable(progress):
        return progress
    return text_bar() if progress else silent
