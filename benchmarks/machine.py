"""The machine: its shape without its name, its measured ceilings, and which cores are there."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from functools import cache
from pathlib import Path

from environments import NotRunError, cache_folder

HERE = Path(__file__).resolve().parent
DELIVERS = 0.95  # share of the threads' full rate below which a core is missing: 1.9 of 2
FEATURES = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512vl", "avx512_vpopcntdq", "amx_tile")


def shape() -> dict[str, object]:
    """Processor, caches, instruction sets, memory: equal on equal machines."""
    info = _cpuinfo()
    flags = set(info.get("flags", "").split())
    return {
        "processor": info.get("model name", platform.machine()),
        "family and model": f"{info.get('cpu family', '?')}/{info.get('model', '?')}",
        "cores": len(os.sched_getaffinity(0)),
        "caches": _caches(),
        "instruction sets": [one for one in FEATURES if one in flags],
        "memory GiB": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
    }


def versions() -> dict[str, str]:
    """What ran: the system, Python, and the libraries Penchant stands on."""
    import numpy as np
    import scipy
    from threadpoolctl import threadpool_info

    import penchant as pt

    np.ones((2, 2)) @ np.ones((2, 2))
    blas = {f"{p['internal_api']} {p['version']}" for p in threadpool_info() if "version" in p}
    return {
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "blas": ", ".join(sorted(blas)),
        "penchant": f"{pt.__version__} ({_isa()})",
    }


def ceilings(threads: int) -> dict[str, float]:
    """The measured limits: registers-only FMA, memory, sgemm; best of three each."""
    return {
        "fma GFLOP/s, 1 thread": max(rate("fma", 1) for _ in range(3)),
        f"fma GFLOP/s, {threads} threads": max(rate("fma", threads) for _ in range(3)),
        f"read GB/s, {threads} threads": max(rate("read", threads, 0.5) for _ in range(3)),
        f"sgemm GFLOP/s, {threads} threads": _sgemm(threads),
    }


def rate(what: str, threads: int, seconds: float = 0.1) -> float:
    """``fma`` in GFLOP/s or ``read`` in GB/s."""
    command = [str(_program()), what, str(threads), str(seconds)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def cores_there(threads: int) -> float:
    """How many cores deliver: the FMA rate on all threads over that on one."""
    if threads < 2:
        return 1.0
    return rate("fma", threads) / rate("fma", 1)


def delivers(ratio: float, threads: int) -> bool:
    """Whether a ratio means that every thread had a core to itself."""
    return ratio >= DELIVERS * threads


@cache
def _program() -> Path:
    """fma.cpp, compiled for this processor."""
    source = HERE / "fma.cpp"
    tag = hashlib.sha256(source.read_bytes() + repr(shape()).encode()).hexdigest()[:16]
    program = cache_folder() / f"fma-{tag}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        options = ["-std=c++17", "-O3", "-march=native", "-pthread"]
        command = ["g++", *options, str(source), "-o", str(program)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NotRunError(f"fma.cpp cannot be compiled with g++ ({error})") from error
    return program


def _sgemm(threads: int, n: int = 3072) -> float:
    import time

    import numpy as np
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).random((n, n), dtype=np.float32)
    out = np.empty_like(a)
    best = float("inf")
    with threadpool_limits(threads):
        for _ in range(4):
            begin = time.perf_counter()
            np.matmul(a, a, out=out)
            best = min(best, time.perf_counter() - begin)
    return 2 * n**3 / best / 1e9


def _cpuinfo() -> dict[str, str]:
    text = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _caches() -> dict[str, str]:
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind = (index / "type").read_text().strip()
        if kind != "Instruction":
            level = (index / "level").read_text().strip()
            found[f"L{level}"] = (index / "size").read_text().strip()
    return found


def _isa() -> str:
    from penchant import kernels

    return kernels.isa()
