"""Facts -> sparse features: learned from one table of facts, the same for whoever is asked about.

Text becomes one feature per category, tags one per tag (their weights of length 1), a number the
one bin it falls into. What is missing or new has no feature, so it is neutral.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.features import TAG_SEPARATOR, TAGS, Column, Features, cell_text, missing
from penchant.data.vocabulary import Vocabulary
from penchant.errors import hint, shown
from penchant.kernels import Rows, Text

_OFTEN = 2  # rows that must share a category; what only one has tells nothing about others
_COVERED = 0.5  # share of the rows that shared categories must describe, else nearly all differ
_BINS = 10  # of numbers
_FEW = 32  # whole numbers of so few different values have a bin each

Arrays = dict[str, npt.NDArray[Any]]
Entries = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Words:
    """The categories of a text column, or its tags: one feature each."""

    known: Vocabulary
    tags: bool

    def __len__(self) -> int:
        return len(self.known)

    def entries(self, cells: Iterable[Any]) -> Entries:
        """(row, feature, weight) of a column's cells."""
        words = [_words(cell, self.tags) for cell in cells]
        owners = np.repeat(np.arange(len(words)), [len(one) for one in words])
        features = self.known.rows([word for one in words for word in one])
        owners, features = owners[features >= 0], features[features >= 0]
        length = np.sqrt(np.bincount(owners, minlength=len(words)))
        return owners, features, (1 / length[owners]).astype(np.float32)

    def fault(self, cell: Any) -> str | None:
        """What is wrong with a cell that has no feature."""
        strange = [one for one in _words(cell, self.tags) if one not in self.known]
        return (self.known.near(strange[0]) or "a new value") if strange else None


@dataclass(frozen=True, eq=False)
class Bins:
    """The bins of a column of numbers: from each edge up to the next, the outer ones open."""

    edges: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.edges) + 1

    def entries(self, cells: Iterable[Any]) -> Entries:
        """(row, feature, weight) of a column's cells."""
        numbers = np.array([_number(cell) for cell in cells], dtype=np.float64)
        owners = np.flatnonzero(np.isfinite(numbers))
        bins = np.searchsorted(self.edges, numbers[owners], side="right").astype(np.int32)
        return owners, bins, np.ones(len(owners), dtype=np.float32)

    def fault(self, cell: Any) -> str | None:
        """What is wrong with a cell that has no feature."""
        return None if np.isfinite(_number(cell)) else "not a number"


@dataclass(frozen=True, eq=False)
class FactEncoder:
    """How facts become features.

    Attributes:
        columns: what is known of each column, in order; their features follow each other.
        notes: the columns left out, and why.

    >>> facts = Features.from_columns([1, 2, 3], {"age": [20, 30, None], "sex": ["F", "F", ""]})
    >>> encoder = FactEncoder.learn(facts)
    >>> rows = encoder.encode(facts.columns, 3)
    >>> encoder.names(), [a.tolist() for a in (rows.indptr, rows.indices)]
    (['age below 25', 'age from 25', 'sex F'], [[0, 2, 4, 4], [0, 2, 1, 2]])

    """

    columns: Mapping[str, Words | Bins]
    notes: tuple[str, ...] = ()

    @classmethod
    def learn(cls, facts: Features) -> FactEncoder:
        """The features of a table of facts; each of them occurs in some row."""
        found: dict[str, Words | Bins] = {}
        notes = []
        for name, column in facts.columns.items():
            learned, why = _learned(name, column)
            if learned is None:
                notes.append(f"fact {name} not used: {why}")
            else:
                found[name] = learned
        return cls(found, tuple(notes))

    @property
    def n_features(self) -> int:
        """How many features there are."""
        return sum(map(len, self.columns.values()))

    def names(self) -> list[str]:
        """What each feature says, in order."""
        return [f"{name} {one}" for name, column in self.columns.items() for one in _said(column)]

    def encode(self, columns: Mapping[str, Iterable[Any]], n: int) -> Rows:
        """Columns of ``n`` cells as features, ``[n, n_features]``; other columns are ignored."""
        parts, first = [], 0
        for name, column in self.columns.items():
            if name in columns:
                owners, features, weights = column.entries(columns[name])
                parts.append((owners, features + np.int32(first), weights))
            first += len(column)
        return _rows(parts, n)

    def told(self, known: Rows, said: Sequence[Mapping[str, Any]]) -> tuple[Rows, list[str]]:
        """Features where somebody says something: a column that is said replaces what was known.

        Args:
            known: ``[B, n_features]``, what was known of each person.
            said: ``B`` mappings of column to cell; None as a cell takes back what was known.

        Returns:
            The features ``[B, n_features]``, and complaints about unknown columns and values.

        """
        cells = {name: [one.get(name) for one in said] for name in self.columns}
        fresh = self.encode(cells, len(said))
        replaced = np.array([[name in one for name in self.columns] for one in said], dtype=bool)
        of = np.repeat(np.arange(len(self.columns)), [len(c) for c in self.columns.values()])
        owners = np.repeat(np.arange(known.n_rows), np.diff(known.indptr))
        kept = ~replaced[owners, of[known.indices]]
        old = (owners[kept], known.indices[kept], np.asarray(known.values)[kept])
        new = np.repeat(np.arange(fresh.n_rows), np.diff(fresh.indptr))
        rows = _rows([old, (new, fresh.indices, np.asarray(fresh.values))], len(said))
        return rows, list(dict.fromkeys(fault for one in said for fault in self._faults(one)))

    def _faults(self, said: Mapping[str, Any]) -> Iterable[str]:
        """What was said that has no feature."""
        for name, cell in said.items():
            if name not in self.columns:
                yield f"{name} ({hint(name, self.columns) or 'no such column'})"
            elif not missing(cell) and (fault := self.columns[name].fault(cell)):
                yield f"{name}={shown(cell)} ({fault})"

    def about(self) -> list[dict[str, Any]]:
        """The columns as plain facts, for a manifest."""
        kinds = {name: _kind(column) for name, column in self.columns.items()}
        return [{"column": name, "kind": kind} for name, kind in kinds.items()]

    def arrays(self, prefix: str) -> Arrays:
        """What is saved of each column, by its place."""
        saved: Arrays = {}
        for place, column in enumerate(self.columns.values()):
            if isinstance(column, Words):
                saved |= column.known.arrays(f"{prefix}.{place}")
            else:
                saved[f"{prefix}.{place}.edges"] = column.edges
        return saved

    @classmethod
    def from_arrays(
        cls, about: Sequence[Mapping[str, str]], arrays: Mapping[str, Any], prefix: str
    ) -> FactEncoder:
        """The encoder that `about` and `arrays` described."""
        columns: dict[str, Words | Bins] = {}
        for place, one in enumerate(about):
            key = f"{prefix}.{place}"
            columns[one["column"]] = (
                Bins(arrays[f"{key}.edges"])
                if one["kind"] == "number"
                else Words(Vocabulary.from_arrays(arrays, key), one["kind"] == "tags")
            )
        return cls(columns)


