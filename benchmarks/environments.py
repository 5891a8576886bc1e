"""A virtual environment per contestant, made from peers/LIBRARY.txt and kept in a cache folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
OWN = "penchant"
AT_HOME = (OWN, "kernels", "gemm")  # run in the python that runs the benchmark


class NotRunError(Exception):
    """Why a contestant takes no part."""


def cache_folder() -> Path:
    """Where data, logs and compiled helpers are kept; PENCHANT_BENCHMARKS names another."""
    given = os.environ.get("PENCHANT_BENCHMARKS")
    return Path(given) if given else Path.home() / ".cache" / "penchant" / "benchmarks"


def peers_folder() -> Path:
    """Where environments are kept; PENCHANT_PEERS names another folder."""
    given = os.environ.get("PENCHANT_PEERS")
    return Path(given) if given else Path.home() / ".cache" / "penchant" / "peers"


@cache
def python_of(library: str) -> Path:
    """The python of a contestant's environment, made if its requirements are new.

    Raises:
        NotRunError: there are no requirements, or they cannot be installed.
    """
    if library in AT_HOME:
        return Path(sys.executable)
    names = (HERE / "peers" / f"{name}.txt" for name in (library, library.replace("_", "-")))
    wanted = next((path for path in names if path.exists()), None)
    if wanted is None:
        raise NotRunError(f"there is no peers/{library}.txt")
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    return _made(f"{library}-{digest[:12]}", ["-r", str(wanted)], f"peers/{wanted.name}")


def own_python() -> Path:
    """The python of an environment with Penchant's wheel and what it requires, no extras.

    Raises:
        NotRunError: it cannot be built or installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder]
        _do([*build, "--no-build-isolation", str(HERE.parent)], "no wheel can be built")
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as files:  # what is in it: the wheel itself tells its hour
            inside = sorted((one.filename, one.CRC) for one in files.infolist())
        digest = hashlib.sha256(repr(inside).encode()).hexdigest()
        given = [str(wheel), "-c", str(HERE.parent / "constraints.txt")]
        return _made(f"{OWN}-{digest[:12]}", given, "the wheel")


def _made(name: str, wanted: list[str], what: str) -> Path:
    """The python of an environment, which is made if it is not there."""
    folder = peers_folder() / name  # nobody else's: nothing is ever cleared
    python, mark = folder / "bin" / "python", folder / "complete"
    if mark.exists():
        return python
    print(f"  making the environment {name}", flush=True)
    _do([sys.executable, "-m", "venv", str(folder)], "no environment")
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _do([*install, *wanted], f"{what} cannot be installed")
    mark.touch()
    return python


def _do(command: list[str], complaint: str) -> None:
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        said = [line for line in run.stderr.splitlines() if line.strip()]
        errors = [line for line in said if line.lower().startswith("error")] or said[-1:]
        raise NotRunError(f"{complaint} ({(errors or ['no message'])[0].strip()[:200]})")
