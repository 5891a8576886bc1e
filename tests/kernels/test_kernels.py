"""Every kernel against its twin, on shapes and layouts nobody would think of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from penchant import kernels
from penchant.errors import UsageError
from penchant.kernels import Rows, Text
from tests.kernels import twins

SETTINGS = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FEW = st.sampled_from([-2.0, -1.0, 0.5, 1.0, 3.0])


SIZES = st.integers(0, 9)


@st.composite
def sparse(draw, n_rows=SIZES, n_columns=12, unique=True, values=FEW):
    """Rows with empty ones among them, values or none."""
    lists = [
        draw(st.lists(st.integers(0, n_columns - 1), max_size=8, unique=unique))
        for _ in range(draw(n_rows))
    ]
    indices = np.array([i for row in lists for i in row], dtype=np.int32)
    weights = draw(st.none() | st.lists(values, min_size=len(indices), max_size=len(indices)))
    return Rows(
        np.cumsum([0, *map(len, lists)]),
        indices,
        None if weights is None else np.array(weights, dtype=np.float32),
    )


def few(rows, columns):
    """Matrices with few distinct values, so that ties are common."""
    return hnp.arrays(np.float32, (rows, columns), elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0]))


@SETTINGS
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20)))
def test_encode_and_lookup_text(ids):
    codes, first = kernels.encode(ids)
    assert (codes.tolist(), first.tolist()) == twins.encode(ids)
    distinct = [ids[position] for position in first]
    table = Text.pack(distinct)
    order = kernels.index(table)
    assert order.tolist() == sorted(range(len(distinct)), key=lambda r: distinct[r].encode())
    assert kernels.lookup(table, order, ids).tolist() == codes.tolist()
    assert kernels.lookup(table, order, ["no such id" * 3]).tolist() == [-1]


@SETTINGS
@given(
    hnp.arrays(
        np.int64, st.integers(0, 50), elements=st.integers(-(2**63), 2**63 - 1) | st.integers(0, 5)
    )
)
def test_encode_and_lookup_numbers(ids):
    codes, first = kernels.encode(ids)
    assert (codes.tolist(), first.tolist()) == twins.encode(ids.tolist())
    table = ids[first]
    order = kernels.index(table)
    assert table[order].tolist() == sorted(table.tolist())
    assert kernels.lookup(table, order, ids).tolist() == codes.tolist()
    doubled = np.repeat(ids, 2)[::2]  # not contiguous
    assert kernels.encode(doubled)[0].tolist() == codes.tolist()


def test_encode_many_grows_its_table():
    ids = np.random.default_rng(0).integers(0, 30_000, 100_000)
    codes, first = kernels.encode(ids)
    assert (ids[first][codes] == ids).all()
    texts = [f"id {one}" for one in ids]
    assert kernels.encode(texts)[0].tolist() == codes.tolist()


@SETTINGS
@given(
    st.text(st.sampled_from("019-,;\nü"), max_size=30),
    st.sampled_from([",", ";", ",,"]),
    st.integers(1, 3),
)
def test_divide(text, delimiter, width):
    got = kernels.divide(text.encode(), delimiter, width)
    if got is not None:
        got = [
            [part[1][code] for code in part[0]] if isinstance(part, tuple) else part.tolist()
            for part in got
        ]
    assert got == twins.divide(text, delimiter, width)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        (b'"a",1\r\n"b, c",2', ["a", "b, c"]),
        (b'"a"x,1\n', None),
        (b'a"b,1\n', None),
        (b'"a""b",1\n', None),
        (b'"a\nb",1\n', None),
        (b'"a,1\n', None),
        (b"a\rb,1\n", None),
        (b"a,1\n\n", None),
        (b"a,1,\n", None),
        (b'""",1\n', None),
    ],
)
def test_divide_takes_quotes_round_whole_cells_and_leaves_the_rest(text, cells):
    found = kernels.divide(text, ",", 2)
    assert (found and found[0][1]) == cells


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), max_size=40), st.booleans())
def test_csr(entries, timed):
    rows, times = [row for row, _ in entries], [time for _, time in entries]
    got = kernels.csr(
        np.array(rows, dtype=np.int32), 5, np.array(times, np.int64) if timed else None
    )
    assert tuple(part.tolist() for part in got) == twins.csr(rows, 5, times if timed else None)


