"""Baseline against plain loops, and against the figures of the literature."""

from __future__ import annotations

import numpy as np
import pytest

import penchant as pt
from penchant.errors import UsageError
from penchant.evaluation import evaluate
from penchant.evaluation.splits import k_folds, notebook_split


@pytest.mark.parametrize("sweeps", [1, 7])
def test_biases_are_swept_items_first(ratings, sweeps):
    h = ratings.merged
    r = np.full((len(h), h.n_items), np.nan)
    r[h.owners, h.items] = h.values
    mean, user, item = np.nanmean(r), np.zeros(len(h)), np.zeros(h.n_items)
    for _ in range(sweeps):
        item = np.nansum(r - mean - user[:, None], 0) / ((~np.isnan(r)).sum(0) + 3)
        user = np.nansum(r - mean - item, 1) / ((~np.isnan(r)).sum(1) + 4)
    model = pt.Baseline(reg_user=4, reg_item=3, sweeps=sweeps).fit(ratings)
    expected = mean + user[:, None] + item
    np.testing.assert_allclose(model.scores(ratings.users.ids()), expected, atol=1e-5)


def test_nothing_is_near_and_nothing_to_draw(ratings):
    model = pt.Baseline().fit(ratings)
    assert len(model.similar(ratings.items.id(0))) == 0
    with pytest.raises(UsageError, match="no item vectors"):
        pt.embedding_map(model)


def test_figures_of_the_literature(ml100k):
    """Surprise's published row (.944 / .748), and the biases of the notebook's split (.8786)."""
    folds = [
        evaluate(pt.Baseline(reg_user=15, reg_item=10, sweeps=10), split)
        for split in k_folds(ml100k, 5)
    ]
    assert np.mean([one["rmse"] for one in folds]) == pytest.approx(0.9440, abs=5e-5)
    assert np.mean([one["mae"] for one in folds]) == pytest.approx(0.7484, abs=5e-5)
    notebook = evaluate(pt.Baseline(), notebook_split(ml100k))
    assert notebook["mse"] == pytest.approx(0.8786, abs=5e-5)
