"""One contract for every model of the catalogue, in every configuration its parameters allow."""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

import penchant as pt
from penchant import kernels
from penchant.errors import (
    DataError,
    MemoryEstimateError,
    NotFittedError,
    ParameterError,
    UnknownIdError,
    UsageError,
)
from penchant.models import Model
from penchant.models.params import Param


def _variants(one: Param) -> Iterator[object]:
    yield from (choice for choice in one.choices or () if choice != one.default)
    if one.dtype is bool:
        yield not one.default
    if one.none and one.default is not None:
        yield None


def _configurations() -> Iterator[tuple[type[Model], dict[str, object], str]]:
    """Each model with its defaults, and with each choice, switch and None taken once."""
    for owner in pt.catalogue().values():
        options = [(name, v) for name, one in owner.params.items() for v in _variants(one)]
        for kind, given in itertools.product(owner.feedback, [{}, *({k: v} for k, v in options)]):
            yield owner, given, kind


CASES = [
    pytest.param(owner, given, kind, id=f"{owner.name}-{kind}-{given or 'default'}")
    for owner, given, kind in _configurations()
]
EVERY = pytest.mark.parametrize(("owner", "given", "kind"), CASES)
DEFAULT = pytest.mark.parametrize(
    ("owner", "kind"),
    [pytest.param(o, k, id=f"{o.name}-{k}") for o, g, k in _configurations() if not g],
)


@pytest.fixture
def data(request: pytest.FixtureRequest, kind: str) -> pt.Interactions:
    return request.getfixturevalue(kind)


def _everybody(model: Model, data: pt.Interactions, n: int = 7) -> list[dict[str, object]]:
    return model.recommend(data.users.ids(), n=n).to_dicts()


# People and histories ---------------------------------------------------------------------------


@EVERY
def test_one_alone_as_in_a_crowd(owner, given, kind, data):
    """Whoever else is asked about, a person's list and scores have the same bytes."""
    model = owner(**given).fit(data)
    crowd = _everybody(model, data)
    for user in data.users.ids([0, 17, 31]):
        alone = model.recommend(user, n=7)
        rows = [row for row in crowd if row["user_id"] == user]
        assert [row["item_id"] for row in rows] == list(alone.ids)
        assert [row["score"] for row in rows] == list(alone.scores)
        together = model.scores(data.users.ids([3, data.users.row(user), 9]))
        assert together[1].tobytes() == model.scores(user).tobytes()


@EVERY
def test_save_and_load_answer_alike(owner, given, kind, data, tmp_path):
    """A loaded model is the model: lists, scores, neighbours, shares, parameters, titles."""
    model = owner(**given).fit(data)
    model.save(tmp_path / "model")
    loaded = pt.load(tmp_path / "model")
    user, item = data.users.id(4), data.items.id(2)
    assert type(loaded) is owner
    assert repr(loaded) == repr(model)
    assert _everybody(loaded, data) == _everybody(model, data)
    assert loaded.scores(user).tobytes() == model.scores(user).tobytes()
    assert list(loaded.similar(item)) == list(model.similar(item))
    assert list(loaded.similar_users(user)) == list(model.similar_users(user))
    assert loaded.explain(user, item) == model.explain(user, item)


@EVERY
def test_shares_sum_to_the_score(owner, given, kind, data):
    """There is no unnamed remainder, for any person, item and cause the body divides by."""
    model = owner(**given).fit(data)
    for user, item in itertools.product(data.users.ids([0, 8, 40]), data.items.ids([0, 5, 33])):
        for by in ("item", "person"):
            try:
                why = model.explain(user, item, by=by)
            except UsageError:
                assert by == "person"
                continue
            total = sum(share.amount for share in why.shares)
            assert total == pytest.approx(why.score, abs=2e-4, rel=2e-4)


@EVERY
def test_threads_never_change_a_byte(owner, given, kind, data):
    """Learning and answering give the same bytes on 1, 2 and 7 threads, and run after run."""
    seen = set()
    for threads in (1, 2, 7, 7):
        kernels.set_threads(threads)
        try:
            model = owner(**given).fit(data)
            seen.add(model.scores(data.users.ids()).tobytes())
        finally:
            kernels.set_threads(None)
    assert len(seen) == 1


