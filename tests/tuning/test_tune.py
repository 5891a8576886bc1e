"""Tuning: settings chosen on validation rows alone, the same every time, stopped and resumed."""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np
import pytest
from tests.commands import as_json as _json
from tests.commands import mistake as _mistake
from tests.commands import ok as _ok

import penchant as pt
from penchant.errors import MissingExtraError, ParameterError, UsageError
from penchant.evaluation import evaluate
from penchant.evaluation.splits import k_folds, per_user, time_cuts
from penchant.progress import Progress
from penchant.tuning import Tuning
from penchant.tuning.space import search_space


def _others(*searched: str) -> dict[str, object]:
    """EASE's settings that are to stay as they are."""
    return {k: one.default for k, one in pt.EASE.params.items() if k not in searched}


@pytest.fixture(scope="module")
def town() -> pt.Interactions:
    return pt.datasets.town(200, 50, 3000)


@pytest.fixture(scope="module")
def rated() -> pt.Interactions:
    return pt.datasets.town(200, 50, 3000, ratings=True)


def _rows(found: Tuning) -> list[dict[str, object]]:
    """The trials without what the clock says."""
    rows = found.to_dict()["trials"]
    return [{name: one for name, one in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(autouse=True)
def _quiet():
    """Where the best lies is not what these tests are about, but for one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the best lies at the end")
        yield


# What is found ----------------------------------------------------------------------------------


def test_the_better_of_clearly_different_settings_for_likes(town):
    found = pt.tune(pt.EASE, town, trials=6, space={"l2": [1e-3, 300.0]}, fixed=_others("l2"))
    assert found.best == {"l2": 300.0}
    assert found.metric == "ndcg@10"
    assert {row["l2"] for row in _rows(found)[1:]} == {1e-3, 300.0}


def test_the_better_of_clearly_different_settings_for_ratings(rated):
    """Of errors the smallest; only what was asked for is searched."""
    found = pt.tune(
        pt.RatingMF(epochs=4), rated, trials=6, space={"reg": [0.01, 8.0]},
        fixed=dict.fromkeys(("factors", "epochs"), 4) | {"reg_bias": 3, "frequency": 0},
    )  # fmt: skip
    assert found.best == {"reg": 8.0}
    assert found.metric == "rmse"
    assert found.value == min(row["value"] for row in _rows(found) if row["value"])
    assert found.model.factors == 4


def test_values_are_those_of_evaluate(town):
    split = time_cuts(town)
    found = pt.tune(pt.EASE, split, trials=4)
    again = evaluate(pt.EASE(**found.best), split, part="validation")
    assert again["ndcg@10"] == found.value


def test_the_first_trial_is_the_model_as_given(rated):
    """Also where a setting is outside its range, such as all neighbours."""
    start = pt.ItemKNN(k=None, shrink=3)
    split = per_user(rated)
    found = pt.tune(start, split, goal="stars", trials=2)
    first = _rows(found)[0]
    assert (first["k"], first["shrink"]) == (None, 3.0)
    assert first["value"] == evaluate(start, split, part="validation", goal="stars")["rmse"]
    assert start._fitted is None


def test_the_test_part_is_neither_asked_nor_learned(town):
    split = k_folds(town, 4, fold=1)
    found = pt.tune(pt.EASE, split, trials=3)
    assert split.scored == {"validation": 3, "test": 0}
    evaluate(found.model, split, refit=False)  # would complain of a leak
    learned = found.model.fitted.histories
    assert len(learned.items) == len(split.train) + len(split.validation)


# The same every time ----------------------------------------------------------------------------


def test_same_seed_same_trials(town):
    first, second = (pt.tune(pt.EASE, town, trials=17) for _ in range(2))
    assert _rows(first) == _rows(second)
    assert _rows(pt.tune(pt.EASE, town, trials=3, seed=1))[1:] != _rows(first)[1:3]


def test_a_search_goes_on_where_it_ended(town, tmp_path):
    """Stopped by the user in the fourth trial and taken up again: the trials of one run."""
    whole = pt.tune(pt.EASE, town, trials=17)
    kept = tmp_path / "trials.db"

    def stop(step: Progress) -> None:
        if step.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pt.tune(pt.EASE, town, trials=17, storage=kept, progress=stop)
    assert _rows(pt.tune(pt.EASE, town, trials=5, storage=kept)) == _rows(whole)[:5]
    assert _rows(pt.tune(pt.EASE, town, trials=17, storage=kept)) == _rows(whole)


def test_a_file_of_another_search_is_refused(town, rated, tmp_path):
    kept = tmp_path / "trials.db"
    pt.tune(pt.EASE, town, trials=1, storage=kept)
    for other in ({"seed": 1}, {"metric": "recall@20"}, {"space": {"l2": (1, 2)}}):
        with pytest.raises(UsageError, match=f"another search .other {next(iter(other))}"):
            pt.tune(pt.EASE, town, trials=2, storage=kept, **other)
    with pytest.raises(UsageError, match="other split"):
        pt.tune(pt.EASE, per_user(town), trials=2, storage=kept)


def test_a_trial_that_does_worse_early_is_given_up(rated):
    """With the same answer as a search to the end, or one as good."""
    asked = {"trials": 30, "fixed": {"factors": 8, "epochs": 20}}
    found = pt.tune(pt.RatingMF, rated, **asked)
    states = [row["state"] for row in _rows(found)]
    assert "given up" in states[15:]
    assert set(states[:15]) == {"done"}
    assert all(row["value"] is None for row in _rows(found) if row["state"] == "given up")
    patient = pt.tune(pt.RatingMF, rated, prune=False, **asked)
    assert found.value == pytest.approx(patient.value, abs=0.01)


# Limits and complaints --------------------------------------------------------------------------


def test_a_best_at_the_end_of_its_range_is_said(town):
    """Unless the end is that of the hyperparameter itself, beyond which nothing lies."""
    asked = {"trials": 30, "fixed": _others("l2"), "space": {"l2": (0.001, 10.0)}}
    with pytest.warns(pt.PenchantNotice, match=r"l2=[\d.]+ of 0\.001 to 10.*space="):
        found = pt.tune(pt.EASE(l2=10), town, **asked)
    assert found.on_edge == ("l2",)
    asked = {"trials": 1, "fixed": _others("dropout"), "space": {"dropout": (0.0, 0.5)}}
    assert pt.tune(pt.EASE(dropout=0), town, **asked).on_edge == ()


def test_the_budget_ends_a_search_but_not_before_one_trial(town):
    assert len(pt.tune(pt.EASE, town, trials=50, timeout=0).trials) == 1


def test_the_budget_ends_a_fit_at_an_epoch(rated, monkeypatch):
    """The trial under way does not count."""
    from penchant.tuning import search

    begun = []

    class Clock:
        """Stands still in the first trial and runs in the second."""

        @staticmethod
        def monotonic() -> float:
            return float(len(begun))

    monkeypatch.setattr(search, "time", Clock)
    real = search.Question.answer

    def answer(self, model, watch):
        def counted(step: Progress) -> None:
            begun.extend([step.done] * (len(begun) >= 5))
            watch(step)

        value = real(self, model, counted)
        begun.extend(range(5))
        return value

    monkeypatch.setattr(search.Question, "answer", answer)
    found = pt.tune(pt.RatingMF, rated, trials=9, timeout=7.0, fixed={"epochs": 50})
    assert len(found.trials) == 1
    assert len(begun) == 7


def test_settings_that_cannot_be_fitted_are_no_end(town):
    """They stand in the table; only if nothing could be fitted the search fails."""
    timeless = pt.Interactions.from_columns(*list(town.columns().values())[:2])
    with pytest.warns(pt.PenchantNotice, match="without times"):
        found = pt.tune(pt.Popularity, timeless, trials=3)
    assert [row["state"] for row in _rows(found)] == ["done", "failed", "failed"]
    assert found.best == {"half_life": None}
    with pytest.raises(UsageError, match=r"no trial could be run.*half_life needs times"):
        pt.tune(pt.Popularity(half_life=5), per_user(timeless), trials=2)


def test_only_what_has_a_say_is_searched():
    knn, mf = pt.ItemKNN(), pt.RatingMF()
    assert "damp" not in search_space(knn, "likes", {}, {})
    assert "weighting" not in search_space(knn, "ratings", {}, {})
    assert "k" not in search_space(knn, "ratings", {"k": 3}, {})
    assert search_space(knn, "likes", {}, {"damp": (1, 2)})["damp"].high == 2
    assert "seed" not in search_space(mf, "ratings", {}, {})


def test_a_setting_of_another_solver_stays_as_it_is(rated):
    rows = _rows(pt.tune(pt.RatingMF(epochs=2), rated, trials=3, fixed={"epochs": 2}))
    assert {row["learning_rate"] for row in rows} == {0.03}
    space = {"solver": ["als", "sgd"]}
    rows = _rows(pt.tune(pt.RatingMF, rated, trials=8, fixed={"epochs": 2}, space=space))
    assert {row["learning_rate"] for row in rows if row["solver"] == "als"} == {0.03}
    assert len({row["learning_rate"] for row in rows if row["solver"] == "sgd"}) > 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"trials": 0}, "trials must be"),
        ({"fixed": {"l2x": 1}}, "Did you mean 'l2'"),
        ({"space": {"l2x": (1, 2)}}, "Did you mean 'l2'"),
        ({"space": {"l2": (2, 1)}}, "low must be below high"),
        ({"space": {"l2": (-1, 1)}}, "l2 must be a number at least"),
        ({"space": {"l2": 3}}, "must be .low, high. or a list"),
        ({"metric": "mood@3"}, "mood"),
        ({"fixed": _others()}, "nothing to search"),
    ],
)
def test_what_cannot_be_meant_is_refused_beforehand(town, wrong, said):
    with pytest.raises(UsageError, match=said):
        pt.tune(pt.EASE, town, **({"trials": 2} | wrong))


def test_a_metric_of_stars(rated):
    assert pt.tune(pt.Baseline, rated, trials=2, metric="mae").metric == "mae"
    with pytest.raises(ParameterError, match="metric must be one of rmse, mae, mse"):
        pt.tune(pt.Baseline, rated, trials=2, metric="ndcg@10")


def test_without_optuna_the_line_to_type(town, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'penchant\[tune\]'"):
        pt.tune(pt.EASE, town, trials=1)


def test_the_result_as_text_and_json(town):
    found = pt.tune(pt.EASE, town, trials=2)
    assert "the best of 2 trials" in repr(found)
    said = json.loads(found.to_json())
    assert said["space"]["l2"] == "1 to 10000"
    assert said["trials"][0]["l2"] == 400.0
    assert np.isfinite(found.trials["seconds"]).all()


# The command ------------------------------------------------------------------------------------


def test_the_command_saves_the_best_fitted_on_everything(town, tmp_path):
    rows = zip(*town.columns().values(), strict=True)
    text = "user,item,time\n" + "".join(f"{row[0]},{row[1]},{row[-1]}\n" for row in rows)
    (tmp_path / "town.csv").write_text(text)
    asked = ("tune", "ease l2=50", "town.csv", "--trials", "3", "--space", "l2=10:1000")
    said = _json(*asked, "--fix", "dropout=0.2", "--out", "best", cwd=tmp_path)
    best = pt.load(tmp_path / "best")
    assert best.l2 == said["best"]["l2"]
    assert best.dropout == 0.2
    assert said["trials"][0]["l2"] == 50.0
    assert len(best.fitted.histories.items) == len(town.merged.items)
    out = _ok(*asked, "--storage", "kept.db", cwd=tmp_path)
    assert "the best of 3 trials" in out
    assert "fitted on all rows, in penchant-model" in out
    assert "Did you mean 'l2'" in _mistake(
        "tune", "ease", "town.csv", "--fix", "l2x=1", cwd=tmp_path
    )
    assert "name=low:high" in _mistake("tune", "ease", "town.csv", "--space", "l2=1", cwd=tmp_path)


def test_a_file_that_cannot_keep_trials_is_refused(town, tmp_path):
    (tmp_path / "likes.csv").write_text("user,item\n" * 99)
    for place in (tmp_path / "none" / "kept.db", tmp_path / "likes.csv"):
        with pytest.raises(UsageError, match="cannot keep trials there"):
            pt.tune(pt.EASE, town, trials=1, storage=place)


def test_the_command_learns_the_likes_that_a_protocol_speaks_of(rated, tmp_path):
    """Where every rating is a like, the model that is saved learned from every rating."""
    rated.to_pandas().to_csv(tmp_path / "stars.csv", index=False)
    _ok("tune", "popularity", "stars.csv", "--trials", "1", "--split", "loo-full", cwd=tmp_path)
    assert pt.load(tmp_path / "penchant-model").fitted.liked_from is None


def test_the_first_trial_does_not_round_what_was_given(town):
    found = pt.tune(pt.EASE(l2=123.456), town, trials=1, fixed=_others("l2"))
    assert found.best == {"l2": 123.456}
