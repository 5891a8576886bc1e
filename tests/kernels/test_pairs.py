"""BPR's kernels: what is drawn, what is learned from it, and what a history is answered with."""

from __future__ import annotations

import numpy as np
import pytest

from penchant import kernels
from penchant.errors import UsageError
from penchant.kernels import Rows
from tests.kernels import twins


def _likes(n_users=420, n_items=150, each=14, seed=0) -> Rows:
    """Enough for blocks; some people without a like, items of unequal popularity."""
    rng = np.random.default_rng(seed)
    weight = 1 / np.arange(1, n_items + 1) ** 0.5
    counts = np.where(np.arange(n_users) % 50 == 7, 0, each)
    lists = [rng.choice(n_items, n, replace=False, p=weight / weight.sum()) for n in counts]
    return Rows(np.cumsum([0, *counts]), np.concatenate(lists).astype(np.int32))


def _sides(n_users, n_items, d, seed=1):
    rng = np.random.default_rng(seed)
    sides = [rng.normal(0, 0.3, (n, d)).astype(np.float32) for n in (n_users, n_items)]
    return [*sides, rng.normal(0, 0.3, n_items).astype(np.float32)]


def _cells(drawn):
    blocks = drawn.plan.blocks
    cells = [drawn.pairs[a:b] for a, b in zip(drawn.bounds, drawn.bounds[1:], strict=False)]
    return [
        [cells[b * blocks + (b + step) % blocks] for b in range(blocks)] for step in range(blocks)
    ]


def _rare() -> Rows:
    """Three items that all like, and others whose likes lie hundreds apart."""
    lists = [[0, 1, 2, *([3 + u % 140] if u % 100 == 0 else [])] for u in range(2000)]
    return Rows(np.cumsum([0, *map(len, lists)]), np.concatenate(lists).astype(np.int32))


def _spaced(n_users=6000) -> Rows:
    """One item that nearly all like, and one whose likes lie exactly 255 and 510 apart."""
    spaced = {255 * k for k in range(n_users) if k % 3 != 1}
    indices = np.array([140 if u in spaced else 0 for u in range(n_users)], np.int32)
    return Rows(np.arange(n_users + 1), indices)


@pytest.mark.parametrize("likes", [_likes(), _rare(), _spaced()], ids=["many", "rare", "spaced"])
@pytest.mark.parametrize("epoch", [0, 3])
def test_draw_pairs(likes, epoch):
    plan = kernels.pair_plan(likes, 150, seed=11)
    assert plan.blocks == 8
    drawn = kernels.draw_pairs(plan, epoch)
    assert [tuple(pair) for pair in drawn.pairs.tolist()] == twins.draw_pairs(plan, epoch)


def test_every_like_is_visited_once_against_an_item_not_liked_and_blocks_share_nothing():
    likes = _likes()
    liked = set(
        zip(
            np.repeat(np.arange(420), np.diff(likes.indptr)).tolist(),
            likes.indices.tolist(),
            strict=True,
        )
    )
    drawn = kernels.draw_pairs(kernels.pair_plan(likes, 150, seed=2), 1)
    assert {(u, i) for u, i, _ in drawn.pairs.tolist()} == liked
    assert len(drawn.pairs) == len(liked)
    assert not {(u, j) for u, _, j in drawn.pairs.tolist()} & liked
    assert np.mean(drawn.pairs[:, 2] < 0) < 0.01
    for step in _cells(drawn):
        for side in ([cell[:, 0] for cell in step], [cell[:, 1:] for cell in step]):
            met = [set(ids.ravel().tolist()) - {-1} for ids in side]
            assert sum(map(len, met)) == len(set().union(*met))


