"""evaluate and compare: what users rely on when they choose a model by figures."""

from __future__ import annotations

import json
import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import penchant as pt
from penchant import kernels
from penchant.data.features import Features
from penchant.data.histories import NO_TIME
from penchant.errors import LeakError, PenchantNotice, UsageError
from penchant.evaluation import Card, own_split, protocol
from penchant.evaluation.baselines import Random
from penchant.evaluation.card import card_of
from penchant.evaluation.protocols import sampled_last
from penchant.evaluation.quality import ranking_quality, rating_error
from penchant.evaluation.splits import leave_last_out, random_rows, strong_generalisation, time_cuts
from penchant.evaluation.statistics import Measure, differences, holm

TOWN = pt.datasets.town(300, 60, 5000)
STARS = pt.datasets.town(300, 60, 5000, ratings=True)


# One model --------------------------------------------------------------------------------------


def test_as_the_plain_figures_say():
    """The same split asked by hand gives the same nDCG and the same squared error."""
    split = random_rows(TOWN, validation=0)
    plain = ranking_quality(pt.EASE().fit(split.train), split.test, n=10)
    assert pt.evaluate(pt.EASE(), split)["ndcg@10"] == pytest.approx(plain.ndcg, abs=1e-12)
    split = random_rows(STARS, validation=0)
    plain = rating_error(pt.RatingMF().fit(split.train), split.test)
    assert pt.evaluate(pt.RatingMF(), split)["mse"] == pytest.approx(plain, abs=1e-9)


def test_published_rows(ml100k):
    """Popularity and EASE on fold 0 of ml-100k, as reproduced from the literature."""
    split = protocol("topn-fold0", ml100k)
    found = pt.evaluate(pt.EASE(l2=400), split)
    assert found["ndcg@10"] == pytest.approx(0.4393, abs=5e-5)
    assert found["recall@20"] < found["capped_recall@20"]
    assert found.counts["people"] == 942
    assert pt.evaluate(pt.Popularity(), split)["ndcg@10"] == pytest.approx(0.2267, abs=2e-4)


def test_evaluate_leaves_the_model_alone():
    model = pt.ItemKNN().fit(TOWN)
    before = model.fitted
    pt.evaluate(model, time_cuts(TOWN))
    assert model.fitted is before


def test_a_fitted_model_is_measured_as_it_is_unless_it_knows_the_answers():
    split = random_rows(TOWN, validation=0)
    honest = pt.EASE().fit(split.train)
    assert pt.evaluate(honest, split, refit=False).metrics == pt.evaluate(honest, split).metrics
    with pytest.raises(LeakError, match="learned held-out rows"):
        pt.evaluate(pt.EASE().fit(TOWN), split, refit=False)
    other = pt.EASE().fit(pt.datasets.town(50, 20, 300))
    with pytest.raises(UsageError, match="other ids"):
        pt.evaluate(other, split, refit=False)


def test_a_fitted_model_is_asked_in_the_feedback_it_learned_from():
    """Neighbours of ratings make lists from ratings, not from likes taken for one star each."""
    split = random_rows(STARS, validation=0)
    model = pt.ItemKNN().fit(split.train)
    plain = ranking_quality(model, split.test.likes(), n=10)
    found = pt.evaluate(model, split, refit=False, goal="lists", seeds=(1, 2))
    assert found["ndcg@10"] == pytest.approx(plain.ndcg, abs=1e-12)
    assert found.seeds == ()
    likes = random_rows(STARS.likes(None))
    rates = pt.ItemKNN().fit(STARS.take(likes.train.sources))
    with pytest.raises(UsageError, match="these interactions are likes"):
        pt.evaluate(rates, likes, part="validation", refit=False)


def test_a_blend_of_stars_and_likes_is_asked_for_lists():
    split = random_rows(STARS)
    mixed = pt.Blend(members=["ease", pt.RatingMF(factors=2)], mix=[1, 1])
    assert pt.evaluate(mixed, split).goal == "lists"
    assert pt.compare([mixed], split, with_baselines=False).primary == "ndcg@10"
    assert pt.evaluate(pt.Blend(members="baseline,rating_mf", mix=[1, 1]), split).goal == "stars"


