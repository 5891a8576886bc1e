"""Neighbourhood models against dense NumPy: similarities, weightings, truncation."""

from __future__ import annotations

import numpy as np
import pytest

import penchant as pt
from penchant.errors import UsageError


@pytest.fixture(scope="module")
def x(likes) -> np.ndarray:
    return likes.csr.toarray().astype(float)


def _similarity(x: np.ndarray, measure: str, shrink: float) -> np.ndarray:
    """Rows against rows, by definition."""
    if measure == "jaccard":
        held = (x != 0).astype(float)
        common, n = held @ held.T, held.sum(1)
        below = n[:, None] + n[None, :] - common + shrink
        return np.divide(common, below, out=np.zeros_like(below), where=below > 0)
    norms = np.linalg.norm(x, axis=1)
    below = norms[:, None] * norms[None, :] + shrink
    return np.divide(x @ x.T, below, out=np.zeros_like(below), where=below > 0)


def _weighted(x: np.ndarray, weighting: str | None) -> np.ndarray:
    """Rows as documents, columns as terms."""
    held = (x != 0).sum(0)
    if weighting == "tfidf":
        return np.sign(x) * np.sqrt(abs(x)) * (np.log(len(x) / (1 + held)) + 1)
    if weighting == "bm25":
        length = (x != 0).sum(1)
        norm = (1 - 0.75 + 0.75 * length / length.mean())[:, None]
        idf = np.maximum(np.log1p((len(x) - held + 0.5) / (held + 0.5)), 1e-3)
        return x * 2.2 / (1.2 * norm + abs(x)) * idf
    return x


@pytest.mark.parametrize("k", [None, 5])
@pytest.mark.parametrize("shrink", [0.0, 10.0])
@pytest.mark.parametrize("similarity", ["cosine", "jaccard"])
@pytest.mark.parametrize("weighting", [None, "tfidf", "bm25"])
def test_item_knn_scores(likes, x, similarity, shrink, weighting, k):
    """Each item keeps its k nearest; a history scores it by those it contains."""
    model = pt.ItemKNN(k=k, similarity=similarity, shrink=shrink, weighting=weighting).fit(likes)
    near = np.maximum(_similarity(_weighted(x.T, weighting), similarity, shrink), 0)
    np.fill_diagonal(near, 0)
    if k is not None:
        near = np.stack([_largest(row, k) for row in near.astype(np.float32)])
    np.testing.assert_allclose(model.scores(likes.users.ids()), x @ near.T, atol=2e-5)


def _largest(row: np.ndarray, k: int) -> np.ndarray:
    """The row with all but its k largest set to 0; of equals the first are kept."""
    kept = np.zeros_like(row)
    order = np.argsort(-np.round(row, 6), kind="stable")[:k]
    kept[order] = row[order]
    return kept


@pytest.mark.parametrize("similarity", ["cosine", "jaccard"])
@pytest.mark.parametrize("weighting", [None, "tfidf"])
def test_user_knn_scores(likes, x, similarity, weighting):
    held = (x != 0).sum(0)
    idf = np.log(len(x) / (1 + held)) + 1 if weighting else 1
    model = pt.UserKNN(k=None, similarity=similarity, weighting=weighting).fit(likes)
    near = np.maximum(_similarity(x * idf, similarity, 0.0), 0)
    np.fill_diagonal(near, 0)
    np.testing.assert_allclose(model.scores(likes.users.ids()), near @ x, atol=2e-5)


