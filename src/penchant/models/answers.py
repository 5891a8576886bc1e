"""What comes back: a short list for one person, a long table for many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, overload

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
        columns = {
            "rank": np.arange(1, len(self) + 1),
            f"{self.of}_id": _array(self.ids),
            "score": np.array(self.scores, dtype=np.float64),
            "title": self.titles,
            "source": self.sources,
            "because": self.reasons and [one.reason for one in self.reasons],
        }
        return Table(
            {
                name: column if isinstance(column, np.ndarray) else _array(column)
                for name, column in columns.items()
                if column is not None
            }
        )

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


class Wish(NamedTuple):
    """How a list is wanted; see `penchant.Model.recommend`."""

    n: int
    exclude_seen: bool = True
    items: Sequence[Id] | None = None
    exclude: Sequence[Id] | None = None
    on_shortage: OnShortage = "fill"
    explain: bool = False


class _Lists(NamedTuple):
    """The lists of some people as rows, all ``[B, n]``; -1 ends a short one."""

    rows: Int32
    scores: npt.NDArray[np.floating]
    added: Bool | None = None  # filled in without evidence; None is nothing

    @property
    def marks(self) -> Bool:
        """What was filled in, as an array."""
        return np.zeros(self.rows.shape, dtype=bool) if self.added is None else self.added


def ranked_list(fitted: Fitted, source: str, question: Question, wish: Wish) -> RankedList:
    """The list of the one person asked about; ``source`` labels what the model itself advises."""
    lists = _lists(fitted, question.met, wish)
    rows = lists.rows[0]
    if _is_short(lists.rows):
        rows = rows[rows >= 0]
    n, sources = len(rows), (source,) * len(rows)
    if lists.added is not None:
        sources = tuple(POPULAR if filled else source for filled in lists.added[0, :n].tolist())
    return RankedList(
        tuple(fitted.items.ids(rows)),
        tuple(lists.scores[0].tolist()[:n]),
        titles_of(fitted, rows),
        sources,
        tuple(_reasons(fitted, question.met, lists)) if wish.explain else None,
        question.ignored,
    )


def as_table(
    fitted: Fitted, source: str, users: Sequence[Id], question: Question, wish: Wish
) -> Table:
    """Lists below each other: user_id, item_id, score, rank, and where known title, source."""
    lists = _lists(fitted, question.met, wish)
    people, places = np.nonzero(lists.rows >= 0)
    rows = lists.rows[people, places]
    asked = _array(users)
    columns = {
        "user_id": asked[people] if len(people) else _array([]),
        "item_id": _array(fitted.items.ids(rows)),
        "score": lists.scores[people, places].astype(np.float64),
        "rank": places.astype(np.int64) + 1,
    }
    titles = titles_of(fitted, rows)
    if titles is not None:
        columns["title"] = _array(titles)
    columns["source"] = np.where(lists.marks[people, places], POPULAR, source).astype(object)
    if wish.explain:
        columns["because"] = _array([one.reason for one in _reasons(fitted, question.met, lists)])
    return Table(columns, fitted.origin)


def explanation(
    fitted: Fitted, h: Histories, row: int, by: Cause, score: float | None = None
) -> Explanation:
    """Why one person's history gives an item its score, computed unless it is known already."""
    shares = [_share(fitted, part) for part in fitted.body.parts(h, row, by)]
    if score is None:
        score = float(fitted.body.score(h)[0][0, row])
    rates = fitted.body.stars is not None
    return Explanation(fitted.items.id(row), fitted.title(row), score, weightiest(shares), rates)


def titles_of(fitted: Fitted, rows: npt.ArrayLike) -> tuple[str, ...] | None:
    """The titles of item rows, where the model knows titles."""
    if fitted.facts is None:
        return None
    return tuple(fitted.facts.titles(np.asarray(rows, dtype=np.int32)))


