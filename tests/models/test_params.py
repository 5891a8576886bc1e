"""A hyperparameter said once carries its rule everywhere."""

from __future__ import annotations

import numpy as np
import pytest

import penchant as pt
from penchant.errors import ParameterError
from penchant.models.params import param


class Thing:
    """Stands in for a model."""

    k: int | None = param(default=100, low=1, high=9_999, none="all", help="neighbours")
    rate: float = param(default=0.5, low=0, high=1, help="a share")
    way: str = param(default="near", choices=("near", "far"), help="direction")
    on: bool = param(default=True, help="a switch")


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("k", 5, 5),
        ("k", 5.0, 5),
        ("k", np.int64(5), 5),
        ("k", None, None),
        ("rate", 1, 1.0),
        ("rate", np.float32(0.25), 0.25),
        ("way", "far", "far"),
        ("on", False, False),
    ],
)
def test_values_come_in_their_own_type(name, given, kept):
    thing = Thing()
    setattr(thing, name, given)
    assert getattr(thing, name) == kept
    assert type(getattr(thing, name)) is type(kept)


@pytest.mark.parametrize(
    ("name", "given", "rule"),
    [
        ("k", 0, "k must be a whole number at least 1 and at most 9999, or None (all), got 0"),
        ("k", "5", "got '5'"),
        ("k", True, "got True"),
        ("rate", float("inf"), "rate must be a number at least 0 and at most 1, got inf"),
        ("rate", None, "got None"),
        ("way", "up", "way must be one of near, far, got 'up'"),
        ("on", 1, "on must be True or False, got 1"),
    ],
)
def test_the_message_names_parameter_rule_and_value(name, given, rule):
    with pytest.raises(ParameterError) as error:
        setattr(Thing(), name, given)
    assert rule in str(error.value)
    assert str(error.value).startswith("Thing: ")


def test_models_show_what_was_chosen():
    assert repr(pt.ItemKNN()) == "ItemKNN()"
    assert repr(pt.ItemKNN(k=5, shrink=2)) == "ItemKNN(k=5, shrink=2.0)"


def test_every_parameter_has_help_and_a_default_that_keeps_its_own_rule():
    for model in pt.catalogue().values():
        for name, one in model.params.items():
            assert one.help, f"{model.name}.{name}"
            assert one.check(one.default) == one.default
            if one.search is True:
                assert one.choices or one.dtype is bool, f"{model.name}.{name}"
            elif one.search:
                assert one.check(one.dtype(one.search[0])) is not None
            if one.when:
                other, value = one.when
                assert model.params[other].check(value) == value
