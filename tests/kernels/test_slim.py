"""slim_columns against its twin, against what characterises the minimum, and at its edges."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant import kernels
from penchant.errors import UsageError
from penchant.kernels import Rows
from tests.kernels import twins
from tests.kernels.test_kernels import SETTINGS, sparse


def _weights(w: Rows) -> np.ndarray:
    """``W[i, j]``, as the twin has it."""
    return twins.dense(w, w.n_rows).T


def _table(seed: int, n_people: int, n_items: int, values: bool = False, tastes: int = 4) -> Rows:
    """People of a few tastes, so that items go together."""
    rng = np.random.default_rng(seed)
    liked = rng.random((tastes, n_items))[rng.integers(0, tastes, n_people)] ** 3
    held = rng.random((n_people, n_items)) < 0.8 * liked
    indptr, indices = np.concatenate([[0], np.cumsum(held.sum(1))]), np.nonzero(held)[1]
    weights = rng.uniform(0.5, 2, len(indices)).astype(np.float32) if values else None
    return Rows(indptr, indices.astype(np.int32), weights)


def _moves(x: np.ndarray, W: np.ndarray, l1: float, l2: float, positive: bool) -> np.ndarray:
    """How far each weight alone would move to lower the loss: 0 everywhere at the minimum."""
    gram = x.T @ x
    diagonal = np.diag(gram)[:, None]
    z = gram - gram @ W + diagonal * W
    z = np.maximum(z - l1, 0) if positive else np.sign(z) * np.maximum(abs(z) - l1, 0)
    moves = z / (diagonal + l2) - W
    np.fill_diagonal(moves, 0)
    return moves


@SETTINGS
@given(
    sparse(n_columns=6),
    st.sampled_from([0.0, 0.4]),
    st.sampled_from([0.5, 3.0]),
    st.booleans(),
)
def test_slim_columns(x, l1, l2, positive):
    """Every weight, for signs and values of any kind."""
    w = kernels.slim_columns(
        x, 6, l1=l1, l2=l2, positive=positive, tolerance=0, max_iterations=2000
    )
    expected = twins.slim(twins.dense(x, 6), l1, l2, positive, rounds=200)
    np.testing.assert_allclose(_weights(w), expected, atol=1e-4)
    for j in range(6):
        part = slice(w.indptr[j], w.indptr[j + 1])
        order = sorted(zip(-w.values[part], w.indices[part], strict=True))
        assert [i for _, i in order] == w.indices[part].tolist()
        assert (w.values[part] != 0).all()


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("values", [True, False])
@pytest.mark.parametrize("l1", [0.0, 3.0])
def test_at_the_minimum_nothing_would_move(values, positive, l1):
    """More items than the set begins with, so that it grows."""
    x = _table(1, 300, 150, values)
    w = kernels.slim_columns(
        x, 150, l1=l1, l2=20.0, positive=positive, max_iterations=3000, tolerance=1e-6
    )
    W, dense = _weights(w), twins.dense(x, 150)
    assert (np.diag(W) == 0).all()
    assert (W >= 0).all() or not positive
    assert np.abs(_moves(dense, W, l1, 20.0, positive)).max() < 1e-4
    assert np.abs(W).sum() > 50


@pytest.mark.parametrize("people", [65_535, 65_536])
def test_counts_about_as_large_as_two_bytes_hold(people):
    """Item 0 is everybody's; the others are their halves."""
    indices = np.stack([np.zeros(people), 1 + np.arange(people) % 2], 1).ravel().astype(np.int32)
    x = Rows(np.arange(0, 2 * people + 1, 2), indices)
    w = kernels.slim_columns(x, 3, l1=1.0, l2=2.0, tolerance=0, max_iterations=200)
    expected = twins.slim(twins.dense(x, 3), 1.0, 2.0, True, rounds=200)
    np.testing.assert_allclose(_weights(w), expected, atol=1e-4)


def test_a_large_catalogue_keeps_only_pairs_that_meet():
    """Beyond 8,192 items G is no square; the weights are those of the items that were met."""
    x, n = _table(2, 200, 120), 9_000
    given = {"l1": 1.0, "l2": 10.0, "max_iterations": 2000, "tolerance": 1e-6}
    small = kernels.slim_columns(x, 120, **given)
    scattered = np.random.default_rng(0).permutation(n)[:120].astype(np.int32)
    w = kernels.slim_columns(x._replace(indices=scattered[x.indices]), n, **given)
    W = np.zeros((120, 120))
    for at, j in enumerate(scattered):
        part = slice(w.indptr[j], w.indptr[j + 1])
        W[[scattered.tolist().index(i) for i in w.indices[part]], at] = w.values[part]
    np.testing.assert_allclose(W, _weights(small), atol=1e-4)


