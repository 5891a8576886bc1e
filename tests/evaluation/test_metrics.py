"""Metrics against cases worked by hand, and against another implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.data.features import Features
from penchant.errors import ParameterError, UsageError
from penchant.evaluation import beyond, metrics

HIT = np.array([[True, False, True, False], [False, False, False, True], [False] * 4])
SIZES = np.array([3, 1, 6])


@pytest.mark.parametrize(
    ("name", "worked"),
    [
        # ideal of three targets: 1 + 1/log2(3) + 1/2; of one: 1; of six in four places: all four
        ("ndcg", [(1 + 0.5) / (1 + 0.6309297536 + 0.5), 0.4306765581, 0.0]),
        ("recall", [2 / 3, 1.0, 0.0]),
        ("capped_recall", [2 / 3, 1.0, 0.0]),
        ("precision", [0.5, 0.25, 0.0]),
        ("hit_rate", [1.0, 1.0, 0.0]),
        ("mrr", [1.0, 0.25, 0.0]),
        ("map", [(1 + 2 / 3) / 3, 0.25, 0.0]),
    ],
)
def test_by_hand(name, worked):
    """Each metric of three lists, worked on paper."""
    assert metrics.RANKING[name](HIT, SIZES).tolist() == pytest.approx(worked)


def test_the_two_recalls_part_where_targets_outnumber_places():
    hit, sizes = np.array([[True, True]]), np.array([5])
    assert metrics.recall(hit, sizes)[0] == pytest.approx(0.4)
    assert metrics.capped_recall(hit, sizes)[0] == 1.0


lists = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.booleans(), min_size=n, max_size=n), st.integers(0, 9), st.just(n)
    )
)


@given(lists)
@pytest.mark.filterwarnings("ignore")
def test_as_another_implementation_says(case):
    """nDCG, recall, precision, reciprocal rank and success as ir-measures computes them."""
    import ir_measures
    from ir_measures import RR, P, R, Success, nDCG

    hits, beyond_list, n = case
    targets = sum(hits) + beyond_list
    if not targets:
        return
    qrels = [ir_measures.Qrel("q", f"d{at}", 1) for at, hit in enumerate(hits) if hit]
    qrels += [ir_measures.Qrel("q", f"missed{one}", 1) for one in range(beyond_list)]
    run = [ir_measures.ScoredDoc("q", f"d{at}", float(n - at)) for at in range(n)]
    theirs = {
        "ndcg": nDCG @ n,
        "recall": R @ n,
        "precision": P @ n,
        "mrr": RR @ n,
        "hit_rate": Success @ n,
    }
    found = ir_measures.calc_aggregate(list(theirs.values()), qrels, run)
    for name, measure in theirs.items():
        ours = metrics.RANKING[name](np.array([hits]), np.array([targets]))[0]
        assert ours == pytest.approx(found[measure], abs=1e-9), name


@given(lists)
def test_every_ranking_metric_lies_between_0_and_1_and_rewards_an_earlier_hit(case):
    hits, more, _ = case
    sizes = np.array([max(sum(hits) + more, 1)])
    later = np.array([hits])
    earlier = np.array([sorted(hits, reverse=True)])
    for metric in metrics.RANKING.values():
        assert 0 <= metric(later, sizes)[0] <= metric(earlier, sizes)[0] <= 1 + 1e-12


def test_stars():
    truth, stars = [1, 2, 5], [2.0, 2.0, 3.0]
    assert metrics.mean_squared_error(truth, stars) == pytest.approx(5 / 3)
    assert metrics.root_mean_squared_error(truth, stars) == pytest.approx((5 / 3) ** 0.5)
    assert metrics.mean_absolute_error(truth, stars) == pytest.approx(1.0)


def test_nothing_and_nan_are_complaints():
    with pytest.raises(UsageError, match="nothing to measure"):
        metrics.mean_squared_error([], [])
    with pytest.raises(UsageError, match="finite"):
        metrics.mean_absolute_error([1.0], [float("nan")])


@pytest.mark.parametrize("name", ["ndgc@10", "ndcg", "ndcg@0", "ndcg@ten", ""])
def test_a_misspelt_metric_names_those_there_are(name):
    with pytest.raises(ParameterError, match="ndcg"):
        metrics.parsed(name)


# Beside accuracy --------------------------------------------------------------------------------


def test_evenness():
    """One item for all is the most uneven list there is, all items equally often the evenest."""
    one = np.zeros((10, 1), np.int32)
    even = np.arange(10, dtype=np.int32)[:, None]
    assert beyond.coverage(one, 10) == 0.1
    assert beyond.coverage(even, 10) == 1.0
    assert beyond.gini(one, 10) == pytest.approx(0.9)
    assert beyond.gini(even, 10) == pytest.approx(0.0)
    assert beyond.entropy(one) == 0.0
    assert beyond.entropy(even) == pytest.approx(np.log2(10))


def test_novelty_is_the_self_information_of_what_is_shown():
    popularity = np.array([8, 2], np.int64)
    assert beyond.novelty(np.array([[0]], np.int32), popularity, 8) == 0.0
    assert beyond.novelty(np.array([[1, -1]], np.int32), popularity, 8) == 2.0


def test_diversity_of_tags():
    facts = Features.from_columns([0, 1, 2], {"genres": ["a", "a", "b"]})
    assert beyond.diversity(np.array([[0, 1]], np.int32), facts) == 0.0
    assert beyond.diversity(np.array([[0, 2]], np.int32), facts) == 1.0
    assert beyond.diversity(np.array([[0, 1, 2]], np.int32), facts) == pytest.approx(2 / 3)
    assert beyond.diversity(np.array([[0, -1]], np.int32), facts) is None
    assert beyond.diversity(np.array([[0, 1]], np.int32), None) is None
