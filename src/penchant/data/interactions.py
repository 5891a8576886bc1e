"""Who met what, how strongly, when: person by person in time order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from penchant import kernels
from penchant.data.features import Features
from penchant.data.histories import NO_TIME, Bool, Float32, Histories, Int64, Kind
from penchant.data.vocabulary import Ids, Vocabulary, settle_ids
from penchant.errors import DataError, ParameterError, UsageError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

RATING_NAMES = frozenset({"rating", "ratings", "stars", "star", "score", "grade"})
LIKED_FROM = 4.0  # the rating from which a ranking model counts a like
_MOST_GRADES = 100  # more distinct values than this are amounts, not grades


@dataclass(frozen=True)
class Reject:
    """A row that could not be read: where it stood and why it was left out."""

    line: int
    column: str | None
    reason: str
    text: str = ""


@dataclass(frozen=True, eq=False)
class Interactions:
    """Every event of a data set, with the ids, item facts and evidence that came with it.

    Attributes:
        users: the people's ids.
        items: the items' ids.
        histories: one row per person, entries in order of (time, source row).
        sources: int64 ``[nnz]``, the position each entry had in its source.
        kind: ``"ratings"`` (graded opinion) or ``"likes"`` (it happened).
        liked_from: the rating from which a like was counted, where ratings became likes.
        facts: what is known about the items, aligned with ``items``, or None.
        user_facts: what is known about the people, aligned with ``users``, or None.
        notes: how columns, units and the kind were decided.
        rejected: rows that could not be read.
        origin: the frame library the rows came in, or None.

    >>> data = Interactions.from_columns(["ann", "bob", "ann"], ["tea", "tea", "jam"])
    >>> data
    <Interactions: 3 likes of 2 users and 2 items>

    """

    users: Vocabulary
    items: Vocabulary
    histories: Histories
    sources: Int64
    kind: Kind = "likes"
    liked_from: float | None = None
    facts: Features | None = None
    user_facts: Features | None = None
    notes: tuple[str, ...] = ()
    rejected: tuple[Reject, ...] = ()
    origin: str | None = None

    @classmethod
    def from_columns(
        cls,
        users: Ids,
        items: Ids,
        values: npt.ArrayLike | None = None,
        times: npt.NDArray[np.int64] | None = None,
        *,
        kind: Kind | None = None,
        value_name: str | None = None,
        sources: npt.NDArray[np.int64] | None = None,
        features: Features | None = None,
        origin: str | None = None,
        notes: Sequence[str] = (),
        rejected: Sequence[Reject] = (),
    ) -> Interactions:
        """Interactions from equally long columns.

        Args:
            users: ids (see `settle_ids`).
            items: ids.
            values: floats, default 1; finite.
            times: int64 microseconds UTC.
            kind: what the values are; None decides by ``value_name``, then by the values.
            value_name: the name of the values' column.
            sources: int64 positions in the source, default 0, 1, 2, ...
            features: item facts in any order.
            origin: the frame library the rows came in.
            notes: evidence to keep.
            rejected: rows already left out.

        Raises:
            DataError: columns of different lengths, or a value that is not finite.

        """
        n = len(users)
        lengths = {len(column) for column in (users, items, values, times) if column is not None}  # type: ignore[arg-type]
        if len(lengths) > 1:
            raise DataError("columns must be equally long", got=sorted(lengths))
        strength = np.ones(n, np.float32) if values is None else np.asarray(values, np.float32)
        if not np.isfinite(strength).all():
            raise DataError("values must be finite", got=float(strength[~np.isfinite(strength)][0]))
        user_ids, user_rows = Vocabulary.encode(settle_ids(users)[0])
        item_ids, item_rows = Vocabulary.encode(settle_ids(items)[0])
        found = kernels.arranged(user_rows, len(user_ids), times, [item_rows, strength])
        sorted_items, sorted_values = found.columns
        if kind not in (None, "likes", "ratings"):
            raise ParameterError("kind must be likes or ratings", where="kind", got=kind)
        decided, why = (kind, "as asked") if kind else detect_kind(strength, value_name)
        return cls(
            users=user_ids,
            items=item_ids,
            histories=Histories(
                found.indptr, sorted_items, sorted_values, len(item_ids), found.times
            ),
            sources=found.order if sources is None else kernels.gather(sources, found.order),
            kind=decided,
            facts=None if features is None else features.aligned(item_ids),
            notes=(*notes, f"kind: {decided} ({why})"),
            rejected=tuple(rejected),
            origin=origin,
        )

    def __len__(self) -> int:
        return len(self.sources)

    def __repr__(self) -> str:
        liked = int(np.count_nonzero(self.histories.values)) if self.kind == "likes" else len(self)
        met = f" (and {len(self) - liked:,} met without one)" if liked < len(self) else ""
        return (
            f"<Interactions: {liked:,} {self.kind}{met} of {len(self.users):,} users"
            f" and {len(self.items):,} items>"
        )

    def with_features(self, features: Features) -> Interactions:
        """The same interactions with item facts attached."""
        return replace(self, facts=features.aligned(self.items))

    def with_user_facts(self, features: Features) -> Interactions:
        """The same interactions with facts about their people attached."""
        return replace(self, user_facts=features.aligned(self.users))

    def noted(self, note: str) -> Interactions:
        """The same interactions with one more note."""
        return replace(self, notes=(*self.notes, note))

    def title(self, row: int) -> str:
        """The title of an item row, or its id as text."""
        return self.facts.title(row) if self.facts else str(self.items.id(row))

    def likes(self, at_least: float | None = LIKED_FROM) -> Interactions:
        """These interactions as likes: the one conversion from ratings.

        A rating of ``at_least`` or more is a like (1); a lower one stays as met (0), so that the
        item is not recommended again. ``at_least=None`` counts every row as a like. Of an item
        rated twice the last rating counts. Likes are returned as they are.

        Raises:
            ParameterError: ``at_least`` is above every rating, so nothing would be liked.

        >>> data = Interactions.from_columns([1, 1], [7, 8], [5, 2], kind="ratings")
        >>> data.likes(at_least=4).histories.values.tolist()
        [1.0, 0.0]

        """
        if self.kind == "likes":
            return self
        if at_least is not None and not isinstance(at_least, int | float | np.number):
            raise ParameterError("must be a number or None", where="likes(at_least=)", got=at_least)
        counted = self.where(self.histories.deciding("ratings"))  # a rating given twice is its last
        values = counted.histories.values
        floor = -np.inf if at_least is None else at_least
        liked = (values >= floor).astype(np.float32)
        if len(liked) and not liked.any():
            raise ParameterError(
                "no rating is that high",
                where="likes(at_least=)",
                got=at_least,
                do=f"The highest rating is {values.max():g}",
            )
        rule = (
            "every rating counts" if at_least is None else f"ratings of {at_least:g} and more count"
        )
        return replace(
            counted,
            histories=counted.histories.with_values(liked),
            kind="likes",
            liked_from=None if at_least is None else float(at_least),
            notes=(*self.notes, f"likes: {rule} as likes"),
        )

    def take(self, sources: npt.ArrayLike) -> Interactions:
        """The interactions that stood at some source positions, ids and facts as before.

        >>> data = Interactions.from_columns([1, 2, 1], [7, 7, 8])
        >>> data.take([0, 2]).histories.counts.tolist()
        [2, 0]
        """
        keep = np.isin(self.sources, np.asarray(sources, dtype=np.int64))
        return self.where(keep)

    def where(self, keep: Bool) -> Interactions:
        """The interactions where ``keep`` (bool ``[nnz]``, in history order) holds."""
        return replace(self, histories=self.histories.where(keep), sources=self.sources[keep])

    @cached_property
    def csr(self) -> csr_array:
        """People × items as a SciPy CSR, each item once per person."""
        from scipy.sparse import csr_array

        merged = self.merged
        return csr_array(
            (merged.values, merged.items, merged.indptr), shape=(len(self.users), len(self.items))
        )

    @cached_property
    def merged(self) -> Histories:
        """The histories with each item once per person; see `Histories.deciding`."""
        return self.histories.merged(self.kind)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The rows in source order, as arrays by canonical column name."""
        order = np.argsort(self.sources, kind="stable")
        h = self.histories
        table: dict[str, npt.NDArray[Any]] = {
            "user_id": self.users.array()[h.owners[order]],
            "item_id": self.items.array()[h.items[order]],
            "rating" if self.kind == "ratings" else "value": h.values[order],
        }
        if h.times is not None:
            table["timestamp"] = h.times[order].astype("datetime64[us]")
        return table

    def to_pandas(self) -> Any:
        """The rows in source order as a pandas frame: user_id, item_id, value, timestamp.

        Raises:
            PenchantError: pandas is not installed.

        """
        from penchant.data.tables import Table

        return Table(self.columns()).to_pandas()

    def describe(self) -> str:
        """What was read and how it was decided, as lines of text."""
        h = self.histories
        counts = h.counts[h.counts > 0]
        lines = [repr(self)[1:-1]]
        if len(h.items):
            lines.append(
                f"events per user: median {np.median(counts):g}, most {counts.max():,};"
                f" repeated: {1 - len(self.merged.items) / len(h.items):.1%}"
            )
            lines.append(f"values: {h.values.min():g} to {h.values.max():g}")
        known = np.empty(0) if h.times is None else h.times[h.times != NO_TIME]
        if len(known):
            first, last = (
                str(np.datetime64(int(t), "us"))[:10] for t in (known.min(), known.max())
            )
            lines.append(f"time: {first} to {last}")
        if self.facts:
            lines.append(f"item facts: {', '.join(self.facts.columns)}")
        if self.user_facts:
            lines.append(f"user facts: {', '.join(self.user_facts.columns)}")
        if self.rejected:
            lines.append(f"rejected rows: {len(self.rejected):,}")
        return "\n".join([*lines, *self.notes])

    def fingerprint(self) -> str:
        """SHA-256 over ids, events and their order: equal data, equal text."""
        digest = hashlib.sha256(self.kind.encode())
        h = self.histories
        parts: Mapping[str, Any] = {
            **self.users.arrays("users"),
            **self.items.arrays("items"),
            "indptr": h.indptr,
            "items": h.items,
            "values": h.values,
            "times": np.empty(0) if h.times is None else h.times,
            "sources": self.sources,
        }
        for name, array in parts.items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).data if array.size else b"")
        return digest.hexdigest()