def _learned(name: str, column: Column) -> tuple[Words | Bins | None, str]:
    """What is learned of a column; or None, and why not."""
    if isinstance(column, Text):
        return _learned_words(name, list(column))
    numbers = column[np.isfinite(column)]
    edges = _edges(numbers)
    if not len(numbers) or (not len(edges) and len(numbers) == len(column)):
        return None, "it is the same for all"
    return Bins(edges), ""


def _learned_words(name: str, cells: list[str]) -> tuple[Words | None, str]:
    tags = name == TAGS or any(TAG_SEPARATOR in cell for cell in cells)
    words = [_words(cell, tags) for cell in cells]
    counts = Counter(word for one in words for word in one)
    known = {word for word, count in counts.items() if count >= _OFTEN}
    described = sum(not known.isdisjoint(one) for one in words)
    if described < _COVERED * sum(map(bool, words)):
        return None, "nearly every row differs"
    if not known or {frozenset(one) for one in words} == {frozenset(known)}:
        return None, "it is the same for all"
    return Words(Vocabulary.of([word for word in counts if word in known]), tags), ""


def _edges(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Where bins begin: between few different values, else at tenths of the rows; none empty."""
    different = np.unique(numbers)
    whole = bool((different == np.floor(different)).all())
    if len(different) <= (_FEW if whole else _BINS):
        return (different[1:] + different[:-1]) / 2
    tenths = np.quantile(numbers, np.arange(1, _BINS) / _BINS, method="higher")
    return np.unique(tenths[tenths > different[0]])


def _rows(parts: Sequence[Entries], n: int) -> Rows:
    """Entries as rows, each in order of features."""
    if not parts:
        return Rows(np.zeros(n + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))
    owners, features, weights = (np.concatenate(one) for one in zip(*parts, strict=True))
    indptr, order = kernels.csr(owners.astype(np.int32), n, features.astype(np.int64))
    return Rows(indptr, features[order], weights[order])


def _said(column: Words | Bins) -> list[str]:
    if isinstance(column, Words):
        return [str(word) for word in column.known.ids()]
    edges = [f"{edge:g}" for edge in column.edges.tolist()]
    if not edges:
        return ["known"]
    between = [f"{low} to {high}" for low, high in pairwise(edges)]
    return [f"below {edges[0]}", *between, f"from {edges[-1]}"]


def _kind(column: Words | Bins) -> str:
    return "number" if isinstance(column, Bins) else "tags" if column.tags else "text"


def _words(cell: Any, tags: bool) -> list[str]:
    text = cell_text(None if missing(cell) else cell)
    parts = text.split(TAG_SEPARATOR) if tags else [text]
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _number(cell: Any) -> float:
    try:
        return float("nan") if missing(cell) else float(cell)
    except (TypeError, ValueError, OverflowError):
        return float("nan")