def test_k_keeps_the_weights_of_the_largest_size():
    x = _table(3, 150, 60)
    every = _weights(kernels.slim_columns(x, 60, l1=0.2, l2=5.0, positive=False))
    for k in (0, 1, 7):
        w = kernels.slim_columns(x, 60, l1=0.2, l2=5.0, positive=False, k=k)
        assert np.diff(w.indptr).max() <= k
        kept = np.where(_weights(w) != 0, every, 0)
        np.testing.assert_array_equal(_weights(w), kept)
        assert np.abs(kept).sum() == pytest.approx(np.sort(np.abs(every), 0)[60 - k :].sum())


def test_candidates_are_the_items_that_alone_would_lower_the_loss_most():
    x, m, l1, l2 = _table(4, 200, 50), 6, 0.5, 4.0
    w = _weights(kernels.slim_columns(x, 50, l1=l1, l2=l2, candidates=m, tolerance=1e-6))
    gram = twins.dense(x, 50).T @ twins.dense(x, 50)
    gain = np.maximum(gram - l1, 0) ** 2 / (np.diag(gram)[:, None] + l2)
    np.fill_diagonal(gain, -1)
    for j in range(50):
        chosen = np.argsort(-gain[:, j], kind="stable")[:m]
        some = twins.dense(x, 50)[:, [*chosen, j]]
        expected = twins.slim(some, l1, l2, True, rounds=60)[:-1, -1]
        np.testing.assert_allclose(w[chosen, j], expected, atol=1e-4)
        assert (np.delete(w[:, j], chosen) == 0).all()


@pytest.mark.parametrize("positive", [True, False])
def test_threads_never_change_a_byte(positive):
    x, seen = _table(5, 300, 200, values=True), set()
    for threads in (1, 2, 7, 7):
        kernels.set_threads(threads)
        w = kernels.slim_columns(x, 200, l1=0.5, l2=5.0, positive=positive)
        seen.add(b"".join(part.tobytes() for part in w))
    assert len(seen) == 1


def test_levels_agree(level):
    x = _table(6, 300, 200, values=True)
    here = _weights(kernels.slim_columns(x, 200, l1=0.5, l2=20.0, tolerance=1e-6))
    kernels.set_isa("baseline")
    there = _weights(kernels.slim_columns(x, 200, l1=0.5, l2=20.0, tolerance=1e-6))
    np.testing.assert_allclose(here, there, atol=2e-5)


@pytest.mark.parametrize("n_items", [0, 1, 3])
def test_nothing_to_learn_gives_no_weights(n_items):
    empty = Rows(np.zeros(3, np.int64), np.zeros(0, np.int32))
    assert kernels.slim_columns(empty, n_items, l1=0.0, l2=0.0).indptr.tolist() == [0] * (
        n_items + 1
    )
    alone = Rows(np.array([0, 1]), np.array([0]))
    if n_items:
        assert not len(kernels.slim_columns(alone, n_items, l1=0.0, l2=0.0).indices)
        assert not len(kernels.slim_columns(_both(), 2, l1=0.0, l2=1.0, candidates=0).indices)
        assert not len(kernels.slim_columns(_both(), 2, l1=0.0, l2=1.0, max_iterations=0).indices)


def _both() -> Rows:
    return Rows(np.array([0, 2]), np.array([0, 1]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"l1": -1.0}, "l1 must be at least 0, got -1.0"),
        ({"l2": float("nan")}, "l2 must be at least 0, got nan"),
        ({"tolerance": float("inf")}, "tolerance must be at least 0, got inf"),
        ({"k": -1}, "k must be a whole number of at least 0, got -1"),
        ({"candidates": 1.5}, "candidates must be a whole number of at least 0, got 1.5"),
        ({"max_iterations": True}, "max_iterations must be a whole number of at least 0, got True"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, message):
    with pytest.raises(UsageError, match=message):
        kernels.slim_columns(_both(), 2, **{"l1": 0.0, "l2": 1.0, **given})


LONG = """
import numpy as np, sys
from penchant import kernels
rng = np.random.default_rng(0)
n, each = 3_000, 300
rows = [np.sort(rng.choice(4_000, each, replace=False)) for _ in range(n)]
x = kernels.Rows(np.arange(n + 1) * each, np.concatenate(rows).astype(np.int32))
print("working", flush=True)
try:
    kernels.slim_columns(x, 4_000, l1=0.0, l2=1.0, positive=False)
except KeyboardInterrupt:
    sys.exit(3)
"""


def test_ctrl_c_ends_learning():
    process = subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 3
