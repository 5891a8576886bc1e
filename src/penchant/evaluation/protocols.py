"""Named legacy protocols, exactly as published: what a table in the literature was made with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from penchant.data.interactions import Interactions
from penchant.errors import DataError, ParameterError, UsageError, hint
from penchant.evaluation.splits import (
    SPLITS,
    Role,
    Split,
    in_history_order,
    k_folds,
    leave_last_out,
    notebook_split,
    own_split,
    per_user,
    recipe,
)

_NAMES: dict[str, Callable[[Interactions], Any]] = {}


def protocol(name: str, data: Interactions) -> Any:
    """The split or splits that a published protocol makes of its data set.

    ============== ================================================================================
    notebook       ml-100k, 70/15/15 by ``random.seed(0); random.shuffle``
    surprise-5fold ml-100k, Surprise's ``KFold(5, random_state=0)``; five splits
    90-10          ml-100k, fold 0 of ten such folds
    u1 .. u5       ml-100k, the published sets: rows 20,000(k-1) to 20,000k of u.data are the test
    ua, ub         ml-100k, each person's first ten rows, or the next ten, are the test
    topn-fold0     ml-100k, fold 0 of five, every rating a like
    ml1m-5fold     ml-1m, five folds
    ml1m-10fold    ml-1m, ten folds
    shehzad-ml1m   ml-1m, ratings of 4 and more, 10-core, five draws of a fifth of each person
    loo-full       ml-1m, every rating a like, items of 5 and more, the last event is the test
    vae-strong     ratings above 3.5, people of 5 and more, whole people held out
    ncf-sampled    leave-last-out against 99 sampled items; a regression test, never a headline
    ============== ================================================================================

    Raises:
        ParameterError: no such protocol.
        UsageError: the data are not what it was published for.

    >>> protocol("netflix", None)
    Traceback (most recent call last):
    ...
    penchant.errors.ParameterError: protocol: no such name, got 'netflix'. There are: 90-10, ...
    """
    make = _NAMES.get(name)
    if make is None:
        raise ParameterError(
            "no such name",
            where="protocol",
            got=name,
            do=hint(name, [*_NAMES, *plain_splits()])
            or f"There are: {', '.join(sorted(_NAMES))};"
            f" and as ways to split: {', '.join(plain_splits())}",
        )
    return make(data)


def plain_splits() -> list[str]:
    """The ways to split that need nothing but the data."""
    known = {
        name: list(inspect.signature(make).parameters.values()) for name, make in SPLITS.items()
    }
    return [n for n, (_, *rest) in known.items() if all(p.default is not p.empty for p in rest)]


def split(name: str, data: Interactions, **given: Any) -> Any:
    """The split that a recipe names: what a card keeps to make it again.

    >>> from penchant import datasets
    >>> split("k_folds", datasets.load("interests"), k=5, fold=0)
    <Split k_folds k=5 fold=0: 43 train, 10 validation, 14 test>
    """
    if name not in SPLITS:
        known = ", ".join(sorted(SPLITS))
        raise ParameterError("no such split", where="split", got=name, do=f"There are: {known}")
    try:
        inspect.signature(SPLITS[name]).bind(data, **given)
    except TypeError as error:
        raise ParameterError(str(error), where=f"split {name}") from None
    return SPLITS[name](data, **given)


def core(data: Interactions, n: int) -> Interactions:
    """Only people and items with ``n`` rows and more, left out again and again until all have.

    >>> core(Interactions.from_columns([1, 1, 2], [7, 8, 7]), 2)
    <Interactions: 0 likes of 0 users and 0 items>
    """
    while True:
        h = data.histories
        keep = (h.counts >= n)[h.owners] & (h.item_counts() >= n)[h.items]
        if keep.all():
            return occurring(data)
        data = data.where(keep)


def occurring(data: Interactions) -> Interactions:
    """The same rows, with only the ids that occur in them."""
    columns = data.columns()
    values = columns["rating" if data.kind == "ratings" else "value"]
    times = columns.get("timestamp")
    found = Interactions.from_columns(
        columns["user_id"],
        columns["item_id"],
        values,
        None if times is None else times.astype(np.int64),
        kind=data.kind,
        sources=np.sort(data.sources),
        features=data.facts,
        origin=data.origin,
        notes=data.notes,
    )
    return found if data.user_facts is None else found.with_user_facts(data.user_facts)


@recipe
def u_sets(data: Interactions, k: int) -> Split:
    """``u1`` to ``u5`` of MovieLens 100k: the k-th fifth of the rows of u.data is the test."""
    _require(data, 100_000, "u_sets")
    roles = np.full(len(data), Role.TRAIN, np.int8)
    roles[20_000 * (k - 1) : 20_000 * k] = Role.TEST
    return Split(data, in_history_order(data, roles), {"name": "u_sets", "k": k})


@recipe
def ua_ub(data: Interactions, which: str) -> Split:
    """``ua`` and ``ub`` of MovieLens 100k: each person's first ten rows of u.data, or the next."""
    _require(data, 100_000, "ua_ub")
    owners = data.histories.owners
    order = np.lexsort((data.sources, owners))
    counts = data.histories.counts
    place = np.empty(len(data), np.int64)
    place[order] = np.arange(len(data)) - np.repeat(np.cumsum(counts) - counts, counts)
    begin = {"ua": 0, "ub": 10}[which]
    roles = np.where((place >= begin) & (place < begin + 10), Role.TEST, Role.TRAIN)
    return Split(data, roles.astype(np.int8), {"name": "ua_ub", "which": which})


