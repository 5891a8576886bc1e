"""A virtual environment per contestant, made from peers/LIBRARY.txt and kept in a cache folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
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
    folder = peers_folder() / f"{library}-{digest[:12]}"  # nobody else's: nothing is ever cleared
    python, mark = folder / "bin" / "python", folder / "complete"
    if mark.exists():
        return python
    print(f"  making the environment of {library}", flush=True)
    _do([sys.executable, "-m", "venv", str(folder)], "no environment")
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _do([*install, "-r", str(wanted)], f"peers/{wanted.name} cannot be installed")
    mark.touch()
    return python


def _do(command: list[str], complaint: str) -> None:
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        said = [line for line in run.stderr.splitlines() if line.strip()]
        errors = [line for line in said if line.lower().startswith("error")] or said[-1:]
        raise NotRunError(f"{complaint} ({(errors or ['no message'])[0].strip()[:200]})")
