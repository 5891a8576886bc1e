"""The command line as tests run it: a process of its own, what it printed, how it ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PENCHANT = [sys.executable, "-c", "import sys; from penchant.cli import main; sys.exit(main())"]


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [*PENCHANT, *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, check=False, timeout=120
    )


def ok(*words: str, **options) -> str:
    done = run(*words, **options)
    assert done.returncode == 0, done.stderr
    assert "\x1b[" not in done.stdout, "no colours where no terminal is"
    return done.stdout


def as_json(*words: str, **options):
    return json.loads(ok(*words, "--json", **options))


def mistake(*words: str, **options) -> str:
    """A user's mistake: exit code 2 and a message on standard error, never a traceback."""
    done = run(*words, **options)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr
