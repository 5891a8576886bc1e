"""What comes back: a short list for one person, a long table for many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from penchant.data.histories import Bool, Histories, Int32
from penchant.data.tables import Table
from penchant.data.vocabulary import Id
from penchant.explain import Cause, Explanation, Share, weightiest
from penchant.kernels import Rows
from penchant.models.bodies.body import Part, blocks
from penchant.models.fitted import Fitted
from penchant.models.questions import Question, allowed_items, left_out

OnShortage = Literal["fill", "strict"]
POPULAR = "popular"  # the source of an item that the model has no evidence for


@dataclass(frozen=True)
class RankedList(Sequence[tuple[Id, float]]):
    """Items or people in order of score; iterates as (id, score).

    Attributes:
        ids: best first.
        scores: in the model's units; of a filled-in item, how many people liked it.
        titles: of items, where the model knows titles.
        sources: the model's name, or ``"popular"`` for an item filled in without evidence.
        reasons: why each item is here, where that was asked for.
        ignored: entries of the history whose item nobody knows.
        of: ``"item"`` or ``"user"``, what the ids are of.

    >>> for item, score in RankedList(("tea",), (2.0,), ("Tea",), ("item_knn",)): print(item, score)
    tea 2.0

    """

    ids: tuple[Id, ...]
    scores: tuple[float, ...]
    titles: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    reasons: tuple[Explanation, ...] | None = None
    ignored: int = 0
    of: str = "item"

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
        rank = {"rank": np.arange(1, len(self) + 1)}
        return Table({**rank, **_columns([self], self.of), **_extras([self])})

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


@dataclass(frozen=True)
class Wish:
    """How a list is wanted; see `penchant.Model.recommend`."""

    n: int
    exclude_seen: bool = True
    items: Sequence[Id] | None = None
    exclude: Sequence[Id] | None = None
    on_shortage: OnShortage = "fill"
    explain: bool = False


@dataclass(frozen=True)
class _Entries:
    """One person's list as rows: scores, and which of them were filled in."""

    rows: Int32
    scores: npt.NDArray[np.float64]
    added: Bool


def ranked_lists(fitted: Fitted, source: str, question: Question, wish: Wish) -> list[RankedList]:
    """The list of each person asked about; ``source`` labels what the model itself advises."""
    people = enumerate(_entries(fitted, question.met, wish))
    return [_ranked(fitted, source, question, wish, at, entries) for at, entries in people]


def as_table(fitted: Fitted, users: Sequence[Id], lists: Sequence[RankedList], wish: Wish) -> Table:
    """Lists below each other: user_id, item_id, score, rank, and where known title, source."""
    empty = RankedList((), (), titles_of(fitted, ()), (), () if wish.explain else None)
    people = [user for user, one in zip(users, lists, strict=True) for _ in one.ids]
    rank = [at + 1 for one in lists for at in range(len(one))]
    columns = {"user_id": _array(people), **_columns(lists, "item"), "rank": _array(rank)}
    return Table({**columns, **_extras([empty, *lists])}, fitted.origin)


def _columns(lists: Sequence[RankedList], of: str) -> dict[str, npt.NDArray[Any]]:
    """Ids and scores of lists below each other."""
    scores = np.array([score for one in lists for score in one.scores], dtype=np.float64)
    return {f"{of}_id": _array([id_ for one in lists for id_ in one.ids]), "score": scores}


def _extras(lists: Sequence[RankedList]) -> dict[str, npt.NDArray[Any]]:
    """What all lists carry beside ids and scores."""
    extras: dict[str, list[Any]] = {
        "title": [one.titles for one in lists],
        "source": [one.sources for one in lists],
        "because": [one.reasons for one in lists],
    }
    return {
        name: _array([_said(cell) for part in parts for cell in part])
        for name, parts in extras.items()
        if all(part is not None for part in parts)
    }


def _said(cell: str | Explanation) -> str:
    return cell if isinstance(cell, str) else cell.reason


