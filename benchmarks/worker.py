"""One contestant in its own process: loads the arrays, builds the task, runs it when told.

Run by the python of the contestant's own environment:
python worker.py LIBRARY TASK DATA_FOLDER SETTINGS_JSON RESULTS_FOLDER. Answers are JSON lines on
standard output; whatever a library prints goes to standard error. Needs numpy, nothing else.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import sys
import time
from pathlib import Path

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "PENCHANT_THREADS",
)
MISTUNED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # they change the speed of BLAS: removed
HERE = Path(__file__).resolve().parent


class Worker:
    """What a contestant answers to each word of the conductor."""

    def __init__(self, library: str, task: str, data: Path, settings: dict, results: Path) -> None:
        self.results_folder = results
        self.epochs, self.spent = 0, 0.0
        module = contestant(library)
        self.greeting = {"version": module.version(), "python": platform.python_version()}
        if task == "startup":
            self.greeting |= {"startup": module.STARTUP, "import": module.IMPORT}
            return
        if task not in module.TASKS:
            raise LookupError(f"no task {task} in contestants/{library}_.py")
        arrays = loaded(data)
        forget_peak()
        self.before = resident("VmRSS")
        begin = time.perf_counter()
        self.task = module.TASKS[task](arrays, settings)
        seconds = time.perf_counter() - begin
        self.anew = getattr(self.task, "anew", False)  # cannot go on: learns from nothing each time
        self.greeting |= {"setup_seconds": seconds, "rss": resident("VmRSS"), "anew": self.anew}

    def run(self) -> dict:
        """One repetition, timed."""
        begin = time.perf_counter()
        figures = self.task.run()
        seconds = time.perf_counter() - begin
        return {"seconds": seconds, **(figures or {})}

    def learn(self, epochs: str) -> dict:
        """Learn until so many epochs are done; the seconds of them all.

        A task goes on epoch by epoch (`run`), or by several at once if it has a `learn`; one that
        is `anew` begins at nothing and pays for the whole.
        """
        begin, more = time.perf_counter(), int(epochs) - (0 if self.anew else self.epochs)
        if hasattr(self.task, "learn"):
            self.task.learn(more)
        else:
            for _ in range(more):
                self.task.run()
        seconds = time.perf_counter() - begin
        self.epochs, self.spent = int(epochs), seconds + (0.0 if self.anew else self.spent)
        return {"seconds": self.spent}

    def results(self) -> dict:
        """The arrays to check, saved."""
        import numpy as np

        self.results_folder.mkdir(parents=True, exist_ok=True)
        arrays = self.task.results() if hasattr(self.task, "results") else {}
        for name, array in arrays.items():
            np.save(self.results_folder / f"{name}.npy", np.asarray(array), allow_pickle=False)
        return {"saved": sorted(arrays)}

    def peak(self) -> dict:
        """The most memory held since the data were loaded, above what was held then."""
        return {"peak": max(resident("VmHWM") - self.before, 0)}


def contestant(library: str):
    """The module contestants/LIBRARY_.py; its folder comes last, so that it shadows nothing."""
    folder = HERE / "contestants"
    path = next(
        (p for p in (folder / f"{library}_.py", folder / f"{library}.py") if p.exists()), None
    )
    if path is None:
        raise LookupError(f"there is no contestants/{library}_.py")
    sys.path.append(str(folder))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def loaded(folder: Path) -> dict:
    """Every array of a folder by the stem of its file, mapped and touched."""
    import numpy as np

    arrays = {p.stem: np.load(p, mmap_mode="r") for p in sorted(folder.glob("*.npy"))}
    for array in arrays.values():
        if array.size:
            array.max()
    return arrays


def resident(field: str) -> int:
    """Bytes of this process that stand in memory: now (VmRSS) or at most (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return 0


def forget_peak() -> None:
    """Begin VmHWM anew, where the system lets one."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def prepare(threads: int) -> None:
    """Set what libraries read when they are imported."""
    for name in THREAD_VARIABLES:
        os.environ[name] = str(threads)
    for name in MISTUNED:
        os.environ.pop(name, None)


def main(arguments: list[str]) -> None:
    """Greet, then answer line by line until told to quit."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not look like an answer
    sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != HERE]
    library, task, data, settings, results = arguments

    def answer(fact: dict) -> None:
        answers.write(json.dumps(fact) + "\n")

    try:
        parsed = json.loads(settings)
        prepare(int(parsed.get("threads", 2)))
        worker = Worker(library, task, Path(data), parsed, Path(results))
    except Exception as error:  # noqa: BLE001 - whatever a library raises is the answer
        answer({"error": f"{type(error).__name__}: {error}"})
        return
    answer({"ready": True, **worker.greeting})
    words = {one.__name__: one for one in (worker.run, worker.learn, worker.results, worker.peak)}
    for line in sys.stdin:
        word, *arguments = line.split()
        if word == "quit":
            break
        try:
            answer(words[word](*arguments))
        except Exception as error:  # noqa: BLE001
            answer({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main(sys.argv[1:])
