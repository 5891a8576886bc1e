"""The demo: end to end on real data, and on the bundled data where there is no network."""

from __future__ import annotations

import pytest

from penchant.cli import demo as demo_command
from penchant.errors import FetchError
from tests.commands import as_json as _json
from tests.commands import ok as _ok


def test_demo_on_real_data(ml100k, tmp_path):
    """Errors beside the train mean's, quality of lists, reasons, neighbours, the map; it ends."""
    out = _ok("demo", cwd=tmp_path)
    for line in (
        "MovieLens 100k: 943 people",
        "mean of train",
        "1.2610",
        "rating_mf",
        "user_knn",
        "Popularity()",
        "ndcg@10",
        "for person 196",
        "likes Star Wars (1977) and Return of the Jedi (1983)",
        "because of Star Wars (1977)",
        "what goes with Star Wars (1977)",
        "penchant-demo/map.html",
        "done in",
    ):
        assert line in out
    assert (tmp_path / "penchant-demo" / "map.html").exists()
    found = _json("demo", cwd=tmp_path)
    errors = {row["model"]: row["test_mse"] for row in found["stars"]}
    assert errors["rating_mf factors=10"] < 0.83 < errors["mean of train"]
    assert min(errors, key=errors.get).startswith("bayesian_mf")
    assert found["stranger"][0]["title"] == "Empire Strikes Back, The (1980)"
    lists = {row["model"]: row["ndcg@10"] for row in found["lists"]}
    assert {"Random()", "Popularity()", "UserKNN()", "ItemKNN()", "EASE()"} < set(lists)
    assert list(lists.values()) == sorted(lists.values())
    assert lists["EASE()"] == pytest.approx(0.4393, abs=5e-5)
    assert lists["Blend()"] > lists["EASE()"]
    assert "No evidence that" in out


@pytest.fixture
def no_network(monkeypatch) -> None:
    """No data set but the bundled one can be had."""
    real = demo_command.datasets.load

    def load(name: str):
        if name != "interests":
            raise FetchError("ml-100k could not be fetched", where="here")
        return real(name)

    monkeypatch.setattr(demo_command.datasets, "load", load)


@pytest.mark.usefixtures("no_network")
def test_demo_without_network_uses_the_bundled_data_and_says_so(tmp_path, capsys):
    demo_command.run(tmp_path, quiet=False)
    out = capsys.readouterr().out
    assert "ml-100k could not be fetched" in out
    assert "Using the bundled interests: 15 people, 36 interests" in out
    assert "MapReduce" in out
    assert (tmp_path / "map.html").exists()


@pytest.mark.usefixtures("no_network")
def test_demo_as_json_says_beside_the_document_that_there_was_no_network(tmp_path, capsys):
    """A machine that reads the document is not the one that wonders where the stars went."""
    found = demo_command.run(tmp_path, quiet=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert "note: here: ml-100k could not be fetched" in said.err
    assert "note: Using the bundled interests" in said.err
    assert {"stars", "lists"}.isdisjoint(found)
    assert found["person"][0]["item_id"] == "MapReduce"