@recipe
def share_of_each(
    data: Interactions, share: float = 0.2, seed: int = 0, inner: bool = True
) -> Split:
    """Of each person, in order of id, ``ceil(share · n)`` rows drawn by one ``RandomState(seed)``.

    A person's rows stand in the order of the source. With ``inner``, the validation part is drawn
    in the same way from the training rows, by ``RandomState(seed + 100)``.
    """
    test = _drawn(data, np.ones(len(data), bool), share, seed)
    roles = np.where(test, Role.TEST, Role.TRAIN).astype(np.int8)
    if inner:
        roles[_drawn(data, ~test, share, seed + 100)] = Role.VALIDATION
    given: dict[str, Any] = {"name": "share_of_each", "share": share, "seed": seed}
    return Split(data, roles, given | ({} if inner else {"inner": False}), refit=True)


def _drawn(data: Interactions, free: Any, share: float, seed: int) -> Any:
    """For each entry whether it was drawn from the free ones of its person."""
    rng, drawn = np.random.RandomState(seed), np.zeros(len(data), bool)
    ids, indptr = data.users.array(), data.histories.indptr
    for person in np.argsort(ids, kind="stable"):
        mine = np.arange(indptr[person], indptr[person + 1])
        mine = mine[free[mine]]
        mine = mine[np.argsort(data.sources[mine], kind="stable")]
        drawn[mine[rng.permutation(len(mine))[: int(np.ceil(share * len(mine)))]]] = True
    return drawn


@recipe
def vae_strong(data: Interactions, held: int | None = None, hidden: float = 0.2) -> Split:
    """Strong generalisation as in Liang et al. (WWW 2018) and the iALS benchmarks.

    ``np.random.seed(98765)``, the people in order of id permuted; the last ``held`` are the test,
    as many before them the validation part (default: a tenth of the people each). Of a held-out
    person, with the seed set again, ``int(hidden · n)`` rows are to be found. Rows of items that no
    training person met are left out.
    """
    h, ids = data.histories, data.users.array()
    held = len(h) // 10 if held is None else held
    rng = np.random.RandomState(98765)
    order = np.argsort(ids, kind="stable")[rng.permutation(len(ids))]
    roles = np.full(len(data), Role.TRAIN, np.int8)
    for people, role, profile in (
        (order[len(order) - held :], Role.TEST, Role.TEST_PROFILE),
        (
            order[len(order) - 2 * held : len(order) - held],
            Role.VALIDATION,
            Role.VALIDATION_PROFILE,
        ),
    ):
        rng = np.random.RandomState(98765)
        for person in people[np.argsort(ids[people], kind="stable")]:
            mine = np.arange(h.indptr[person], h.indptr[person + 1])
            mine = mine[np.argsort(data.sources[mine], kind="stable")]
            roles[mine] = profile
            roles[rng.choice(mine, int(hidden * len(mine)), replace=False)] = role
    met = np.zeros(h.n_items, bool)
    met[h.items[roles == Role.TRAIN]] = True
    roles[~met[h.items]] = Role.LEFT_OUT
    return Split(data, roles, {"name": "vae_strong", "held": held, "hidden": hidden})


