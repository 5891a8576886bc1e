"""Dense symmetric matrices against their twins: block edges, precision, threads, refusals."""

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
from penchant.kernels import Rows
from tests.kernels import twins
from tests.kernels.test_kernels import SETTINGS, sparse

BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def positive(n: int, dtype, condition: float = 100.0) -> np.ndarray:
    """Eigenvalues from 1 down to 1 / condition, in random directions."""
    rng = np.random.default_rng(n)
    directions = np.linalg.qr(rng.normal(size=(n, n)))[0]
    A = (directions * np.geomspace(1, 1 / condition, n)) @ directions.T
    return ((A + A.T) / 2).astype(dtype)


def distance(got: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(got - expected) / np.linalg.norm(expected))


@BOTH
@pytest.mark.parametrize("n", [0, 1, 2, 7, 63, 64, 65, 191, 192, 193, 300, 383, 384, 389, 577])
def test_spd_inverse(n, dtype):
    A = positive(n, dtype) if n else np.zeros((0, 0), dtype)
    expected = twins.spd_inverse(A)
    got = A.copy()
    kernels.spd_inverse(got)
    assert (got == got.T).all()
    if n:
        assert distance(got, expected) < 200 * np.finfo(dtype).eps


@pytest.mark.parametrize("condition", [1e2, 1e4, 1e6])
def test_spd_inverse_is_as_precise_as_its_dtype_allows(condition):
    A = positive(500, np.float32, condition)
    expected = twins.spd_inverse(A)
    kernels.spd_inverse(A)
    assert distance(A, expected) < condition * np.finfo(np.float32).eps


@BOTH
def test_spd_inverse_reads_the_lower_half_alone(dtype):
    whole = positive(400, dtype)
    half = np.tril(whole) + np.triu(np.full_like(whole, np.nan), 1)
    kernels.spd_inverse(whole)
    kernels.spd_inverse(half)
    assert half.tobytes() == whole.tobytes()


@BOTH
def test_spd_inverse_has_the_same_bytes_on_any_number_of_threads(dtype):
    A = positive(777, dtype)
    answers = set()
    for threads in (1, 2, 7):
        kernels.set_threads(threads)
        got = A.copy()
        kernels.spd_inverse(got)
        answers.add(got.tobytes())
    assert len(answers) == 1


@BOTH
@pytest.mark.parametrize("row", [0, 5, 192, 399])
@pytest.mark.parametrize("value", [-1.0, 0.0, np.nan, np.inf])
def test_spd_inverse_names_the_row_that_is_not_positive(row, value, dtype):
    A = np.eye(400, dtype=dtype)
    A[row, row] = value
    with pytest.raises(UsageError, match=f"not positive definite: the pivot of row {row} "):
        kernels.spd_inverse(A)


def test_spd_inverse_finds_what_only_elimination_shows():
    A = np.eye(400)
    A[300, 2] = A[2, 300] = 1.0  # twice the same row
    with pytest.raises(UsageError, match="pivot of row 300 "):
        kernels.spd_inverse(A)


@pytest.mark.parametrize(
    "unfit",
    [
        np.eye(3, dtype=np.int64),
        np.asfortranarray(np.arange(9.0).reshape(3, 3)),
        np.frombuffer(np.eye(2).tobytes()).reshape(2, 2),  # read-only
        np.zeros((2, 3)),
        np.zeros(4),
        [[1.0]],
    ],
)
def test_spd_inverse_refuses_what_it_cannot_change_in_place(unfit):
    with pytest.raises(UsageError, match=r"^spd_inverse: A "):
        kernels.spd_inverse(unfit)


LONG = """
import numpy as np, sys
from penchant import kernels
kernels.set_isa("baseline")
kernels.set_threads(1)
A = np.eye(5_000)
print("working", flush=True)
try:
    kernels.spd_inverse(A)
except KeyboardInterrupt:
    sys.exit(3)
"""


def test_ctrl_c_ends_spd_inverse(level):
    if level != "baseline":
        pytest.skip("the script chooses its level")
    process = subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 3


@SETTINGS
@given(sparse())
def test_co_counts(rows):
    got = kernels.co_counts(rows, 12)
    assert got.dtype == np.float32
    assert got.tolist() == twins.co_counts(rows, 12).tolist()  # few values: sums are exact


def test_co_counts_of_nobody_and_nothing():
    assert kernels.co_counts(Rows(np.array([0]), np.array([])), 2).tolist() == [[0, 0], [0, 0]]
    assert kernels.co_counts(Rows(np.array([0, 0]), np.array([])), 0).shape == (0, 0)


@pytest.mark.parametrize("valued", [True, False])
def test_co_counts_have_the_same_bytes_on_any_number_of_threads(valued):
    rng = np.random.default_rng(0)
    X = rng.random((90, 203)) * (rng.random((90, 203)) < 0.2)
    columns = [rng.permutation(np.flatnonzero(row)) for row in X]  # in the order of time
    values = np.concatenate([row[c] for row, c in zip(X, columns, strict=True)]).astype(np.float32)
    indptr = np.cumsum([0, *map(len, columns)])
    rows = Rows(indptr, np.concatenate(columns), values if valued else None)
    answers = set()
    for threads in (1, 2, 7):
        kernels.set_threads(threads)
        answers.add(kernels.co_counts(rows, 203).tobytes())
    (only,) = answers
    got = np.frombuffer(only, np.float32).reshape(203, 203)
    np.testing.assert_allclose(got, twins.co_counts(rows, 203), rtol=1e-5)


def test_co_counts_refuses_an_item_twice_and_sums_that_overflow():
    twice = Rows(np.array([0, 1, 4]), np.array([0, 1, 0, 1]))
    with pytest.raises(UsageError, match="an item stands twice in row 1"):
        kernels.co_counts(twice, 2)
    huge = Rows(np.array([0, 1]), np.array([0]), np.array([1e30], np.float32))
    with pytest.raises(UsageError, match="must be finite"):
        kernels.co_counts(huge, 1)
    with pytest.raises(UsageError, match=r"rows.indices must be from 0 to 0, got 1"):
        kernels.co_counts(twice, 1)