@DEFAULT
def test_a_stranger_with_a_persons_history_gets_that_persons_list(owner, kind, data):
    """Known and unknown people take one path; only user-kNN leaves a person out of their own."""
    model = owner().fit(data)
    person = 12
    h = data.merged.take([person])
    columns = [data.items.ids(h.items), h.values.tolist()]
    if h.times is not None:
        columns.append(h.times.tolist())
    history = list(zip(*columns, strict=True))
    scores = model.scores(history=history)
    if model.fitted.body.holds_people:
        near = model.similar_users(history=history, n=1)
        assert near.ids == (data.users.id(person),)
    else:
        assert scores.tobytes() == model.scores(data.users.id(person)).tobytes()


@DEFAULT
def test_unknown_users_get_labelled_popular_items(owner, kind, data):
    """Never an exception, never a label that claims more than popularity."""
    model = owner().fit(data)
    for answer in (model.recommend("nobody", n=5), model.recommend(history=[], n=5)):
        assert len(answer) == 5
        assert set(answer.sources) <= {"popular", "popularity"}
        assert list(answer.scores) == sorted(answer.scores, reverse=True)
    with pytest.raises(UnknownIdError, match="no such user"):
        model.recommend("nobody", on_unknown="raise")


@DEFAULT
def test_unknown_items_in_a_history_are_ignored_and_counted(owner, kind, data):
    model = owner().fit(data)
    known = data.items.ids([1, 4])
    answer = model.recommend(history=[*known, "no such thing"], n=4)
    assert answer.ignored == 1
    assert list(answer) == list(model.recommend(history=known, n=4))


@DEFAULT
def test_a_history_of_one_item(owner, kind, data):
    model = owner().fit(data)
    answer = model.recommend(history=[data.items.id(0)], n=3)
    assert len(answer) == 3
    assert data.items.id(0) not in answer.ids


@DEFAULT
def test_everything_seen_leaves_nothing(owner, kind, data):
    model = owner().fit(data)
    assert len(model.recommend(history=data.items.ids(), n=3)) == 0
    again = model.recommend(history=data.items.ids(), n=3, exclude_seen=False)
    assert len(again) == 3


@DEFAULT
def test_n_beyond_the_catalogue_gives_every_unseen_item_once(owner, kind, data):
    model = owner().fit(data)
    user = data.users.id(3)
    answer = model.recommend(user, n=10 * len(data.items))
    met = len(data.merged.take([3]).items)
    assert len(answer) == len(set(answer.ids)) == len(data.items) - met


@DEFAULT
def test_exact_n_for_everybody_and_no_seen_item(owner, kind, data):
    """Exactly n for each, filled-in items last and labelled, nothing a person met."""
    model = owner().fit(data)
    table = model.recommend(data.users.ids(), n=6)
    assert len(table) == 6 * len(data.users)
    met = {(u, i) for u, i in zip(*list(data.columns().values())[:2], strict=True)}
    for user, group in itertools.groupby(table.to_dicts(), key=lambda row: row["user_id"]):
        rows = list(group)
        assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5, 6]
        assert not any((user, row["item_id"]) in met for row in rows)
        filled = [row["source"] == "popular" for row in rows]
        assert filled == sorted(filled)


@DEFAULT
def test_strict_lists_hold_only_what_the_model_has_evidence_for(owner, kind, data):
    model = owner().fit(data)
    for user in data.users.ids([0, 1, 2]):
        strict = model.recommend(user, n=30, on_shortage="strict")
        full = model.recommend(user, n=30)
        advised = [
            one for one, source in zip(full, full.sources, strict=True) if source != "popular"
        ]
        assert list(strict) == advised


@pytest.mark.parametrize(
    "owner", [o for o in pt.catalogue().values() if "likes" in o.feedback], ids=lambda o: o.name
)
def test_what_is_like_a_dislike_is_no_advice(owner, likes):
    """Evidence speaks for an item; what only speaks against one is not passed off as advice."""
    model = owner().fit(likes)
    answer = model.recommend(history=[(likes.items.id(0), -1)], n=5, on_shortage="strict")
    assert all(score > 0 for score in answer.scores)


@DEFAULT
def test_nobody_to_go_by_is_filled_only_where_filling_is_asked_for(owner, kind, data):
    """Strict lists hold the model's own evidence, also for people nobody knows."""
    strict = owner().fit(data).recommend("nobody", n=3, on_shortage="strict")
    assert "popular" not in strict.sources


