"""follow_counts against its twin, and at its edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant import kernels
from penchant.errors import UsageError
from penchant.kernels import Rows
from tests.kernels import twins
from tests.kernels.test_kernels import SETTINGS

WEIGHTS = [[], [1.0], [1.0, 0.5, 0.25], [0.5] * 40]


def _rows(sequences: list[list[int]]) -> Rows:
    flat = np.array([item for one in sequences for item in one], np.int32)
    return Rows(np.cumsum([0, *map(len, sequences)]), flat)


def _random(seed: int, n_rows: int, n_columns: int) -> Rows:
    rng = np.random.default_rng(seed)
    return _rows([rng.integers(0, n_columns, rng.integers(0, 30)).tolist() for _ in range(n_rows)])


@SETTINGS
@given(st.lists(st.lists(st.integers(0, 4), max_size=9), max_size=6), st.sampled_from(WEIGHTS))
def test_follow_counts(sequences, weights):
    """Repeats count as pairs of their own, an item after itself too."""
    C = kernels.follow_counts(_rows(sequences), 5, weights)
    expected = twins.follow_counts(_rows(sequences), 5, weights)
    np.testing.assert_allclose(twins.dense(C, 5), expected, rtol=1e-6)
    assert len(C.indices) == np.count_nonzero(expected)
    for a in range(5):
        assert (np.diff(C.indices[C.indptr[a] : C.indptr[a + 1]]) > 0).all()


@pytest.mark.parametrize(("n_rows", "n_columns"), [(400, 30), (400, 2_000), (0, 7), (9, 0)])
def test_same_bytes_on_any_number_of_threads(n_rows, n_columns):
    """Rows that are walked and rows that are sorted."""
    x, answers = _random(3, n_rows, max(n_columns, 1)), set()
    if not n_columns:
        x = Rows(np.zeros(n_rows + 1, np.int64), np.empty(0, np.int32))
    for threads in (1, 2, 7):
        kernels.set_threads(threads)
        C = kernels.follow_counts(x, n_columns, [1.0, 0.7, 0.49])
        answers.add(tuple(part.tobytes() for part in C))
    assert len(answers) == 1
    expected = twins.follow_counts(x, n_columns, [1.0, 0.7, 0.49])
    np.testing.assert_allclose(twins.dense(C, n_columns), expected, rtol=1e-6)


@pytest.mark.parametrize("weights", [[0.0], [-1.0], [np.nan], [1.0, np.inf]])
def test_weights_are_above_0(weights):
    with pytest.raises(UsageError, match="weights must be finite and above 0"):
        kernels.follow_counts(_rows([[0, 1]]), 2, weights)
