"""`FoldIn` is `solve_rows` and `top_k` in one call; `Lookup` is `lookup` of one id."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant import kernels
from penchant.errors import UsageError
from penchant.kernels import Rows, Text
from tests.kernels import twins

N_ITEMS = 90


def _problem(seed, d, with_all):
    """Histories (some empty), what is done to them, and the arguments of a `FoldIn`."""
    rng = np.random.default_rng(seed)
    lists = [rng.choice(N_ITEMS, n, replace=False) for n in rng.integers(0, 60, 20)]
    entries = np.concatenate(lists).astype(np.int32)
    weights = rng.uniform(0.5, 2, len(entries)).astype(np.float32) if with_all else None
    rows = Rows(np.cumsum([0, *map(len, lists)]), entries, weights)
    targets = rng.normal(size=len(entries)).astype(np.float32) if with_all else None
    items = rng.normal(size=(N_ITEMS, d)).astype(np.float32)
    model = {
        "gram": kernels.gram(items) if with_all else None,
        "bias": rng.normal(size=N_ITEMS).astype(np.float32) if with_all else None,
        "frequency": 0.5 if with_all else 0.0,
        "pull": 3.0 if with_all else 0.0,
    }
    return rows, targets, items, rng.uniform(0.5, 3, d).astype(np.float32), model


@pytest.mark.parametrize("with_all", [False, True])
@pytest.mark.parametrize("d", [1, 20, 64])
def test_solves_as_solve_rows_and_ranks_as_top_k(d, with_all):
    """The vectors are the twin's; lists have the bytes of the two verbs, alone and in a crowd."""
    rows, targets, items, ridge, model = _problem(d, d, with_all)
    fold = kernels.FoldIn(items, ridge, **model)
    scale = np.maximum(np.diff(rows.indptr) + model["pull"], 1) ** model["frequency"]
    tastes = fold.solve(rows, targets)
    expected = twins.solve_rows(rows, targets, items, ridge, scale, model["gram"])
    np.testing.assert_allclose(tastes, expected, atol=1e-3)
    only = np.arange(N_ITEMS) % 3 > 0
    for positive in (False, True):
        wanted = kernels.top_k(
            tastes, fold.panels, 40, exclude=rows, allowed=only, positive=positive
        )
        how = {"allowed": only, "positive": positive}
        for threads in (1, 2, 7):
            kernels.set_threads(threads)
            got = fold.best(rows, 40, targets=targets, exclude=rows, **how)
            assert [a.tobytes() for a in got] == [a.tobytes() for a in wanted]
        for r in range(rows.n_rows):
            one, mine = rows.slice(r, r + 1), slice(*rows.indptr[r : r + 2])
            t = None if targets is None else targets[mine]
            ids, scores = fold.best(one, 40, targets=t, exclude=one, **how)
            assert ids.tobytes() == wanted[0][r].tobytes()
            assert scores.tobytes() == wanted[1][r].tobytes()


@given(st.integers(0, 99), st.integers(0, 30), st.booleans())
def test_only_positive_scores(seed, n, filtered):
    """What is left of a list when scores of 0 and less are struck off."""
    rng = np.random.default_rng(seed)
    queries, items = (rng.integers(-2, 3, (m, 4)).astype(np.float32) for m in (9, 150))
    exclude = Rows(np.arange(10), rng.integers(0, 150, 9).astype(np.int32)) if filtered else None
    scores = kernels.product(queries, items)
    eligible = scores > 0
    if exclude is not None:
        eligible[np.arange(9), exclude.indices] = False
    ids, best = kernels.top_k(queries, items, n, exclude=exclude, positive=True)
    wanted_ids, wanted = twins.best(scores, n, eligible)
    np.testing.assert_array_equal(ids, wanted_ids)
    assert best.tobytes() == wanted.tobytes()


ONE = Rows(np.array([0, 1]), np.array([0], np.int32))
BAD = {
    "a row beyond": (lambda f: f.best(Rows(ONE.indptr, ONE.indices + 9), 1), "from 0 to 1, got 9"),
    "targets": (lambda f: f.best(ONE, 1, targets=[1, 2]), "targets must have the shape"),
    "exclude": (
        lambda f: f.best(ONE, 1, exclude=Rows(np.array([0, 0, 0]), ONE.indices[:0])),
        r"exclude\.indptr must have the shape \(2\)",
    ),
    "not positive": (
        lambda f: kernels.FoldIn([[0.0]], [0.0]).best(ONE, 1),
        "row 0 is not positive definite",
    ),
    "not finite": (lambda f: f.best(ONE, 1, targets=[np.nan]), "must be finite, got nan"),
    "n": (lambda f: f.best(ONE, -1), "n must be a whole number"),
    "too wide": (lambda f: kernels.FoldIn(np.zeros((2, 1025)), np.ones(1025)), "at most 1024"),
    "ridge": (lambda f: kernels.FoldIn([[1.0]], [1.0, 2.0]), "ridge must have the shape"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case):
    call, message = BAD[case]
    with pytest.raises(UsageError, match=message):
        call(kernels.FoldIn([[1.0], [2.0]], [1.0]))


def test_layout_and_dtype_do_not_matter():
    """Rows that need settling get the answer of those that do not."""
    rows, _, items, ridge, model = _problem(5, 20, True)
    fold = kernels.FoldIn(items, ridge, **model)
    wide = np.repeat(rows.indices, 2).astype(np.int64)[::2]
    other = Rows(rows.indptr.astype(np.int32), wide, rows.values.astype(np.float64))
    for mine, theirs in zip(fold.best(rows, 9), fold.best(other, 9), strict=True):
        assert mine.tobytes() == theirs.tobytes()


@given(st.lists(st.text(max_size=3), unique=True), st.text(max_size=3))
def test_lookup_of_one_text(texts, other):
    table = Text.pack(texts)
    lookup = kernels.Lookup(table, kernels.index(table))
    assert [lookup.row(one) for one in texts] == list(range(len(texts)))
    assert lookup.row(other) == (texts.index(other) if other in texts else -1)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), unique=True), st.integers(-9, 9))
def test_lookup_of_one_number(numbers, other):
    table = np.array(numbers, dtype=np.int64)
    lookup = kernels.Lookup(table, kernels.index(table))
    assert [lookup.row(one) for one in numbers] == list(range(len(numbers)))
    assert lookup.row(other) == (numbers.index(other) if other in numbers else -1)


def test_lookup_refuses_what_it_cannot_find():
    with pytest.raises(UsageError, match="order does not belong"):
        kernels.Lookup(np.array([1, 2]), np.array([0, 9], np.int32)).row(2)
    with pytest.raises(UsageError, match=r"lookup\[0\]: an id must be valid text"):
        kernels.Lookup(Text.pack(["a"]), np.array([0], np.int32)).row("\ud800")
    for table, strange in ((Text.pack(["a"]), 5), (np.array([1]), "x"), (np.array([1]), 2**70)):
        with pytest.raises(UsageError, match="lookup: an id must be of the table's kind"):
            kernels.Lookup(table, np.array([0], np.int32)).row(strange)