def test_over_epochs_every_item_is_compared_with_every_like_about_equally_often():
    """Against an even draw from all that a person did not like, by item and by pair."""
    likes, epochs = _likes(n_items=60), 250
    plan = kernels.pair_plan(likes, 60, seed=3)
    assert plan.blocks == 3
    expected, got = np.zeros((60, 60)), np.zeros((60, 60))
    for u in range(likes.n_rows):
        mine = likes.indices[likes.indptr[u] : likes.indptr[u + 1]]
        rest = np.setdiff1d(np.arange(60), mine)
        expected[np.ix_(mine, rest)] += epochs / len(rest)
    for epoch in range(epochs):
        _, i, j = kernels.draw_pairs(plan, epoch).pairs.T
        np.add.at(got, (i[j >= 0], j[j >= 0]), 1)
    np.testing.assert_allclose(got.sum(0), expected.sum(0), rtol=0.04)
    often = expected > 200
    assert often.mean() > 0.5
    assert np.abs(got / np.maximum(expected, 1) - 1)[often].max() < 0.8  # bins are shared or not
    assert np.corrcoef(got[often], expected[often])[0, 1] > 0.95


@pytest.mark.parametrize("d", [1, 15, 16, 21, 32, 64])
def test_bpr_sgd(d):
    """One epoch is what walking its pairs one by one gives."""
    plan = kernels.pair_plan(_likes(), 150, seed=4)
    sides = _sides(420, 150, d)
    twin = [side.astype(np.float64) for side in sides]
    share = kernels.bpr_sgd(plan, 3, *sides, rate=0.05, reg=0.02, reg_bias=0.01)
    expected = twins.bpr(kernels.draw_pairs(plan, 3), *twin, 0.05, 0.02, 0.01)
    assert share == pytest.approx(expected, abs=2e-3)
    for got, wanted in zip(sides, twin, strict=True):
        np.testing.assert_allclose(got, wanted, atol=2e-5)


def test_scores_far_apart_stay_finite():
    plan = kernels.pair_plan(_likes(), 150)
    P, Q, bias = _sides(420, 150, 16)
    P *= 1e4
    kernels.bpr_sgd(plan, 0, P, Q, bias, rate=0.01, reg=0.0, reg_bias=0.0)
    assert all(np.isfinite(side).all() for side in (P, Q, bias))


def _histories(n_items=80, seed=5):
    rng = np.random.default_rng(seed)
    lists = [rng.choice(n_items, n, replace=False) for n in (0, 1, 3, 31, 32, 33, 70, 80)]
    indices = np.concatenate(lists).astype(np.int32)
    signs = rng.choice([1, 1, 2.5, -1], len(indices)).astype(np.float32)
    return Rows(np.cumsum([0, *map(len, lists)]), indices, signs)


def _panel(m, d, seed=9):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.3, (m, d)), rng.normal(0, 0.3, m), rng.uniform(0.5, 9, m)


@pytest.mark.parametrize("d", [1, 5, 16, 33, 64])
@pytest.mark.parametrize("ridge", [0.01, 1.0])
def test_pair_taste_is_the_most_likely_vector(d, ridge):
    """The gradient, in float64 and pair by pair, vanishes there."""
    rows, (_, items, bias) = _histories(), _sides(1, 80, d)
    panel = _panel(21, d)
    got = kernels.pair_taste(rows, items, bias, *panel, np.full((8, d), ridge))
    wide, offset = items.astype(float), bias.astype(float)
    for r, p in enumerate(got.astype(float)):
        part = slice(rows.indptr[r], rows.indptr[r + 1])
        mine, signs = rows.indices[part], np.sign(rows.values[part])
        gradient = twins.pair_gradient(p, mine, signs, wide, offset, panel, ridge)
        assert np.abs(gradient).max() < 1e-5 * max(len(mine), 1)
    assert not got[0].any()


@pytest.mark.parametrize("length", [30.0, 1e3])
def test_pair_taste_survives_separable_histories_and_long_vectors(length):
    """Where plain Newton steps would overshoot, and margins are so wide that the way is long."""
    rows, (_, items, bias) = _histories(), _sides(1, 80, 8)
    items *= length
    panel = _panel(27, 8)
    panel[0][:] *= length
    got = kernels.pair_taste(rows, items, bias, *panel, np.full((8, 8), 1e-3)).astype(float)
    for r in (2, 3, 5):
        part = slice(rows.indptr[r], rows.indptr[r + 1])
        mine, signs = rows.indices[part], np.sign(rows.values[part])
        args = (mine, signs, items.astype(float), bias.astype(float), panel, 1e-3)
        at_zero = np.abs(twins.pair_gradient(np.zeros(8), *args)).max()
        assert np.abs(twins.pair_gradient(got[r], *args)).max() < 1e-2 * at_zero


