"""What comes back: a short list for one person, a long table for many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from penchant.data.histories import Bool, Float32, Histories, Int32, Int64
from penchant.data.tables import Table
from penchant.data.vocabulary import Id
from penchant.explain import Explanation
from penchant.kernels import Rows
from penchant.models.bodies.body import Ranked

POPULAR = "popular"  # the source of an item that the model has no evidence for


@dataclass(frozen=True)
class RankedList(Sequence[tuple[Id, float]]):
    """Items or people in order of score; iterates as (id, score).

    Attributes:
        ids: best first.
        scores: in the model's units; of a filled-in item, how many people liked it.
        titles: of items; None for people.
        sources: the model's name, or ``"popular"`` for an item filled in without evidence.
        reasons: why each item is here, where that was asked for.
        ignored: entries of the history whose item nobody knows.

    >>> for item, score in RankedList(("tea",), (2.0,), ("Tea",), ("item_knn",)): print(item, score)
    tea 2.0
    """

    ids: tuple[Id, ...]
    scores: tuple[float, ...]
    titles: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    reasons: tuple[Explanation, ...] | None = None
    ignored: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> tuple[Id, float]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[tuple[Id, float]]: ...
    def __getitem__(self, at: int | slice) -> Any:
        pairs = tuple(zip(self.ids, self.scores, strict=True))
        return pairs[at]

    def __iter__(self) -> Iterator[tuple[Id, float]]:
        return iter(zip(self.ids, self.scores, strict=True))

    @property
    def table(self) -> Table:
        """The same as columns: rank, item_id, score, and where known title, source, because."""
        columns: dict[str, Any] = {
            "rank": np.arange(1, len(self) + 1),
            "user_id" if self.titles is None else "item_id": self.ids,
            "score": np.array(self.scores, dtype=np.float64),
        }
        if self.titles is not None and self.titles != tuple(map(str, self.ids)):
            columns["title"] = self.titles
        if self.sources is not None:
            columns["source"] = self.sources
        if self.reasons is not None:
            columns["because"] = [one.reason for one in self.reasons]
        return Table(columns)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per entry."""
        return self.table.to_dicts()

    def to_pandas(self) -> Any:
        """The list as a pandas frame."""
        return self.table.to_pandas()

    def to_polars(self) -> Any:
        """The list as a polars frame."""
        return self.table.to_polars()

    def to_arrow(self) -> Any:
        """The list as a pyarrow table."""
        return self.table.to_arrow()

    def __repr__(self) -> str:
        return repr(self.table) if len(self) else "(nothing to recommend)"


def filled(
    best: Ranked, met: Rows, allowed: Bool | None, counts: Int64, by_popularity: Int32
) -> tuple[Int32, npt.NDArray[np.float64], Bool]:
    """Lists completed with popular items where the model has no more evidence.

    Args:
        best: item rows and scores ``[B, n]``, -1 where there is nothing.
        met: items not to be shown, per person.
        allowed: items that may be shown, or None.
        counts: how many people liked each item.
        by_popularity: all item rows, most popular first.

    Returns:
        Rows and scores ``[B, n]`` and whether an entry was filled in, bool ``[B, n]``.
    """
    ids, scores = best[0].copy(), best[1].astype(np.float64)
    added = ids < 0
    for person in np.flatnonzero(added.any(axis=1)):
        free = np.ones(len(counts), dtype=bool) if allowed is None else allowed.copy()
        free[met.indices[met.indptr[person] : met.indptr[person + 1]]] = False
        free[ids[person][ids[person] >= 0]] = False
        gaps = np.flatnonzero(ids[person] < 0)
        popular = by_popularity[free[by_popularity]][: len(gaps)]
        ids[person, gaps[: len(popular)]] = popular
        scores[person, gaps[: len(popular)]] = counts[popular]
    return ids, scores, added & (ids >= 0)


def empty_handed(best: Ranked, h: Histories) -> Ranked:
    """Lists without the entries of people who gave nothing to go by."""
    nothing = h.counts == 0
    ids, scores = best
    ids = np.where(nothing[:, None], np.int32(-1), ids).astype(np.int32)
    return ids, np.where(nothing[:, None], np.float32(0), scores).astype(np.float32)


def float_scores(scores: Float32 | npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Scores as plain floats."""
    return tuple(float(score) for score in scores)
