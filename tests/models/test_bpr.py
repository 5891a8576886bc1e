"""What BPR learns, and that a history is answered as well as a vector that was trained."""

from __future__ import annotations

import numpy as np
import pytest

import penchant as pt
from penchant import kernels
from penchant.data.histories import Histories
from penchant.errors import UsageError
from penchant.evaluation.quality import ranking_quality
from penchant.kernels import Rows
from penchant.models.bpr import BPR, _Sides, _typical


def test_it_ranks_clearly_better_than_popularity(notebook):
    """On the notebook's split, by five standard errors (about .009 each)."""
    train, test = notebook.train.likes(), notebook.test.likes()
    popular = ranking_quality(pt.Popularity().fit(train), test).ndcg
    assert ranking_quality(pt.BPR().fit(train), test).ndcg > popular + 0.045


def _gains(ids: np.ndarray, held: Histories) -> np.ndarray:
    """nDCG@10 of each person's list."""
    discount = 1 / np.log2(np.arange(2, 12))
    out = np.zeros(len(held))
    for person, row in enumerate(ids):
        wanted = held.items[held.indptr[person] : held.indptr[person + 1]]
        out[person] = discount[np.isin(row, wanted)].sum() / discount[: len(wanted)].sum()
    return out


def test_a_history_is_answered_no_worse_than_by_the_vector_that_was_trained(notebook):
    """Though no vector of a person is kept."""
    train, held = notebook.train.likes().merged, notebook.test.likes().merged
    held = held.where(held.values > 0)
    people = np.flatnonzero(held.counts)
    sides = _Sides.start(train.where(train.values != 0), model := BPR())
    for epoch in range(model.epochs):
        sides.epoch(epoch)
    body, met = sides.body(), train.take(people)
    seen, opinions = Rows(met.indptr, met.items), met.where(met.values != 0)
    by_history, by_training = (
        _gains(kernels.top_k(p, body._fold.panels, 10, exclude=seen)[0], held.take(people))
        for p in (body.taste(opinions), sides.P[people])
    )
    difference = by_history - by_training
    assert difference.mean() > -difference.std() / np.sqrt(len(people))


def test_a_dislike_pulls_the_other_way(likes):
    """Of what one item's like raises, its dislike lowers."""
    model = pt.BPR(factors=8).fit(likes)
    item, other = likes.items.ids([0, 1])
    nothing = model.fitted.body.bias
    liked, disliked = (model.scores(history=[(item, sign), other]) for sign in (1, -1))
    assert liked[0] > disliked[0]
    alone = model.scores(history=[(item, -1)])
    assert alone[0] < nothing[0]


def test_scores_are_measured_from_the_average_item(likes):
    """So that a score above 0 speaks for an item."""
    scores = pt.BPR().fit(likes).scores(likes.users.ids())
    assert np.abs(scores.mean(1)).max() < 1e-4


def test_a_panel_stands_for_all_items():
    """Sizes sum to the catalogue, centres to its mean; as many as items, and they are the items."""
    points = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    centres, sizes = _typical(points, np.arange(0, 200, 10))
    assert sizes.sum() == 200
    np.testing.assert_allclose(sizes @ centres / 200, points.mean(0), atol=1e-5)
    every, ones = _typical(points, np.arange(200))
    assert ones.tolist() == [1] * 200
    np.testing.assert_allclose(every, points, atol=1e-6)


@pytest.mark.parametrize(
    "options", [{"learning_rate": 1.0, "reg": 10.0}, {"learning_rate": 0.9, "reg": 0.0}]
)
def test_factors_that_grow_without_bound_are_refused(likes, options):
    """Also where they are still finite."""
    with pytest.raises(UsageError, match=r"BPR\.fit: the factors grew .*Lower learning_rate"):
        pt.BPR(**options, decay=1.0).fit(likes)


def test_learning_without_damping_can_be_answered(likes):
    model = pt.BPR(reg=0.0, reg_bias=0.0).fit(likes)
    assert np.isfinite(model.scores(likes.users.ids())).all()


def test_epochs_show_how_many_pairs_are_in_order(likes):
    shares = [epoch["in_order"] for epoch in pt.BPR(factors=8).fit(likes).fitted.epochs]
    assert shares[0] < 0.7 < shares[-1] <= 1
