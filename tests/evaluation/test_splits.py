"""Splits: what is held out, that nothing leaks, and that published protocols are as published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import penchant as pt
from penchant.errors import DataError, LeakError, ParameterError, UsageError
from penchant.evaluation import protocol
from penchant.evaluation import split as split_of
from penchant.evaluation.protocols import core, lightgcn, vae_strong
from penchant.evaluation.splits import (
    SPLITS,
    Role,
    Split,
    k_folds,
    leave_last_out,
    no_leak,
    own_split,
    per_user,
    random_rows,
    strong_generalisation,
    time_cuts,
)

TOWN = pt.datasets.town(120, 40, 1500, ratings=True)
EVERY = {
    "time_cuts": {},
    "random_rows": {},
    "per_user": {},
    "leave_last_out": {},
    "k_folds": {"k": 4, "fold": 2},
    "strong_generalisation": {},
    "notebook_split": {},
    "share_of_each": {},
    "vae_strong": {},
    "sampled_last": {},
}


@pytest.mark.parametrize("name", EVERY)
def test_every_row_has_one_role_and_the_same_again(name):
    """The recipe makes the same split; parts are disjoint and nothing of a part is learned."""
    one = split_of(name, TOWN, **EVERY[name])
    recipe = dict(one.recipe)
    again = split_of(recipe.pop("name"), TOWN, **recipe)
    assert again.fingerprint() == one.fingerprint()
    assert sum(one.counts().values()) == len(TOWN)
    for part in ("validation", "test"):
        asked = one.part(part)
        no_leak(asked.learn, asked.target)
        assert not np.intersect1d(asked.known.sources, asked.target.sources).size
        assert set(asked.learn.sources) <= set(asked.known.sources)


def test_recipes_are_all_tried_here():
    assert set(SPLITS) - set(EVERY) == {"u_sets", "ua_ub"}  # of ml-100k alone, below


# Time -------------------------------------------------------------------------------------------


def test_time_cuts_learn_nothing_of_the_future():
    split = time_cuts(TOWN)
    times = TOWN.histories.times
    for part in (split.part("validation"), split.part("test")):
        assert part.learn.histories.times.max() < part.target.histories.times.min()
    assert np.isclose(len(split.test) / len(times), 0.1, atol=0.01)


def test_newcomers_are_known_by_their_first_events_alone():
    """Two people come after the cut: half of what they do is known, 20 events at most."""
    old = [("old", f"i{n}", 1, n) for n in range(900)]
    new = [("few", f"i{n}", 1, 1000 + n) for n in range(3)]
    new += [("many", f"i{n}", 1, 2000 + n) for n in range(97)]
    data = pt.read(old + new)
    part = time_cuts(data, validation=0, test=0.1).part("test")
    known = dict(zip(data.users.ids(), part.known.histories.counts.tolist(), strict=True))
    learned = dict(zip(data.users.ids(), part.learn.histories.counts.tolist(), strict=True))
    assert known == {"old": 900, "few": 1, "many": 20}
    assert learned == {"old": 900, "few": 0, "many": 0}
    few = part.target.columns()
    assert few["item_id"][few["user_id"] == "few"].tolist() == ["i1", "i2"]


@given(st.lists(st.integers(0, 8), min_size=12, max_size=60))
def test_equal_times_stay_together(times):
    data = pt.Interactions.from_columns(
        [n % 5 for n in range(len(times))],
        list(range(len(times))),
        times=np.array(times, np.int64) * 1_000_000,
    )
    try:
        split = time_cuts(data, 0.2, 0.2)
    except UsageError:
        return  # too few moments to cut between
    h = data.histories
    late = np.isin(split.roles, (Role.TEST, Role.TEST_PROFILE))
    assert not set(h.times[late]) & set(h.times[~late])


def test_without_times_there_is_nothing_to_cut():
    with pytest.raises(UsageError, match="no times"):
        time_cuts(pt.datasets.load("interests"))
    flat = pt.Interactions.from_columns([1, 2, 3], [1, 2, 3], times=np.full(3, 7, np.int64))
    with pytest.raises(UsageError, match="too much alike"):
        time_cuts(flat)


def test_a_row_of_the_future_in_train_is_named():
    split = time_cuts(TOWN)
    roles = split.roles.copy()
    roles[np.argmax(TOWN.histories.times)] = Role.TRAIN
    with pytest.raises(LeakError, match="as late as the test rows"):
        Split(TOWN, roles, {}, refit=True, temporal=True).part("test")


def test_a_learned_test_row_is_named():
    split = random_rows(TOWN)
    with pytest.raises(LeakError, match="held-out rows were learned"):
        no_leak(TOWN, split.test)


# Other splits -----------------------------------------------------------------------------------


def test_per_user_takes_a_share_of_each():
    split = per_user(TOWN, validation=0.1, test=0.2, seed=3)
    counts = TOWN.histories.counts
    assert split.test.histories.counts.tolist() == np.floor(counts * 0.2 + 1e-9).tolist()
    assert split.validation.histories.counts.tolist() == np.floor(counts * 0.1 + 1e-9).tolist()


def test_the_last_event_is_the_latest_in_time():
    split = leave_last_out(TOWN)
    train, test = split.part("test").learn.histories, split.test.histories
    for person in np.flatnonzero(test.counts):
        assert train.take([person]).times.max() <= test.take([person]).times.min()
    assert test.counts.max() == 1


def test_folds_hold_out_every_row_once():
    held = np.concatenate([one.test.sources for one in k_folds(TOWN, 7)])
    assert sorted(held) == sorted(TOWN.sources)


def test_strong_generalisation_never_learns_a_held_out_person():
    split = strong_generalisation(TOWN, hidden=0.3)
    for name in ("validation", "test"):
        part = split.part(name)
        asked = np.flatnonzero(part.target.histories.counts)
        assert not part.learn.histories.counts[asked].any()
        assert part.known.histories.counts[asked].all()


@pytest.mark.parametrize("shares", [(0.5, 0.5), (-0.1, 0.2), (0.1, 0)])
def test_impossible_shares(shares):
    with pytest.raises(ParameterError, match="shares"):
        random_rows(TOWN, *shares)


def test_a_part_that_was_not_held_out():
    with pytest.raises(UsageError, match="holds nothing out for validation"):
        protocol("u1", pt.datasets.load("ml-100k")).part("validation")


# Published protocols ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ml1m():
    return pt.datasets.load("ml-1m")


def test_the_notebook(ml100k):
    split = protocol("notebook", ml100k)
    mean = split.train.columns()["rating"].mean(dtype="float64")
    truth = split.test.columns()["rating"].astype("float64")
    assert np.mean((truth - mean) ** 2) == pytest.approx(1.2609526646939684, abs=1e-12)


def test_u_sets(ml100k):
    """u1.test has 459 people; the five tests are all rows once; ua and ub ten rows of each."""
    sets = [protocol(f"u{k}", ml100k) for k in range(1, 6)]
    assert np.count_nonzero(sets[0].test.histories.counts) == 459
    assert sorted(np.concatenate([one.test.sources for one in sets])) == list(range(100_000))
    for name in ("ua", "ub"):
        assert len(protocol(name, ml100k).test) == 9_430


def test_shehzad(ml1m):
    split = protocol("shehzad-ml1m", ml1m)[0]
    assert (len(split.data.users), len(split.data.items), len(split.data)) == (5949, 2810, 571_531)
    assert len(split.test) == 116_671


def test_leave_one_out_of_ml1m(ml1m):
    split = protocol("loo-full", ml1m)
    assert (len(split.data.users), len(split.data.items), len(split.data)) == (6040, 3416, 999_611)
    assert len(split.test) == len(split.validation) == 6040


def test_vae_strong_leaves_out_what_nobody_learned():
    split = vae_strong(TOWN.likes(None), held=20)
    learned = split.train.histories.item_counts() > 0
    assert learned[split.test.histories.items].all()
    assert np.count_nonzero(split.test.histories.counts) <= 20


def test_parts_read_apart_are_one_split_of_the_same_ids():
    """A person or item of both parts is one; times and kind stay."""
    parts = random_rows(TOWN)
    split = own_split(parts.train, parts.test, parts.validation)
    assert split.counts() == parts.counts()
    assert set(split.data.users.ids()) == set(TOWN.users.ids())
    ours, theirs = split.test.columns(), parts.test.columns()
    assert all((ours[name] == theirs[name]).all() for name in theirs)
    with pytest.raises(UsageError, match="one kind"):
        own_split(parts.train, parts.test.likes())


def test_files_of_lightgcn(tmp_path):
    """A line is a user and their items; a tenth of each person's training items is held out."""
    (tmp_path / "train.txt").write_text("0 " + " ".join(map(str, range(20))) + "\n1 3 4\n")
    (tmp_path / "test.txt").write_text("0 30 31\n1 5\n2\n")
    split = lightgcn(tmp_path / "train.txt", tmp_path / "test.txt")
    assert split.counts()["test"] == 3
    assert split.counts()["validation"] == 2
    assert split.train.users.ids() == [0, 1]
    (tmp_path / "bad.txt").write_text("0 1\n1 x\n")
    with pytest.raises(DataError, match=r"bad\.txt, line 2"):
        lightgcn(tmp_path / "bad.txt", tmp_path / "test.txt")


def test_a_core_has_no_rare_id():
    found = core(TOWN, 12)
    assert found.histories.counts.min() >= 12
    assert found.histories.item_counts().min() >= 12


def test_a_protocol_of_other_data_says_so():
    with pytest.raises(UsageError, match="100,000 rows"):
        protocol("u1", TOWN)
    with pytest.raises(ParameterError, match="Did you mean 'notebook'"):
        protocol("notebok", TOWN)
