"""How interactions are divided into what is learned from and what is held out."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from penchant.data.histories import Bool, Int64
from penchant.data.interactions import Interactions
from penchant.errors import LeakError, ParameterError, UsageError

Held = Literal["validation", "test"]
Roles = npt.NDArray[np.int8]
Given = ParamSpec("Given")
Made = TypeVar("Made")

_FEWEST_KNOWN, _MOST_KNOWN = (
    1,
    20,
)  # events by which a newcomer is known before they are asked about


class Role(IntEnum):
    """What a row is for."""

    LEFT_OUT = -1
    TRAIN = 0
    VALIDATION = 1
    TEST = 2
    VALIDATION_PROFILE = 3  # of somebody met first in the validation part: known, not learned
    TEST_PROFILE = 4


@dataclass(frozen=True, eq=False)
class Part:
    """One question: learn from this, know that of the people, and say what they meet next.

    Attributes:
        name: ``"validation"`` or ``"test"``.
        learn: what a model may learn from.
        known: what is known of people when they are asked about: ``learn``, and of newcomers the
            first events they have.
        target: what is to be found.
        negatives: how many items each person's targets are ranked against; 0 for all of them.

    """

    name: Held
    learn: Interactions
    known: Interactions
    target: Interactions
    negatives: int = 0


@dataclass(frozen=True, eq=False)
class Split:
    """One data set and what each of its rows is for.

    Attributes:
        data: all rows.
        roles: int8 ``[nnz]``, a `Role` for each entry, in history order.
        recipe: the name and arguments that make this split again, see `penchant.evaluation.split`.
        refit: whether models that answer the test part learn from the validation part too.
        temporal: whether all that is learned happened before all that is asked.
        negatives: of sampled protocols, how many items targets are ranked against; 0 for all.
        scored: how often each part was scored so far.

    """

    data: Interactions
    roles: Roles = field(repr=False)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    refit: bool = False
    temporal: bool = False
    negatives: int = 0
    scored: dict[str, int] = field(default_factory=lambda: {"validation": 0, "test": 0})

    @cached_property
    def train(self) -> Interactions:
        """What a model may learn from."""
        return self._with(Role.TRAIN)

    @cached_property
    def validation(self) -> Interactions:
        """What its settings may be chosen by."""
        return self._with(Role.VALIDATION)

    @cached_property
    def test(self) -> Interactions:
        """What is scored once."""
        return self._with(Role.TEST)

    @property
    def name(self) -> str:
        """The recipe in short.

        >>> from penchant import datasets
        >>> k_folds(datasets.load("interests"), 5)[1].name
        'k_folds k=5 fold=1'
        """
        given = (f"{key}={value}" for key, value in self.recipe.items() if key != "name")
        return " ".join([str(self.recipe.get("name", "own split")), *given])

    def part(self, name: Held = "test") -> Part:
        """What is learned, known and asked for one of the held-out parts.

        Raises:
            UsageError: nothing was held out for it.
            LeakError: a row is both learned and asked, or something learned happened later.

        """
        learned, known, asked = self._roles_of(name)
        target = self._with(asked)
        if not len(target):
            raise UsageError(f"this split holds nothing out for {name}", where=self.name)
        learn, known_of = self._with(*learned), self._with(*learned, *known)
        part = Part(name, learn, known_of, target, self.negatives)
        if self.temporal:
            _no_future(part)
        return part

    def fingerprint(self) -> str:
        """SHA-256 over the data and every row's role: equal splits, equal text."""
        digest = hashlib.sha256(self.data.fingerprint().encode())
        digest.update(np.ascontiguousarray(self.roles).data)
        return digest.hexdigest()

    def counts(self) -> dict[str, int]:
        """How many rows have each role."""
        return {role.name.lower(): int(np.count_nonzero(self.roles == role)) for role in Role}

    def __repr__(self) -> str:
        counts = (f"{n:,} {role}" for role, n in self.counts().items() if n)
        return f"<Split {self.name}: {', '.join(counts)}>"

    def _with(self, *roles: Role) -> Interactions:
        return self.data.where(np.isin(self.roles, roles))

    def _roles_of(self, name: Held) -> tuple[tuple[Role, ...], tuple[Role, ...], Role]:
        """The roles that are learned, known beside that, and asked."""
        if name == "validation":
            return (Role.TRAIN,), (Role.VALIDATION_PROFILE,), Role.VALIDATION
        if name != "test":
            raise ParameterError("must be validation or test", where="part", got=name)
        seen = (
            (Role.TRAIN, Role.VALIDATION, Role.VALIDATION_PROFILE) if self.refit else (Role.TRAIN,)
        )
        return seen, (Role.TEST_PROFILE,), Role.TEST


