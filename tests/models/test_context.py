"""A question's context: the moment it is about, and what is known of the person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import penchant as pt
from penchant.data.histories import NO_TIME
from penchant.errors import ParameterError, UsageError
from penchant.evaluation.asking import Lists
from penchant.evaluation.quality import ranking_quality, rating_error
from penchant.evaluation.splits import Part as HeldPart
from penchant.models.bodies import BODIES, Body
from penchant.models.bodies.body import Part
from penchant.models.job import Job

DAY = 86_400_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class _Liking(Body):
    """What people of each kind like, and a first item that gains a star a day; for these tests."""

    name: ClassVar[str] = "liking"
    needs_history: ClassVar[bool] = False
    by_feature: np.ndarray
    asked: ClassVar[list] = []  # the histories asked about

    def score(self, h):
        _Liking.asked.append(h)
        scores = np.zeros((len(h), h.n_items), dtype=np.float32)
        if h.facts is not None:
            owners = np.repeat(np.arange(len(h)), np.diff(h.facts.indptr))
            np.add.at(scores, owners, self.by_feature[h.facts.indices])
        if h.at is not None:
            scores[:, 0] += np.where(h.at == NO_TIME, 0, h.at / DAY)
        return scores, None

    def pairs(self, h, people, items, at=None):
        scores = self.score(h.asked_at(None))[0][people, items]
        gain = np.zeros(len(items)) if at is None else np.where(at == NO_TIME, 0, at / DAY)
        return scores + np.where(items == 0, gain, 0)

    def parts(self, h, item, by):
        return [Part("baseline", float(self.score(h)[0][0, item]))]

    def similar(self, item, n):
        return np.empty(0, np.int32), np.empty(0, np.float32)


class Liking(pt.Model):
    """The mean rating that people with a feature give an item."""

    feedback = ("ratings",)
    uses_facts = True
    jobs: ClassVar[list[Job]] = []

    def _learn(self, h, job):
        self.jobs.append(job)
        n = 0 if h.facts is None else int(h.facts.indices.max()) + 1
        sums = np.zeros((n, h.n_items), dtype=np.float32)
        for person in range(len(h) if n else 0):
            one = h.take([person])
            for feature in one.facts.indices:
                sums[feature, one.items] += one.values
        return _Liking(by_feature=sums, stars=(0.0, 1e9))


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setitem(BODIES, "liking", _Liking)
    monkeypatch.setattr(_Liking, "asked", [])
    monkeypatch.setattr(Liking, "jobs", [])


@pytest.fixture
def drinks() -> pt.Interactions:
    """Women like tea and men beer; who is eve?"""
    rows = [("ann", "tea", 5), ("ada", "tea", 4), ("bob", "beer", 5), ("ben", "beer", 4)]
    people = {
        "user": ["ann", "bob", "ada", "ben", "nobody"],
        "sex": ["F", "M", "F", "M", "M"],
        "age": [30, 40, 30, 50, 60],
    }
    items = {"item": ["tea", "beer"], "kind": ["hot", "cold"], "price": [2, 3]}
    return pt.read([*rows, ("eve", "beer", 1)], kind="ratings", users=people, items=items)


@pytest.fixture
def model(drinks) -> Liking:
    return Liking().fit(drinks)


def _asked() -> object:
    return _Liking.asked[-1]


# Moments ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at",
    [
        "1970-01-03",
        "1970-01-03T01:00+01:00",
        " 1970-01-03 00:00:00Z ",
        2 * DAY,
        float(2 * DAY),
        np.int64(2 * DAY),
        date(1970, 1, 3),
        datetime(1970, 1, 3),
        datetime(1970, 1, 3, 3, tzinfo=timezone(timedelta(hours=3))),
        np.datetime64("1970-01-03"),
        np.datetime64("1970-01-03T00:00:00.000000000"),
        pd.Timestamp("1970-01-03"),
        pd.Timestamp("1970-01-03", tz=UTC),
    ],
)
def test_a_moment_is_said_in_any_usual_way(model, at):
    """All mean the same instant, whoever is asked about and with whichever verb."""
    assert model.scores("ann", at=at)[0] == model.scores("ann")[0] + 2
    assert model.scores(history=["tea"], at=at)[0] == 2
    assert model.predict("eve", "tea", at=at) == 2
    assert model.predict(history=["beer"], items="tea", at=at) == 2
    assert model.explain("eve", "tea", at=at).score == 2
    assert dict(model.recommend("eve", at=at, exclude_seen=False))["tea"] == 2


@pytest.mark.parametrize("nothing", [None, float("nan"), np.datetime64("NaT"), pd.NaT])
def test_a_moment_that_is_not_said_is_neutral(model, nothing):
    assert model.scores("eve", at=nothing).tolist() == [0, 0]
    assert model.predict("eve", "tea", at=nothing) == 0


def test_each_user_and_each_pair_may_have_a_moment(model):
    at = np.array(["1970-01-02", "NaT", "1970-01-04"], dtype="datetime64[D]")
    users = ["eve", "stranger", "eve"]
    for moments in (at, list(at), pd.Series(at), [DAY, None, "1970-01-04"]):
        assert model.scores(users, at=moments)[:, 0].tolist() == [1, 0, 3]
        assert model.predict(users, ["tea"] * 3, at=moments).tolist() == [1, 0, 3]
        assert model.predict(users, ["tea", "tea", "beer"], at=moments).tolist() == [1, 0, 0]
    table = model.recommend(users, n=1, items=["tea"], at=at, exclude_seen=False)
    assert table["score"].tolist() == [1, 0, 3]
    zoned = pd.Series(pd.to_datetime(["1970-01-02", None, "1970-01-04"], utc=True))
    assert model.scores(users, at=zoned)[:, 0].tolist() == [1, 0, 3]


@pytest.mark.parametrize(
    "junk", [True, "soon", "3/4/2026", 2**70, float("inf"), b"x", object(), timedelta(1)]
)
def test_what_is_no_moment_is_refused(model, junk):
    with pytest.raises(ParameterError, match="at: a moment is a datetime, ISO text or a number"):
        model.scores("ann", at=junk)
    with pytest.raises(ParameterError, match=r"history\[0\]: a moment is"):
        model.scores(history=[("tea", 5, junk)])


@pytest.mark.parametrize("wrong", [[1], [1, 2, 3], {}, np.zeros((2, 2)), np.array(5)])
def test_moments_must_be_one_or_as_many_as_asked_about(model, wrong):
    for ask in (lambda: model.scores(["ann", "bob"], at=wrong),
                lambda: model.predict(["ann", "bob"], ["tea", "tea"], at=wrong)):  # fmt: skip
        with pytest.raises(UsageError, match=r"at: .* moment"):
            ask()


def test_a_strangers_times_travel_with_the_entries(model):
    """In order of time, unknown ones first; the same numbers as of a person of the data."""
    model.scores(history=[("tea", 5, "1970-01-03"), ("beer", 4, DAY), ("nothing", 1, 5)])
    assert _asked().items.tolist() == [1, 0]
    assert _asked().times.tolist() == [DAY, 2 * DAY]
    model.scores(history=[("tea", 5, datetime(1970, 1, 2)), "beer"])
    assert _asked().items.tolist() == [1, 0]
    assert _asked().times.tolist() == [NO_TIME, DAY]
    model.scores(history=["tea", ("beer", 2)])
    assert _asked().times is None


def test_models_that_know_nothing_of_time_answer_as_ever(ratings):
    model = pt.RatingMF(factors=3, epochs=2).fit(ratings)
    users, items = ratings.users.ids([0, 1]), ratings.items.ids([2, 3])
    assert (model.scores(users, at="2026-01-01") == model.scores(users)).all()
    assert (model.predict(users, items, at=[1, None]) == model.predict(users, items)).all()


# Facts ------------------------------------------------------------------------------------------


def test_facts_of_the_data_are_used_by_themselves(model, drinks):
    """The fit meets them beside the histories, and so does every question about these people."""
    (job,) = Liking.jobs
    encoder = model.fitted.encoder
    assert encoder.names() == ["sex F", "sex M", "age below 35", "age 35 to 45", "age from 45"]
    of_ann = np.array(encoder.names())[job.user_facts.take(np.array([drinks.users.row("ann")]))[1]]
    assert of_ann.tolist() == ["sex F", "age below 35"]
    assert job.item_facts.n_rows == 2
    assert model.recommend("ann", n=1, exclude_seen=False).ids == ("tea",)
    assert model.recommend("bob", n=1, exclude_seen=False).ids == ("beer",)
    assert model.scores("eve").tolist() == [0, 0], "nothing is known of eve"


def test_facts_said_of_a_stranger_or_against_the_data(model):
    """A column that is said replaces what was known; the others stay; None takes it back."""
    assert model.recommend(history=[], facts={"sex": "F"}, n=1).ids == ("tea",)
    assert model.recommend("stranger", facts={"sex": "M"}, n=1).ids == ("beer",)
    assert model.explain(history=[], item="tea", facts={"sex": "F"}).score == 9
    assert model.predict(history=[], items="tea", facts={"sex": "F"}) == 9
    assert model.scores("ann").tolist() == [18, 0]
    assert model.scores("ann", facts={"sex": "M"}).tolist() == [9, 9]
    assert model.scores("ann", facts={"sex": None}).tolist() == [9, 0]
    assert model.scores("ann", facts={"sex": "F", "age": "41"}).tolist() == [9, 5]
    batch = model.scores(["ann", "ann", "eve"], facts=[{}, {"sex": "M"}, {"sex": "F"}])
    assert batch.tolist() == [[18, 0], [9, 9], [9, 0]]
    assert model.scores(["ann", "eve"], facts={"sex": "M"})[:, 1].tolist() == [9, 9]


def test_a_stranger_in_a_batch_has_nobody_elses_facts(model):
    scores = model.scores(["stranger", "ann", "other"])
    assert scores.tolist() == [[0, 0], [18, 0], [0, 0]]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"sx": "F"}, r"sx \(Did you mean 'sex'\)"),
        ({"colour": "F", "age": 30}, r"colour \(no such column\)\. The model knows: sex, age"),
        ({"sex": "X"}, r"sex='X' \(a new value\)"),
        ({"age": "old"}, r"age='old' \(not a number\)"),
        ({"sex": ["F", "X"], "age": None}, "sex="),
    ],
)
def test_what_the_model_does_not_know_is_noticed_and_neutral(model, facts, said):
    with pytest.warns(pt.PenchantNotice, match=f"facts not used: {said}"):
        scores = model.scores("eve", facts=facts)
    assert scores.tolist() == ([9, 0] if facts.get("age") == 30 else [0, 0])


@pytest.mark.parametrize("junk", [5, "sex=F", ["F"], [{}, {}], object(), np.zeros(1)])
def test_facts_of_another_shape_are_refused(model, junk):
    with pytest.raises(ParameterError, match=r"facts are \{column: value\}"):
        model.scores("ann", facts=junk)
    with pytest.raises(ParameterError, match=r"facts are \{column: value\}"):
        model.predict(["ann", "bob"], ["tea", "tea"], facts=junk)


def test_models_that_use_no_facts_keep_none_and_say_so(drinks):
    model = pt.RatingMF(factors=2, epochs=2).fit(drinks)
    assert model.fitted.encoder is None
    assert model.fitted.histories.facts is None
    with pytest.warns(pt.PenchantNotice, match="learned nothing from facts about people") as said:
        told = model.scores("ann", facts={"sex": "F"})
    assert said[0].filename == __file__, "the notice points at whoever asked"
    assert (told == model.scores("ann")).all()


def test_data_without_facts(drinks):
    """A model that would use facts learns without; what is said then changes nothing, aloud."""
    bare = pt.read([("ann", "tea", 5), ("bob", "beer", 4)], kind="ratings")
    model = Liking().fit(bare)
    assert Liking.jobs[-1].user_facts is None
    with pytest.warns(pt.PenchantNotice, match="learned nothing from facts"):
        model.scores("ann", facts={"sex": "F"})


def test_validation_is_asked_at_its_own_times(drinks):
    """An error recorded in a fit is that of the question users will ask."""
    held = pt.read([("eve", "tea", 3, 3 * DAY), ("eve", "beer", 1, DAY)], kind="ratings", time=3)
    job = Job(drinks, held, lambda _: None, "x")
    job.epoch(1, 1, lambda: _Liking(by_feature=np.zeros((0, 2), np.float32), stars=(0.0, 1e9)))
    days = held.histories.times / DAY
    assert job.epochs[0]["validation_mse"] == np.mean([(3 - days.max()) ** 2, 1])


def test_evaluation_asks_with_what_is_known_of_people():
    """As users will ask: also of people who are cold but for their facts."""
    data = pt.read(
        [("ann", "tea", 5), ("ada", "tea", 4), ("bob", "beer", 5), ("ben", "beer", 4)],
        kind="ratings",
        users={"user": ["ann", "ada", "bob", "ben"], "sex": ["F", "F", "M", "M"]},
    )
    model = Liking().fit(data.take([0, 2]))
    held = data.take([1, 3])
    assert model.scores(["ada", "ben"]).tolist() == [[5, 0], [0, 5]]
    assert ranking_quality(model, held.likes(), n=1).recall == 1
    learn = data.take([0, 2])
    answer = Lists(HeldPart("test", learn, learn, held), ["recall@1"], 4.0)(model)
    assert answer.measures["recall@1"].value == 1


def test_stars_are_measured_at_the_time_of_each_rating(drinks):
    days = np.array([10_000, 20_000])
    held = pt.Interactions.from_columns(
        ["eve", "eve"], ["tea", "tea"], [1, 2], days * DAY, kind="ratings"
    )
    assert rating_error(Liking().fit(drinks), held) == np.mean((days - [1, 2]) ** 2)


# Kept -------------------------------------------------------------------------------------------


def test_facts_are_saved_with_the_people(model, tmp_path):
    sizes = model.save(tmp_path / "m")
    loaded = Liking.load(tmp_path / "m")
    assert set(sizes) == {"model", "histories"}
    for user in ("ann", "bob", "eve", "stranger"):
        assert (loaded.scores(user) == model.scores(user)).all()
    assert loaded.fitted.encoder.names() == model.fitted.encoder.names()
    facts = {"sex": "F", "age": 41}
    assert (loaded.scores("ben", facts=facts) == model.scores("ben", facts=facts)).all()


def test_facts_of_people_stay_behind_with_their_histories(model, tmp_path):
    """No file tells who is what; strangers are answered as before."""
    model.save(tmp_path / "m", histories=False)
    loaded = Liking.load(tmp_path / "m")
    assert loaded.scores("ann").tolist() == [0, 0]
    assert loaded.scores("ann", facts={"sex": "F"}).tolist() == [9, 0]
    content = b"".join(path.read_bytes() for path in (tmp_path / "m").iterdir())
    assert b"ann" not in content
    assert b"facts.indptr" not in content


def test_a_model_without_facts_has_the_manifest_it_always_had(ratings, tmp_path):
    model = pt.RatingMF(factors=2, epochs=1).fit(ratings)
    model.save(tmp_path / "m")
    assert "user_facts" not in (tmp_path / "m" / "manifest.json").read_text()