@pytest.mark.parametrize(
    ("given", "said"), [({"goal": "ranking"}, "lists or stars"), ({"metrics": ()}, "at least one")]
)
def test_what_cannot_be_asked_is_refused(given, said):
    with pytest.raises(UsageError, match=said):
        pt.evaluate(pt.Popularity(), TOWN, **given)


def test_what_reads_as_interactions_is_taken_as_such():
    rows = [(u, i) for u in range(5) for i in range(8)]
    with pytest.warns(PenchantNotice, match="without times"):
        assert pt.evaluate(pt.Popularity(), rows, metrics="recall@5").counts["people"] == 5


def test_chance_does_not_depend_on_who_is_asked_beside():
    model = Random().fit(TOWN)
    h = model.fitted.histories
    alone = [model.fitted.body.score(h.take([one]))[0][0] for one in range(3)]
    np.testing.assert_array_equal(model.fitted.body.score(h.take([0, 1, 2]))[0], alone)


def test_facts_about_people_stay_in_a_split_made_already():
    data = pt.Interactions.from_columns([1, 2], [7, 8])
    told = data.with_user_facts(Features.from_columns([1, 2], {"sex": ["F", "M"]}))
    assert own_split(told, pt.Interactions.from_columns([1], [8])).train.user_facts is not None


def test_newcomers_are_answered_by_what_is_known_of_them():
    """People never learned from get lists from their first events, and are counted as new."""
    split = strong_generalisation(TOWN)
    found = pt.evaluate(pt.EASE(), split)
    value, people = found.segment("new", "ndcg@10")
    assert people == found.counts["people"] > 0
    assert value > pt.evaluate(pt.Popularity(), split)["ndcg@10"]
    assert np.isnan(found.segment("warm", "ndcg@10")[0])


def test_user_knn_leaves_people_out_of_their_own_neighbourhood():
    """Else everybody would be their own best neighbour, and their list what they met already."""
    split = random_rows(TOWN, validation=0)
    model = pt.UserKNN(k=1)
    assert pt.evaluate(model, split)["recall@20"] > 0.05


def test_what_cannot_be_found_is_a_miss_and_counted():
    data = pt.read([("a", "x"), ("b", "x"), ("b", "y"), ("a", "new"), ("a", "y")])
    roles = np.zeros(5, np.int8)
    from penchant.evaluation.splits import Split, in_history_order

    roles[[3, 4]] = 2
    found = pt.evaluate(pt.ItemKNN(), Split(data, in_history_order(data, roles)))
    assert found.counts["targets_not_learned"] == 1
    assert found["recall@20"] == 0.5


def test_repeats_are_no_targets():
    """What a person met already is not recommended, so it is not asked for."""
    data = pt.read(
        [("a", "x", 1, 1), ("b", "y", 1, 2), ("b", "x", 1, 3), ("a", "x", 1, 9), ("a", "y", 1, 9)]
    )
    found = pt.evaluate(pt.ItemKNN(), time_cuts(data, 0, 0.4))
    assert found.counts["targets_met_before"] == 1
    assert found.counts["targets"] == 1


def test_ratings_become_likes_for_a_model_that_ranks_by_likes():
    split = random_rows(STARS)
    lists = pt.evaluate(pt.EASE(), split, at_least=5)
    assert lists.goal == "lists"
    fives = int(np.count_nonzero(split.test.histories.values == 5))
    assert lists.counts["targets"] == fives
    both = pt.evaluate(pt.ItemKNN(), split, goal="stars")
    assert set(both.measures) == {"rmse", "mae", "mse"}
    assert both["rmse"] == pytest.approx(both["mse"] ** 0.5)
    with pytest.raises(UsageError, match="no stars"):
        pt.evaluate(pt.EASE(), split, goal="stars")


def test_data_without_times_are_split_by_person_with_a_notice():
    data = pt.datasets.load("interests")
    with pytest.warns(PenchantNotice, match="without times"):
        pt.evaluate(pt.ItemKNN(), data)


