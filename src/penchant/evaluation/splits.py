"""How interactions are divided into what is learned from and what is held out."""

from __future__ import annotations

import random
from dataclasses import dataclass

from penchant.data.interactions import Interactions


@dataclass(frozen=True)
class Split:
    """Three parts of one data set, with the same ids and row numbers.

    Attributes:
        train: what a model may learn from.
        validation: what its settings may be chosen by.
        test: what is scored once.

    """

    train: Interactions
    validation: Interactions
    test: Interactions


def notebook_split(data: Interactions, seed: int = 0) -> Split:
    """70 / 15 / 15 % of the rows, shuffled by the standard library's ``random``.

    The split of the notebook that Penchant began from: rows in file order, ``random.seed(0)``,
    ``random.shuffle``, cut after ``int(0.7 n)`` and ``int(0.85 n)``.

    >>> data = Interactions.from_columns([1] * 10, list(range(10)))
    >>> split = notebook_split(data)
    >>> len(split.train), len(split.validation), len(split.test)
    (7, 1, 2)
    """
    rows = sorted(data.sources.tolist())
    random.Random(seed).shuffle(rows)  # noqa: S311 - a split, not a secret
    first, second = int(len(rows) * 0.7), int(len(rows) * 0.85)
    return Split(data.take(rows[:first]), data.take(rows[first:second]), data.take(rows[second:]))
