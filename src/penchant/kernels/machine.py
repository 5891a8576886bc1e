"""What this machine lends: instruction-set level, threads, memory; cgroup limits respected."""

from __future__ import annotations

import os
from pathlib import Path

from penchant.errors import UsageError
from penchant.kernels import _native

_CGROUP = Path("/sys/fs/cgroup")
_chosen_threads: int | None = None


def isa() -> str:
    """The instruction-set level in use: ``"baseline"``, ``"avx2"`` or ``"avx512"``."""
    return _native.level()


def set_isa(level: str) -> None:
    """Use another level. ``PENCHANT_ISA`` in the environment does the same at import.

    Raises:
        UsageError: no such level, or this processor does not have it.
    """
    if not _native.choose_level(level):
        raise UsageError(
            "is no instruction-set level of this processor",
            where="PENCHANT_ISA",
            got=level,
            do="Choose baseline, avx2 or avx512",
        )


def set_threads(n: int | None) -> None:
    """Work on ``n`` threads from here on; None returns to as many as this process may use.

    Answers have the same bytes on any number.
    """
    global _chosen_threads
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
        raise UsageError("threads must be a whole number of at least 1", where="threads", got=n)
    _chosen_threads = n


def threads() -> int:
    """How many threads kernels use, at least 1.

    What `set_threads` said, else ``PENCHANT_THREADS``, else the processors this process may run
    on, less where a cgroup grants a smaller share.
    """
    if _chosen_threads is not None:
        return _chosen_threads
    asked = os.environ.get("PENCHANT_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return max(1, min(len(os.sched_getaffinity(0)), _granted_processors()))


def available_memory() -> int:
    """Bytes that this process may still take: what the system and its cgroup have free."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for line in _read(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) * 1024
    limit, used = _read(_CGROUP / "memory.max"), _read(_CGROUP / "memory.current")
    if limit.isdecimal() and used.isdecimal():
        free = min(free, max(int(limit) - int(used), 0))
    return free


def _granted_processors() -> int:
    """Processors a cgroup's quota amounts to, rounded up; a huge number without one."""
    quota, _, period = _read(_CGROUP / "cpu.max").partition(" ")
    if not quota:
        quota = _read(_CGROUP / "cpu" / "cpu.cfs_quota_us")
        period = _read(_CGROUP / "cpu" / "cpu.cfs_period_us")
    if quota.isdecimal() and period.isdecimal() and int(quota) and int(period):
        return -(-int(quota) // int(period))
    return 1 << 16


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


if os.environ.get("PENCHANT_ISA"):
    set_isa(os.environ["PENCHANT_ISA"])
