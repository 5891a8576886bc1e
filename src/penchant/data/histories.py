"""A batch of histories: what each person met, how strongly, in time order; row numbers only.

This is the argument of every model. Nothing else identifies a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from penchant.kernels import Rows, deciding, gather

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
Kind = Literal["likes", "ratings"]
NO_TIME = np.iinfo(np.int64).min  # of an event whose time is not known; orders before all others


@dataclass(frozen=True, eq=False)
class Histories:
    """Ragged rows, one per person, each in order of (time, source row).

    Attributes:
        indptr: int64 ``[B + 1]``; person ``b`` owns entries ``indptr[b]:indptr[b + 1]``.
        items: int32 ``[nnz]`` item rows, ``0 <= item < n_items``.
        values: float32 ``[nnz]``. Likes: above 0 liked, below 0 disliked, 0 met without an opinion.
            Ratings: the stars.
        n_items: size of the catalogue.
        times: int64 ``[nnz]`` microseconds UTC, `NO_TIME` where unknown; or None.
        people: int32 ``[B]`` training rows (-1 for a stranger), or None when all are strangers;
            carried only so that a neighbourhood model can leave a person out of their own.
        at: int64 ``[B]``, the moment each question is about, microseconds UTC, `NO_TIME` where it
            is not said; or None. Only models that learned from time look at it.
        facts: what is known about each person, as sparse rows of features ``[B, n_features]``, or
            None. Only models that learned from facts look at them.

    >>> h = Histories.of([[0, 2], []], n_items=3)
    >>> len(h), h.counts.tolist()
    (2, [2, 0])

    """

    indptr: Int64
    items: Int32
    values: Float32
    n_items: int
    times: Int64 | None = None
    people: Int32 | None = None
    at: Int64 | None = None
    facts: Rows | None = None

    @classmethod
    def of(
        cls,
        rows: Sequence[Sequence[int]],
        values: Sequence[Sequence[float]] | None = None,
        *,
        n_items: int,
    ) -> Histories:
        """Histories from plain lists of item rows; without values every item counts 1."""
        indptr = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        flat = np.array([item for row in rows for item in row], dtype=np.int32)
        weights = np.ones(len(flat)) if values is None else [v for row in values for v in row]
        return cls(indptr, flat, np.asarray(weights, dtype=np.float32), n_items)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def counts(self) -> Int64:
        """Entries per person, int64 ``[B]``."""
        return self.indptr[1:] - self.indptr[:-1]

    @property
    def owners(self) -> Int32:
        """The person (row of this batch) of every entry, int32 ``[nnz]``."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.counts)

    @property
    def ages(self) -> Int64:
        """How many entries of the same person came after each, int64 ``[nnz]``."""
        return np.repeat(self.indptr[1:], self.counts) - 1 - np.arange(len(self.items))

    def last(self, n: int) -> Histories:
        """The last ``n`` entries of each person.

        >>> Histories.of([[0, 1, 2], [1]], n_items=3).last(2).items.tolist()
        [1, 2, 1]
        """
        if len(self) != 1:
            return self.where(self.ages < n)
        begin = max(len(self.items) - n, 0)
        return self._but(
            indptr=np.array([0, len(self.items) - begin]),
            items=self.items[begin:],
            values=self.values[begin:],
            times=None if self.times is None else self.times[begin:],
        )

    def take(self, rows: Any) -> Histories:
        """The histories of some people, in the order asked for; ``rows`` int ``[b]`` or a slice."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1 and start <= stop:
                return self._neighbours(start, stop)
            rows = np.arange(start, stop, step)
        rows = np.asarray(rows, dtype=np.int64)
        if len(rows) == 1 and 0 <= rows[0] < len(self):
            return self._neighbours(int(rows[0]), int(rows[0]) + 1)
        counts = self.indptr[1:][rows] - self.indptr[:-1][rows]
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        entries = np.arange(indptr[-1]) + np.repeat(self.indptr[rows] - indptr[:-1], counts)
        return self._entries(entries, indptr)._of_rows(self, rows)

    def _but(self, **changed: Any) -> Histories:
        """The same but for some fields; `dataclasses.replace` takes four times as long."""
        one = object.__new__(Histories)
        one.__dict__.update(self.__dict__, **changed)
        return one

    def person(self, row: int) -> Histories:
        """One history, known to be that of a training row: `take` and `of_people` at once.

        >>> Histories.of([[0], [2, 1]], n_items=3).person(1).items.tolist()
        [2, 1]
        """
        begin, end = self.indptr.item(row), self.indptr.item(row + 1)
        at, facts, times = self.at, self.facts, self.times
        return self._but(
            indptr=np.array([0, end - begin]),
            items=self.items[begin:end],
            values=self.values[begin:end],
            times=None if times is None else times[begin:end],
            people=np.array([row], dtype=np.int32),
            at=None if at is None else at[row : row + 1],
            facts=None if facts is None else facts.slice(row, row + 1),
        )

    def _neighbours(self, start: int, stop: int) -> Histories:
        """Of people who follow each other; the entries are views."""
        begin, end = self.indptr[start], self.indptr[stop]
        part = Histories(
            self.indptr[start : stop + 1] - begin,
            self.items[begin:end],
            self.values[begin:end],
            self.n_items,
            None if self.times is None else self.times[begin:end],
        )
        return part._of_rows(self, slice(start, stop))

    def _of_rows(self, whole: Histories, rows: Int64 | slice) -> Histories:
        """These histories, with what ``whole`` carries for some of its people."""
        if whole.people is None and whole.at is None and whole.facts is None:
            return self
        facts = whole.facts
        if facts is not None:
            facts = (
                facts.slice(rows.start, rows.stop) if isinstance(rows, slice) else facts.take(rows)
            )
        return self._but(
            people=None if whole.people is None else whole.people[rows],
            at=None if whole.at is None else whole.at[rows],
            facts=facts,
        )

    def where(self, keep: Bool) -> Histories:
        """Only the entries where ``keep`` (bool ``[nnz]``) holds; every person stays."""
        entries = np.flatnonzero(keep)
        return self._entries(entries, np.searchsorted(entries, self.indptr))

    def _entries(self, entries: Int64, indptr: Int64) -> Histories:
        return self._but(
            indptr=indptr,
            items=gather(self.items, entries),
            values=gather(self.values, entries),
            times=None if self.times is None else gather(self.times, entries),
        )

    def merged(self, kind: Kind) -> Histories:
        """Each item once per person, order kept; which event stays, `deciding` says."""
        mask = self.deciding(kind)
        return self if mask.all() else self.where(mask)

    def deciding(self, kind: Kind) -> Bool:
        """The event that counts for each item of a person, bool ``[nnz]``.

        Of ratings the last. Of likes the first, among those that agree with the last opinion: a
        dislike after a like is a dislike, and a like after a dislike a like.
        """
        return deciding(self.rows(), self.n_items, last=kind == "ratings")

    def latest(self, kind: Kind) -> Histories:
        """Each item once per person, where it was met last; its value is that of `merged`.

        >>> h = Histories.of([[0, 1, 0]], n_items=2)
        >>> h.merged("likes").items.tolist(), h.latest("likes").items.tolist()
        ([0, 1], [1, 0])
        """
        deciding_mask, last = self.deciding(kind), self.deciding("ratings")
        if np.array_equal(deciding_mask, last):
            return self if last.all() else self.where(last)
        values, owners = self.values.copy(), self.owners
        chosen, final = (
            entries[np.lexsort((self.items[entries], owners[entries]))]
            for entries in (np.flatnonzero(deciding_mask), np.flatnonzero(last))
        )
        values[final] = self.values[chosen]
        return self.with_values(values).where(last)

    def met_in(self, others: Histories) -> Bool:
        """Which entries' items stand in the same person's row of other histories, bool ``[nnz]``.

        >>> h = Histories.of([[0, 1], [1]], n_items=2)
        >>> h.met_in(Histories.of([[1], [0]], n_items=2)).tolist()
        [False, True, False]
        """
        mine, theirs = (h.owners.astype(np.int64) * self.n_items + h.items for h in (self, others))
        return np.isin(mine, theirs)

    def of_people(self, people: Int32) -> Histories:
        """The same histories, known to be those of some training rows, int32 ``[B]``."""
        return self._but(people=people)

    def knowing(self, facts: Rows | None) -> Histories:
        """The same histories with facts about their people, sparse ``[B, n_features]``."""
        return self._but(facts=facts)

    def asked_at(self, at: Int64 | None) -> Histories:
        """The same histories, asked about at some moments, int64 ``[B]``."""
        return self._but(at=at)

    def with_items(self, items: Int32, n_items: int) -> Histories:
        """The same entries of other items, int32 ``[nnz]``, of a catalogue of another size."""
        return self._but(items=items, n_items=n_items)

    def with_values(self, values: npt.ArrayLike) -> Histories:
        """The same entries with other values, float ``[nnz]``."""
        return self._but(values=np.asarray(values, dtype=np.float32))

    def rows(self) -> Rows:
        """The CSR that kernels read (entries in time order; values as they are)."""
        return Rows(self.indptr, self.items, self.values)

    def item_counts(self) -> Int64:
        """In how many entries each item occurs, int64 ``[n_items]``."""
        return np.bincount(self.items, minlength=self.n_items).astype(np.int64)