def good(values: Float32, kind: Kind) -> Bool:
    """Which values speak for an item: likes above 0, ratings of 4 and more (or the highest).

    >>> good(np.array([5, 3], dtype=np.float32), "ratings").tolist()
    [True, False]
    """
    if kind == "likes" or not len(values):
        return np.asarray(values > 0)
    return np.asarray(values >= min(LIKED_FROM, float(values.max())))


def detect_kind(values: Float32, name: str | None) -> tuple[Kind, str]:
    """Whether values are ratings or likes, and the evidence: the name decides, then the values.

    >>> detect_kind(np.array([1, 5], dtype=np.float32), "rating")
    ('ratings', 'the column is named rating, 1 to 5')
    >>> detect_kind(np.array([1, 1], dtype=np.float32), "rating")
    ('likes', 'every value is 1')
    """
    if name is None and not len(values):
        return "likes", "no value column"
    if not len(values):
        return "likes", "no rows"
    low, high = values.min(), values.max()
    if low == high:
        return "likes", f"every value is {low:g}"
    span = f"{low:g} to {high:g}"
    if name is not None and name.casefold() in RATING_NAMES:
        return "ratings", f"the column is named {name}, {span}"
    if name is not None:
        return (
            "likes",
            f"values of {name}, {span}, are amounts; kind='ratings' if they are opinions",
        )
    distinct = kernels.grades(values, _MOST_GRADES) if low >= 0 and high <= 10 else None
    if distinct is not None and len(distinct) >= 3 and (distinct * 2 % 1 == 0).all():
        return "ratings", f"{len(distinct)} grades, {span}"
    return "likes", f"values {span} are no clear grades"


def require_kind(data: Interactions, kind: Kind, who: str) -> None:
    """Complain if the data are of the other kind."""
    if data.kind != kind:
        raise UsageError(
            f"learns from {kind}, and these interactions are {data.kind}",
            where=who,
            do="Say kind='ratings' when reading, if the values are graded opinions"
            if kind == "ratings"
            else f"Convert them with .likes(at_least={LIKED_FROM:g})",
        )
