"""Ids go in and come out as they were; the door finds them however they are written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.data.vocabulary import Vocabulary, settle_ids
from penchant.errors import UntypableError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.lists(TEXT, min_size=1))
def test_text_ids_come_back_as_they_went_in(ids):
    vocabulary, rows = Vocabulary.encode(list(ids))
    assert vocabulary.ids(rows) == ids
    assert vocabulary.rows(ids).tolist() == rows.tolist()
    assert vocabulary.ids() == list(dict.fromkeys(ids))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integer_ids_come_back_as_they_went_in(ids):
    vocabulary, rows = Vocabulary.encode(np.array(ids, dtype=np.int64))
    assert vocabulary.ids(rows) == ids
    assert all(type(one) is int for one in vocabulary.ids())
    assert vocabulary.rows([str(one) for one in ids]).tolist() == rows.tolist()


@given(st.lists(TEXT, min_size=1, unique=True), TEXT)
def test_unknown_ids_are_minus_one(ids, other):
    expected = ids.index(other) if other in ids else -1
    assert Vocabulary.of(ids).row(other) == expected


def test_text_finds_integers_and_integers_find_text():
    """Command lines and HTTP carry only text."""
    numbers, texts = Vocabulary.of([196, 7]), Vocabulary.of(["196", "seven"])
    assert numbers.rows(["196", 196, "0196", "x", 2**70, 196.0, True]).tolist() == [
        0,
        0,
        -1,
        -1,
        -1,
        0,
        -1,
    ]
    assert texts.rows([196, 196.0, "0196"]).tolist() == [0, 0, -1]


@pytest.mark.parametrize(
    ("values", "from_text", "settled"),
    [
        (["1", "2"], True, [1, 2]),
        (["1", "2"], False, ["1", "2"]),
        (["00123", "2"], True, ["00123", "2"]),
        (["1 ", "2"], True, ["1 ", "2"]),
        (["1_0"], True, ["1_0"]),
        (["+1"], True, ["+1"]),
        (["-1", "9223372036854775807"], True, [-1, 9223372036854775807]),
        ([str(2**70), "1"], True, [str(2**70), "1"]),
        ([2**70, 1], False, [str(2**70), "1"]),
        (np.array([1.0, 2.0]), False, [1, 2]),
        (np.array([1.5, 2.0]), False, ["1.5", "2"]),
        ([1, "a", 2.0], False, ["1", "a", "2"]),
        (np.array([3, 4], dtype=np.uint8), False, [3, 4]),
        (np.array([2**64 - 1], dtype=np.uint64), False, [str(2**64 - 1)]),
        ([], False, []),
    ],
)
def test_how_ids_are_settled(values, from_text, settled):
    ids, _ = settle_ids(values, from_text=from_text)
    assert (ids.tolist() if isinstance(ids, np.ndarray) else ids) == settled


def test_a_mixed_column_says_so():
    assert settle_ids([1, "a"])[1] == "ids mix numbers and text: read as text"
    assert settle_ids(["a", "b"])[1] is None


@pytest.mark.parametrize("one", [None, object(), (1, 2), b"x"])
def test_what_is_no_id_is_refused_with_its_position(one):
    with pytest.raises(UntypableError, match="position 1: an id must be"):
        settle_ids(["a", one])


def test_saved_form_is_arrays_only():
    """No Python dict: a blob with offsets, or integers, and the order that sorts them."""
    for ids in (["b", "a", "ü"], [5, -3, 2**40]):
        vocabulary = Vocabulary.of(ids)
        arrays = vocabulary.arrays("v")
        assert all(isinstance(array, np.ndarray) for array in arrays.values())
        for array in arrays.values():
            array.setflags(write=False)
        again = Vocabulary.from_arrays(arrays, "v")
        assert again.ids() == ids
        assert again.rows(ids).tolist() == [0, 1, 2]


def test_a_near_miss_is_hinted_at():
    assert Vocabulary.of(["Star Wars", "Heat"]).near("Star War") == "Did you mean 'Star Wars'"
