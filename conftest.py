"""What tests and documents share: the real data, where they can be had."""

from __future__ import annotations

from pathlib import Path

import pytest

import penchant as pt
from penchant.errors import FetchError


@pytest.fixture(scope="session")
def ml100k() -> pt.Interactions:
    """MovieLens 100k, fetched once; tests that need it are skipped without a network."""
    try:
        return pt.datasets.load("ml-100k")
    except FetchError as error:
        pytest.skip(f"needs MovieLens 100k (PENCHANT_DATA may name a folder with it): {error}")


@pytest.fixture(autouse=True)
def _documents(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents run in a folder of their own, and those about films have their data."""
    if request.node.path.suffix == ".md":
        monkeypatch.chdir(tmp_path)
    if request.node.path.name == "tutorial.md":
        request.getfixturevalue("ml100k")
