"""Blend: its scores from its members' by hand, its weights, and members of every kind."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import penchant as pt
from penchant import kernels
from penchant.errors import ParameterError, PenchantNotice, UsageError
from penchant.evaluation.protocols import protocol
from penchant.evaluation.quality import ranking_quality, rating_error
from penchant.models.bodies import Neighbours

TEAMS = {
    "order and sets": (["next_item", pt.EASE(recency=0.8)], "likes"),
    "people and popularity": (["user_knn", "popularity", "item_knn"], "likes"),
    "a blend in a blend": ([pt.Blend(members=["slim", "bpr"], mix=[1, 1]), "rp3beta"], "likes"),
    "likes and ratings": ([pt.EASE(l2=20), pt.RatingMF(factors=3)], "ratings"),
    "stars": (["rating_mf", "item_knn", "user_knn"], "ratings"),
}


@pytest.fixture(params=TEAMS)
def team(request):
    members, kind = TEAMS[request.param]
    return members, request.getfixturevalue(kind)


@pytest.mark.parametrize("by", ["score", "rank"])
def test_every_team_holds_the_contract(team, by, tmp_path):
    """Same bytes on any threads, alone as in a crowd, after loading; shares sum to the score."""
    members, data = team
    users, seen = data.users.ids(), set()
    for threads in (1, 2, 7):
        kernels.set_threads(threads)
        model = pt.Blend(members=members, by=by).fit(data)
        seen.add(model.scores(users).tobytes())
    kernels.set_threads(None)
    assert len(seen) == 1
    assert model.scores(users)[5].tobytes() == model.scores(users[5]).tobytes()
    model.save(tmp_path / "m")
    loaded = pt.load(tmp_path / "m")
    assert repr(loaded) == repr(model)
    assert loaded.scores(users).tobytes() == model.scores(users).tobytes()
    assert list(loaded.similar(data.items.id(2))) == list(model.similar(data.items.id(2)))
    for user, item in itertools.product(users[:3], data.items.ids([0, 9, 20])):
        why = model.explain(user, item)
        assert sum(s.amount for s in why.shares) == pytest.approx(why.score, abs=2e-4, rel=2e-4)
        assert why == loaded.explain(user, item)
        assert why.reason


def _standard(scores: np.ndarray) -> np.ndarray:
    return (scores - scores.mean(1, keepdims=True)) / scores.std(1, keepdims=True)


def test_scores_are_standardised_and_added(likes):
    knn, ease = pt.ItemKNN(), pt.EASE(l2=50)
    blend = pt.Blend(members=[knn, ease], mix=[2, 0.5]).fit(likes)
    users = likes.users.ids()
    one, two = (m.fit(likes).scores(users).astype(float) for m in (knn, ease))
    expected = 2 * _standard(one) + 0.5 * _standard(two)
    np.testing.assert_allclose(blend.scores(users), expected, atol=1e-4)
    why = blend.explain(users[0], likes.items.id(4))
    means = 2 * one.mean(1) / one.std(1) + 0.5 * two.mean(1) / two.std(1)
    average = [share.amount for share in why.shares if share.cause == "average"]
    assert average == pytest.approx([-means[0]], rel=1e-4)


def test_ranks_are_reciprocal_and_of_what_has_evidence(likes):
    knn = pt.ItemKNN(k=3)
    blend = pt.Blend(members=[knn, pt.Popularity()], mix=[1, 3], by="rank").fit(likes)
    user = likes.users.id(7)
    expected = np.zeros(len(likes.items))
    for weight, scores in ((1, knn.fit(likes).scores(user)), (3, blend_popularity(likes))):
        order = np.argsort(-scores, kind="stable")
        for place, item in enumerate(order):
            expected[item] += weight * 61 / (61 + place) * (scores[item] > 0)
    np.testing.assert_allclose(blend.scores(user), expected, rtol=1e-5)


def blend_popularity(likes: pt.Interactions) -> np.ndarray:
    return pt.Popularity().fit(likes).scores(likes.users.id(0))


def test_stars_are_added_and_predicted(ratings):
    members = [pt.RatingMF(factors=4), pt.ItemKNN()]
    blend = pt.Blend(members=members, mix=[0.25, 0.75]).fit(ratings)
    users, items = ratings.users.ids([3, 9]), ratings.items.ids([1, 30])
    parts = [one.fit(ratings).predict(users, items) for one in members]
    expected = 0.25 * parts[0] + 0.75 * parts[1]
    np.testing.assert_allclose(blend.predict(users, items), expected, rtol=1e-4)
    assert 1 <= blend.predict("nobody", "nothing") <= 5


@pytest.mark.slow
def test_chosen_weights_beat_every_member(ml100k):
    """Lists and stars of films: the blend is better than its best member, test part unseen."""
    stars = protocol("notebook", ml100k)
    errors = [
        rating_error(model.fit(stars.train), stars.test)
        for model in (pt.Blend(), pt.RatingMF(), pt.ItemKNN())
    ]
    assert errors[0] < min(errors[1:]) - 0.002
    lists = protocol("topn-fold0", ml100k).part("test")
    members = [pt.EASE(), pt.ImplicitALS(reg=0.03, alpha=0.1)]
    gains = [
        ranking_quality(model.fit(lists.learn), lists.target).ndcg
        for model in (pt.Blend(members=members), *members)
    ]
    assert gains[0] > max(gains[1:])


def test_weights_are_chosen_and_said(likes, ratings):
    for data, members in ((likes, "ease"), (ratings, "rating_mf")):
        model = pt.Blend().fit(data)
        assert members in model.fitted.notes[-1]
        assert "held-out events" in model.fitted.notes[-1]
        assert set(model.fitted.body.weights) != {1.0}


def test_where_nothing_can_be_held_out_members_weigh_the_same():
    model = pt.Blend().fit([("a", "x"), ("b", "y")])
    assert model.fitted.body.weights == (1.0, 1.0)


def test_where_only_repeats_are_held_out_members_weigh_the_same():
    rows = [(u, item) for u in range(9) for item in ("x", u % 3, "x", u % 3)]
    model = pt.Blend(members="ease,item_knn", holdout="last").fit(rows)
    assert model.fitted.body.weights == (1.0, 1.0)
    assert not any("nDCG" in note for note in model.fitted.notes)


def test_weights_are_chosen_on_questions_as_people_ask_them(ratings, monkeypatch):
    """Each held-out rating at its moment, and nobody their own neighbour."""
    asked = []
    pairs = Neighbours.pairs

    def watched(self, h, people, items, at=None):
        asked.append((h.people, at))
        return pairs(self, h, people, items, at)

    monkeypatch.setattr(Neighbours, "pairs", watched)
    timed = pt.Interactions.from_columns(
        *(ratings.columns()[name] for name in ("user_id", "item_id", "rating")),
        times=np.arange(len(ratings)),
        kind="ratings",
    )
    pt.Blend(members="user_knn,baseline").fit(timed)
    assert all(people is not None and at is not None for people, at in asked)
    assert asked


def test_a_useless_member_gets_little():
    """Where tastes are apart, what everybody likes says little."""
    rng = np.random.default_rng(1)
    rows = [(u, (u % 4) * 20 + int(i)) for u in range(120) for i in rng.choice(20, 9, False)]
    model = pt.Blend(members=["popularity", "ease"]).fit(rows)
    popularity, ease = model.fitted.body.weights
    assert popularity <= 0.3 * ease


def test_members_are_not_touched(likes):
    """A blend fits copies; the same object may stand in several blends and be fitted alone."""
    ease = pt.EASE(l2=9)
    blend = pt.Blend(members=[ease, "popularity"]).fit(likes)
    ease.l2 = 5
    assert blend.members[0].l2 == 9
    assert ease._fitted is None


def test_stars_and_likes_together_make_lists(ratings):
    """Histories are ratings; whoever learned from likes sees those of 4 stars and more."""
    ease, mf = pt.EASE(l2=20), pt.RatingMF(factors=3)
    blend = pt.Blend(members=[ease, mf], mix=[1, 1]).fit(ratings)
    user = ratings.users.id(4)
    expected = [
        _standard(model.scores(user)[None].astype(float))[0]
        for model in (ease.fit(ratings.likes()), mf.fit(ratings))
    ]
    np.testing.assert_allclose(blend.scores(user), sum(expected), atol=1e-3)
    with pytest.raises(UsageError, match="no stars"):
        blend.predict(user, ratings.items.id(0))


def test_members_of_likes_turn_ratings_into_likes_once(ratings):
    with pytest.warns(PenchantNotice, match="Blend learns from likes"):
        model = pt.Blend(members=["ease", "item_knn"]).fit(ratings)
    assert model.fitted.kind == "likes"
    with pytest.raises(UsageError, match="ratings"):
        pt.Blend(members=["rating_mf"]).fit([("a", "x")])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"members": []}, "members must be models"),
        ({"members": 3}, "members must be models"),
        ({"members": ["eese"]}, "Did you mean 'ease'"),
        ({"members": [None]}, "members must be models"),
        ({"members": [{"model": "ease", "l3": 1}]}, "unknown hyperparameter 'l3'"),
        ({"mix": [0, 0]}, "mix must be numbers"),
        ({"mix": ["a"]}, "mix must be numbers"),
        ({"mix": 3}, "mix must be numbers"),
        ({"mix": [1, float("nan")]}, "mix must be numbers"),
    ],
)
def test_what_is_no_list_of_models_is_refused(given, message):
    with pytest.raises(ParameterError, match=message):
        pt.Blend(**given)


def test_there_is_one_number_for_each_member(likes):
    with pytest.raises(ParameterError, match="one number for each of the 2 members"):
        pt.Blend(members=["ease", "bpr"], mix=[1]).fit(likes)


def test_members_are_written_as_names_with_commas(likes):
    model = pt.Blend(members="ease, item_knn")
    assert repr(model) == "Blend(members=(EASE(), ItemKNN()))"
    assert repr(pt.Blend(members=model.params["members"].plain(model.members))) == repr(model)


def test_a_map_and_neighbours_of_all(likes):
    body = pt.Blend().fit(likes).fitted.body
    rows, scores = body.all_similar(5)
    for item in range(len(likes.items)):
        near, how = body.similar(item, 5)
        assert rows[item][rows[item] >= 0].tolist() == near.tolist()
        np.testing.assert_allclose(scores[item][: len(how)], how, rtol=1e-5)
    assert pt.embedding_map(pt.Blend().fit(likes)) is not None