# Moments near each other and as far apart as 64 bits allow, rows short and long.
MOMENTS = st.one_of(
    st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1), st.integers(0, 60).map(lambda e: 2**e)
)


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 2), MOMENTS), max_size=200), st.booleans())
def test_arranged_carries_times_and_cells_along(entries, timed):
    rows, times = (np.array([entry[at] for entry in entries], np.int64) for at in (0, 1))
    numbers, values = np.arange(len(rows), dtype=np.int32), np.arange(len(rows)) / np.float32(2)
    found = kernels.arranged(rows, 3, times if timed else None, [numbers, values])
    indptr, order = twins.csr(rows.tolist(), 3, times.tolist() if timed else None)
    assert (found.indptr.tolist(), found.order.tolist()) == (indptr, order)
    assert [cells.tolist() for cells in found.columns] == [order, [at / 2 for at in order]]
    assert (found.times is not None and found.times.tolist() == times[order].tolist()) == timed


@SETTINGS
@given(st.lists(st.integers(-6, 6).map(lambda one: one / 2), max_size=60), st.integers(0, 14))
def test_grades(values, most):
    found = kernels.grades(np.array(values, np.float32), most)
    assert (None if found is None else found.tolist()) == twins.grades(values, most)


@SETTINGS
@given(sparse(unique=False))
def test_transpose(rows):
    turned = rows.transpose(12)
    np.testing.assert_array_equal(twins.dense(turned, rows.n_rows), twins.dense(rows, 12).T)
    back = turned.transpose(rows.n_rows)
    assert back.indptr.tolist() == rows.indptr.tolist()


