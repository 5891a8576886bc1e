"""NextItem against a plain dense computation; what order, repeats and recency do to a score."""

from __future__ import annotations

import numpy as np
import pytest
from tests.kernels import twins

import penchant as pt
from penchant.evaluation.quality import ranking_quality
from penchant.evaluation.splits import leave_last_out
from penchant.kernels import Rows


def _dense_scores(data: pt.Interactions, model: pt.NextItem, history: list[int]) -> np.ndarray:
    """From the definition: events in order, then one history, newest first."""
    h = data.histories
    C = twins.follow_counts(
        Rows(h.indptr, h.items), h.n_items, model.decay ** np.arange(model.horizon)
    )
    W = C / np.outer(
        C.sum(1) ** model.exponent + model.shrink, C.sum(0) ** model.exponent + model.shrink
    )
    scores = np.zeros(h.n_items)
    for age, item in enumerate(reversed(history)):
        if model.window is None or age < model.window:
            scores += model.recency**age * W[data.items.row(item)]
    return scores


@pytest.mark.parametrize(
    "given",
    [{}, {"horizon": 1, "exponent": 1.0}, {"decay": 1.0, "window": None, "recency": 0.9}],
)
def test_scores_are_those_of_the_definition(walks, given):
    model = pt.NextItem(**given).fit(walks)
    history = [3, 8, 9, 21, 22]
    expected = _dense_scores(walks, model, history)
    np.testing.assert_allclose(model.scores(history=history), expected, rtol=1e-5)
    why = model.explain(history=history, item=23)
    assert sum(s.amount for s in why.shares) == pytest.approx(expected[walks.items.row(23)])


def test_a_horizon_may_reach_beyond_where_weights_vanish(walks):
    near, far = (pt.NextItem(decay=0.01, horizon=n).fit(walks) for n in (30, 10_000))
    np.testing.assert_array_equal(near.scores(history=[1, 2]), far.scores(history=[1, 2]))
    assert np.isfinite(pt.SLIT(decay=0.01, horizon=1000).fit(walks).scores(history=[1, 2])).all()


def test_what_was_met_last_counts_most(walks):
    model = pt.NextItem(horizon=1, recency=0.3).fit(walks)
    assert model.recommend(history=[20, 4], n=1).ids == (5,)
    assert model.recommend(history=[4, 20], n=1).ids == (21,)
    timed = [(4, 1, "2026-01-02"), (20, 1, "2026-01-01")]
    assert model.recommend(history=timed, n=1).ids == (5,)


def test_a_repeated_item_stands_where_it_was_met_last(walks):
    model = pt.NextItem().fit(walks)
    assert model.scores(history=[4, 20, 4]).tobytes() == model.scores(history=[20, 4]).tobytes()
    again = [("a", "x"), ("a", "y"), ("a", "x"), *(("b", one) for one in "yxz")]
    model = pt.NextItem(horizon=1, shrink=0).fit(again)
    assert model.scores("a").tobytes() == model.scores(history=["y", "x"]).tobytes()
    assert model.similar("y").ids == ("x",)  # y after x, x after y: repeats are learned from


def test_similar_items_are_the_strongest_successors(walks):
    model = pt.NextItem(horizon=1).fit(walks)
    assert set(model.similar(7, n=2).ids) == {8, 9}


def test_k_keeps_the_strongest_successors(walks):
    all_of_them, few = pt.NextItem().fit(walks), pt.NextItem(k=2).fit(walks)
    weights = few.fitted.body.weights
    assert np.diff(weights.indptr).max() == 2
    for item in walks.items.ids([0, 9]):
        assert few.similar(item, 2).ids == all_of_them.similar(item, 2).ids


def test_order_tells_what_comes_next(walks):
    """On walks the model of sequences finds the next step far more often than one of sets."""
    part = leave_last_out(walks).part("test")
    ordered, sets = (
        ranking_quality(model.fit(part.learn), part.target)
        for model in (pt.NextItem(), pt.ItemKNN())
    )
    assert ordered.ndcg > sets.ndcg + 0.2


@pytest.mark.parametrize("owner", [pt.EASE, pt.ItemKNN, pt.SLIM, pt.RP3beta])
def test_recency_weighs_the_history_of_any_item_weights(owner, walks):
    """Age m counts recency^m, at least the floor; 1 is the same as ever."""
    plain, fading = (owner(recency=recency, recency_floor=0.3).fit(walks) for recency in (1.0, 0.5))
    W = plain.fitted.body.weights
    W = twins.dense(W, W.n_rows) if isinstance(W, Rows) else W
    history = [3, 8, 9, 21]
    rows = walks.items.rows(history)
    np.testing.assert_allclose(plain.scores(history=history), W[rows].sum(0), atol=1e-6)
    expected = np.array([0.3, 0.3, 0.5, 1.0]) @ W[rows]
    np.testing.assert_allclose(fading.scores(history=history), expected, atol=1e-6)
    part = leave_last_out(walks).part("test")
    faded, flat = (
        ranking_quality(owner(recency=r).fit(part.learn), part.target).ndcg for r in (0.5, 1.0)
    )
    assert faded > flat


def test_all_neighbours_at_once_are_those_of_each(walks):
    body = pt.NextItem(horizon=2).fit(walks).fitted.body
    rows, scores = body.all_similar(4)
    for item in range(30):
        near, how = body.similar(item, 4)
        assert rows[item][: len(near)].tolist() == near.tolist()
        assert scores[item][: len(near)].tobytes() == how.tobytes()