def test_seeds_are_averaged():
    split = random_rows(TOWN)
    seeds = (1, 2)
    alone = [pt.evaluate(pt.BPR(seed=seed, epochs=3), split)["ndcg@10"] for seed in seeds]
    found = pt.evaluate(pt.BPR(epochs=3), split, seeds=seeds)
    assert found["ndcg@10"] == pytest.approx(np.mean(alone))
    assert found.seeds == seeds
    assert pt.evaluate(pt.EASE(), split, seeds=seeds).seeds == ()


def test_the_split_counts_how_often_its_test_part_was_scored():
    split = random_rows(TOWN)
    for _ in range(2):
        pt.evaluate(pt.EASE(), split, part="validation")
    pt.evaluate(pt.EASE(), split)
    assert split.scored == {"validation": 2, "test": 1}


def test_a_later_part_is_answered_with_all_that_came_before():
    split = leave_last_out(TOWN)
    known = split.part("test").learn
    assert len(known) == len(split.train) + len(split.validation)


def test_sampled_candidates_flatter_and_say_so():
    """Against a few sampled items everything looks better: the figure comes with a notice."""
    full, few = leave_last_out(TOWN), sampled_last(TOWN, negatives=9)
    honest = pt.evaluate(pt.Popularity(), full)["ndcg@10"]
    with pytest.warns(PenchantNotice, match="sampled"):
        found = pt.evaluate(pt.Popularity(), few)
    assert found["hit_rate@10"] == 1.0  # one of ten places for one of ten candidates
    assert found["ndcg@10"] > 2 * honest


# Many models ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found():
    return pt.compare([pt.UserKNN(), pt.BPR(epochs=2)], TOWN, resamples=2000)


def test_baselines_always_run(found):
    names = [one.model for one in found.evaluations if one.baseline]
    assert sorted(names) == ["ease", "item_knn", "popularity", "popularity", "random"]
    assert found.reference.baseline
    values = [one[found.primary] for one in found.evaluations]
    assert values == sorted(values, reverse=True)


def test_chance_is_beaten(found):
    gap = found.between("item_knn", "random")
    assert gap.clear
    assert gap.low > 0


def test_two_equal_models_are_no_evidence():
    """The same lists under two labels: the interval covers 0 and the verdict says so."""
    both = [pt.UserKNN(k=299), pt.UserKNN(k=None)]
    found = pt.compare(both, TOWN, with_baselines=False, resamples=1000)
    assert found.verdict[0].startswith("No evidence")


def test_a_model_below_the_floor_gets_a_line(found):
    assert any("No evidence that BPR" in line for line in found.verdict)


def test_as_table_json_and_picture(found):
    table = found.table
    assert len(table) == len(found.evaluations)
    assert {"model", "ndcg@10", "±", "coverage@10", "fit s", "MB"} <= set(table.columns)
    assert json.loads(found.to_json())["card"]["split"]["recipe"]["name"] == "time_cuts"
    picture = ET.fromstring(found.to_svg())  # noqa: S314 - our own
    assert len(picture.findall("{*}circle")) == len(found.evaluations)
    assert "ndcg@10" in repr(found)
    assert len(found.segments) == len(found.evaluations)


def test_a_card_makes_the_same_figures_again(found, tmp_path):
    found.card.save(tmp_path / "card.json")
    again = Card.load(tmp_path / "card.json").rerun(TOWN)
    assert again.card.figures == found.card.figures
    with pytest.raises(UsageError, match="not the data"):
        found.card.rerun(pt.datasets.town(300, 60, 5000, seed=1))


def test_a_blend_is_written_and_made_again(tmp_path):
    blend = pt.Blend(members=[pt.EASE(l2=9), "popularity"], mix=[1, 2])
    found = pt.compare([blend], TOWN, with_baselines=False)
    assert json.loads(found.to_json())["models"][0]["params"]["members"][0]["l2"] == 9
    found.card.save(tmp_path / "card.json")
    assert Card.load(tmp_path / "card.json").rerun(TOWN).card.figures == found.card.figures


def test_a_card_takes_numbers_of_numpy(tmp_path):
    seeds, floor = np.arange(2), np.float32(3)
    found = pt.compare([pt.BPR(epochs=1)], STARS, seeds=seeds, at_least=floor, resamples=1000)
    found.card.save(tmp_path / "card.json")
    assert Card.load(tmp_path / "card.json").given["seeds"] == [0, 1]


