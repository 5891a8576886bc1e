"""The rules of the house, as programs: start-up, imports, the front door, what is public."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import penchant as pt
from penchant import errors
from penchant.errors import PenchantError

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "penchant").rglob("*.py"))


def _python(program: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return run.stdout


def test_import_loads_no_heavy_library():
    """Readers, frames, SciPy and the command line come in when they are needed, not before."""
    heavy = "duckdb narwhals typer rich scipy pandas polars pyarrow fastapi safetensors PIL optuna"
    program = f"import sys, penchant; print([m for m in {heavy.split()!r} if m in sys.modules])"
    assert _python(program).strip() == "[]"


def test_the_front_door_is_complete():
    """Every name in __all__ exists, and every public name is in __all__."""
    for name in pt.__all__:
        assert getattr(pt, name) is not None
    public = {
        name
        for name, value in vars(pt).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public <= set(pt.__all__)


def test_imports_run_downwards():
    run = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_file_says_what_it_is_for_in_its_first_line(path):
    first = path.read_text().splitlines()[0]
    assert first.startswith('"""')
    assert len(first) > 20


OUTSIDE = {
    "duckdb": "data/",
    "narwhals": "data/",
    "typer": "cli",
    "rich": "cli",
    "PIL": "embedding_map",
    "threadpoolctl": "embedding_map",
    "safetensors": "models/folder",
    "optuna": "tuning/",
    "nanobind": "kernels/",
}


@pytest.mark.parametrize(("library", "room"), OUTSIDE.items())
def test_each_outside_library_has_one_room(library, room):
    for path in SOURCES:
        name = path.relative_to(ROOT / "src" / "penchant").as_posix()
        uses = [
            line
            for line in path.read_text().splitlines()
            if f"import {library}" in line or f"from {library}" in line
        ]
        assert not uses or name.startswith(room), f"{name}: {uses}"


def test_every_complaint_is_in_the_tree():
    """errors.py is the whole tree, and its picture names every class."""
    classes = [
        c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)
    ]
    drawn = {word.strip("│├└─ ") for word in (errors.__doc__ or "").split()}
    assert {c.__name__ for c in classes if c.__module__ == errors.__name__} <= drawn
    for complaint in classes:
        if issubclass(complaint, PenchantError):
            assert complaint.__doc__


def test_no_complaint_is_raised_outside_the_tree():
    """A user's mistake is always a PenchantError."""
    plain = (
        "raise ValueError",
        "raise TypeError",
        "raise KeyError",
        "raise RuntimeError",
        "raise Exception",
    )
    for path in SOURCES:
        for line in path.read_text().splitlines():
            assert not line.strip().startswith(plain), f"{path.name}: {line}"


def test_public_verbs_are_defined_once():
    """Only models/base.py says fit, recommend, predict, ...; a model file never overrides them."""
    for model in pt.catalogue().values():
        own = set(vars(model)) & {name for name in vars(pt.Model) if not name.startswith("_")}
        assert own <= {"feedback", "uses_facts", "predicts_stars", "params", "name"}