@DEFAULT
def test_batches_keep_the_type_of_ids_and_their_columns(owner, kind, data):
    """Whoever's list is empty: ids stay ids, and the columns are the same."""
    model = owner().fit(data)
    some = model.recommend(data.users.ids([0, 1]), n=2)
    none = model.recommend(data.users.ids([0, 1]), n=2, items=[])
    nobody = model.recommend([], n=2)
    assert set(some.columns) == set(none.columns) == {*nobody.columns}
    assert len(none) == len(nobody) == 0
    assert {type(one) for one in some["item_id"].tolist()} == {type(data.items.id(0))}


JUNK = [
    *(None, 3.5, float("nan"), -1, 2**70, True, "", "--5", "9" * 5000, "\ud800", b"x"),
    *(object(), [], [1], {}, (), [[1]]),
]
VERBS = {
    "recommend a user": lambda m, u, i, junk: m.recommend(junk),
    "recommend a history": lambda m, u, i, junk: m.recommend(history=junk),
    "recommend an entry": lambda m, u, i, junk: m.recommend(history=[junk]),
    "recommend a value": lambda m, u, i, junk: m.recommend(history=[(i, junk)]),
    "recommend a time": lambda m, u, i, junk: m.recommend(history=[(i, 1, junk)]),
    "recommend at": lambda m, u, i, junk: m.recommend(u, at=junk),
    "recommend facts": lambda m, u, i, junk: m.recommend(u, facts=junk),
    "recommend a fact": lambda m, u, i, junk: m.recommend(u, facts={"age": junk}),
    "recommend n": lambda m, u, i, junk: m.recommend(u, n=junk),
    "recommend items": lambda m, u, i, junk: m.recommend(u, items=junk),
    "recommend exclude": lambda m, u, i, junk: m.recommend(u, exclude=junk),
    "recommend on_unknown": lambda m, u, i, junk: m.recommend(u, on_unknown=junk),
    "recommend on_shortage": lambda m, u, i, junk: m.recommend(u, on_shortage=junk),
    "predict users": lambda m, u, i, junk: m.predict(junk, i),
    "predict items": lambda m, u, i, junk: m.predict(u, junk),
    "predict both": lambda m, u, i, junk: m.predict([junk], [junk]),
    "predict at": lambda m, u, i, junk: m.predict([u, u], [i, i], at=junk),
    "predict facts": lambda m, u, i, junk: m.predict(u, i, facts=junk),
    "scores": lambda m, u, i, junk: m.scores(junk),
    "similar": lambda m, u, i, junk: m.similar(junk),
    "similar n": lambda m, u, i, junk: m.similar(i, n=junk),
    "similar_users": lambda m, u, i, junk: m.similar_users(junk),
    "explain a user": lambda m, u, i, junk: m.explain(junk, i),
    "explain an item": lambda m, u, i, junk: m.explain(u, junk),
    "explain by": lambda m, u, i, junk: m.explain(u, i, by=junk),
    "find": lambda m, u, i, junk: m.find(junk),
}


@pytest.mark.filterwarnings("ignore::penchant.PenchantNotice")
@DEFAULT
@pytest.mark.parametrize("verb", VERBS)
def test_junk_ends_in_an_answer_or_a_complaint(owner, kind, data, verb):
    """Only a PenchantError escapes, whatever is handed to whichever argument."""
    model = owner().fit(data)
    for junk in JUNK:
        with contextlib.suppress(pt.PenchantError):
            VERBS[verb](model, data.users.id(0), data.items.id(0), junk)


@DEFAULT
def test_one_person_is_asked_about_at_a_time_where_one_is_meant(owner, kind, data):
    model, users = owner().fit(data), data.users.ids([0, 1])
    with pytest.raises(UsageError, match="one person at a time"):
        model.explain(users, data.items.id(0))
    with pytest.raises(UsageError, match="one person at a time"):
        model.similar_users(users)


@DEFAULT
def test_allow_and_block_lists(owner, kind, data):
    model = owner().fit(data)
    user, ids = data.users.id(5), data.items.ids()
    only = model.recommend(user, n=50, items=ids[:10])
    assert set(only.ids) <= set(ids[:10])
    without = model.recommend(user, n=50, exclude=ids[:10])
    assert not set(without.ids) & set(ids[:10])
    assert len(model.recommend(user, items=[])) == 0


