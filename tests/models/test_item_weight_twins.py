"""SLIM and RP3beta against dense NumPy, and against popularity on films."""

from __future__ import annotations

import numpy as np
import pytest
from tests.kernels import twins

import penchant as pt
from penchant.errors import MemoryEstimateError
from penchant.evaluation.quality import ranking_quality
from penchant.evaluation.splits import notebook_split


@pytest.fixture(scope="module")
def x(likes) -> np.ndarray:
    return likes.csr.toarray().astype(float)


@pytest.mark.parametrize("alpha", [0.01, 0.1])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.05, 1.0])
def test_slim_scores(likes, x, alpha, l1_ratio):
    """Dislikes are met with -1; the regressions are those of the twin."""
    model = pt.SLIM(alpha=alpha, l1_ratio=l1_ratio, tolerance=1e-7, max_iterations=5000).fit(likes)
    damping = alpha * len(x)
    W = twins.slim(x, damping * l1_ratio, damping * (1 - l1_ratio), positive=True, rounds=100)
    assert (W > 0).any()
    np.testing.assert_allclose(model.scores(likes.users.ids()), x @ W, atol=1e-3)


def test_slim_keeps_k_and_reasons_are_likes(likes):
    model = pt.SLIM(alpha=0.01, k=2).fit(likes)
    weights = model.fitted.body.weights
    assert np.bincount(weights.indices).max() == 2
    assert (weights.values > 0).all()


def _rp3beta(x: np.ndarray, alpha: float, beta: float, k: int | None) -> np.ndarray:
    liked = (x > 0).astype(float)
    n_people, n_items = np.maximum(liked.sum(1), 1), np.maximum(liked.sum(0), 1)
    W = liked.T @ (n_people[:, None] ** -alpha * liked)
    W *= n_items[:, None] ** -alpha * n_items[None, :] ** -beta
    np.fill_diagonal(W, 0)
    for row in W if k is not None else ():
        row[np.argsort(-row.round(12), kind="stable")[k:]] = 0
    sums = W.sum(1, keepdims=True)
    return np.divide(W, sums, out=np.zeros_like(W), where=sums > 0)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 1.08])
@pytest.mark.parametrize("beta", [0.0, 0.7])
@pytest.mark.parametrize("k", [None, 5])
def test_rp3beta_scores(likes, x, alpha, beta, k):
    """Only likes are walked along; beta = 0 is P3alpha."""
    model = pt.RP3beta(alpha=alpha, beta=beta, k=k).fit(likes)
    W = _rp3beta(x, alpha, beta, k)
    np.testing.assert_allclose(model.scores(likes.users.ids()), x @ W, atol=2e-5)


def test_p3alpha_is_the_chance_of_a_walk(likes, x):
    """From an item to a random person who likes it, and on to one of their likes."""
    liked = (x > 0).astype(float)
    to_person = liked.T / np.maximum(liked.sum(0), 1)[:, None]
    walk = to_person @ (liked / np.maximum(liked.sum(1), 1)[:, None])
    np.fill_diagonal(walk, 0)
    walk /= walk.sum(1, keepdims=True)
    weights = pt.RP3beta(alpha=1, beta=0, k=None).fit(likes).fitted.body.weights
    np.testing.assert_allclose(twins.dense(weights, len(walk)), walk, atol=1e-6)


@pytest.mark.parametrize("model", [pt.SLIM(), pt.RP3beta()], ids=lambda model: model.name)
def test_films_are_ranked_better_than_by_popularity(ml100k, model):
    """By more than three standard errors (.0085) of nDCG@10 on so many people."""
    split = notebook_split(ml100k.likes(at_least=4))
    popular = ranking_quality(pt.Popularity().fit(split.train), split.test)
    ours = ranking_quality(model.fit(split.train), split.test)
    assert ours.ndcg > popular.ndcg + 0.03
    assert ours.recall > popular.recall


@pytest.mark.parametrize("model", [pt.SLIM(), pt.RP3beta(k=None)], ids=lambda model: model.name)
def test_what_does_not_fit_in_memory_is_refused_beforehand(likes, monkeypatch, model):
    monkeypatch.setattr("penchant.kernels.available_memory", lambda: 1000)
    with pytest.raises(MemoryEstimateError, match=rf"{type(model).__name__}\.fit: needs about"):
        model.fit(likes)
