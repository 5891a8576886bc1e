"""Kernels in a living process: Ctrl-C, forks, many Python threads, limits of the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from penchant import kernels
from penchant.kernels import machine

LONG = """
import numpy as np, sys
from penchant import kernels
rng = np.random.default_rng(0)
n = 60_000
rows = kernels.Rows(np.arange(n + 1) * 400, rng.integers(0, 5_000, n * 400).astype(np.int32))
print("working", flush=True)
try:
    kernels.nearest(rows, rows, 5_000, 10)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(3)
print("finished", flush=True)
"""


def test_ctrl_c_ends_long_work():
    process = subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert out == "interrupted\n"
    assert process.returncode == 3


def _work(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    queries, items = (rng.normal(size=(n, 16)).astype(np.float32) for n in (200, 500))
    return kernels.top_k(queries, items, 10)[1].tobytes()


def test_many_python_threads_at_once_get_what_one_gets():
    expected = [_work(seed) for seed in range(16)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(_work, list(range(16)) * 3)) == expected * 3


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_a_pool_of_its_own():
    kernels.set_threads(2)
    expected = _work(1)
    child = os.fork()
    if child == 0:
        os._exit(0 if _work(1) == expected else 1)
    ended = threading.Event()
    threading.Timer(20, lambda: None if ended.is_set() else os.kill(child, signal.SIGKILL)).start()
    _, status = os.waitpid(child, 0)
    ended.set()
    assert os.waitstatus_to_exitcode(status) == 0


def _python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_environment_chooses_level_and_threads():
    program = "from penchant import kernels; print(kernels.isa(), kernels.threads())"
    run = _python(program, PENCHANT_ISA="baseline", PENCHANT_THREADS="5")
    assert run.stdout.split() == ["baseline", "5"]
    refused = _python(program, PENCHANT_ISA="altivec")
    assert (
        "PENCHANT_ISA: is no instruction-set level of this processor, got 'altivec'"
        in refused.stderr
    )


@pytest.mark.parametrize(
    ("files", "granted"),
    [
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "max 100000"}, 1 << 16),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 1 << 16),
        ({}, 1 << 16),
    ],
)
def test_cgroup_quotas_are_respected(tmp_path, monkeypatch, files, granted):
    """Both generations of cgroups; a share is rounded up to whole processors."""
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    assert machine._granted_processors() == granted
    monkeypatch.delenv("PENCHANT_THREADS", raising=False)
    assert kernels.threads() == min(granted, len(os.sched_getaffinity(0)))


def test_a_cgroups_memory_limit_counts(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    assert kernels.available_memory() == 600_000