def no_leak(learned: Interactions, target: Interactions) -> None:
    """Complain if a model learned rows that it is asked about.

    Raises:
        LeakError: the message names the first such row.

    """
    both = np.intersect1d(learned.sources, target.sources)
    if len(both):
        raise LeakError(
            f"{len(both):,} held-out rows were learned from",
            where="evaluate",
            got=f"row {both[0]}",
            do="Fit on split.train alone",
        )


def _no_future(part: Part) -> None:
    learned, asked = (x.histories.times for x in (part.learn, part.target))
    if learned is None or asked is None or not len(learned) or not len(asked):
        return
    if learned.max() >= asked.min():
        late = np.datetime64(int(learned.max()), "us")
        raise LeakError(
            f"rows to learn from are as late as the {part.name} rows",
            where="split",
            got=str(late),
            do="Cut by time, or say temporal=False",
        )


SPLITS: dict[str, Callable[..., Any]] = {}


def recipe(
    make: Callable[Concatenate[Interactions, Given], Made],
) -> Callable[Concatenate[Interactions, Given], Made]:
    """Let a card name a way to split, so that it can be done again."""
    SPLITS[make.__name__] = make
    return make


@recipe
def time_cuts(data: Interactions, validation: float = 0.1, test: float = 0.1) -> Split:
    """One moment before which everything is learned: the default.

    Cuts at the quantiles ``1 − validation − test`` and ``1 − test`` of all events; equal times stay
    together. Somebody who appears after a cut is known by the first half of what they do after it
    (by time, 1 to 20 events), never learned from, and asked about the rest. The test part is
    answered by models that learned everything before its cut.

    Raises:
        UsageError: there are no times, or too few distinct ones to cut at.

    >>> data = Interactions.from_columns([1] * 10, list(range(10)), times=np.arange(10))
    >>> time_cuts(data)
    <Split time_cuts validation=0.1 test=0.1: 8 train, 1 validation, 1 test>
    """
    times = data.histories.times
    if times is None or not len(times):
        raise UsageError(
            "there are no times to cut at",
            where="time_cuts",
            do="Read a time column, or use per_user",
        )
    _shares(validation, test)
    first, second = np.quantile(times, [1 - validation - test, 1 - test], method="higher")
    roles = np.full(len(times), Role.TRAIN, np.int8)
    for begin, end, role, profile in (
        (first, second, Role.VALIDATION, Role.VALIDATION_PROFILE),
        (second, None, Role.TEST, Role.TEST_PROFILE),
    ):
        inside = (times >= begin) if end is None else (times >= begin) & (times < end)
        roles[inside] = role
        roles[_introductions(data, inside, times >= begin)] = profile
    if not (np.any(roles == Role.TRAIN) and np.any(roles == Role.TEST)):
        raise UsageError("the times are too much alike to cut at", where="time_cuts")
    given = {"name": "time_cuts", "validation": validation, "test": test}
    return Split(data, roles, given, refit=True, temporal=True)