@pytest.mark.parametrize(
    "owner", [o for o in pt.catalogue().values() if "likes" in o.feedback], ids=lambda o: o.name
)
def test_what_was_disliked_is_never_shown(owner, likes):
    model = owner().fit(likes)
    disliked = likes.items.id(0)
    history = [(disliked, -1), likes.items.id(1)]
    answer = model.recommend(history=history, n=100, exclude_seen=False)
    assert disliked not in answer.ids


@DEFAULT
def test_equal_scores_follow_first_appearance(owner, kind, data):
    model = owner().fit(data)
    place = {one: row for row, one in enumerate(data.items.ids())}
    answer = model.recommend(data.users.id(2), n=40)
    for (a, x), (b, y), s, t in zip(
        answer, list(answer)[1:], answer.sources, answer.sources[1:], strict=False
    ):
        assert x > y or place[a] < place[b] or s != t


@EVERY
def test_a_context_that_is_not_said_changes_nothing(owner, given, kind, data):
    """None, a missing moment and no facts are the question without them."""
    model = owner(**given).fit(data)
    users = data.users.ids([0, 5])
    plain = model.scores(users).tobytes()
    assert model.scores(users, at=None, facts=None).tobytes() == plain
    assert model.scores(users, at=[None, float("nan")]).tobytes() == plain


@EVERY
def test_scores_are_finite(owner, given, kind, data):
    model = owner(**given).fit(data)
    scores = model.scores(data.users.ids())
    assert scores.shape == (len(data.users), len(data.items))
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert np.isfinite(model.scores(history=[])).all()


@DEFAULT
def test_predict_is_the_clipped_score_or_a_clear_refusal(owner, kind, data):
    model = owner().fit(data)
    users, items = data.users.ids([0, 0, 5]), data.items.ids([3, 9, 3])
    if kind == "likes":
        with pytest.raises(UsageError, match="no stars"):
            model.predict(users, items)
        return
    stars = model.predict(users, items)
    scores = [model.scores(u)[data.items.row(i)] for u, i in zip(users, items, strict=True)]
    np.testing.assert_allclose(stars, np.clip(scores, 1, 5), rtol=1e-5)
    assert 1 <= model.predict("nobody", "nothing") <= 5
    assert model.predict(users[0], items[0]) == stars[0]
    assert model.predict(history=[(items[0], 5)], items=items).shape == (3,)
    with pytest.raises(UsageError, match="equally long"):
        model.predict(users, items[:2])


@DEFAULT
def test_similar_items_leave_the_item_out_and_never_pad(owner, kind, data):
    model = owner().fit(data)
    item = data.items.id(0)
    near = model.similar(item, n=5)
    assert item not in near.ids
    assert list(near.scores) == sorted(near.scores, reverse=True)
    assert len(near) <= 5
    with pytest.raises(UnknownIdError, match="no such item"):
        model.similar("no such item")


@DEFAULT
def test_similar_users_leave_the_person_out(owner, kind, data):
    model = owner().fit(data)
    user = data.users.id(0)
    near = model.similar_users(user, n=4)
    assert user not in near.ids
    assert len(near) == 4


@DEFAULT
def test_reasons_come_with_lists(owner, kind, data):
    model = owner().fit(data)
    answer = model.recommend(data.users.id(1), n=4, explain=True)
    assert answer.reasons is not None
    assert all(reason.reason for reason in answer.reasons)
    assert [reason.item_id for reason in answer.reasons] == list(answer.ids)
    for reason, source in zip(answer.reasons, answer.sources, strict=True):
        if source != "popular":
            assert reason == model.explain(data.users.id(1), reason.item_id)


# Learning ---------------------------------------------------------------------------------------


@DEFAULT
def test_refitting_forgets_the_old_data(owner, kind, data):
    model = owner().fit(data)
    half = data.take(range(0, len(data), 2))
    model.fit(half)
    fresh = owner().fit(half)
    assert _everybody(model, half) == _everybody(fresh, half)


@DEFAULT
def test_a_failed_fit_keeps_what_was_learned(owner, kind, data):
    model = owner().fit(data)
    before = model.scores(data.users.id(0)).tobytes()
    with pytest.raises(DataError, match="nothing to learn"):
        model.fit(data.take([]))
    assert model.scores(data.users.id(0)).tobytes() == before


@DEFAULT
def test_input_is_never_changed(owner, kind, data):
    arrays = [data.histories.items, data.histories.values, data.histories.indptr, data.sources]
    before = [array.tobytes() for array in arrays]
    history = [(data.items.id(0), 5.0), data.items.id(2)]
    kept = list(history)
    model = owner().fit(data)
    model.recommend(history=history)
    _everybody(model, data)
    assert history == kept
    assert [array.tobytes() for array in arrays] == before


