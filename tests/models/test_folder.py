"""A damaged or foreign folder gives one clear error, never a wrong answer."""

from __future__ import annotations

import json
import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import penchant as pt
from penchant.errors import ModelError, UsageError

FILES = ["manifest.json", "model", "histories"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, ratings) -> Path:
    folder = tmp_path_factory.mktemp("models") / "mf"
    pt.RatingMF(factors=3, epochs=2).fit(ratings).save(folder)
    return folder


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def _file(folder: Path, part: str) -> Path:
    return next(path for path in folder.iterdir() if path.name.startswith(part))


def _answers(folder: Path, ratings) -> bytes:
    model = pt.load(folder)
    table = model.recommend(ratings.users.ids(), n=5).to_dicts()
    return json.dumps(table, default=str).encode() + model.scores(ratings.users.ids()).tobytes()


def test_the_folder_is_a_manifest_and_safetensors(saved):
    """Nothing executable: JSON and plain arrays, every file named with its hash."""
    manifest = json.loads((saved / "manifest.json").read_text())
    assert {path.suffix for path in saved.iterdir()} == {".json", ".safetensors"}
    assert manifest["format"] == 1
    assert manifest["model"] == "rating_mf"
    assert manifest["parameters"]["factors"] == 3
    for entry in manifest["files"].values():
        assert entry["sha256"][:16] in entry["name"]


@pytest.mark.parametrize("part", FILES)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file(copy, part, share):
    file = _file(copy, part)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError, match=r"damaged|missing or empty"):
        pt.load(copy)