def explanation(
    fitted: Fitted, h: Histories, row: int, by: Cause, score: float | None = None
) -> Explanation:
    """Why one person's history gives an item its score, computed unless it is known already."""
    shares = [_share(fitted, part) for part in fitted.body.parts(h, row, by)]
    if score is None:
        score = float(fitted.body.score(h)[0][0, row])
    rates = fitted.body.stars is not None
    return Explanation(fitted.items.id(row), fitted.title(row), score, weightiest(shares), rates)


def titles_of(fitted: Fitted, rows: Iterable[int]) -> tuple[str, ...] | None:
    """The titles of item rows, where the model knows titles."""
    return None if fitted.facts is None else tuple(map(fitted.title, rows))


def float_scores(scores: npt.NDArray[Any]) -> tuple[float, ...]:
    """Scores as plain floats."""
    return tuple(map(float, scores))


def _entries(fitted: Fitted, asked: Histories, wish: Wish) -> Iterator[_Entries]:
    allowed = allowed_items(fitted, wish.items, wish.exclude)
    for met in blocks(asked):
        h, out = fitted.opinions(met), left_out(fitted, met, wish.exclude_seen)
        ids, scores = fitted.body.best(h, min(wish.n, len(fitted.items)), out, allowed)
        if fitted.body.needs_history:
            ids = np.where((h.counts == 0)[:, None], np.int32(-1), ids)
        for person in range(len(met)):
            advised = ids[person] >= 0
            entries = _Entries(
                ids[person][advised],
                scores[person][advised].astype(np.float64),
                np.zeros(int(advised.sum()), dtype=bool),
            )
            if wish.on_shortage == "fill" and len(entries.rows) < len(advised):
                entries = _filled(fitted, entries, len(advised), _row(out, person), allowed)
            yield entries


def _filled(
    fitted: Fitted, entries: _Entries, n: int, met: Int32, allowed: Bool | None
) -> _Entries:
    """A list completed with popular items, ranked below what the model has evidence for."""
    free = np.ones(len(fitted.items), dtype=bool) if allowed is None else allowed.copy()
    free[met] = False
    free[entries.rows] = False
    popular = fitted.by_popularity[free[fitted.by_popularity]][: n - len(entries.rows)]
    return _Entries(
        np.concatenate([entries.rows, popular]),
        np.concatenate([entries.scores, fitted.counts[popular]]),
        np.concatenate([entries.added, np.ones(len(popular), dtype=bool)]),
    )


def _ranked(
    fitted: Fitted, source: str, question: Question, wish: Wish, at: int, entries: _Entries
) -> RankedList:
    reasons = None
    if wish.explain:
        h = fitted.opinions(question.met.take([at]))
        listed = (entries.rows.tolist(), entries.scores.tolist(), entries.added.tolist())
        reasons = tuple(
            _popular(fitted, row) if added else explanation(fitted, h, row, "item", score)
            for row, score, added in zip(*listed, strict=True)
        )
    return RankedList(
        tuple(fitted.items.ids(entries.rows)),
        float_scores(entries.scores),
        titles_of(fitted, entries.rows),
        tuple(POPULAR if added else source for added in entries.added),
        reasons,
        question.ignored,
    )


def _share(fitted: Fitted, part: Part) -> Share:
    if part.cause == "item":
        row = part.row
        return Share(part.cause, part.amount, fitted.items.id(row), fitted.title(row))
    people = fitted.users if part.cause == "person" else None
    return Share(part.cause, part.amount, people.id(part.row) if people else None)


def _popular(fitted: Fitted, row: int) -> Explanation:
    """Why an item was filled in."""
    count = float(fitted.counts[row])
    share = Share("popularity", count)
    return Explanation(fitted.items.id(row), fitted.title(row), count, (share,))


def _row(rows: Rows, at: int) -> Int32:
    return rows.indices[rows.indptr[at] : rows.indptr[at + 1]]


def _array(cells: Sequence[Any]) -> npt.NDArray[Any]:
    """Ids or words as an array: int64 if all are integers, else objects."""
    if all(isinstance(one, int | np.integer) for one in cells):
        return np.array(cells, dtype=np.int64)
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array
