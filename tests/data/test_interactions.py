"""Interactions keep every event, in the order that published splits depend on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import penchant as pt
from penchant.data.histories import Histories
from penchant.errors import DataError, ParameterError

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 5), st.integers(0, 7), st.sampled_from([1.0, 2.0, 5.0]), st.integers(0, 9)
    ),
    min_size=1,
    max_size=60,
)


@given(EVENTS)
def test_rows_are_in_time_then_source_order_and_come_back_in_file_order(events):
    users, items, values, times = map(np.array, zip(*events, strict=True))
    data = pt.Interactions.from_columns(
        users, items, values, times.astype(np.int64), kind="ratings"
    )
    frame = data.columns()
    assert frame["user_id"].tolist() == users.tolist()
    assert frame["item_id"].tolist() == items.tolist()
    assert frame["rating"].tolist() == values.tolist()
    h = data.histories
    for person in range(len(h)):
        part = slice(h.indptr[person], h.indptr[person + 1])
        order = list(zip(h.times[part], data.sources[part], strict=True))
        assert order == sorted(order)


SIGNED = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.sampled_from([-1.0, 0.0, 1.0, 2.0])),
    max_size=60,
)


@given(SIGNED, st.sampled_from(["likes", "ratings"]))
def test_merging_keeps_one_event_of_each_item(events, kind):
    """Ratings: the last. Likes: the first of those that agree with the last opinion."""
    columns = [np.array(part) for part in zip(*events, strict=True)] or [np.empty(0, int)] * 3
    h = pt.Interactions.from_columns(*columns, kind=kind).histories
    merged = h.merged(kind)
    for person in range(len(h)):
        one, got = h.take([person]), merged.take([person])
        expected = {}
        for item in set(one.items.tolist()):
            values = one.values[one.items == item].tolist()
            opinion = next((np.sign(v) for v in reversed(values) if v), 0.0)
            agreeing = [v for v in values if np.sign(v) == opinion]
            expected[item] = values[-1] if kind == "ratings" else agreeing[0]
        assert dict(zip(got.items.tolist(), got.values.tolist(), strict=True)) == expected


def test_ratings_become_likes_and_lower_ones_stay_as_met():
    rows = [("a", "x", 5.0), ("a", "y", 2.0), ("b", "x", 4.0)]
    data = pt.read(rows, kind="ratings")
    likes = data.likes(at_least=4)
    assert likes.histories.values.tolist() == [1, 0, 1]
    assert likes.liked_from == 4
    assert data.likes(at_least=None).histories.values.tolist() == [1, 1, 1]
    assert likes.likes() is likes
    with pytest.raises(ParameterError, match="highest rating is 5"):
        data.likes(at_least=6)


def test_a_rating_given_twice_counts_as_its_last():
    """Merged before the conversion: who came to like it likes it."""
    rows = [("a", "x", 1.0, 1), ("a", "x", 5.0, 2), ("a", "y", 5.0, 3), ("a", "y", 1.0, 4)]
    likes = pt.read(rows, kind="ratings").likes(at_least=4)
    liked = likes.merged.where(likes.merged.values > 0)
    assert likes.items.ids(liked.items) == ["x"]


@pytest.mark.parametrize(
    ("values", "name", "kind", "evidence"),
    [
        ([1, 5, 3], "rating", "ratings", "the column is named rating, 1 to 5"),
        ([1, 1, 1], "rating", "likes", "every value is 1"),
        ([1, 5, 3], "qty", "likes", "amounts"),
        ([1, 5, 3], None, "ratings", "3 grades, 1 to 5"),
        ([0.5, 4.5, 3], None, "ratings", "3 grades"),
        ([1, 250, 3], None, "likes", "no clear grades"),
        ([1, 5], None, "likes", "no clear grades"),
        ([-1, 1, 3], None, "likes", "no clear grades"),
    ],
)
def test_kind_is_detected_with_its_evidence(values, name, kind, evidence):
    """The name decides, then the values; a constant, or doubt, means likes."""
    data = pt.Interactions.from_columns(
        np.arange(3), np.arange(3), values[:3] + [values[0]] * (3 - len(values)), value_name=name
    )
    assert data.kind == kind
    assert evidence in data.notes[-1]


def test_kind_can_be_overridden():
    data = pt.Interactions.from_columns([1, 2], [1, 2], [1, 250], kind="ratings")
    assert data.kind == "ratings"


def test_bad_columns_are_refused():
    with pytest.raises(DataError, match="equally long"):
        pt.Interactions.from_columns(np.arange(3), np.arange(2))
    with pytest.raises(DataError, match="values must be finite, got nan"):
        pt.Interactions.from_columns(np.arange(2), np.arange(2), [1, np.nan])


def test_describe_and_repr_are_short_and_tell_how_it_was_decided(ratings):
    assert repr(ratings) == f"<Interactions: {len(ratings):,} ratings of 80 users and 50 items>"
    text = ratings.describe()
    assert "kind: ratings" in text
    assert "events per user" in text
    assert "2001-09-09" in text


def test_the_csr_view_is_merged_cached_and_as_wide_as_the_catalogue(likes):
    assert likes.csr is likes.csr
    assert likes.csr.shape == (60, 41)
    assert likes.csr.nnz == len(likes.merged.items)


def test_a_part_keeps_ids_and_row_numbers(ratings):
    part = ratings.take(range(10))
    assert len(part) == 10
    assert len(part.items) == len(ratings.items)
    assert sorted(part.sources.tolist()) == list(range(10))


def test_equal_data_have_equal_fingerprints(ratings):
    again = ratings.take(range(len(ratings)))
    assert again.fingerprint() == ratings.fingerprint()
    assert ratings.take(range(5)).fingerprint() != ratings.fingerprint()


def test_row_pointers_hold_more_than_two_to_the_31():
    """Pointers and source rows are int64: a sum of lengths beyond 2³¹ does not overflow."""
    h = Histories(
        np.array([0, 2**31 + 5], np.int64), np.empty(0, np.int32), np.empty(0, np.float32), 3
    )
    assert h.counts.tolist() == [2**31 + 5]


def test_tables_turn_into_every_frame_library(ratings):
    table = pt.Popularity().fit(ratings.likes()).recommend(ratings.users.ids(range(3)), n=2)
    pandas, polars, arrow = table.to_pandas(), table.to_polars(), table.to_arrow()
    assert list(pandas.columns)[:4] == ["user_id", "item_id", "score", "rank"]
    assert polars.shape == pandas.shape == (6, pandas.shape[1])
    assert arrow.num_rows == 6
    assert table.to_dicts()[0]["rank"] == 1