@pytest.mark.parametrize("part", FILES)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_flipped_bit(saved, ratings, tmp_path, part, where, bit):
    """Only a ModelError escapes; or, where a bit of the manifest's blank space flips, nothing."""
    copy = tmp_path / "flipped"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(saved, copy)
    file = _file(copy, part)
    content = bytearray(file.read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    file.write_bytes(bytes(content))
    try:
        answers = _answers(copy, ratings)
    except ModelError:
        return
    assert answers == _answers(saved, ratings)


def test_a_missing_model_file(copy):
    _file(copy, "model").unlink()
    with pytest.raises(ModelError, match="missing"):
        pt.load(copy)


def test_swapped_files(copy):
    model, histories = _file(copy, "model"), _file(copy, "histories")
    aside = copy / "aside"
    model.rename(aside)
    histories.rename(model)
    aside.rename(histories)
    with pytest.raises(ModelError, match="checksum differs"):
        pt.load(copy)


def test_no_manifest_and_no_folder(copy, tmp_path):
    (copy / "manifest.json").unlink()
    with pytest.raises(ModelError, match=r"no model here: manifest\.json is missing"):
        pt.load(copy)
    with pytest.raises(ModelError, match="no model here"):
        pt.load(tmp_path / "nothing")


def test_a_newer_format_says_upgrade(saved, tmp_path, monkeypatch, ratings):
    from penchant.models import folder

    monkeypatch.setattr(folder, "FORMAT", 2)
    pt.Popularity().fit(ratings.likes()).save(tmp_path / "newer")
    monkeypatch.undo()
    with pytest.raises(ModelError, match=r"format 2, this version reads up to 1.*Upgrade"):
        pt.load(tmp_path / "newer")


def test_a_model_of_a_package_that_is_not_installed(saved, tmp_path, monkeypatch, ratings):
    model = pt.Popularity().fit(ratings.likes())
    monkeypatch.setattr(pt.Popularity, "name", "from_elsewhere")
    model.save(tmp_path / "elsewhere")
    monkeypatch.undo()
    with pytest.raises(
        ModelError, match="no installed package provides the model 'from_elsewhere'"
    ):
        pt.load(tmp_path / "elsewhere")


def test_another_models_folder(saved):
    with pytest.raises(ModelError, match="holds a rating_mf, not a popularity"):
        pt.Popularity.load(saved)


def test_a_folder_with_other_things_is_left_alone(tmp_path, ratings):
    (tmp_path / "thesis.txt").write_text("irreplaceable")
    with pytest.raises(ModelError, match="holds other files"):
        pt.Popularity().fit(ratings.likes()).save(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "irreplaceable"


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"manifest.json"}


def test_files_of_replaced_models_are_swept_a_save_later(copy, ratings):
    """The last model's stay for readers that are just loading it; older ones are gone."""
    first = _names(copy)
    pt.Popularity().fit(ratings.likes()).save(copy)
    second = _names(copy) - first
    assert first < _names(copy)
    pt.ItemKNN().fit(ratings.take(range(500))).save(copy)
    assert not first & _names(copy)
    assert second < _names(copy)
    assert pt.load(copy).name == "item_knn"


def test_histories_that_are_left_out_do_not_linger(copy, ratings):
    pt.RatingMF(factors=2, epochs=1).fit(ratings).save(copy, histories=False)
    assert not [name for name in _names(copy) if name.startswith("histories")]


def test_loading_while_others_save_always_gives_a_whole_model(tmp_path, ratings):
    """Never a model without its histories, never a mixture."""
    models = [pt.RatingMF(factors=k, epochs=1).fit(ratings) for k in (1, 2)]
    models[0].save(tmp_path / "m")
    ended = threading.Event()

    def keep_saving() -> None:
        while not ended.is_set():
            for model in models:
                model.save(tmp_path / "m")

    savers = [threading.Thread(target=keep_saving) for _ in range(2)]
    for saver in savers:
        saver.start()
    try:
        for _ in range(40):
            loaded = pt.load(tmp_path / "m")
            assert loaded.fitted.users is not None
            assert loaded.fitted.body.map_vectors().shape[1] == loaded.factors
    finally:
        ended.set()
        for saver in savers:
            saver.join()


@pytest.mark.parametrize("stranger", ["model.safetensors", "x.tmp", "manifest.json"])
def test_other_peoples_files_are_left_alone(tmp_path, ratings, stranger):
    """Not every safetensors file, and not every manifest.json, is a model's."""
    (tmp_path / stranger).write_text('{"name": "my web app"}')
    with pytest.raises(ModelError, match=f"holds other files, got '{stranger}'"):
        pt.Popularity().fit(ratings.likes()).save(tmp_path)
    assert (tmp_path / stranger).read_text() == '{"name": "my web app"}'


def test_a_mapped_reader_keeps_its_pages_when_the_model_is_replaced(copy, ratings):
    old = pt.load(copy)
    before = old.scores(ratings.users.ids()).tobytes()
    pt.Popularity().fit(ratings.likes()).save(copy)
    assert old.scores(ratings.users.ids()).tobytes() == before
    base = old.fitted.body.vectors
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


def test_histories_may_stay_behind(tmp_path, ratings):
    """Without histories strangers are answered as before, and known people are unknown."""
    model = pt.RatingMF(factors=3, epochs=2).fit(ratings)
    sizes = model.save(tmp_path / "bare", histories=False)
    assert set(sizes) == {"model"}
    loaded, item = pt.load(tmp_path / "bare"), ratings.items.id(0)
    assert list(loaded.recommend(history=[item])) == list(model.recommend(history=[item]))
    assert set(loaded.recommend(ratings.users.id(0)).sources) == {"popular"}
    with pytest.raises(UsageError, match="saved without histories"):
        loaded.recommend(ratings.users.id(0), on_unknown="raise")
    with pytest.raises(UsageError, match="saved without histories"):
        loaded.similar_users(ratings.users.id(0))


def test_histories_may_be_deleted(copy, ratings):
    _file(copy, "histories").unlink()
    assert set(pt.load(copy).recommend(ratings.users.id(0)).sources) == {"popular"}


def test_user_knn_cannot_leave_its_people_out(tmp_path, ratings):
    with pytest.raises(UsageError, match="cannot leave them out"):
        pt.UserKNN().fit(ratings).save(tmp_path / "x", histories=False)


def test_no_pickle_anywhere():
    """What is kept is data."""
    source = Path(pt.__file__).parent
    for path in source.rglob("*.py"):
        assert not re.search(
            r"\bpickle\b|\bjoblib\b|allow_pickle=True|\beval\(",
            path.read_text().replace("never pickle", ""),
        )
