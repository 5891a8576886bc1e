"""SLIT against the regression it is the closed form of, row by row."""

from __future__ import annotations

import numpy as np
import pytest

import penchant as pt
from penchant.evaluation.quality import ranking_quality
from penchant.evaluation.splits import leave_last_out
from penchant.models.slit import _length


def _trace(items: list[int], decay: float, n_items: int) -> np.ndarray:
    """An item m likes ago stands in it with decay^m, until it is forgotten."""
    trace = np.zeros(n_items)
    for age, item in enumerate(reversed(items[-_length(decay) :])):
        trace[item] += decay**age
    return trace


def _weights(data: pt.Interactions, model: pt.SLIT) -> np.ndarray:
    """``min_B |T − PB|² + l2 |B|²``, a row for every like that has one before it."""
    speeds = [model.recency] if model.slow is None else [model.recency, model.slow]
    past, future = [], []
    for person in range(len(data.users)):
        items = data.histories.take([person]).items.tolist()
        for t in range(1, len(items)):
            past.append(
                np.concatenate([_trace(items[:t], a, data.histories.n_items) for a in speeds])
            )
            ahead = np.zeros(data.histories.n_items)
            for j, item in enumerate(items[t : t + model.horizon]):
                ahead[item] += model.decay**j
            future.append(ahead)
    P, T = np.array(past), np.array(future)
    return np.linalg.solve(P.T @ P + model.l2 * np.eye(P.shape[1]), P.T @ T)


@pytest.mark.parametrize(
    "given", [{}, {"slow": None}, {"horizon": 1, "l2": 5.0}, {"slow": 0.8, "decay": 1.0}]
)
def test_scores_are_those_of_the_regression(walks, given):
    """Short histories with repeats, whose ends are a large part of the sums."""
    model = pt.SLIT(**given).fit(walks)
    B = _weights(walks, model)
    history = [3, 8, 9, 21, 22]
    rows = walks.items.rows(history).tolist()
    speeds = [model.recency] if model.slow is None else [model.recency, model.slow]
    expected = np.concatenate([_trace(rows, a, 30) for a in speeds]) @ B
    np.testing.assert_allclose(model.scores(history=history), expected, rtol=2e-3, atol=2e-5)


def test_values_of_events_do_not_weigh(walks):
    """A purchase that counts five views still stands in a trace once; a dislike never does."""
    frame = walks.to_pandas()
    plain = pt.SLIT().fit(pt.read(frame[["user_id", "item_id", "timestamp"]]))
    frame["value"] = np.resize([1.0, 5.0, 2.0], len(frame))
    valued = pt.SLIT().fit(pt.read(frame, value="value", kind="likes"))
    np.testing.assert_array_equal(valued.scores(history=[3, 8, 9]), plain.scores(history=[3, 8, 9]))


def test_it_finds_the_next_step(walks):
    part = leave_last_out(walks).part("test")
    ordered, sets = (
        ranking_quality(model.fit(part.learn), part.target).ndcg
        for model in (pt.SLIT(l2=10), pt.EASE(l2=10))
    )
    assert ordered > sets + 0.2


def test_similar_items_are_those_it_leads_to(walks):
    model = pt.SLIT(l2=1).fit(walks)
    assert set(model.similar(7, n=2).ids) == {8, 9}
    assert 8 in pt.SLIT(l2=1, keep=5).fit(walks).similar(7, n=2).ids