def test_people_are_drawn_once_for_all_differences(found):
    """And each difference is what it is by itself."""
    metric = found.primary
    one, base = found.evaluations[2], found.reference
    [alone] = differences([one.measures[metric]], base.measures[metric], resamples=found.resamples)
    both = found.between(one.label, base.label)
    assert (both.low, both.high, both.p) == pytest.approx((alone.low, alone.high, alone.p))


def test_a_card_says_which_model_it_cannot_make():
    class Unheard(pt.Popularity):
        """In no catalogue."""

    found = pt.compare([Unheard()], TOWN, with_baselines=False)
    with pytest.raises(UsageError, match="no such model in the catalogue, got 'unheard'"):
        found.card.rerun(TOWN)


def test_a_card_counts_days_where_times_are_known():
    times = np.array([NO_TIME, 0, 86_400_000_000])
    data = pt.Interactions.from_columns([1, 1, 1], [7, 8, 9], times=times)
    assert card_of(random_rows(data), [], {}, []).data["median_days_of_a_person"] == 1


def test_one_person_proves_nothing():
    data = pt.Interactions.from_columns([1] * 30, list(range(30)), times=np.arange(30))
    found = pt.compare([pt.Popularity()], leave_last_out(data))
    assert not any(gap.clear for gap in found.differences.values())
    assert "nan" not in found.to_svg()
    assert found.between("popularity", "random").p == 1
    assert "NaN" not in json.dumps(found.best.to_dict())


def test_a_model_too_large_for_the_memory_is_named_and_the_others_go_on(monkeypatch):
    monkeypatch.setattr(pt.EASE, "_memory", lambda *_: (1e18, "Choose another"))
    found = pt.compare([], TOWN, resamples=1000)
    assert "GB are free" in found.not_run["EASE()"]


def test_figures_do_not_depend_on_threads():
    seen = set()
    for threads in (1, 2, 7):
        kernels.set_threads(threads)
        try:
            one = pt.compare([pt.ImplicitALS(epochs=2)], TOWN, resamples=1000)
        finally:
            kernels.set_threads(None)
        seen.add(json.dumps([one.card.figures, one.verdict]))
    assert len(seen) == 1


def test_a_model_that_cannot_be_run_is_named_and_the_others_go_on():
    with warnings.catch_warnings():
        found = pt.compare([pt.RatingMF(), pt.UserKNN()], TOWN, resamples=1000)
    assert "RatingMF()" in found.not_run
    assert found["user_knn"]["ndcg@10"] > 0


def test_stars_are_compared_by_rmse():
    found = pt.compare([pt.RatingMF(factors=4)], random_rows(STARS), resamples=1000)
    assert found.primary == "rmse"
    values = [one["rmse"] for one in found.evaluations]
    assert values == sorted(values)


# How sure ---------------------------------------------------------------------------------------


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Of 200 paired samples with a true difference of .1 about 95 % of intervals hold it."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        base = rng.normal(0, 1, 80)
        gap = differences(
            [Measure.of(base + 0.1 + rng.normal(0, 0.5, 80))], Measure.of(base), resamples=1000
        )[0]
        inside += gap.low <= 0.1 <= gap.high
    assert 180 <= inside <= 198


def test_rmse_of_sums():
    """RMSE pools all ratings: it is not the mean of people's RMSE."""
    one = Measure(np.array([8.0, 1.0]), np.array([2.0, 1.0]), root=True)
    assert one.value == pytest.approx(3**0.5)


def test_standard_error_of_a_ratio_agrees_with_the_bootstrap():
    rng = np.random.default_rng(1)
    weights = rng.integers(1, 30, 400).astype(float)
    totals = weights * rng.gamma(2, 1, 400)
    for root in (False, True):
        one = Measure(totals, weights, root)
        base = Measure(np.zeros(400), weights)
        gap = differences([one], base, resamples=4000)[0]
        assert one.error == pytest.approx((gap.high - gap.low) / 3.92, rel=0.1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_never_lowers_a_p_and_keeps_the_order(ps):
    found = holm(ps)
    assert (found >= np.array(ps) - 1e-15).all()
    assert (found <= 1).all()
    order = np.argsort(ps, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
