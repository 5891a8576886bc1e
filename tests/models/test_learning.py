"""What a fit takes, shows and refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import penchant as pt
from penchant.errors import UsageError
from penchant.progress import Progress


def test_fit_takes_whatever_read_takes():
    frame = pd.DataFrame({"user": ["a", "a", "b"], "item": ["x", "y", "x"]})
    expected = list(pt.ItemKNN().fit(pt.read(frame)).recommend("b"))
    assert list(pt.ItemKNN().fit(frame).recommend("b")) == expected
    assert list(pt.ItemKNN().fit([("a", "x"), ("a", "y"), ("b", "x")]).recommend("b")) == expected


@pytest.mark.parametrize("model", [pt.RatingMF(epochs=3), pt.ItemKNN()], ids=lambda m: m.name)
def test_progress_reaches_its_end(model, ratings):
    steps: list[Progress] = []
    model.fit(ratings, progress=steps.append)
    assert steps
    assert steps[-1].done == steps[-1].total
    assert [step.done for step in steps] == sorted(step.done for step in steps)


def test_what_progress_raises_ends_the_fit_and_leaves_the_model_as_it_was(ratings):
    """So somebody who watches can stop; and may ask the model as it is at an epoch."""
    model = pt.RatingMF(epochs=3).fit(ratings)
    before = model.scores(100)
    asked = []

    class Enough(Exception):  # noqa: N818
        pass

    def watch(step: Progress) -> None:
        asked.append(step.model().scores(100))
        if step.done == 2:
            raise Enough

    model.reg = 100.0
    with pytest.raises(Enough):
        model.fit(ratings, progress=watch)
    assert model.scores(100).tobytes() == before.tobytes()
    assert asked[1].tobytes() == pt.RatingMF(epochs=2, reg=100).fit(ratings).scores(100).tobytes()


def test_epochs_show_training_and_validation_error(ratings, capsys):
    """In the bar, and kept with the model."""
    model = pt.RatingMF(epochs=2).fit(ratings, validation=ratings.take(range(50)), progress=True)
    bar = capsys.readouterr().err
    assert "2/2" in bar
    for name in ("train_mse", "validation_mse"):
        assert name in bar
        assert [name in epoch for epoch in model.fitted.epochs] == [True, True]


def test_validation_may_have_other_people_and_items(ratings):
    """Ratings of people nobody knows are left out of the error; unknown items are predicted."""
    extra = pt.read([(100, 9999, 4.0), (777, 8, 3.0)], kind="ratings")
    model = pt.RatingMF(epochs=1).fit(ratings, validation=extra)
    expected = (model.predict(100, 9999) - 4.0) ** 2
    assert model.fitted.epochs[0]["validation_mse"] == pytest.approx(expected)


def test_factors_that_grow_without_bound_are_refused(ratings):
    diverging = pt.RatingMF(solver="sgd", learning_rate=1.0, init=10.0, reg=0.0, decay=1.0)
    with pytest.raises(UsageError, match=r"RatingMF\.fit: the factors grew .*Lower learning_rate"):
        diverging.fit(ratings)


def test_a_model_of_ratings_refuses_likes_and_says_what_to_do(likes):
    with pytest.raises(UsageError, match=r"RatingMF: learns from ratings, .*kind='ratings'"):
        pt.RatingMF().fit(likes)


@pytest.mark.parametrize(
    "options",
    [{"biases": False}, {"mean": False}, {"biases": False, "mean": False}, {"factors": 0},
     {"solver": "sgd"}, {"solver": "sgd", "biases": False}, {"solver": "sgd", "order": "file"}],
)  # fmt: skip
def test_each_part_of_the_factorization_can_be_turned_off(ratings, options):
    """What is off has no say: no mean, no biases, no factors."""
    model = pt.RatingMF(factors=4).fit(ratings)
    for name, value in options.items():
        setattr(model, name, value)
    body = model.fit(ratings).fitted.body
    assert (body.offset == 0) == (not model.mean)
    assert body.bias_column == model.biases
    assert bool(np.any(body.bias)) == model.biases
    vectors = body.map_vectors()
    assert (0 if vectors is None else vectors.shape[1]) == model.factors
    assert model.fitted.epochs[-1]["train_mse"] < 16


def test_ratings_given_to_a_model_of_likes_pass_the_conversion_it_learned_with(ratings):
    """A stranger's 5 counts as a like, their 2 as met."""
    model = pt.ItemKNN().fit(ratings.likes(at_least=4))
    liked, met = ratings.items.ids([0, 1])
    both = model.recommend(history=[(liked, 5), (met, 2)], n=20)
    assert met not in both.ids
    assert (
        model.scores(history=[(liked, 5), (met, 2)]).tobytes()
        == model.scores(history=[liked]).tobytes()
    )


def test_a_bare_id_counts_as_a_good_rating(ratings):
    """The mean of the ratings of 4 and more."""
    model = pt.RatingMF(factors=2).fit(ratings)
    values = ratings.histories.values
    good = float(values[values >= 4].mean(dtype=np.float64))
    item = ratings.items.id(3)
    assert model.fitted.like_value == pytest.approx(good)
    np.testing.assert_allclose(model.scores(history=[item]), model.scores(history=[(item, good)]))


def test_histories_may_carry_times(likes):
    """Entries are put in order of time before duplicates are merged."""
    model = pt.ItemKNN(value_weight="linear").fit(likes)
    one, other = likes.items.ids([0, 1])
    late_first = [(one, 7.0, 20), (other, 1.0, 5), (one, 2.0, 10)]
    expected = model.scores(history=[(other, 1.0), (one, 2.0)])
    assert model.scores(history=late_first).tobytes() == expected.tobytes()


def test_find_and_titles(ml100k):
    model = pt.Popularity().fit(ml100k.likes())
    assert model.find("STAR wars")[0] == (50, "Star Wars (1977)")
    assert model.find("no such film") == []
    assert model.recommend(history=[50], n=1).titles[0].endswith(")")


def test_lists_behave_like_lists(likes):
    answer = pt.ItemKNN().fit(likes).recommend(likes.users.id(0), n=3)
    assert len(answer) == 3
    assert answer[0] == next(iter(answer)) == (answer.ids[0], answer.scores[0])
    assert answer[:2] == tuple(answer)[:2]
    assert answer.to_dicts()[0]["rank"] == 1
    assert list(answer.to_pandas().columns)[:3] == ["rank", "item_id", "score"]
    assert repr(answer).splitlines()[0].split()[:3] == ["rank", "item_id", "score"]