def test_pearson_of_ratings_compares_only_what_both_rated(ratings):
    model = pt.ItemKNN(k=None, similarity="pearson", shrink=3, amplify=1).fit(ratings)
    rest = model.fitted.body.biases.residuals(ratings.merged)
    dense = np.full((len(ratings.users), len(ratings.items)), np.nan)
    dense[rest.owners, rest.items] = rest.values
    a, b = ratings.items.ids([0, 1])
    both = ~np.isnan(dense[:, 0]) & ~np.isnan(dense[:, 1])
    va, vb = dense[both, 0], dense[both, 1]
    expected = va @ vb / np.sqrt((va @ va) * (vb @ vb)) * (both.sum() - 1) / (both.sum() - 1 + 3)
    got = dict(model.similar(a, n=50)).get(b, 0.0)
    assert got == pytest.approx(max(expected, 0.0), abs=1e-5)


@pytest.mark.parametrize("owner", [pt.ItemKNN, pt.UserKNN], ids=lambda owner: owner.name)
@pytest.mark.parametrize("kind", ["likes", "ratings"])
def test_amplified_similarities_are_the_power_of_the_plain_ones(owner, kind, request):
    """The order of neighbours stays; also one person alone gets the bytes of the crowd."""
    data = request.getfixturevalue(kind)
    plain, loud = (owner(k=None, amplify=power).fit(data) for power in (1, 2.5))
    of = "similar" if owner is pt.ItemKNN else "similar_users"
    one = (data.items if owner is pt.ItemKNN else data.users).id(3)
    before, after = (getattr(model, of)(one, n=5) for model in (plain, loud))
    assert before.ids == after.ids
    np.testing.assert_allclose(np.array(before.scores) ** 2.5, after.scores, rtol=1e-5)
    users = data.users.ids()
    assert loud.scores(users)[7].tobytes() == loud.scores(users[7]).tobytes()
    why = loud.explain(users[7], data.items.id(0))
    assert sum(share.amount for share in why.shares) == pytest.approx(why.score, abs=2e-4)


def test_neighbours_suit_the_kind_of_feedback_unless_told(ratings, likes):
    """What is given wins; the rest is what is written in the docstring."""
    assert pt.ItemKNN().fit(ratings).fitted.body.damp == pytest.approx(0.1)
    assert pt.ItemKNN(damp=0).fit(ratings).fitted.body.damp == 0
    people = pt.UserKNN(shrink=7).fit(ratings).fitted.body
    assert (people.measure, people.shrink) == ("pearson", 7)
    assert pt.UserKNN().fit(likes).fitted.body.measure == "cosine"


def test_half_life_lets_old_likes_fade():
    """A like one half-life older counts half."""
    day = 86_400
    rows = [("a", "old", 1, 0), ("b", "old", 1, 0), ("a", "new", 1, 10 * day)]
    data = pt.read(rows, kind="likes")
    assert dict(pt.Popularity().fit(data).recommend("x")) == {"old": 2, "new": 1}
    faded = pt.Popularity(half_life=10).fit(data)
    assert faded.scores(history=["old"]).tolist() == pytest.approx([1.0, 1.0])
    quick = pt.Popularity(half_life=5).fit(data)
    assert quick.recommend(history=[], n=1).ids == ("new",)
    assert quick.recommend("a", n=1, exclude_seen=False).ids == ("new",)
    assert "popular lately" in str(quick.explain("a", "old"))
    with pytest.raises(UsageError, match="half_life needs times"):
        pt.Popularity(half_life=5).fit([("a", "x")])


def test_values_weigh_only_where_the_model_is_told_to():
    rows = [("a", "x", 9.0), ("a", "y", 1.0), ("b", "x", 1.0), ("b", "y", 1.0)]
    data = pt.read(rows, kind="likes")
    equal = pt.ItemKNN(k=None).fit(data).similar("x")
    linear = pt.ItemKNN(k=None, value_weight="linear").fit(data).similar("x")
    log = pt.ItemKNN(k=None, value_weight="log").fit(data).similar("x")
    assert equal.scores[0] == pytest.approx(1.0)
    assert linear.scores[0] == pytest.approx(10 / (np.sqrt(82) * np.sqrt(2)), abs=1e-6)
    assert linear.scores[0] < log.scores[0] < equal.scores[0]