@recipe
def sampled_last(data: Interactions, negatives: int = 99) -> Split:
    """The last event against sampled items, as in He et al. (NCF, WWW 2017).

    Sampled metrics reorder models (Krichene and Rendle, KDD 2020): for regression tests alone.
    """
    last = leave_last_out(data)
    given = {"name": "sampled_last", "negatives": negatives}
    return replace(last, recipe=given, negatives=negatives)


def lightgcn(train: str | Path, test: str | Path, validation: float = 0.1, seed: int = 0) -> Split:
    """The split that two files of LightGCN's kind make: a line is a user, then their items.

    No validation part ships with these data sets; a share of each person's training rows is taken,
    and learned for the test part.

    Raises:
        DataError: a line that is not whole numbers.

    """
    learned, asked = (Interactions.from_columns(*_pairs(Path(one)).T) for one in (train, test))
    whole = own_split(learned, asked)
    held = per_user(whole.train, 0, validation, seed).test.sources if validation else ()
    roles = whole.roles.copy()
    roles[np.isin(whole.data.sources, held)] = Role.VALIDATION
    return replace(whole, roles=roles, refit=True)


def _pairs(path: Path) -> np.ndarray[Any, np.dtype[np.int64]]:
    found: list[tuple[int, int]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            user, *items = (int(word) for word in line.split() or ["0"])
        except ValueError:
            raise DataError("must be whole numbers", where=f"{path}, line {number}") from None
        found += [(user, item) for item in items]
    return np.array(found, np.int64).reshape(-1, 2)


def _require(data: Interactions, rows: int, name: str) -> None:
    if len(data) != rows:
        raise UsageError(f"is a protocol of {rows:,} rows", where=name, got=len(data))


def liked(data: Interactions, at_least: float) -> Interactions:
    """Only the rows of ``at_least`` stars and more, as likes.

    >>> liked(Interactions.from_columns([1, 1], [7, 8], [5, 2], kind="ratings"), 4)
    <Interactions: 1 likes of 1 users and 1 items>
    """
    values = data.histories.values
    return occurring(data.where(values >= at_least).likes(None) if data.kind == "ratings" else data)


def _loo_full(data: Interactions) -> Split:
    likes = data.likes(None)
    h = likes.histories
    return leave_last_out(occurring(likes.where((h.item_counts() >= 5)[h.items])))


def _folds(
    k: int, *, likes: bool = False, only: int | None = None
) -> Callable[[Interactions], Any]:
    return lambda data: k_folds(data.likes(None) if likes else data, k, fold=only)


def _five_and_more(data: Interactions) -> Interactions:
    h = data.histories
    return occurring(data.where((h.counts >= 5)[h.owners]))


_NAMES |= {
    "notebook": notebook_split,
    "surprise-5fold": _folds(5),
    "90-10": _folds(10, only=0),
    **{f"u{k}": (lambda data, k=k: u_sets(data, k)) for k in range(1, 6)},  # type: ignore[misc]
    "ua": lambda data: ua_ub(data, "ua"),
    "ub": lambda data: ua_ub(data, "ub"),
    "topn-fold0": _folds(5, likes=True, only=0),
    "ml1m-5fold": _folds(5),
    "ml1m-10fold": _folds(10),
    "shehzad-ml1m": lambda data: [
        share_of_each(core(liked(data, 4), 10), seed=fold) for fold in range(5)
    ],
    "loo-full": _loo_full,
    "vae-strong": lambda data: vae_strong(_five_and_more(liked(data, 3.51))),
    "ncf-sampled": lambda data: sampled_last(data.likes(None)),
}