def test_a_taste_alone_has_the_bytes_it_has_in_a_crowd():
    rows, (_, items, bias) = _histories(), _sides(1, 80, 21)
    panel, ridge = _panel(40, 21), np.ones((8, 21), np.float32)
    crowd = kernels.pair_taste(rows, items, bias, *panel, ridge)
    for r in range(8):
        alone = kernels.pair_taste(rows.slice(r, r + 1), items, bias, *panel, ridge[:1])
        assert alone.tobytes() == crowd[r].tobytes()


def _learned(d=33) -> list[np.ndarray]:
    plan, sides = kernels.pair_plan(_likes(), 150, seed=6), _sides(420, 150, d)
    drawn = [kernels.draw_pairs(plan, epoch) for epoch in range(3)]
    for epoch in range(3):
        kernels.bpr_sgd(plan, epoch, *sides, rate=0.05, reg=0.01, reg_bias=0.01)
    ridge = np.ones((420, d), np.float32)
    taste = kernels.pair_taste(_likes(seed=7), *sides[1:], *_panel(50, d), ridge)
    return [*(one.pairs for one in drawn), *sides, taste]


def test_threads_never_change_a_byte():
    seen = set()
    for threads in (1, 2, 7, 2):
        kernels.set_threads(threads)
        seen.add(b"".join(one.tobytes() for one in _learned()))
    assert len(seen) == 1


def test_levels_agree():
    here = _learned()
    kernels.set_isa("baseline")
    for one, other in zip(here, _learned(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())


def test_edges():
    """Nothing to learn from, one item, everything liked."""
    for indptr, indices, n_items in ([[0], [], 0], [[0, 1], [0], 1], [[0, 2], [0, 1], 2]):
        plan = kernels.pair_plan(Rows(np.array(indptr), np.array(indices, np.int32)), n_items)
        drawn = kernels.draw_pairs(plan, 0)
        assert (drawn.pairs[:, 2] == -1).all()
        sides = _sides(plan.n_users, n_items, 4)
        before = sides[1].copy()
        assert kernels.bpr_sgd(plan, 0, *sides, rate=0.1, reg=0.1, reg_bias=0.1) == 0.0
        assert sides[1].tobytes() == before.tobytes()


def test_likes_that_were_changed_after_the_plan_are_refused():
    likes = Rows(np.array([0, 1]), np.array([0], np.int32))
    plan = kernels.pair_plan(likes, 1)
    likes.indices[0] = 7
    with pytest.raises(UsageError, match=r"plan\.likes\.indices must be from 0 to 0"):
        kernels.draw_pairs(plan, 0)


ONE = Rows(np.array([0, 1]), np.array([0]))
BAD = {
    "plan: an item beyond": (
        lambda: kernels.pair_plan(ONE, 0),
        "likes.indices must be from 0 to -1",
    ),
    "plan: seed": (lambda: kernels.pair_plan(ONE, 1, -1), "seed must be a whole number"),
    "draw: epoch": (lambda: kernels.draw_pairs(kernels.pair_plan(ONE, 1), 1.5), "epoch must be"),
    "sgd: a copy": (
        lambda: kernels.bpr_sgd(
            kernels.pair_plan(ONE, 1),
            0,
            [[1.0]],
            [[1.0]],
            [0.0],
            rate=1,
            reg=0,
            reg_bias=0,
        ),
        "P is changed in place",
    ),
    "taste: the panel's weights": (
        lambda: kernels.pair_taste(ONE, [[1]], [0], [[1]], [0], [0], [[1]]),
        "weights must be above 0",
    ),
    "taste: the panel's width": (
        lambda: kernels.pair_taste(ONE, [[1]], [0], [[1, 2]], [0], [1], [[1]]),
        r"panel must have the shape \(any, 1\)",
    ),
    "taste: ridge": (
        lambda: kernels.pair_taste(ONE, [[0]], [0], [[0]], [0], [1], [[0]]),
        "row 0 is not positive definite",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_at_the_face(case):
    call, message = BAD[case]
    with pytest.raises(UsageError, match=message):
        call()