@SETTINGS
@given(sparse(unique=False, values=st.sampled_from([-1.0, 0.0, 0.5, 2.0])), st.booleans())
def test_deciding(rows, last):
    assert kernels.deciding(rows, 12, last=last).tolist() == twins.deciding(rows, last)


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.int64, np.float64])
def test_gather(dtype):
    source = np.arange(9).astype(dtype)
    places = np.array([8, 0, 0, 5])
    got = kernels.gather(source[::2], places // 2)
    assert got.dtype == dtype
    assert got.tolist() == source[::2][places // 2].tolist()
    assert len(kernels.gather(source, np.empty(0, np.int64))) == 0


# Large enough that work is divided; few distinct ids and many, near each other and far apart.
LARGE = {
    "a small range": lambda rng, n: rng.integers(-50, 9_000, n),
    "a wide range": lambda rng, n: rng.integers(0, 9_000, n) * 10**14 - 10**17,
    "all distinct": lambda rng, n: rng.permutation(n) * 3,
    "the ends of int64": lambda rng, n: rng.choice([-(2**63), 2**63 - 1, 0], n),
    "later ones only at the end": lambda rng, n: np.r_[np.zeros(n - 9, int), np.arange(9)],
}


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("ids", LARGE)
def test_large_columns_are_numbered_in_parts_as_in_one(ids, threads):
    kernels.set_threads(threads)
    numbers = LARGE[ids](np.random.default_rng(0), 250_000).astype(np.int64)
    codes, first = kernels.encode(numbers)
    _, wanted = np.unique(numbers, return_index=True)
    assert first.tolist() == np.sort(wanted).tolist()
    assert (numbers[first][codes] == numbers).all()
    texts = [f"{one} ü" if one % 5 == 0 else str(one) for one in numbers.tolist()]
    text_codes, text_first = kernels.encode(texts)
    assert (text_codes == codes).all()
    packed_codes, packed_first = kernels.encode(Text.pack(texts))
    assert (packed_codes == codes).all()
    assert (packed_first == first).all()
    assert (text_first == first).all()
    distinct = [texts[at] for at in first]
    for table, asked in (
        (numbers[first], numbers),
        (Text.pack(distinct), texts),
    ):
        order = kernels.index(table)
        assert (kernels.lookup(table, order, asked) == codes).all()
        listed = [table[int(row)] for row in order]
        assert listed == sorted(listed)  # UTF-8 sorts as its characters do


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("n_rows", [1, 700, 1_024, 300_000])
def test_large_sorts_are_stable_in_any_number_of_parts(n_rows, threads):
    kernels.set_threads(threads)
    rng = np.random.default_rng(1)
    n = 700_000
    rows = rng.integers(0, n_rows, n) * rng.integers(0, 2, n)
    times = rng.integers(0, 1_000, n)
    for when, keys in ((None, (rows,)), (times, (times, rows))):
        indptr, order = kernels.csr(rows, n_rows, when)
        assert (order == np.lexsort(keys)).all()
        assert (np.diff(indptr) == np.bincount(rows, minlength=n_rows)).all()
    values = times.astype(np.float32)
    turned = Rows(np.linspace(0, n, 1_001).astype(np.int64), rows.astype(np.int32), values)
    turned = turned.transpose(n_rows)
    by_column = np.argsort(rows, kind="stable")
    owners = np.repeat(np.arange(1_000), np.diff(np.linspace(0, n, 1_001).astype(np.int64)))
    assert (turned.indices == owners[by_column]).all()
    assert (turned.values == values[by_column]).all()
    assert (np.diff(turned.indptr) == np.bincount(rows, minlength=n_rows)).all()


@SETTINGS
@given(st.data(), st.integers(0, 14), st.integers(0, 150), st.integers(0, 40), st.integers(0, 20))
def test_product_and_top_k(data, n_queries, n_items, d, n):
    """Scores close to float64, selection exactly that of a full sort, filters respected."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    queries = rng.choice([-1, 0, 0.5, 2], (n_queries, d)).astype(np.float32)
    items = rng.choice([-1, 0, 0.5, 2], (n_items, d)).astype(np.float32)
    bias = rng.choice([0, 1], n_items).astype(np.float32) if data.draw(st.booleans()) else None
    scores = kernels.product(queries, items, bias)
    expected = queries.astype(float) @ items.T.astype(float) + (0 if bias is None else bias)
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    eligible = np.ones((n_queries, n_items), dtype=bool)
    allowed = rng.random(n_items) < 0.7 if data.draw(st.booleans()) else None
    eligible &= True if allowed is None else allowed
    exclude = None
    if data.draw(st.booleans()) and n_items:
        lists = [rng.integers(0, n_items, 5) for _ in range(n_queries)]
        exclude = Rows(np.arange(n_queries + 1) * 5, np.concatenate([*lists, []]).astype(np.int32))
        for row, out in enumerate(lists):
            eligible[row, out] = False
    ids, best = kernels.top_k(queries, items, n, bias=bias, exclude=exclude, allowed=allowed)
    wanted_ids, wanted = twins.best(scores, n, eligible)
    np.testing.assert_array_equal(ids, wanted_ids)
    assert best.tobytes() == wanted.tobytes()
    known = rng.random((n_queries, n_items)) < 0.8
    ids, best = kernels.select(scores, n, exclude=exclude, allowed=allowed, known=known)
    wanted_ids, wanted = twins.best(scores, n, eligible & known)
    np.testing.assert_array_equal(ids, wanted_ids)
    assert best.tobytes() == wanted.tobytes()


@SETTINGS
@given(st.data(), sparse(unique=False), st.integers(0, 6))
def test_hits(data, held, n):
    entries = st.lists(st.integers(-1, 11), min_size=n, max_size=n)
    lists = [data.draw(entries) for _ in range(held.n_rows)]
    got = kernels.hits(np.array(lists, np.int32).reshape(held.n_rows, n), held, 12)
    rows = [held.indices[held.indptr[r] : held.indptr[r + 1]] for r in range(held.n_rows)]
    expected = [[i >= 0 and i in row for i in one] for one, row in zip(lists, rows, strict=True)]
    assert got.tolist() == expected


@SETTINGS
@given(sparse(n_columns=7), sparse(n_rows=st.just(7), n_columns=12, unique=False))
def test_spread(history, weights):
    got = kernels.spread(history, weights, 12)
    expected = twins.dense(history, 7) @ twins.dense(weights, 12)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    dense = twins.dense(weights, 12).astype(np.float32)
    np.testing.assert_allclose(kernels.spread(history, dense, 12), expected, atol=1e-5)


@SETTINGS
@given(
    sparse(),
    sparse(),
    st.none() | st.integers(0, 5),
    st.sampled_from(["cosine", "jaccard", "pearson", "dot"]),
    st.sampled_from([0.0, 2.0]),
    st.booleans(),
)
def test_nearest(queries, table, k, measure, shrink, leave):
    itself = None
    if leave:
        itself = [q % table.n_rows if table.n_rows else -1 for q in range(queries.n_rows)]
    near = kernels.nearest(queries, table, 12, k, measure=measure, shrink=shrink, itself=itself)
    a, b = twins.dense(queries, 12), twins.dense(table, 12)
    for q in range(queries.n_rows):
        all_of_it = [twins.similarity(a[q], row, measure, shrink) for row in b]
        expected = {
            r: s
            for r, s in enumerate(np.float32(all_of_it))
            if s > 0 and not (leave and r == itself[q])
        }
        part = slice(near.indptr[q], near.indptr[q + 1])
        ids, got = near.indices[part].tolist(), near.values[part].tolist()
        assert len(ids) == min(len(expected), len(expected) if k is None else k)
        assert got == pytest.approx([expected[r] for r in ids], rel=1e-6)
        assert list(zip([-s for s in got], ids, strict=True)) == sorted(
            zip([-s for s in got], ids, strict=True)
        )
        if ids:
            assert (
                min(got) >= max([s for r, s in expected.items() if r not in ids], default=0) - 1e-6
            )


@SETTINGS
@given(
    sparse(n_rows=st.integers(0, 20)),
    st.none() | st.integers(0, 5),
    st.sampled_from(["cosine", "jaccard", "pearson", "dot"]),
    st.sampled_from([0.0, 2.0]),
)
def test_neighbours(table, k, measure, shrink):
    """What `nearest` finds, but for the last digits of sums of weights."""
    near = kernels.neighbours(table, 12, k, measure=measure, shrink=shrink)
    alone = np.arange(table.n_rows, dtype=np.int32)
    expected = kernels.nearest(table, table, 12, k, measure=measure, shrink=shrink, itself=alone)
    assert near.indptr.tolist() == expected.indptr.tolist()
    np.testing.assert_allclose(near.values, expected.values, rtol=1e-5)
    if table.values is None:
        assert near.indices.tolist() == expected.indices.tolist()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("measure", ["cosine", "jaccard"])
def test_neighbours_of_more_rows_than_the_head(weighted, measure):
    """Bits and single counts, all strips, on any number of threads; same bytes."""
    rng = np.random.default_rng(5)
    n, people = 4700, 900
    sizes = np.minimum(1 + (300 / (1 + np.arange(n) * 0.02)).astype(int), people)
    rng.shuffle(sizes)
    lists = [rng.choice(people, size, replace=False).astype(np.int32) for size in sizes]
    values = rng.uniform(0.5, 2, sizes.sum()).astype(np.float32) if weighted else None
    table = Rows(np.cumsum([0, *sizes]), np.concatenate(lists), values)
    found = []
    for threads in (1, 2, 7):
        kernels.set_threads(threads)
        found.append(kernels.neighbours(table, people, 20, measure=measure, shrink=1.0))
    for part in range(3):
        assert len({one[part].tobytes() for one in found}) == 1
    some = np.sort(rng.choice(n, 60, replace=False)).astype(np.int32)
    ones = table._replace(values=np.ones(sizes.sum(), np.float32) if values is None else values)
    asked = Rows.stacked([ones.slice(r, r + 1) for r in some])
    expected = kernels.nearest(asked, table, people, 20, measure=measure, shrink=1.0, itself=some)
    got = Rows.stacked([found[0].slice(r, r + 1) for r in some])
    np.testing.assert_allclose(got.values, expected.values, rtol=1e-5)
    if not weighted or measure == "jaccard":
        assert got.indices.tolist() == expected.indices.tolist()


@SETTINGS
@given(
    sparse(values=st.sampled_from([0.5, 1.0, 3.0])),
    st.integers(1, 70),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
def test_solve_rows(rows, d, scaled, with_gram, with_targets, seed):
    """The exact answer and its objective; the descents reach them if they walk on."""
    rng = np.random.default_rng(seed)
    items = rng.normal(size=(12, d)).astype(np.float32)
    targets = rng.normal(size=len(rows.indices)).astype(np.float32) if with_targets else None
    ridge = rng.uniform(0.5, 3, d).astype(np.float32)
    scale = rng.uniform(0.5, 3, rows.n_rows).astype(np.float32) if scaled else None
    gram = kernels.gram(items) if with_gram else None
    reached = np.zeros(rows.n_rows)
    given = {"scale": scale, "gram": gram, "objective": reached}
    expected = twins.solve_rows(rows, targets, items, ridge, scale, gram)
    got = kernels.solve_rows(rows, targets, items, ridge, **given)
    np.testing.assert_allclose(got, expected, atol=2e-4)
    least = twins.squared_loss(rows, targets, items, ridge, scale, gram, expected)
    np.testing.assert_allclose(reached, least, rtol=1e-4, atol=1e-4)
    start = rng.normal(size=got.shape).astype(np.float32)
    for solver, steps in (("cg", 1), ("cg", 200), ("block", 1), ("block", 300)):
        got = kernels.solve_rows(
            rows, targets, items, ridge, solver=solver, start=start, steps=steps, block=16, **given
        )
        loss = twins.squared_loss(rows, targets, items, ridge, scale, gram, got)
        np.testing.assert_allclose(reached, loss, rtol=1e-3, atol=2e-3)
        assert (loss >= least - 1e-3 * (1 + least)).all()
        if steps > 1:
            np.testing.assert_allclose(loss, least, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("d", [32, 64, 100, 128, 130])
def test_conjugate_gradient_is_what_the_textbook_says(d):
    """Short rows in pairs, long ones alone, empty ones and those at the bounds; weighted or not."""
    rng = np.random.default_rng(d)
    sizes = [0, 1, 1023, 1024, 5000, 0, *rng.integers(1, 40, 14)]
    lists = [rng.choice(6000, n, replace=False).astype(np.int32) for n in sizes]
    items = (0.2 * rng.normal(size=(6000, d))).astype(np.float32)
    gram, ridge = 0.1 * kernels.gram(items), np.full(d, 5, np.float32)
    start = rng.normal(size=(len(sizes), d)).astype(np.float32)
    for values in (None, rng.uniform(0.5, 2, sum(sizes)).astype(np.float32)):
        rows = Rows(np.cumsum([0, *sizes]), np.concatenate(lists), values)
        got = kernels.solve_rows(
            rows, None, items, ridge, gram=gram, solver="cg", start=start, steps=3
        )
        expected = twins.conjugate_gradient(rows, items, ridge, gram, start, 3)
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("solver", ["exact", "cg", "block"])
@pytest.mark.parametrize("d", [5, 64, 128, 130])
def test_solve_rows_bytes_depend_on_the_row_alone(solver, d):
    """Side by side in a crowd, on any number of threads, and one by one."""
    rng = np.random.default_rng(d)
    lists = [rng.choice(200, n, replace=False).astype(np.int32) for n in rng.integers(0, 150, 70)]
    rows = Rows(np.cumsum([0, *map(len, lists)]), np.concatenate(lists))
    items, ridge = rng.normal(size=(200, d)).astype(np.float32), np.full(d, 0.5, np.float32)
    given = {"gram": kernels.gram(items), "solver": solver, "steps": 2}
    found = set()
    for threads in (1, 2, 7):
        kernels.set_threads(threads)
        found.add(kernels.solve_rows(rows, None, items, ridge, **given).tobytes())
    alone = [
        kernels.solve_rows(rows.slice(r, r + 1), None, items, ridge, **given) for r in range(70)
    ]
    assert found == {np.concatenate(alone).tobytes()}


def test_solve_rows_where_float32_fails():
    """Few vectors and hardly any ridge: the matrix is all but singular."""
    rng = np.random.default_rng(3)
    items = rng.normal(size=(40, 32)).astype(np.float32)
    lists = [rng.choice(40, n, replace=False).astype(np.int32) for n in (3, 30, 31, 8)]
    rows = Rows(np.cumsum([0, *map(len, lists)]), np.concatenate(lists))
    targets = rng.normal(size=len(rows.indices)).astype(np.float32)
    got = kernels.solve_rows(rows, targets, items, np.full(32, 1e-5, np.float32))
    fitted = np.einsum(
        "ed,ed->e", got[np.repeat(np.arange(4), [3, 30, 31, 8])], items[rows.indices]
    )
    np.testing.assert_allclose(fitted, targets, atol=1e-2)


@SETTINGS
@given(st.integers(0, 300), st.integers(1, 40), st.booleans())
def test_gram(n, d, weighted):
    rng = np.random.default_rng(n)
    items = rng.normal(size=(n, d)).astype(np.float32)
    weights = rng.uniform(0, 2, n).astype(np.float32) if weighted else None
    scaled = items if weights is None else items * weights[:, None]
    np.testing.assert_allclose(
        kernels.gram(items, weights), scaled.T.astype(float) @ items, atol=1e-3
    )


def _sgd_problem(seed=0, n=900, d=21, n_users=40, n_items=30):
    rng = np.random.default_rng(seed)
    users, items = rng.integers(0, n_users, n), rng.integers(0, n_items, n)
    targets = rng.integers(1, 6, n).astype(np.float32)
    sides = [rng.normal(0, 0.1, (size, d)).astype(np.float32) for size in (n_users, n_items)]
    sides += [np.zeros(n_users, np.float32), np.zeros(n_items, np.float32)]
    regs = [rng.uniform(0, 0.1, size).astype(np.float32) for size in (n_users, n_items) * 2]
    return users, items, targets, sides, regs


def _sgd(problem, serial=False, **options):
    users, items, targets, sides, regs = problem
    plan = kernels.sgd_schedule(users, items, targets, 40, 30, 3, serial=serial)
    total = kernels.rating_sgd(
        plan,
        *sides,
        rate=0.02,
        mean=3.0,
        reg_factors_user=regs[0],
        reg_factors_item=regs[1],
        reg_bias_user=regs[2],
        reg_bias_item=regs[3],
        **options,
    )
    return plan, total


@pytest.mark.parametrize("serial", [True, False])
def test_rating_sgd(serial):
    """One epoch is what walking the schedule rating by rating gives."""
    problem, twin = _sgd_problem(), _sgd_problem()
    plan, total = _sgd(problem, serial)
    *_, sides, regs = twin
    sides = [side.astype(np.float64) for side in sides]
    expected = twins.sgd(plan.users, plan.items, plan.targets, *sides, 0.02, 3.0, regs)
    assert total == pytest.approx(expected, rel=1e-4)
    for got, wanted in zip(problem[3], sides, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-4)


def test_sgd_schedule_is_a_permutation_whose_steps_share_nothing():
    users, items, *_ = _sgd_problem()
    places = np.arange(len(users))
    plan = kernels.sgd_schedule(users, items, places, 40, 30, 1)
    order = plan.targets.astype(int)
    assert sorted(order) == places.tolist()
    assert plan.users.tolist() == users[order].tolist()
    assert plan.items.tolist() == items[order].tolist()
    for step in range(plan.blocks):
        cells = [
            order[plan.bounds[c] : plan.bounds[c + 1]]
            for c in range(step * plan.blocks, (step + 1) * plan.blocks)
        ]
        for side in (users, items):
            met = [set(side[cell]) for cell in cells]
            assert sum(map(len, met)) == len(set().union(*met))
    serial = kernels.sgd_schedule(users, items, places, 40, 30, serial=True)
    assert serial.targets.tolist() == places.tolist()


@pytest.mark.parametrize(
    ("frozen", "moving"), [("train_factors", "train_biases"), ("train_biases", "train_factors")]
)
def test_what_is_not_trained_stays(frozen, moving):
    problem, before = _sgd_problem(), _sgd_problem()[3]
    _sgd(problem, **{frozen: False})
    kept = slice(0, 2) if frozen == "train_factors" else slice(2, 4)
    for got, was in zip(problem[3][kept], before[kept], strict=True):
        assert got.tobytes() == was.tobytes()
    assert moving
    assert any(g.tobytes() != w.tobytes() for g, w in zip(problem[3], before, strict=True))


# Bytes ------------------------------------------------------------------------------------------


def _answers(rng) -> bytes:
    """One run of every kernel that uses threads."""
    x = rng.random((300, 80)) < 0.2
    indptr = np.concatenate([[0], np.cumsum(x.sum(1))])
    rows = Rows(indptr, np.nonzero(x)[1].astype(np.int32), rng.random(x.sum()).astype(np.float32))
    queries, items = (rng.normal(size=(n, 33)).astype(np.float32) for n in (300, 80))
    near = kernels.nearest(rows, rows, 80, 20, itself=np.arange(300))
    parts = [
        *near,
        kernels.spread(near, rows, 80),
        kernels.product(queries, items),
        *kernels.top_k(queries, items, 7),
        kernels.select(queries, 5)[0],
        kernels.gram(queries),
        kernels.solve_rows(rows, rng.normal(size=len(rows.indices)), items, np.ones(33)),
    ]
    problem = _sgd_problem()
    _sgd(problem)
    return b"".join(np.ascontiguousarray(part).tobytes() for part in [*parts, *problem[3]])


def test_threads_never_change_a_byte():
    seen = set()
    for threads in (1, 2, 7, 2):
        kernels.set_threads(threads)
        seen.add(_answers(np.random.default_rng(1)))
    assert len(seen) == 1


def test_levels_agree(level):
    """Across instruction-set levels results agree to 1e-5."""
    rng = np.random.default_rng(2)
    queries, items = (rng.normal(size=(n, 50)).astype(np.float32) for n in (9, 130))
    here = kernels.product(queries, items)
    kernels.set_isa("baseline")
    np.testing.assert_allclose(here, kernels.product(queries, items), rtol=1e-5, atol=1e-5)


def test_one_row_alone_has_the_bytes_it_has_in_a_crowd():
    rng = np.random.default_rng(3)
    queries, items = (rng.normal(size=(n, 20)).astype(np.float32) for n in (50, 200))
    crowd, (ids, best) = kernels.product(queries, items), kernels.top_k(queries, items, 9)
    for one in (0, 5, 6, 49):
        alone = kernels.product(queries[one : one + 1], items)
        assert alone.tobytes() == crowd[one].tobytes()
        alone_ids, alone_best = kernels.top_k(queries[one : one + 1], items, 9)
        assert alone_ids[0].tolist() == ids[one].tolist()
        assert alone_best.tobytes() == best[one].tobytes()


def test_layout_and_dtype_of_inputs_do_not_matter_and_inputs_stay():
    rng = np.random.default_rng(4)
    queries, items = rng.normal(size=(40, 20)), rng.normal(size=(30, 20))
    expected = kernels.product(queries.astype(np.float32), items.astype(np.float32))
    turned = np.asfortranarray(queries)
    wide = np.repeat(items, 2, axis=1)[:, ::2]
    before = turned.copy(), wide.copy()
    assert kernels.product(turned, wide).tobytes() == expected.tobytes()
    assert kernels.product(queries.tolist(), items.tolist()).tobytes() == expected.tobytes()
    np.testing.assert_array_equal(turned, before[0])
    np.testing.assert_array_equal(wide, before[1])


# Complaints -------------------------------------------------------------------------------------

ONE = Rows(np.array([0, 1]), np.array([0]))
BAD = {
    "encode: not text": (
        lambda: kernels.encode(["a", 3]),
        r"encode\[1\]: an id must be valid text, got 3",
    ),
    "encode: a lone surrogate": (lambda: kernels.encode(["\ud800"]), r"encode\[0\]"),
    "encode: fractions": (lambda: kernels.encode(np.array([1.5])), "whole numbers or text"),
    "lookup: another order": (
        lambda: kernels.lookup(np.array([1, 2]), np.array([0, 9], np.int32), np.array([1])),
        "order does not belong",
    ),
    "lookup: not text": (
        lambda: kernels.lookup(Text.pack(["a"]), np.array([0], np.int32), [None]),
        r"lookup\[0\]",
    ),
    "text: offsets beyond": (
        lambda: Text(np.zeros(2, np.uint8), np.array([0, 5])),
        "offsets must rise from 0",
    ),
    "text: offsets fall": (
        lambda: Text(np.zeros(9, np.uint8), np.array([0, 5, 3])),
        "offsets must rise",
    ),
    "csr: a row beyond": (lambda: kernels.csr([0, 5], 3), "csr: rows must be from 0 to 2, got 5"),
    "csr: a row beyond 32 bits": (lambda: kernels.csr([2**40], 3), "rows must fit int32"),
    "gather: a place beyond": (
        lambda: kernels.gather(np.arange(3), np.array([3])),
        "places must be from 0 to 2, got 3",
    ),
    "divide: no delimiter": (lambda: kernels.divide(b"a,b", "", 2), "delimiter and width"),
    "divide: no bytes": (lambda: kernels.divide("a,b", ",", 2), "text must be bytes"),
    "gather: wide cells": (
        lambda: kernels.gather(np.array(["abc"]), np.array([0])),
        "4 or 8 byte cells",
    ),
    "csr: negative": (lambda: kernels.csr([-1], 3), "got -1"),
    "csr: times": (lambda: kernels.csr([0], 1, [1, 2]), r"times must have the shape \(1\)"),
    "rows: pointers": (
        lambda: kernels.spread(Rows(np.array([0, 2]), np.array([0])), ONE, 1),
        "indptr must rise from 0 to 1",
    ),
    "rows: falling pointers": (
        lambda: kernels.spread(Rows(np.array([0, 2, 1]), np.array([0])), ONE, 1),
        "indptr must rise",
    ),
    "rows: a column beyond": (
        lambda: kernels.spread(Rows(np.array([0, 1]), np.array([7])), ONE, 1),
        "from 0 to 0, got 7",
    ),
    "rows: a value that is not finite": (
        lambda: kernels.nearest(Rows(ONE.indptr, ONE.indices, np.array([np.nan])), ONE, 1, 1),
        "must be finite, got nan",
    ),
    "nearest: measure": (
        lambda: kernels.nearest(ONE, ONE, 1, 1, measure="dice"),
        "must be one of cosine",
    ),
    "nearest: k": (lambda: kernels.nearest(ONE, ONE, 1, -1), "k must be a whole number"),
    "nearest: shrink": (
        lambda: kernels.nearest(ONE, ONE, 1, 1, shrink=-1),
        "shrink must be at least 0",
    ),
    "top_k: widths": (
        lambda: kernels.top_k([[1, 2]], [[1]], 1),
        r"queries must have the shape \(any, 1\)",
    ),
    "top_k: n": (lambda: kernels.top_k([[1]], [[1]], 1.5), "n must be a whole number"),
    "top_k: allowed": (
        lambda: kernels.top_k([[1]], [[1]], 1, allowed=[True, False]),
        "allowed must have",
    ),
    "top_k: exclude": (
        lambda: kernels.top_k([[1], [2]], [[1]], 1, exclude=ONE),
        r"exclude\.indptr must have the shape \(3\)",
    ),
    "solve: targets": (
        lambda: kernels.solve_rows(ONE, [1, 2], [[1]], [1]),
        "targets must have the shape",
    ),
    "solve: not positive": (
        lambda: kernels.solve_rows(ONE, [1], [[0]], [0]),
        "row 0 is not positive definite",
    ),
    "sgd: rows beyond": (
        lambda: kernels.sgd_schedule([5], [0], [1], 2, 2),
        "users must be from 0 to 1",
    ),
    "threads": (lambda: kernels.set_threads(0), "threads must be"),
    "level": (lambda: kernels.set_isa("mmx"), "no instruction-set level"),
    "no numbers": (lambda: kernels.product([["x"]], [[1]]), "queries must be an array of float32"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_at_the_face(case):
    """The message names the verb's argument, the rule, and what was got."""
    call, message = BAD[case]
    with pytest.raises(UsageError, match=message):
        call()


def test_sgd_refuses_what_it_could_not_change():
    users, items, targets, sides, regs = _sgd_problem()
    for bad in (sides[0].astype(np.float64), sides[0].T.copy().T, sides[0].copy()):
        if bad.dtype == np.float32 and bad.flags.c_contiguous:
            bad.setflags(write=False)
        with pytest.raises(UsageError, match="P is changed in place"):
            _sgd((users, items, targets, [bad, *sides[1:]], regs))
