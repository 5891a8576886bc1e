"""The command line: every command for people and for machines, every mistake in one sentence."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import penchant as pt
from penchant.cli.app import trainers
from penchant.cli.train import _data, add_trainers, typed
from tests.commands import PENCHANT
from tests.commands import as_json as _json
from tests.commands import mistake as _mistake
from tests.commands import ok as _ok
from tests.commands import run as _run


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Path:
    """A folder with a file of ratings, a file of films, and models trained on them."""
    folder = tmp_path_factory.mktemp("cli")
    films = [
        (1, "Star Wars (1977)"),
        (2, "Star Trek (1979)"),
        (3, "Heat (1995)"),
        (4, "Heat (1986)"),
        (5, "Up (2009)"),
    ]
    rows = [(u, i, (u * i) % 5 + 1) for u in range(1, 13) for i in range(1, 6) if (u + i) % 4]
    (folder / "films.csv").write_text("id,title\n" + "".join(f"{i},{t}\n" for i, t in films))
    (folder / "ratings.csv").write_text(
        "user,item,rating\n" + "".join(f"{u},{i},{r}\n" for u, i, r in rows)
    )
    for name, extra in (
        ("item_knn", ["--at-least", "3"]),
        ("rating_mf", ["--factors", "3"]),
        ("user_knn", []),
    ):
        _ok("train", name, "ratings.csv", "--items", "films.csv", "--out", name, *extra, cwd=folder)
    return folder


def test_train_says_what_it_read_and_what_comes_next(place):
    out = _ok("train", "rating_mf", "ratings.csv", "--epochs", "2", "--out", "again", cwd=place)
    assert "user <- user (named so)" in out
    assert "kind: ratings" in out
    assert "saved RatingMF(epochs=2) in again (model " in out
    assert "next: penchant recommend again 1" in out


def test_a_context_is_said_at_the_command_line(place):
    """The moment and facts reach the model; one that uses no facts says so, once."""
    (place / "people.csv").write_text("user,age\n" + "".join(f"{u},{u}\n" for u in range(1, 13)))
    out = _ok(
        *("train", "rating_mf", "ratings.csv", "--users", "people.csv", "--epochs", "1"),
        *("--out", "people"),
        cwd=place,
    )
    assert "user facts: age" in out
    said = ("--at", "2026-04-03T18:30", "--facts", "age=30")
    for words in (("predict", "people", "1", "5"), ("recommend", "people", "1", "2")):
        run = _run(*words, *said, cwd=place)
        assert run.returncode == 0
        assert run.stderr.count("learned nothing from facts about people") == 1
    for wrong, message in (
        (("--at", "soon"), "a moment is a datetime, ISO text"),
        (("--facts", "age"), "facts are written COLUMN=VALUE"),
    ):
        run = _run("explain", "people", "1", "5", *wrong, cwd=place)
        assert run.returncode == 2
        assert message in run.stderr


def test_train_as_json(place):
    answer = _json("train", "item_knn", "ratings.csv", "--out", "json", "--k", "none", cwd=place)
    assert answer["model"] == "item_knn"
    assert answer["parameters"]["k"] is None
    assert set(answer["bytes"]) == {"model", "histories"}


def test_histories_can_be_left_out(place):
    answer = _json(
        "train", "rating_mf", "ratings.csv", "--out", "bare", "--no-histories", cwd=place
    )
    assert set(answer["bytes"]) == {"model"}


@pytest.mark.parametrize("model", pt.catalogue().values(), ids=lambda model: model.name)
def test_every_hyperparameter_is_a_flag_with_its_rule(model):
    """Flags are made from what each model declares, and from nothing else."""
    add_trainers(trainers)
    command = typer.main.get_command(trainers).commands[model.name]
    shared = set(inspect.signature(_data).parameters)
    own = {one.name: one for one in command.params if one.name not in {*shared, "help"}}
    assert set(own) == set(model.params)
    for name, declared in model.params.items():
        flag = f"--{name.replace('_', '-')}"
        both = [f"--no-{flag[2:]}"] if declared.dtype is bool else []
        assert [*own[name].opts, *own[name].secondary_opts] == [flag, *both]
        assert declared.help in own[name].help
        assert declared.dtype is bool or declared.rule in own[name].help
        assert typed(model, declared, own[name].default) == declared.default


def test_recommend_for_people_and_strangers(place):
    out = _ok("recommend", "item_knn", "1", "-n", "2", cwd=place)
    assert "item_id" in out
    assert "because" in out
    answer = _json("recommend", "item_knn", "1", "-n", "2", cwd=place)
    assert answer["user_id"] == 1
    assert [row["rank"] for row in answer["items"]] == list(range(1, len(answer["items"]) + 1))
    stranger = _json("recommend", "item_knn", "--history", "Star Wars (1977)", "-n", "2", cwd=place)
    same = _json("recommend", "item_knn", "--history", "1", "-n", "2", cwd=place)
    assert stranger["items"] == same["items"]
    several = _json("recommend", "item_knn", "1", "2", "3", "-n", "1", cwd=place)
    assert {row["user_id"] for row in several["items"]} == {1, 2, 3}
    only = _json("recommend", "item_knn", "1", "--items", "Up", "--keep-seen", cwd=place)
    assert [row["item_id"] for row in only["items"]] == [5]
    without = _json(
        "recommend", "item_knn", "1", "--exclude", "Up", "--keep-seen", "--strict", cwd=place
    )
    assert 5 not in [row["item_id"] for row in without["items"]]
    unknown = _json("recommend", "item_knn", "nobody", "-n", "2", cwd=place)
    assert {row["source"] for row in unknown["items"]} == {"popular"}
    assert "source" in _ok("recommend", "item_knn", "1", "--no-reasons", cwd=place)


def test_similar(place):
    assert "Star Trek (1979)" in _ok("similar", "item_knn", "star wars", cwd=place)
    answer = _json("similar", "item_knn", "1", "-n", "2", cwd=place)
    assert (answer["item_id"], answer["title"], len(answer["items"])) == (1, "Star Wars (1977)", 2)


def test_predict(place):
    assert "rating:" in _ok("predict", "rating_mf", "1", "Up (2009)", cwd=place)
    answer = _json("predict", "rating_mf", "1", "5", cwd=place)
    assert 1 <= answer["rating"] <= 5
    assert (answer["user_id"], answer["title"]) == (1, "Up (2009)")
    stranger = _json(
        "predict", "rating_mf", "Up (2009)", "--history", "Star Wars (1977)", cwd=place
    )
    assert 1 <= stranger["rating"] <= 5


def test_explain(place):
    answer = _json("explain", "item_knn", "1", "Star Trek (1979)", cwd=place)
    assert sum(share["share"] for share in answer["shares"]) == pytest.approx(
        answer["score"], abs=1e-4
    )
    out = _ok("explain", "item_knn", "1", "Star Trek (1979)", cwd=place)
    assert "the sum of" in out
    people = _json("explain", "user_knn", "1", "5", "--by", "person", cwd=place)
    assert {share["cause"] for share in people["shares"]} <= {"person", "baseline"}
    assert _json("explain", "item_knn", "5", "--history", "1", cwd=place)["item_id"] == 5


def test_map(place):
    answer = _json("map", "rating_mf", "--out", "map.html", "--png", "map.png", cwd=place)
    assert answer["html"] == "map.html"
    assert len(answer["explained_variance"]) == 2
    assert (place / "map.html").stat().st_size > 5_000
    assert (place / "map.png").read_bytes()[:4] == b"\x89PNG"


def test_models_lists_the_catalogue_with_its_rules():
    listed = {model["name"]: model for model in _json("models")}
    assert set(listed) == set(pt.catalogue())
    for name, model in pt.catalogue().items():
        assert [p["name"] for p in listed[name]["parameters"]] == list(model.params)
    assert "a whole number at least 1" in _ok("models")


def test_version_and_help_are_there():
    assert _ok("--version").strip() == f"penchant {pt.__version__}"
    for command in ("demo", "train", "recommend", "similar", "predict", "explain", "map", "models"):
        assert command in _ok("--help")
        usage, example = f"Usage: penchant {command}", f"penchant {command} "
        assert example in _ok(command, "--help").replace(usage, ""), "an example beside the usage"


MISTAKES = {
    "a file that is not there": (
        "train item_knn rating.csv",
        "no such file or data set. Did you mean 'ratings.csv'",
    ),
    "a model that is not there": (
        "recommend nowhere 1",
        "no model here: manifest.json is missing",
    ),
    "an unknown model": (
        "train item_nn ratings.csv",
        "item_nn",
    ),
    "a parameter out of range": (
        "train item_knn ratings.csv --k 0",
        "k must be a whole number at least 1",
    ),
    "a parameter of the wrong type": (
        "train rating_mf ratings.csv --epochs many",
        "epochs must be a whole number at least 1, got 'many'",
    ),
    "a word for a number": (
        "train item_knn ratings.csv --k few",
        "k must be a whole number",
    ),
    "an unknown flag": (
        "train item_knn ratings.csv --kay 3",
        "--kay",
    ),
    "a column that is not there": (
        "train item_knn ratings.csv --user usr",
        "Did you mean 'user'",
    ),
    "a kind that is none": (
        "train item_knn ratings.csv --kind stars",
        "kind must be likes or ratings",
    ),
    "weights that are none": (
        "train item_knn ratings.csv --weights view",
        "view=1,purchase=5",
    ),
    "nobody to recommend to": (
        "recommend item_knn",
        "give users or a --history",
    ),
    "both user and history": (
        "recommend item_knn 1 --history 2",
        "one of the two",
    ),
    "an unknown item": (
        "similar item_knn Dune",
        "no such item, by id or title, got 'Dune'",
    ),
    "an ambiguous title": (
        "similar item_knn heat",
        "4 Heat (1986); 3 Heat (1995)",
    ),
    "stars of a model without": (
        "predict item_knn 1 2",
        "no stars to predict",
    ),
    "a user without an item": (
        "explain item_knn 1",
        "give a user and an item",
    ),
    "a cause it does not know": (
        "explain item_knn 1 2 --by person",
        "explains by item",
    ),
    "n of nothing": (
        "recommend item_knn 1 -n 0",
        "n must be",
    ),
    "an unknown user, to be raised": (
        "recommend item_knn zz --on-unknown raise",
        "no such user, got 'zz'",
    ),
    "a way to treat strangers that is none": (
        "recommend item_knn zz --on-unknown maybe",
        "maybe",
    ),
    "a threshold above every rating": (
        "train item_knn ratings.csv --at-least 6 --out high",
        "--at-least: no rating is that high",
    ),
    "a history of an unknown title": (
        "recommend item_knn --history Dune",
        "no such item, by id or title, got 'Dune'",
    ),
    "a name longer than names can be": (
        f"recommend {'x' * 300} 1",
        "File name too long",
    ),
    "a wrong colour": (
        "map item_knn --colour taste",
        "colour must be",
    ),
    "ratings for a like": (
        "train rating_mf likes.csv",
        "learns from ratings",
    ),
    "a folder with other things": (
        "train popularity ratings.csv --out .",
        "holds other files",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_sentence_and_exit_code_2(place, case):
    (place / "likes.csv").write_text("user,item\na,x\nb,y\n")
    words, sentence = MISTAKES[case]
    message = _mistake(*words.split(), cwd=place)
    assert sentence in " ".join(message.split())
    said = [line for line in message.splitlines() if line.strip() and not line.startswith("note:")]
    assert len(said) == 1 or "Usage" in message


def test_people_nobody_knows_are_said_to_be_strangers(place):
    """The answer stands alone on standard output; who it is for is said beside it."""
    run = _run("recommend", "item_knn", "nobody", "--json", cwd=place)
    assert "note: no such user, 'nobody': popular items instead" in run.stderr
    assert json.loads(run.stdout)["items"]
    assert "rated as a stranger" in _run("predict", "rating_mf", "nobody", "5", cwd=place).stderr
    _ok("train", "rating_mf", "ratings.csv", "--out", "alone", "--no-histories", cwd=place)
    assert "saved without histories" in _run("recommend", "alone", "1", cwd=place).stderr
    assert "next: penchant recommend alone --history" in _ok(
        "train", "rating_mf", "ratings.csv", "--out", "alone", "--no-histories", cwd=place
    )


def test_a_stranger_who_is_refused_is_not_promised_popular_items(place):
    message = _mistake("recommend", "item_knn", "zz", "--on-unknown", "raise", cwd=place)
    assert "popular items instead" not in message


def test_a_long_name_is_not_called_a_full_disk(place):
    """The file is named, for nothing is wrong with the output."""
    message = _mistake("train", "item_knn", "x" * 300, cwd=place)
    assert "x: File name too long" in message
    assert "output" not in message


def test_a_failed_training_leaves_no_folder(place):
    for source in ("nothing.csv", "empty.csv"):
        (place / "empty.csv").write_text("user,item\n")
        _mistake("train", "item_knn", source, "--out", "unborn", cwd=place)
        assert not (place / "unborn").exists()


def test_a_package_that_does_not_load_is_one_note(tmp_path, monkeypatch):
    """However often the catalogue is asked, and never as the line of code that warned."""
    about = tmp_path / "broken-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[penchant.models]\nbroken = no_such_module:Model\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = _run("models", "--json")
    assert len(json.loads(done.stdout)) == len(pt.catalogue())
    (line,) = done.stderr.splitlines()
    assert line.startswith("note: the model broken of broken cannot be loaded")


def test_event_types_become_values(place):
    """Weights decide what counts: a purchase is a stronger like, an unweighted type a bad row."""
    (place / "events.csv").write_text(
        "user,item,type\na,x,view\na,y,purchase\nb,x,view\nb,y,view\nb,z,return\n"
    )
    words = ("train", "item_knn", "events.csv", "--out", "events")
    weighed = _json(*words, "--weights", "view=1,purchase=5", cwd=place)
    assert "values: 1 to 5" in weighed["data"]
    assert "rejected rows: 1" in weighed["data"]
    assert "values: 1 to 1" in _json(*words, cwd=place)["data"]


def test_what_counts_as_a_like_can_be_said(place):
    words = ("train", "item_knn", "ratings.csv", "--out", "liking")
    some, all_ = (
        _json(*words, *flags, cwd=place)["data"]
        for flags in (["--at-least", "5"], ["--every-rating"])
    )
    assert "likes: ratings of 5 and more count as likes" in some
    assert "likes: every rating counts as likes" in all_
    assert "met without one" in some[0]
    assert "met without one" not in all_[0]


def test_a_row_stays_one_line_in_a_pipe(place):
    """Lines can be counted and searched, however long a title is."""
    long = "long " * 80
    (place / "long.csv").write_text("".join(f"{u},{i}\n" for u in "ab" for i in (long, "y", "z")))
    _ok("train", "item_knn", "long.csv", "--out", "long", cwd=place)
    out = _ok("similar", "long", "y", cwd=place)
    assert len([line for line in out.splitlines() if "long" in line]) == 1


def test_a_terminal_without_the_letters_loses_none_in_json(place, monkeypatch):
    """People see a question mark there, programs the very id."""
    (place / "east.csv").write_text("user,item\na,東\na,y\nb,東\nb,y\n", encoding="utf-8")
    _ok("train", "item_knn", "east.csv", "--out", "east", cwd=place)
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "?" in _ok("similar", "east", "y", cwd=place)
    assert _json("similar", "east", "y", cwd=place)["items"][0]["item_id"] == "東"
    assert "item_knn" in _ok("models")


def test_stars_can_be_typed(place):
    loved = _json("predict", "rating_mf", "Up", "--history", "Star Wars (1977)=5", cwd=place)
    hated = _json("predict", "rating_mf", "Up", "--history", "Star Wars (1977)=1", cwd=place)
    assert loved["rating"] != hated["rating"]
    assert "a rating is from 1 to 5" in _mistake(
        "predict", "rating_mf", "Up", "--history", "1=900", cwd=place
    )


def test_messages_speak_of_flags(place):
    (place / "odd.csv").write_text("a,b,c\n1,2,3\n")
    assert "--user ..." in _mistake("train", "item_knn", "odd.csv", cwd=place)
    assert "Leave out --at-least" in _mistake(
        "train", "rating_mf", "ratings.csv", "--at-least", "4", cwd=place
    )
    assert "choose one" in _mistake(
        "train", "item_knn", "ratings.csv", "--at-least", "4", "--every-rating", cwd=place
    )
    run = _run("train", "popularity", "ratings.csv", "--out", "said", cwd=place)
    assert "--at-least STARS" in run.stderr
    assert "Did you mean 'ml-100k'" in _mistake("train", "item_knn", "ml100k", cwd=place)
    assert "must end in .html" in _mistake("map", "item_knn", "--out", "ratings.csv", cwd=place)


def test_a_column_can_be_done_without(place):
    (place / "timed.csv").write_text("user,item,rating,time\na,x,5,1\nb,y,3,2\n")
    out = _ok("train", "item_knn", "timed.csv", "--time", "none", "--out", "timeless", cwd=place)
    assert "time" not in out.split("kind:")[0].replace("timed", "").split("not used")[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk_behind_the_output_is_one_sentence(place):
    command = " ".join(f"'{word}'" for word in [*PENCHANT, "similar", "item_knn", "1"])
    run = subprocess.run(
        ["sh", "-c", f"{command} > /dev/full"],
        capture_output=True,
        text=True,
        cwd=place,
        check=False,
    )
    assert run.returncode == 2
    assert "the output cannot be written" in run.stderr
    assert "Traceback" not in run.stderr


def test_places_that_cannot_be_written(place, tmp_path):
    (tmp_path / "file").write_text("x")
    assert "cannot be written" in _mistake(
        "map", "item_knn", "--out", "/no/such/map.html", cwd=place
    )
    assert "cannot be made a folder" in _mistake("demo", "--out", str(tmp_path / "file"))
    assert "cannot be written" in _mistake(
        "train", "popularity", "ratings.csv", "--out", str(tmp_path / "file"), cwd=place
    )


def test_flags_that_a_named_data_set_does_not_need(tmp_path):
    message = _mistake("train", "popularity", "interests", "--user", "foo", cwd=tmp_path)
    assert "interests is a named data set" in message


def test_a_damaged_folder_is_one_sentence(place, tmp_path):
    import shutil

    copy = shutil.copytree(place / "item_knn", tmp_path / "copy")
    file = next(Path(copy).glob("model-*"))
    file.write_bytes(file.read_bytes()[:-1] + b"\x01\x02")
    assert "checksum differs" in _mistake("similar", str(copy), "1")


def test_notices_go_to_standard_error_only(place):
    """With --json the document stands alone on standard output."""
    (place / "bad.csv").write_text("user,item\na,x\n,y\nb,x\n")
    run = _run("train", "item_knn", "bad.csv", "--out", "noticed", "--json", cwd=place)
    json.loads(run.stdout)
    assert "note: 1 of 3 rows could not be read" in run.stderr
    assert (place / "bad.rejects.csv").exists()
    run = _run("train", "popularity", "ratings.csv", "--out", "converted", cwd=place)
    assert "note: Popularity learns from likes: ratings of 4 and more" in run.stderr


def test_a_reader_that_stops_early_is_no_error(place):
    command = " ".join(["exec", *[f"'{word}'" for word in PENCHANT], "models"])
    run = subprocess.run(
        ["sh", "-c", f"({command}) | head -1"], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in run.stderr


def test_ctrl_c_ends_a_command_with_one_line(place, tmp_path):
    """Exit code 130, no traceback, and no empty folder where the model would have been."""
    code = (
        "import os, signal, sys\n"
        "from penchant.cli import main\n"
        "from penchant.models import ItemKNN\n"
        "ItemKNN._learn = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.exit(main())"
    )
    words = ["train", "item_knn", place / "ratings.csv", "--out", "stopped"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "penchant: interrupted"
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "stopped").exists()


def test_likes_have_no_stars_to_choose_by(place):
    """A floor that would be ignored is refused."""
    (place / "amounts.csv").write_text("user,item,value\na,x,5\nb,y,1\nc,x,4\n")
    message = _mistake("train", "item_knn", "amounts.csv", "--at-least", "4", cwd=place)
    assert "say --kind ratings" in message
