"""``penchant evaluate`` and ``penchant compare``: figures on the screen, in JSON, as a picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import penchant as pt
from penchant.evaluation import Card, rerun
from tests.commands import as_json, mistake, ok


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("measure")
    town = pt.datasets.town(200, 40, 3000, ratings=True)
    town.to_pandas().to_csv(folder / "stars.csv", index=False)
    return folder


def test_evaluate_says_what_was_asked_and_how_good_it_was(place):
    out = ok("evaluate", "ease l2=50 dropout=0.2", "stars.csv", cwd=place)
    assert "\nEASE(l2=50.0, dropout=0.2) on the test part: " in out
    for word in ("people", "ndcg@10", "capped_recall@20", "coverage@10", "of heavy", "fit "):
        assert word in out


def test_evaluate_as_the_library_does(place):
    found = as_json("evaluate", "ease l2=50", "stars.csv", "--split", "per_user", cwd=place)
    from penchant.evaluation.splits import per_user

    ours = pt.evaluate(pt.EASE(l2=50), per_user(pt.read(place / "stars.csv")))
    assert found["metrics"] == ours.metrics


def test_a_saved_model_lends_its_settings(place):
    ok("train", "rating_mf", "stars.csv", "--factors", "3", "--out", "mf", cwd=place)
    found = as_json("evaluate", "mf", "stars.csv", cwd=place)
    assert found["params"]["factors"] == 3
    assert found["goal"] == "stars"


def test_compare_ends_in_a_verdict_a_card_and_a_picture(place):
    words = ("-m", "user_knn k=20", "-m", "ease l2=9")
    out = ok(
        *("compare", "stars.csv", *words, "--card", "card.json", "--chart", "best.svg"), cwd=place
    )
    for word in ("UserKNN(k=20)", "EASE(l2=9.0)", "Random() (baseline)", "evidence", "warm ("):
        assert word in out
    card = Card.load(place / "card.json")
    assert rerun(card, pt.read(place / "stars.csv")).card.figures == card.figures
    assert (place / "best.svg").read_text().startswith("<svg")


def test_compare_stars_of_a_published_protocol():
    words = ("compare", "ml-100k", "--goal", "stars", "--split", "notebook", "-m", "rating_mf")
    found = as_json(*words)
    assert found["primary"] == "rmse"
    assert found["models"][0]["metrics"]["mse"] == pytest.approx(0.8282, abs=1e-3)
    assert json.dumps(found)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("evaluate", "eas", "stars.csv"), "Did you mean 'ease'"),
        (("evaluate", "ItemKNN", "stars.csv"), "Did you mean 'item_knn'"),
        (("train", "item", "stars.csv"), "no such model"),
        (("evaluate", "ease l3=1", "stars.csv"), "It has: recency"),
        (("evaluate", "ease l2=many", "stars.csv"), "l2 must be a number"),
        (("evaluate", "ease", "star.csv"), "no such file"),
        (("evaluate", "ease", "stars.csv", "--metrics", "ndgc@10"), "Did you mean 'ndcg'"),
        (("evaluate", "ease", "stars.csv", "--split", "notebok"), "Did you mean 'notebook'"),
        (("evaluate", "ease", "stars.csv", "--split", "x"), "leave_last_out"),
        (("evaluate", "ease", "stars.csv", "--split", "u_sets"), "no such name"),
        (("evaluate", "", "stars.csv"), "no such model"),
        (("evaluate", "ease", "stars.csv", "--goal", "stars"), "no stars"),
        (("compare", "stars.csv", "--chart", "best.png"), "must end in .svg"),
        (("compare", "interests", "--at-least", "4"), "likes already"),
        (("compare", "stars.csv", "--split", "u1"), "protocol of 100,000 rows"),
    ],
)
def test_mistakes_are_one_sentence(words, said, place):
    assert said in mistake(*words, cwd=place)


def test_what_was_read_is_said_before_it_is_measured(place):
    out = ok("evaluate", "ease", "stars.csv", cwd=place)
    assert "kind: ratings" in out
    assert out.index("user <- user_id") < out.index("on the test part")


def test_events_without_weights_are_said_to_count_alike(tmp_path):
    rows = [f"u{u},i{(u + k) % 7},{('view', 'buy')[k % 2]}" for u in range(9) for k in range(4)]
    (tmp_path / "shop.csv").write_text("customer,product,event\n" + "\n".join(rows) + "\n")
    out = ok("train", "item_knn", "shop.csv", cwd=tmp_path)
    assert "every row counts alike (buy, view): give --weights view=1" in out


def test_figures_on_a_narrow_terminal_leave_columns_out_and_cut_none(monkeypatch, capsys):
    from rich.console import Console

    from penchant.cli import show
    from penchant.data.tables import Table

    monkeypatch.setattr(show, "console", lambda: Console(width=60))
    gap = "+0.0119 [-0.0181, +0.0441]"
    found = Table({"model": ["EASE(l2=250.0)"], "ndcg@10": [0.25], "vs reference": [gap]})
    wide = {f"column {i}": [0.5] for i in range(5)}
    show.figures(Table(found.columns | wide), kept=3)
    out = capsys.readouterr().out
    assert gap in out
    assert "EASE(l2=250.0)" in out
    assert "(no room for column 0, column 1, column 2, column 3, column 4:" in out
    show.figures(found, kept=3)
    assert "no room" not in capsys.readouterr().out


def test_what_beats_nothing_is_said_once(place):
    found = as_json("compare", "stars.csv", "-m", "user_knn", cwd=place)
    pairs = [line.split(":")[0].rstrip(".") for line in found["verdict"]]
    assert len(pairs) == len(set(pairs))


def test_a_blend_says_its_weights_when_trained(place):
    assert "weights: ease " in ok("train", "blend", "stars.csv", "--every-rating", cwd=place)


def test_a_class_is_a_name_of_a_trainer(place):
    assert "saved ItemKNN(k=5)" in ok("train", "ItemKNN", "stars.csv", "--k", "5", cwd=place)
    assert "Did you mean 'item_knn'" in mistake("train", "item-knn", "stars.csv", cwd=place)
