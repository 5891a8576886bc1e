"""Shares against an independent dense computation, and against deletion."""

from __future__ import annotations

import numpy as np
import pytest

import penchant as pt
from penchant.errors import UsageError
from penchant.explain import Share, in_words


def _dense(data: pt.Interactions) -> np.ndarray:
    matrix = np.full((len(data.users), len(data.items)), np.nan)
    merged = data.merged
    matrix[merged.owners, merged.items] = merged.values
    return matrix


def _cosine(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(rows, axis=1)[:, None] * np.linalg.norm(others, axis=1)[None, :]
    return np.divide(rows @ others.T, norms, out=np.zeros_like(norms), where=norms > 0)


def _amounts(why, cause="item"):
    return {share.id: share.amount for share in why.shares if share.cause == cause}


def _expect(why, expected: dict, cause: str = "item") -> None:
    got = _amounts(why, cause)
    assert set(got) == {one for one, amount in expected.items() if abs(amount) > 1e-7}
    for one, amount in got.items():
        assert amount == pytest.approx(expected[one], abs=1e-4, rel=1e-3)


USER, ITEMS = 9, [0, 6, 21]


def test_item_weights_of_likes(likes):
    """The share of item j is its similarity to the item asked about."""
    x = np.nan_to_num(_dense(likes))
    similarity = np.maximum(_cosine(x.T, x.T), 0)
    np.fill_diagonal(similarity, 0)
    model, ids = pt.ItemKNN(k=None).fit(likes), likes.items.ids()
    for item in ITEMS:
        expected = {ids[j]: x[USER, j] * similarity[j, item] for j in np.flatnonzero(x[USER])}
        _expect(model.explain(likes.users.id(USER), ids[item]), expected)


def test_user_knn_of_likes_by_person_and_by_item(likes):
    """Per person: similarity times what they met. Per item: Σ_v x_uj x_vj x_vi / (|x_u||x_v|)."""
    x = np.nan_to_num(_dense(likes))
    similarity = np.maximum(_cosine(x, x)[USER], 0)
    similarity[USER] = 0
    norms = np.linalg.norm(x, axis=1)
    model, ids, users = pt.UserKNN(k=None).fit(likes), likes.items.ids(), likes.users.ids()
    for item in ITEMS:
        why = model.explain(users[USER], ids[item], by="person")
        _expect(why, {users[v]: similarity[v] * x[v, item] for v in range(len(users))}, "person")
        lends = np.where(similarity > 0, x[:, item], 0)
        by_item = x[USER] * (x.T @ (lends / np.maximum(norms, 1e-12))) / norms[USER]
        _expect(model.explain(users[USER], ids[item]), dict(zip(ids, by_item, strict=True)))


def _biases(r: np.ndarray, reg_user: float, reg_item: float):
    """Regularised biases by plain loops."""
    met = ~np.isnan(r)
    mean = r[met].mean()
    user, item = np.zeros(r.shape[0]), np.zeros(r.shape[1])
    for _ in range(15):
        rest = np.where(met, r - mean - user[:, None], 0)
        item = rest.sum(0) / (met.sum(0) + reg_item)
        rest = np.where(met, r - mean - item[None, :], 0)
        user = rest.sum(1) / (met.sum(1) + reg_user)
    return mean, user, item


def test_rating_neighbours(ratings):
    """Baseline plus s(j, i) e_uj / (damp + Σ s), and the same by person."""
    r = _dense(ratings)
    mean, user, item = _biases(r, 5, 2)
    base = mean + user[:, None] + item[None, :]
    rest = np.nan_to_num(r - base)
    between = np.maximum(_cosine(rest.T, rest.T), 0)
    np.fill_diagonal(between, 0)
    people = np.maximum(_cosine(rest, rest)[USER], 0)
    people[USER] = 0
    ids, users = ratings.items.ids(), ratings.users.ids()
    plain = {"k": None, "similarity": "cosine", "shrink": 0, "amplify": 1, "damp": 1}
    items_model, users_model = (one(**plain).fit(ratings) for one in (pt.ItemKNN, pt.UserKNN))
    rated = np.flatnonzero(~np.isnan(r[USER]))
    for i in ITEMS:
        why = items_model.explain(users[USER], ids[i])
        assert _amounts(why, "baseline")[None] == pytest.approx(base[USER, i], abs=1e-4)
        total = between[rated, i].sum() + items_model.damp
        _expect(why, {ids[j]: between[j, i] * rest[USER, j] / total for j in rated})
        why = users_model.explain(users[USER], ids[i], by="person")
        who = np.flatnonzero(~np.isnan(r[:, i]) & (people > 0))
        total = people[who].sum() + users_model.damp
        _expect(why, {users[v]: people[v] * rest[v, i] / total for v in who}, "person")


def test_factors(ratings):
    """v_iᵀ A⁻¹ v_j e_j with A the normal matrix of the person's ridge regression."""
    model = pt.RatingMF(factors=5).fit(ratings)
    body, ids = model.fitted.body, ratings.items.ids()
    v, bias = body.vectors.astype(float), body.bias.astype(float)
    one = ratings.merged.take([USER])
    met = v[one.items]
    ridge = body.ridge.astype(float) * len(met) ** body.frequency
    inverse = np.linalg.inv(met.T @ met + np.diag(ridge))
    for i in ITEMS:
        why = model.explain(ratings.users.id(USER), ids[i])
        assert _amounts(why, "baseline")[None] == pytest.approx(body.offset + bias[i], abs=1e-4)
        pairs = zip(one.items, one.values, strict=True)
        _expect(
            why, {ids[j]: v[i] @ inverse @ v[j] * (x - body.offset - bias[j]) for j, x in pairs}
        )


def test_popularity(likes):
    why = pt.Popularity().fit(likes).explain(likes.users.id(0), likes.items.id(3))
    assert [share.cause for share in why.shares] == ["popularity"]
    assert why.shares[0].amount == why.score


def test_deletion_in_a_linear_body(likes):
    """Without that like the score drops by exactly its share."""
    model, ids = pt.ItemKNN().fit(likes), likes.items.ids()
    history = ids[2:8]
    for item in (ids[0], ids[20]):
        why = model.explain(history=history, item=item)
        for share in why.shares:
            rest = [one for one in history if one != share.id]
            drop = why.score - model.explain(history=rest, item=item).score
            assert drop == pytest.approx(share.amount, abs=1e-6)


def test_deleting_a_rating_of_the_mean_changes_nothing_in_its_own_share(ratings):
    """A past rating with no residual has no share: reasons come from what was unusual."""
    model = pt.RatingMF(factors=3).fit(ratings)
    body, item = model.fitted.body, ratings.items.id(0)
    neutral = float(body.offset + body.bias[0])
    why = model.explain(
        history=[(item, neutral), (ratings.items.id(1), 5)], item=ratings.items.id(2)
    )
    assert abs(_amounts(why)[item]) < 1e-5


def test_causes_a_body_does_not_know_are_refused(likes):
    model = pt.ItemKNN().fit(likes)
    with pytest.raises(UsageError, match="explains by item, got 'person'"):
        model.explain(likes.users.id(0), likes.items.id(1), by="person")


@pytest.mark.parametrize(
    ("shares", "sentence"),
    [
        ([("A", 0.5), ("B", 0.3), ("C", 0.2)], "because of A, B and C"),
        ([("A", 0.9), ("B", 0.1)], "because of A"),
        ([(str(i), 0.1) for i in range(10)], "popular with people like you"),
        ([("A", 0.8), ("B", -0.7)], "because of A"),
        ([], "popular with people like you"),
    ],
)
def test_only_causes_that_stand_out_are_named(shares, sentence):
    parts = tuple(Share("item", amount, name, name) for name, amount in shares)
    assert in_words(parts) == sentence


def test_reasons_name_titles(ml100k):
    model = pt.ItemKNN().fit(ml100k.likes())
    answer = model.recommend(history=[50, 181], n=3, explain=True)
    assert answer.reasons is not None
    for reason in answer.reasons:
        assert "Star Wars (1977)" in str(reason) or "Return of the Jedi (1983)" in str(reason)
