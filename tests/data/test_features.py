"""Facts about items stay with their items."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import penchant as pt
from penchant.data.features import Features, matching
from penchant.errors import DataError


@pytest.fixture
def facts() -> Features:
    return Features.from_columns(
        [3, 1, 2],
        {
            "title": ["Star Wars (1977)", "Star Trek (1979)", None],
            "year": [1977, 1979, None],
            "genres": [["Action", "Sci-Fi"], "Sci-Fi", ""],
        },
    )


def test_cells_of_each_type(facts):
    assert facts.title(0) == "Star Wars (1977)"
    assert facts.title(2) == "2"
    assert facts.value("year", 1) == 1979
    assert facts.value("year", 2) is None
    assert facts.tags(0) == ["Action", "Sci-Fi"]
    assert facts.tags(2) == []


def test_alignment_follows_the_items(facts):
    data = pt.Interactions.from_columns(np.array([1, 1]), np.array([1, 9]), features=facts)
    assert [data.title(row) for row in range(2)] == ["Star Trek (1979)", "9"]


def test_matching_wants_every_word_in_any_case():
    titles = ["Star Wars (1977)", "Star Trek (1979)", "2"]
    assert matching("star", titles, 9) == [0, 1]
    assert matching("WARS star", titles, 9) == [0]
    assert matching("star trek (1979)", titles, 9) == [1]
    assert matching("  ", titles, 9) == []
    assert matching("dune", titles, 9) == []


def test_cells_of_other_libraries():
    """Arrays of tags, numbers as titles, and every way of saying nothing."""
    facts = Features.from_columns(
        [1, 2, 3],
        {
            "title": [300, 1917, pd.NA],
            "genres": [np.array(["A", "B"]), ["C"], None],
            "price": [pd.NA, 2, float("nan")],
        },
    )
    assert [facts.title(row) for row in range(3)] == ["300", "1917", "3"]
    assert [facts.tags(row) for row in range(3)] == [["A", "B"], ["C"], []]
    assert [facts.value("price", row) for row in range(3)] == [None, 2, None]


def test_the_last_row_of_a_repeated_id_counts():
    facts = Features.from_columns(["a", "a"], {"title": ["old", "new"]})
    assert len(facts) == 1
    assert facts.title(0) == "new"


def test_unequal_columns_are_refused():
    with pytest.raises(DataError, match="'title' must have one cell per id"):
        Features.from_columns([1, 2], {"title": ["x"]})


def test_saved_facts_come_back(facts):
    again = Features.from_arrays(facts.arrays("facts"), "facts", facts.ids)
    assert again is not None
    for row in range(3):
        assert again.title(row) == facts.title(row)
        assert again.tags(row) == facts.tags(row)
        assert again.value("year", row) == facts.value("year", row)
