"""Every kernel test runs at every instruction-set level this processor has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from penchant import kernels
from penchant.errors import UsageError


def _levels() -> list[str]:
    usual, found = kernels.isa(), []
    for level in ("baseline", "avx2", "avx512"):
        try:
            kernels.set_isa(level)
            found.append(level)
        except UsageError:
            continue
    kernels.set_isa(usual)
    return found


LEVELS = _levels()


@pytest.fixture(params=LEVELS, autouse=True)
def level(request: pytest.FixtureRequest) -> Iterator[str]:
    usual = kernels.isa()
    kernels.set_isa(request.param)
    yield request.param
    kernels.set_isa(usual)


@pytest.fixture(autouse=True)
def _threads_are_restored() -> Iterator[None]:
    yield
    kernels.set_threads(None)