def _introductions(data: Interactions, inside: Bool, late: Bool) -> Int64:
    """Of people with nothing before a cut, the first entries by which they are known."""
    h = data.histories
    owners = h.owners
    before = np.bincount(owners[~late], minlength=len(h))
    mine = np.flatnonzero(inside & (before[owners] == 0))  # in time order, person by person
    counts = np.bincount(owners[mine], minlength=len(h))
    place = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts)
    known = np.clip(counts // 2, _FEWEST_KNOWN, _MOST_KNOWN)
    return np.asarray(mine[place < known[owners[mine]]])


@recipe
def random_rows(
    data: Interactions, validation: float = 0.1, test: float = 0.2, seed: int = 0
) -> Split:
    """Rows held out at random, whoever they are of.

    >>> data = Interactions.from_columns([1] * 10, list(range(10)))
    >>> random_rows(data)
    <Split random_rows validation=0.1 test=0.2 seed=0: 7 train, 1 validation, 2 test>
    """
    _shares(validation, test)
    n = len(data)
    order = np.random.default_rng(seed).permutation(n)
    first, second = round(n * test), round(n * test) + round(n * validation)
    roles = np.full(n, Role.TRAIN, np.int8)  # of rows in the order of the source
    roles[order[:first]] = Role.TEST
    roles[order[first:second]] = Role.VALIDATION
    given = {"name": "random_rows", "validation": validation, "test": test, "seed": seed}
    return Split(data, in_history_order(data, roles), given, refit=True)


@recipe
def per_user(
    data: Interactions, validation: float = 0.1, test: float = 0.2, seed: int = 0
) -> Split:
    """A share of each person's rows held out at random; of small histories, rounded down.

    >>> data = Interactions.from_columns([1] * 10 + [2] * 2, [*range(10), 0, 1])
    >>> per_user(data).counts()["test"]
    2
    """
    _shares(validation, test)
    h = data.histories
    place = _shuffled_places(h.counts, np.random.default_rng(seed))
    n_test = np.floor(h.counts * test + 1e-9)[h.owners]
    n_validation = np.floor(h.counts * validation + 1e-9)[h.owners]
    roles = np.full(len(data), Role.TRAIN, np.int8)
    roles[place < n_test + n_validation] = Role.VALIDATION
    roles[place < n_test] = Role.TEST
    given = {"name": "per_user", "validation": validation, "test": test, "seed": seed}
    return Split(data, roles, given, refit=True)


def _shuffled_places(counts: Int64, rng: np.random.Generator) -> Int64:
    """For each entry its place in a random order of its person's entries."""
    owners = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((rng.random(len(owners)), owners))
    place = np.empty(len(owners), np.int64)
    place[order] = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place


@recipe
def leave_last_out(data: Interactions) -> Split:
    """Each person's last event is the test, the one before it the validation part.

    Events are in order of (time, source row). The test part is answered by models that learned
    the validation events too. Of people with fewer than three events all are learned. Beware that
    what one person does late tells of what others do earlier: future leaks across people.

    >>> data = Interactions.from_columns([1, 1, 1, 2], [7, 8, 9, 7])
    >>> leave_last_out(data).test.columns()["item_id"].tolist()
    [9]
    """
    h = data.histories
    left = np.repeat(h.indptr[1:], h.counts) - np.arange(len(data))  # 1 for the last entry
    enough = (h.counts >= 3)[h.owners]
    roles = np.full(len(data), Role.TRAIN, np.int8)
    roles[enough & (left == 1)] = Role.TEST
    roles[enough & (left == 2)] = Role.VALIDATION
    return Split(data, roles, {"name": "leave_last_out"}, refit=True)


@recipe
def k_folds(
    data: Interactions, k: int = 5, seed: int = 0, fold: int | None = None, validation: float = 0.2
) -> Any:
    """``k`` splits whose test parts are all rows once; or one of them.

    Rows in the order of the source, ``RandomState(seed).shuffle``, then slices, the first ``n mod
    k`` one longer: the folds of Surprise's ``KFold(random_state=seed)`` and of myFM's loader. The
    first ``validation`` share of a fold's training rows, in shuffled order, is the validation part;
    the test part is answered by models that learned it too.

    Returns:
        A list of `Split`, or the one asked for by ``fold`` (from 0).

    >>> data = Interactions.from_columns([1] * 10, list(range(10)))
    >>> [len(split.test) for split in k_folds(data, 3)]
    [4, 3, 3]
    """
    n = len(data)
    if not 2 <= k <= n:
        raise ParameterError("k must be at least 2 and at most the number of rows", got=k)
    order = np.arange(n)
    np.random.RandomState(seed).shuffle(order)
    bounds = np.cumsum([0] + [n // k + (one < n % k) for one in range(k)])

    def one(number: int) -> Split:
        roles = np.full(n, Role.TRAIN, np.int8)
        inside = slice(bounds[number], bounds[number + 1])
        rest = np.delete(order, inside)
        roles[rest[: int(len(rest) * validation)]] = Role.VALIDATION
        roles[order[inside]] = Role.TEST
        given: dict[str, Any] = {"name": "k_folds", "k": k, "fold": number}
        given |= {"seed": seed} if seed else {}
        given |= {"validation": validation} if validation != 0.2 else {}
        return Split(data, in_history_order(data, roles), given, refit=True)

    return [one(number) for number in range(k)] if fold is None else one(fold)


@recipe
def strong_generalisation(
    data: Interactions,
    validation: float = 0.1,
    test: float = 0.1,
    hidden: float = 0.2,
    seed: int = 0,
) -> Split:
    """Whole people held out: known by a random part of what they did, asked about the rest.

    Args:
        data: the interactions.
        validation: share of the people.
        test: share of the people.
        hidden: share of a held-out person's rows that is to be found.
        seed: of the draw.

    >>> from penchant import datasets
    >>> split = strong_generalisation(datasets.town(50, 20, 300))
    >>> len(np.intersect1d(split.train.histories.owners, split.test.histories.owners))
    0
    """
    _shares(validation, test)
    rng, h = np.random.default_rng(seed), data.histories
    order = rng.permutation(len(h))
    n_test, n_validation = round(len(h) * test), round(len(h) * validation)
    asked = _shuffled_places(h.counts, rng) < np.floor(h.counts * hidden + 1e-9)[h.owners]
    roles = np.full(len(data), Role.TRAIN, np.int8)
    for people, role, profile in (
        (order[:n_test], Role.TEST, Role.TEST_PROFILE),
        (order[n_test : n_test + n_validation], Role.VALIDATION, Role.VALIDATION_PROFILE),
    ):
        mine = np.isin(h.owners, people)
        roles[mine & asked] = role
        roles[mine & ~asked] = profile
    given = {
        "name": "strong_generalisation",
        "validation": validation,
        "test": test,
        "hidden": hidden,
        "seed": seed,
    }
    return Split(data, roles, given)


@recipe
def notebook_split(data: Interactions, seed: int = 0) -> Split:
    """70 / 15 / 15 % of the rows, shuffled by the standard library's ``random``.

    The split of the notebook that Penchant began from: rows in file order, ``random.seed(0)``,
    ``random.shuffle``, cut after ``int(0.7 n)`` and ``int(0.85 n)``. The test part is answered by
    models that learned the 70 % alone.

    >>> data = Interactions.from_columns([1] * 10, list(range(10)))
    >>> split = notebook_split(data)
    >>> len(split.train), len(split.validation), len(split.test)
    (7, 1, 2)
    """
    n = len(data)
    order = list(range(n))
    random.Random(seed).shuffle(order)  # noqa: S311 - a split, not a secret
    roles = np.full(n, Role.TEST, np.int8)
    roles[order[: int(n * 0.7)]] = Role.TRAIN
    roles[order[int(n * 0.7) : int(n * 0.85)]] = Role.VALIDATION
    given = {"name": "notebook_split"} | ({"seed": seed} if seed else {})
    return Split(data, in_history_order(data, roles), given)


def own_split(
    train: Interactions, test: Interactions, validation: Interactions | None = None
) -> Split:
    """A split somebody made already: parts read apart, put together by their ids.

    Models that answer the test part learn the training part alone. No card can make it again.

    Raises:
        UsageError: parts of different kinds of feedback.

    >>> train = Interactions.from_columns([1, 1], [7, 8])
    >>> own_split(train, Interactions.from_columns([1], [9]))
    <Split own split: 2 train, 1 test>
    """
    parts = [train, test] if validation is None else [train, test, validation]
    if len({one.kind for one in parts}) > 1:
        raise UsageError(
            "parts must be of one kind", where="own_split", got=[one.kind for one in parts]
        )
    tables = [one.columns() for one in parts]
    value = "rating" if train.kind == "ratings" else "value"
    timed = all("timestamp" in table for table in tables)
    column = {
        name: np.concatenate([table[name] for table in tables])
        for name in ("user_id", "item_id", value, *(["timestamp"] if timed else []))
    }
    times = column["timestamp"].astype(np.int64) if timed else None
    data = Interactions.from_columns(
        *(column["user_id"], column["item_id"], column[value], times), kind=train.kind
    )
    data = data if train.facts is None else data.with_features(train.facts)
    data = data if train.user_facts is None else data.with_user_facts(train.user_facts)
    roles = np.repeat(
        np.array([Role.TRAIN, Role.TEST, Role.VALIDATION][: len(parts)], np.int8),
        [len(one) for one in parts],
    )
    return Split(data, in_history_order(data, roles))


def in_history_order(data: Interactions, roles: Roles) -> Roles:
    """Roles of rows in the order of the source, int8 ``[nnz]``, as history order has them."""
    place = np.empty(len(data), np.int64)
    place[np.argsort(data.sources, kind="stable")] = np.arange(len(data))
    return roles[place]


def _shares(validation: float, test: float) -> None:
    if not (0 <= validation < 1 and 0 < test < 1 and validation + test < 1):
        raise ParameterError(
            "shares must be above 0 and together below 1", where="split", got=(validation, test)
        )