@DEFAULT
def test_duplicates_count_once(owner, kind, data):
    """Likes keep the first event of an item, ratings the last; of order the last place counts."""
    model = owner().fit(data)
    item, other = data.items.id(0), data.items.id(3)
    early, late = (2.0, 5.0) if kind == "ratings" else (1.0, 9.0)
    kept = late if kind == "ratings" else early
    twice = model.scores(history=[(item, early), (other, 4.0), (item, late)])
    last = kind == "ratings" or model.fitted.body.ordered
    reference = [(other, 4.0), (item, kept)] if last else [(item, kept), (other, 4.0)]
    assert twice.tobytes() == model.scores(history=reference).tobytes()


@DEFAULT
def test_one_person_with_one_item_can_be_learned_from(owner, kind, data):
    tiny = pt.read([("a", "x", 4.0)], kind=kind)
    model = owner().fit(tiny)
    assert len(model.recommend("a")) == 0
    assert model.recommend("b").ids == ("x",)
    assert len(model.similar("x")) == 0


@DEFAULT
def test_ask_before_fit(owner, kind, data):
    with pytest.raises(NotFittedError, match="has not learned anything yet"):
        owner().recommend("x")


@DEFAULT
def test_ratings_become_likes_once_and_aloud_or_are_learned_as_they_are(owner, kind, data, ratings):
    if "ratings" in owner.feedback:
        assert owner().fit(ratings).fitted.kind == "ratings"
        return
    with pytest.warns(pt.PenchantNotice, match="ratings of 4 and more count as likes"):
        model = owner().fit(ratings)
    assert model.fitted.liked_from == 4.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        owner().fit(ratings.likes(at_least=3))


# Parameters -------------------------------------------------------------------------------------


def _wrong(one: Param) -> Iterator[object]:
    yield object()
    if one.choices:
        yield "no such word"
    elif one.dtype in (int, float):
        yield float("nan")
        yield True
        if one.low is not None:
            yield one.low - 1
        if one.high is not None:
            yield one.high + 1


@pytest.mark.parametrize("owner", pt.catalogue().values(), ids=lambda owner: owner.name)
def test_parameter_errors_name_parameter_rule_and_value(owner):
    for name, one in owner.params.items():
        for value in _wrong(one):
            with pytest.raises(ParameterError) as error:
                owner(**{name: value})
            message = str(error.value)
            assert f"{name} must be {one.rule}" in message
            assert owner.__name__ in message
            assert repr(value)[:40] in message


@pytest.mark.parametrize("owner", pt.catalogue().values(), ids=lambda owner: owner.name)
def test_unknown_keywords_are_refused_with_a_hint(owner):
    with pytest.raises(ParameterError, match="unknown hyperparameter 'nonsense'"):
        owner(nonsense=1)
    for name in owner.params:
        with pytest.raises(ParameterError, match=f"Did you mean '{name}'"):
            owner(**{name + "x": 1})


@DEFAULT
@pytest.mark.parametrize("n", [0, -1, 2.5, True, "3", None])
def test_n_must_be_a_positive_whole_number(owner, kind, data, n):
    model = owner().fit(data)
    with pytest.raises(ParameterError, match="n must be"):
        model.recommend(data.users.id(0), n=n)


@DEFAULT
def test_questions_that_cannot_be_meant(owner, kind, data):
    model = owner().fit(data)
    with pytest.raises(UsageError, match="one of the two"):
        model.recommend()
    with pytest.raises(UsageError, match="one of the two"):
        model.recommend("a", history=["x"])
    with pytest.raises(ParameterError, match="on_unknown must be"):
        model.recommend("a", on_unknown="crash")
    with pytest.raises(ParameterError, match="history must be a list"):
        model.recommend(history="x")
    with pytest.raises(ParameterError, match="finite number"):
        model.recommend(history=[("x", float("nan"))])


def test_a_fit_that_cannot_fit_says_so_beforehand(likes, monkeypatch):
    monkeypatch.setattr(kernels, "available_memory", lambda: 1000)
    with pytest.raises(MemoryEstimateError, match=r"ItemKNN\.fit: needs about .* GB.*k=100"):
        pt.ItemKNN(k=None).fit(likes)
