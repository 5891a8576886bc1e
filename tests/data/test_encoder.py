"""Facts become the same features at fit and at every question."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.data.encoder import FactEncoder
from penchant.data.features import Features


def _facts(**columns: list) -> Features:
    return Features.from_columns(list(range(len(next(iter(columns.values()))))), columns)


def _dense(encoder: FactEncoder, facts: Features) -> np.ndarray:
    rows = encoder.encode(facts.columns, len(facts))
    out = np.zeros((rows.n_rows, encoder.n_features), dtype=np.float32)
    for row in range(rows.n_rows):
        mine = slice(rows.indptr[row], rows.indptr[row + 1])
        assert (np.diff(rows.indices[mine]) > 0).all()
        out[row, rows.indices[mine]] = rows.values[mine]
    return out


def test_text_is_one_feature_per_category_that_people_share():
    """What only one person has, or nobody said, has none."""
    facts = _facts(job=["cook", "nurse", "cook", "", "pilot", " nurse "])
    encoder = FactEncoder.learn(facts)
    assert encoder.names() == ["job cook", "job nurse"]
    assert _dense(encoder, facts).tolist() == [[1, 0], [0, 1], [1, 0], [0, 0], [0, 0], [0, 1]]


def test_tags_weigh_as_much_together_as_one_category():
    """1/√count each, of the tags that are known; a repeated one counts once."""
    facts = _facts(likes=["a|b", "b|a|z", "a", "b|b", "c|a|b|d", "c|d"])
    encoder = FactEncoder.learn(facts)
    assert encoder.names() == ["likes a", "likes b", "likes c", "likes d"]
    dense = _dense(encoder, facts)
    assert dense[4] == pytest.approx([0.5] * 4)
    assert dense[1] == pytest.approx([0.5**0.5, 0.5**0.5, 0, 0])
    assert np.linalg.norm(dense, axis=1) == pytest.approx(np.ones(6))


def test_genres_are_tags_even_where_each_item_has_one():
    encoder = FactEncoder.learn(_facts(genres=["x", "x", "y", "y"]))
    assert encoder.about() == [{"column": "genres", "kind": "tags"}]
    rows, faults = encoder.told(encoder.encode({}, 1), [{"genres": "x|y"}])
    assert (rows.indices.tolist(), faults) == ([0, 1], [])


def test_a_few_whole_numbers_have_a_bin_each_and_many_numbers_ten():
    few = _facts(stars=[1, 2, 5, 5, None, 2])
    encoder = FactEncoder.learn(few)
    assert _dense(encoder, few).argmax(axis=1).tolist() == [0, 1, 2, 2, 0, 1]
    assert _dense(encoder, few)[4].tolist() == [0, 0, 0], "missing is neutral"
    many = _facts(income=np.random.default_rng(0).lognormal(10, 1, 1_000).tolist())
    counts = _dense(FactEncoder.learn(many), many).sum(axis=0)
    assert counts.tolist() == pytest.approx([100] * 10, abs=1)


def test_a_number_that_nobody_had_falls_into_the_bin_beside():
    encoder = FactEncoder.learn(_facts(age=[20, 30, 30, 40]))
    told = [{"age": age} for age in (-5, 24, "26", 39.5, 400)]
    rows, faults = encoder.told(encoder.encode({}, 5), told)
    assert rows.indices.tolist() == [0, 0, 1, 2, 2]
    assert faults == []


def test_columns_that_tell_nothing_are_left_out_and_said_so():
    facts = _facts(
        title=["a", "b", "c", "d"], country=["x"] * 4, year=[1.0] * 4, void=[None] * 4,
        note=["", "", "x", "x"],
    )  # fmt: skip
    encoder = FactEncoder.learn(facts)
    assert encoder.names() == ["note x"]
    assert encoder.notes == (
        "fact title not used: nearly every row differs",
        "fact country not used: it is the same for all",
        "fact year not used: it is the same for all",
        "fact void not used: it is the same for all",
    )


def test_no_facts_at_all():
    encoder = FactEncoder.learn(_facts(void=[None, None]))
    assert encoder.n_features == 0
    rows, faults = encoder.told(encoder.encode({}, 1), [{"void": 1}])
    assert (rows.n_rows, len(rows.indices), faults) == (1, 0, ["void (no such column)"])


cells = st.one_of(st.none(), st.sampled_from(["x", "y|z", "z", "1"]), st.integers(-3, 99))


@given(st.lists(st.tuples(cells, st.one_of(st.none(), st.floats(-1e6, 1e6))), min_size=1))
def test_every_feature_occurs_and_what_is_told_is_what_was_learned(rows):
    """Features have no gaps; a person of the table who says their facts anew has the same ones."""
    facts = _facts(word=[a for a, _ in rows], number=[b for _, b in rows])
    encoder = FactEncoder.learn(facts)
    learned = encoder.encode(facts.columns, len(facts))
    assert set(learned.indices.tolist()) == set(range(encoder.n_features))
    said = [{name: facts.value(name, row) for name in encoder.columns} for row in range(len(rows))]
    told, _ = encoder.told(encoder.encode({}, len(rows)), said)
    for a, b in zip(learned, told, strict=True):
        assert a.tolist() == b.tolist()
    again = FactEncoder.from_arrays(encoder.about(), encoder.arrays("x"), "x")
    assert again.names() == encoder.names()
    assert again.encode(facts.columns, len(facts)).values.tolist() == learned.values.tolist()
