"""Kernels at their edges: numbers that would wrap, damaged tables, signs, wide problems, crowds."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given

from penchant import kernels
from penchant.errors import UsageError
from penchant.kernels import Rows, Text, machine
from tests.kernels import twins
from tests.kernels.test_kernels import ONE, SETTINGS, _sgd, _sgd_problem, sparse

# What a face must refuse: NumPy would wrap, cut or pass these on without a word.
UNSOUND = {
    "an index that wraps in int32": (
        lambda: Rows(np.array([0, 1]), np.array([2**32])).transpose(3),
        "rows.indices must fit int32, got 4294967296",
    ),
    "an index with a fraction": (
        lambda: Rows(np.array([0, 1]), np.array([0.7])).transpose(3),
        "rows.indices must be an array of int32, got 'float64'",
    ),
    "an id that wraps in int64": (
        lambda: kernels.encode(np.array([2**63 + 5], dtype=np.uint64)),
        "ids must fit int64, got 9223372036854775813",
    ),
    "complex scores": (
        lambda: kernels.select(np.array([[1j]]), 1),
        "scores must be an array of float32, got 'complex128'",
    ),
    "a target that is not finite": (
        lambda: kernels.solve_rows(ONE, [np.nan], [[1.0]], [1.0]),
        "must be finite, got nan",
    ),
    "a row to leave out that is not there": (
        lambda: kernels.nearest(ONE, ONE, 1, 1, itself=[1]),
        "itself must be from -1 to 0, got 1",
    ),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_numbers_that_would_be_changed_silently_are_refused(case):
    call, message = UNSOUND[case]
    with pytest.raises(UsageError, match=message):
        call()


def test_a_schedule_carries_the_ratings_it_was_made_for():
    """For other people and items blocks of a step could meet; so they cannot be handed in."""
    users, items, targets, *_ = _sgd_problem()
    plan = kernels.sgd_schedule(users, items, targets, 40, 30)
    kept = plan.users.copy()
    users[:] = 0
    assert plan.users.tolist() == kept.tolist()
    with pytest.raises(ValueError, match="read-only"):
        plan.users[0] = 5


def test_long_lists_are_those_of_a_full_sort():
    """Beyond a length the best are kept as a heap; ties are common here."""
    scores = np.random.default_rng(8).integers(0, 40, (3, 2_000)).astype(np.float32)
    for n in (127, 128, 129, 500, 2_000, 2_500):
        ids, best = kernels.select(scores, n)
        wanted_ids, wanted = twins.best(scores, n, np.ones(scores.shape, bool))
        np.testing.assert_array_equal(ids, wanted_ids)
        assert best.tobytes() == wanted.tobytes()


def test_damaged_text_gives_one_clear_error():
    with pytest.raises(UsageError, match=r"Text\[0\]: a text is damaged"):
        Text(np.array([0xFF], np.uint8), np.array([0, 1]))[0]


def test_a_read_only_mapped_table_is_searched_where_it_lies(tmp_path):
    """Server workers share the pages of a saved vocabulary."""
    text = Text.pack([f"item {n}" for n in range(1000)])
    arrays = {"blob": text.blob, "offsets": text.offsets, "order": kernels.index(text)}
    for name, one in arrays.items():
        np.save(tmp_path / f"{name}.npy", one)
    mapped = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in arrays}
    table = Text(mapped["blob"], mapped["offsets"])
    assert np.shares_memory(table.blob, mapped["blob"])
    found = kernels.lookup(table, mapped["order"], ["item 999", "item", "item 0"])
    assert found.tolist() == [999, -1, 0]


@SETTINGS
@given(sparse(), sparse())
def test_spread_gives_the_weight_behind_each_score(history, weights):
    """The norm counts the weights of what is in the history, whatever its values."""
    width = weights.n_rows
    kept = [[j for j in _row(history, b) if j < width] for b in range(history.n_rows)]
    indptr = np.cumsum([0, *map(len, kept)])
    history = Rows(indptr, np.array([j for row in kept for j in row], np.int32))
    opinions = history._replace(values=np.linspace(-2, 2, len(history.indices), dtype=np.float32))
    out, norm = kernels.spread(opinions, weights, 12, norm="weights")
    dense = twins.dense(weights, 12)
    np.testing.assert_allclose(norm, twins.dense(history, width) @ np.abs(dense), atol=1e-5)
    np.testing.assert_allclose(out, twins.dense(opinions, width) @ dense, atol=1e-5)
    assert out.tobytes() == kernels.spread(opinions, weights, 12).tobytes()


@SETTINGS
@given(sparse(), sparse())
def test_spread_gives_the_share_of_the_history_behind_each_score(history, weights):
    """Both sums at once, whatever the weights; prepared or not, the same bytes."""
    width = weights.n_rows
    kept = [[j for j in _row(history, b) if j < width] for b in range(history.n_rows)]
    indices = np.array([j for row in kept for j in row], np.int32)
    amounts = np.linspace(-2, 2, len(indices), dtype=np.float32)
    history = Rows(np.cumsum([0, *map(len, kept)]), indices, amounts)
    out, norm = kernels.spread(history, kernels.Table(weights, 12), 12, norm="history")
    held = twins.dense(weights._replace(values=None), 12)
    np.testing.assert_allclose(norm, twins.dense(history, width) @ held, atol=1e-5)
    assert out.tobytes() == kernels.spread(history, weights, 12).tobytes()


def _skewed(rng, n_rows: int, n_columns: int, values: str) -> Rows:
    """Rows whose columns are held by most of them, by some, and by hardly any."""
    held = rng.random((n_rows, n_columns)) < 0.7 / (1 + np.arange(n_columns)) ** 0.9
    at = np.nonzero(held)[1].astype(np.int32)
    weights = {"none": None, "ones": np.ones(len(at)), "few": rng.choice([-1, 0.5, 2], len(at))}
    chosen = weights[values]
    indptr = np.r_[0, np.cumsum(held.sum(1))]
    return Rows(indptr, at, None if chosen is None else chosen.astype(np.float32))


@pytest.mark.parametrize("values", ["none", "ones", "few"])
@pytest.mark.parametrize("measure", ["cosine", "jaccard", "pearson", "dot"])
def test_nearest_by_bits_and_by_entries_on_any_threads(measure, values):
    """Dense columns, rare ones and rows past a strip; alone or in a crowd the same bytes."""
    rng = np.random.default_rng(7)
    n_rows, n_columns = 1100, 150
    table = _skewed(rng, n_rows, n_columns, values)
    rare = Rows(np.array([0, 0, 2]), np.array([140, 149], np.int32))
    asked = _skewed(rng, 12, n_columns, values)
    queries = Rows.stacked([_with_ones(rare), _with_ones(asked)])
    itself = rng.integers(-1, n_rows, queries.n_rows).astype(np.int32)
    prepared = kernels.Table(table, n_columns)
    found = []
    for threads in (1, 2, 7):
        kernels.set_threads(threads)
        near = kernels.nearest(
            queries, prepared, n_columns, 9, measure=measure, shrink=1.0, itself=itself
        )
        found.append(b"".join(part.tobytes() for part in near))
    assert len(set(found)) == 1
    a, b = twins.dense(queries, n_columns), twins.dense(table, n_columns)
    for q in range(queries.n_rows):
        expected = [np.float32(twins.similarity(a[q], row, measure, 1.0)) for row in b]
        best = sorted((-s, r) for r, s in enumerate(expected) if s > 0 and r != itself[q])[:9]
        part = slice(near.indptr[q], near.indptr[q + 1])
        np.testing.assert_allclose(near.values[part], [-s for s, _ in best], rtol=1e-6)
        ranks = list(zip((-near.values[part]).tolist(), near.indices[part].tolist(), strict=True))
        assert ranks == sorted(ranks)
        given_scores = [expected[r] for r in near.indices[part]]
        np.testing.assert_allclose(near.values[part], given_scores, rtol=1e-6)
        alone = kernels.nearest(
            queries.slice(q, q + 1),
            prepared,
            n_columns,
            9,
            measure=measure,
            shrink=1.0,
            itself=itself[q : q + 1],
        )
        assert alone.indices.tolist() == near.indices[part].tolist()
        assert alone.values.tobytes() == near.values[part].tobytes()


def _with_ones(rows: Rows) -> Rows:
    return rows if rows.values is not None else rows._replace(values=np.ones(len(rows.indices)))


def test_a_table_of_another_width_is_refused():
    table = kernels.Table(ONE, 1)
    with pytest.raises(UsageError, match="n_columns must be 1, as of table"):
        kernels.nearest(ONE, table, 2, 1)
    with pytest.raises(UsageError, match="n_columns must be 1, as of weights"):
        kernels.spread(ONE, table, 2)


def test_no_rows_and_no_columns_are_a_table():
    none = Rows(np.array([0]), np.empty(0, np.int32))
    assert len(kernels.nearest(none, kernels.Table(none, 0), 0, 3).indices) == 0
    assert len(kernels.nearest(ONE, kernels.Table(none, 1), 1, None).indices) == 0
    assert len(kernels.nearest(ONE, ONE, 1, 0).indices) == 0


def _row(rows: Rows, r: int) -> list[int]:
    return rows.indices[rows.indptr[r] : rows.indptr[r + 1]].tolist()


@SETTINGS
@given(sparse(), sparse())
def test_nearest_may_keep_opposites(queries, table):
    """With positive=False everything but 0 is there, the most opposed last."""
    near = kernels.nearest(queries, table, 12, None, positive=False)
    a, b = twins.dense(queries, 12), twins.dense(table, 12)
    for q in range(queries.n_rows):
        expected = np.float32([twins.similarity(a[q], row, "cosine", 0.0) for row in b])
        part = slice(near.indptr[q], near.indptr[q + 1])
        ids, got = near.indices[part], near.values[part]
        assert set(np.flatnonzero(np.abs(expected) > 1e-6)) <= set(ids.tolist())
        np.testing.assert_allclose(got, expected[ids], atol=1e-6)
        assert (got != 0).all()
        assert (np.diff(got) <= 0).all()


@pytest.mark.parametrize("with_gram", [False, True])
@pytest.mark.parametrize("d", [1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 128, 509, 512])
def test_solve_rows_is_accurate_at_every_width(d, with_gram):
    """Against float64, for widths and lengths on both sides of every block and vector boundary."""
    rng = np.random.default_rng(d)
    items = rng.normal(size=(150, d)).astype(np.float32)
    gram = kernels.gram(items) * np.float32(0.1) if with_gram else None
    lists = [rng.permutation(150)[:n] for n in (150, 1, 64, 0, 65, 129)]
    n = sum(map(len, lists))
    values, targets = rng.uniform(0.5, 2, n).astype(np.float32), rng.normal(size=n)
    rows = Rows(np.cumsum([0, *map(len, lists)]), np.concatenate(lists).astype(np.int32), values)
    ridge = np.full(d, 20, np.float32)
    expected = twins.solve_rows(rows, targets, items, ridge, None, gram)
    crowd = kernels.solve_rows(rows, targets, items, ridge, gram=gram)
    for r, wanted in enumerate(expected):
        part = slice(rows.indptr[r], rows.indptr[r + 1])
        alone = kernels.solve_rows(rows.slice(r, r + 1), targets[part], items, ridge, gram=gram)
        assert alone.tobytes() == crowd[r].tobytes()
        np.testing.assert_allclose(crowd[r], wanted, rtol=1e-3, atol=1e-5 * np.abs(wanted).max())


def _problem(rng):
    held = rng.random((70, 90)) < 0.3
    held[5] = False
    indptr, indices = np.concatenate([[0], np.cumsum(held.sum(1))]), np.nonzero(held)[1]
    values = rng.uniform(0.5, 2, len(indices)).astype(np.float32)
    return Rows(indptr, indices.astype(np.int32), values)


def _answers(rows, part, rng):
    """Each row-by-row verb on a run of rows."""
    items, square = (rng.normal(size=(90, n)).astype(np.float32) for n in (21, 90))
    targets = rng.normal(size=len(rows.indices)).astype(np.float32)
    begin, end = rows.indptr[part.start], rows.indptr[part.stop]
    some = Rows(
        rows.indptr[part.start : part.stop + 1] - begin,
        rows.indices[begin:end],
        rows.values[begin:end],
    )
    weights = Rows(np.arange(91) * 90, np.tile(np.arange(90, dtype=np.int32), 90), square.ravel())
    solved = kernels.solve_rows(some, targets[begin:end], items, np.ones(21))
    near = kernels.nearest(some, rows, 90, None, measure="pearson")
    spread = kernels.spread(some, weights, 90)
    return [solved, spread, kernels.select(spread, 9, exclude=some)[0]], near


@pytest.mark.parametrize("row", [0, 5, 31, 32, 69])
def test_every_row_alone_has_the_bytes_it_has_in_a_crowd(row):
    """For verbs on rows; `product` and `top_k` have a test of their own."""
    rows = _problem(np.random.default_rng(7))
    crowd, crowd_near = _answers(rows, slice(0, 70), np.random.default_rng(8))
    alone, near = _answers(rows, slice(row, row + 1), np.random.default_rng(8))
    for one, all_of_them in zip(alone, crowd, strict=True):
        assert one[0].tobytes() == all_of_them[row].tobytes()
    part = slice(crowd_near.indptr[row], crowd_near.indptr[row + 1])
    assert near.indices.tobytes() == crowd_near.indices[part].tobytes()
    assert near.values.tobytes() == crowd_near.values[part].tobytes()


def test_levels_agree_on_what_is_learned(level):
    """Vectors, neighbours and Gram matrices agree to 1e-5 of their size across levels."""

    def learned():
        rows, problem = _problem(np.random.default_rng(9)), _sgd_problem()
        answers, near = _answers(rows, slice(0, 70), np.random.default_rng(10))
        _sgd(problem)
        vectors = np.random.default_rng(11).normal(size=(500, 33))
        return [*answers, near.values, kernels.gram(vectors), *problem[3]]

    here = learned()
    kernels.set_isa("baseline")
    for one, other in zip(here, learned(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())


def test_quotas_of_a_nested_cgroup_are_found(tmp_path, monkeypatch):
    """A service's limits lie in its own folder, which /proc names, and in those above it."""
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    real = machine._read
    (tmp_path / "system.slice" / "shop.service").mkdir(parents=True)
    (tmp_path / "system.slice" / "cpu.max").write_text("100000 100000\n")
    (tmp_path / "system.slice" / "shop.service" / "cpu.max").write_text("300000 100000\n")

    def read(path):
        ours = str(path) == "/proc/self/cgroup"
        return "0::/system.slice/shop.service" if ours else real(path)

    monkeypatch.setattr(machine, "_read", read)
    assert machine._granted_processors() == 1


LONG = """
import numpy as np, sys
from penchant import kernels
rng = np.random.default_rng(0)
n, each = 4_000, 60
rows = kernels.Rows(np.arange(n + 1) * each, rng.integers(0, 900, n * each).astype(np.int32))
items = rng.normal(size=(900, 512)).astype(np.float32)
print("working", flush=True)
try:
    for _ in range(20):
        kernels.solve_rows(rows, np.ones(n * each), items, np.ones(512))
except KeyboardInterrupt:
    again = kernels.solve_rows(rows, np.ones(n * each), items[:, :8].copy(), np.ones(8))
    kernels.set_threads(1)
    alone = kernels.solve_rows(rows, np.ones(n * each), items[:, :8].copy(), np.ones(8))
    sys.exit(3 if again.tobytes() == alone.tobytes() else 4)
"""


def test_ctrl_c_ends_solving_and_the_pool_still_works():
    """The interrupted process solves again and gets what it would have got."""
    process = subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 3