def float_scores(scores: npt.NDArray[Any]) -> tuple[float, ...]:
    """Scores as plain floats."""
    return tuple(scores.astype(np.float64).tolist())


def best_rows(fitted: Fitted, asked: Histories, n: int, allowed: Bool | None = None) -> Int32:
    """The items that the model itself advises each person, int32 ``[B, n]``, padded with -1.

    ``allowed`` bool ``[n_items]`` leaves items out for everybody.
    """
    wish = Wish(n, on_shortage="strict")
    found = [_block(fitted, met, wish, allowed).rows for met in blocks(asked)]
    rows = np.concatenate(found) if found else np.empty((0, n), np.int32)
    return np.pad(rows, ((0, 0), (0, n - rows.shape[1])), constant_values=-1)


def _lists(fitted: Fitted, asked: Histories, wish: Wish) -> _Lists:
    allowed = allowed_items(fitted, wish.items, wish.exclude)
    if len(asked) == 1:
        return _block(fitted, asked, wish, allowed)
    found = [_block(fitted, met, wish, allowed) for met in blocks(asked)]
    if not found:
        nobody = np.empty((0, 0), dtype=np.int32)
        return _Lists(nobody, nobody.astype(np.float64))
    return _Lists(
        np.concatenate([one.rows for one in found]),
        np.concatenate([one.scores for one in found]),
        np.concatenate([one.marks for one in found]),
    )


def _block(fitted: Fitted, met: Histories, wish: Wish, allowed: Bool | None) -> _Lists:
    h, out = fitted.opinions(met), left_out(fitted, met, wish.exclude_seen)
    rows, scores = fitted.body.best(h, min(wish.n, len(fitted.items)), out, allowed)
    if fitted.body.needs_history and _without_entries(h):
        rows = np.where((h.counts == 0)[:, None], np.int32(-1), rows)
    lists = _Lists(rows, scores)
    if wish.on_shortage == "fill" and _is_short(rows):
        lists = _Lists(rows.copy(), scores.astype(np.float64), lists.marks)
        for person in np.flatnonzero((rows < 0).any(axis=1)).tolist():
            _fill(fitted, lists, person, _row(out, person), allowed)
    return lists


def _without_entries(h: Histories) -> bool:
    """Whether somebody's history is empty."""
    return len(h.items) == 0 if len(h) == 1 else bool(np.count_nonzero(h.counts) < len(h))


def _is_short(rows: Int32) -> bool:
    """Whether a list is short, which -1 at its end says."""
    if len(rows) == 1:
        return bool(rows.size) and rows.item(-1) < 0
    return bool(np.count_nonzero(rows[:, -1:] < 0))


def _fill(fitted: Fitted, lists: _Lists, person: int, met: Int32, allowed: Bool | None) -> None:
    """One list completed with popular items, below what the model has evidence for, and marked."""
    rows = lists.rows[person]
    advised = int(np.count_nonzero(rows >= 0))
    rows[:advised] = rows[rows >= 0]
    free = np.ones(len(fitted.items), dtype=bool) if allowed is None else allowed.copy()
    free[met] = False
    free[rows[:advised]] = False
    popular = fitted.by_popularity[free[fitted.by_popularity]][: len(rows) - advised]
    place = slice(advised, advised + len(popular))
    rows[place] = popular
    rows[place.stop :] = -1
    lists.scores[person, place] = fitted.counts[popular]
    lists.marks[person, place] = True


def _reasons(fitted: Fitted, asked: Histories, lists: _Lists) -> Iterator[Explanation]:
    """Why each entry of each list is there."""
    added = lists.marks
    for person, rows in enumerate(lists.rows):
        h = fitted.opinions(asked.take([person]))
        for place, row in enumerate(rows[rows >= 0].tolist()):
            if added[person, place]:
                yield _popular(fitted, row)
            else:
                yield explanation(fitted, h, row, "item", float(lists.scores[person, place]))


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
