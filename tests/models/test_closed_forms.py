"""EASE and ImplicitALS against the formulas of their papers, in float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import penchant as pt


@pytest.fixture(scope="module")
def town():
    return pt.datasets.town(120, 60, 1500)


def _matrix(data) -> np.ndarray:
    return data.csr.toarray().astype(float)


@pytest.mark.parametrize(("l2", "dropout"), [(20.0, 0.0), (5.0, 0.5), (1e-3, 0.0)])
def test_ease(town, l2, dropout):
    X = _matrix(town)
    G = X.T @ X
    P = np.linalg.inv(G + np.diag(l2 + dropout / (1 - dropout) * np.diag(G)))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    body = pt.EASE(l2=l2, dropout=dropout).fit(town).fitted.body
    np.testing.assert_allclose(body.weights, B, atol=1e-4 * np.abs(B).max())


@pytest.mark.parametrize(
    ("window", "balance"), [(None, 0.5), (4, 0.0), (5, 1.0)], ids=["balance", "window", "both"]
)
def test_ease_counts_what_lies_close_together_more(town, window, balance):
    """Pair by pair: (1 - s) w, and s/2 w for each of two cuttings that leaves a pair together."""
    h, s = town.merged, 0.4
    n = np.maximum(h.counts, 1).astype(float)
    w = n**-balance * n.sum() / (n ** (1 - balance)).sum()
    G = np.zeros((h.n_items, h.n_items))
    for person, (start, end) in enumerate(itertools.pairwise(h.indptr)):
        for a, b in itertools.product(range(end - start), repeat=2):
            together = 1.0
            if window is not None:
                cuts = (a // window == b // window) + (
                    (a + window // 2) // window == (b + window // 2) // window
                )
                together = 1 - s + s / 2 * cuts
            G[h.items[start + a], h.items[start + b]] += w[person] * together
    P = np.linalg.inv(G + 20 * np.eye(h.n_items))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    model = pt.EASE(l2=20, window=window, nearness=s, balance=balance).fit(town)
    np.testing.assert_allclose(model.fitted.body.weights, B, atol=1e-4 * np.abs(B).max())


def test_ease_holds_popular_items_back(town):
    plain = pt.EASE(l2=20).fit(town).fitted.body.weights
    n = np.maximum(_matrix(town).sum(axis=0), 1)
    held_back = pt.EASE(l2=20, beta=0.3).fit(town).fitted.body.weights
    np.testing.assert_allclose(held_back, plain * (n / n.mean()) ** -0.3, rtol=1e-5)


def test_ease_keeps_the_largest_weights(town):
    whole = pt.EASE(l2=20).fit(town).fitted.body.weights
    kept = pt.EASE(l2=20, keep=5).fit(town).fitted.body.weights
    dense = np.zeros_like(whole)
    dense[np.repeat(np.arange(len(whole)), np.diff(kept.indptr)), kept.indices] = kept.values
    smallest_kept = np.sort(np.abs(whole), axis=0)[-5]
    np.testing.assert_array_equal(dense, np.where(np.abs(whole) >= smallest_kept, whole, 0))


def test_momentum_brings_implicit_als_lower_in_as_many_epochs(town):
    def losses(momentum):
        model = pt.ImplicitALS(factors=16, epochs=8, momentum=momentum).fit(town)
        return [epoch["loss"] for epoch in model.fitted.epochs]

    plain, onward = losses(0.0), losses(0.5)
    assert onward[:2] == plain[:2]  # there is no step to follow before
    assert onward[6] < plain[7]


def test_implicit_als_keeps_its_feet_with_all_momentum(town):
    losses = [e["loss"] for e in pt.ImplicitALS(momentum=1.0, epochs=30).fit(town).fitted.epochs]
    assert losses[-1] <= 1.01 * min(losses)


@pytest.mark.parametrize("solver", ["exact", "cg", "block"])
@pytest.mark.parametrize("frequency", [0.0, 1.0])
def test_implicit_als_reports_its_true_loss(town, solver, frequency):
    """After one more half-step for people, as users are answered, the loss can only be lower."""
    model = pt.ImplicitALS(factors=8, solver=solver, frequency=frequency, epochs=6).fit(town)
    body, losses = model.fitted.body, [epoch["loss"] for epoch in model.fitted.epochs]
    assert all(b <= a * (1 + 1e-5) for a, b in itertools.pairwise(losses))
    X, V = _matrix(town), body.vectors.astype(float)
    W = body.taste(town.merged).astype(float)
    scores = W @ V.T
    people, items = ((X.sum(axis=1 - side) + 0.3 * X.shape[1 - side]) for side in (0, 1))
    damping = float(body.ridge[0]) * (
        people**frequency @ (W**2).sum(1) + items**frequency @ (V**2).sum(1)
    )
    loss = ((scores - 1) ** 2)[X > 0].sum() + 0.3 * (scores**2).sum() + damping
    assert loss <= losses[-1] * (1 + 1e-5)
    assert loss >= losses[-1] * 0.9
