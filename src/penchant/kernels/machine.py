"""What this machine lends: instruction-set level, threads, memory; cgroup limits respected."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from penchant.errors import UsageError
from penchant.kernels import _native

_CGROUP = Path("/sys/fs/cgroup")
_MEMORY_FILES = (
    ("memory.max", "memory.current"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes"),
)
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
    _usual_threads.cache_clear()
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
        raise UsageError("threads must be a whole number of at least 1", where="threads", got=n)
    _chosen_threads = n


def threads() -> int:
    """How many threads kernels use, at least 1.

    What `set_threads` said, else ``PENCHANT_THREADS``, else the processors this process may run
    on, less where a cgroup grants a smaller share; asked once, because kernels ask at every call.
    """
    return _usual_threads() if _chosen_threads is None else _chosen_threads


@cache
def _usual_threads() -> int:
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
    for folder in _cgroups(_CGROUP, "memory"):
        for limit_file, used_file in _MEMORY_FILES:
            limit, used = _read(folder / limit_file), _read(folder / used_file)
            if limit.isdecimal() and used.isdecimal():
                free = min(free, max(int(limit) - int(used), 0))
    return free


def _granted_processors() -> int:
    return _granted_in(_CGROUP)


@cache
def _granted_in(cgroup: Path) -> int:
    """Processors that quotas amount to, rounded up; a huge number without one.

    Read once: kernels ask at every call.
    """
    granted = 1 << 16
    for folder in _cgroups(cgroup, "cpu"):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if not quota:
            quota = _read(folder / "cpu.cfs_quota_us")
            period = _read(folder / "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal() and int(quota) and int(period):
            granted = min(granted, -(-int(quota) // int(period)))
    return granted


def _cgroups(cgroup: Path, controller: str) -> list[Path]:
    """Folders, of version 2 and 1, whose limits hold for this process: its own and all above."""
    found = [cgroup, cgroup / controller]
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, controllers, place = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = cgroup / controller if controllers else cgroup
        own = top / place.lstrip("/")
        found += [folder for folder in (own, *own.parents) if top in folder.parents]
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


if os.environ.get("PENCHANT_ISA"):
    set_isa(os.environ["PENCHANT_ISA"])
