"""The benchmark's command: measure tasks, print each as a table, and keep all in a JSON file.

Run: python benchmarks/bench.py [task ...]. Without arguments everything is measured, which takes
hours; a task measured alone replaces its own results and leaves the others.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import conductor
import floors
import growth
import installed
import machine
import reach
import report
import sources
from conductor import Wishes
from goals import GOALS
from tasks import DATA_SETS, TASKS, THREADS, cases

EXTRAS = ("growth", "reach", "sources", "installed")
HERE = Path(__file__).resolve().parent


def main() -> None:
    """Measure what the command line asks for."""
    args = _arguments()
    wishes = Wishes(
        rounds=args.rounds or (3 if args.quick else 5),
        limit=args.limit or (60 if args.quick else 600),
        only=tuple(args.only),
    )
    names = [name for name in args.tasks if name not in EXTRAS]
    found = begun(args.out)
    print("measuring the machine's ceilings", flush=True)
    known = found.get("ceilings", {})
    now = machine.ceilings(args.threads)
    found["ceilings"] = known | {name: max(rate, known.get(name, 0)) for name, rate in now.items()}
    for kept in found["cases"].values():
        kept["floor"] = floors.renewed(kept["floor"], found["ceilings"], kept["threads"])
    keep(found, args.out)
    wanted = cases(names, args.data, args.threads, args.quick) if names or not args.tasks else []
    for case in (case for case in wanted if args.variant in case.key):
        print(f"\n{case.key}", flush=True)
        if case.task.name == "startup":
            result = conductor.startup(case, wishes)
        else:
            result = conductor.measured(case, wishes, found["ceilings"])
        found["cases"][case.key] = result
        keep(found, args.out)
        print(report.text_table(result), flush=True)
    if "growth" in args.tasks or not args.tasks:
        grown = growth.measured(wishes, args.threads, args.quick, args.variant)
        found["growth"] = found.get("growth", {}) | grown
        keep(found, args.out)
        print(report.growth_text(found["growth"]), flush=True)
    if "reach" in args.tasks or not args.tasks:
        races = [goal for goal in GOALS if not args.data or goal.data in args.data]
        races = [goal for goal in races if args.variant in goal.key]
        for goal in races[-1:] if args.quick else races:
            found.setdefault("reach", {})[goal.key] = reach.measured(goal, wishes)
            keep(found, args.out)
            print("\n" + reach.text(found["reach"][goal.key]), flush=True)
    if "sources" in args.tasks or not args.tasks:
        found["sources"] = sources.measured(wishes, args.threads, args.quick)
        keep(found, args.out)
    if "installed" in args.tasks or not args.tasks:
        found["installed"] = installed.measured(wishes)
        keep(found, args.out)
        print("\n" + installed.text(found["installed"]), flush=True)
    print(f"\nkept in {args.out}; python benchmarks/report.py makes the page of it")


def begun(path: Path) -> dict:
    """What was measured before on this machine, to be added to.

    Raises:
        SystemExit: the file tells of another machine.
    """
    shape = machine.shape()
    found = json.loads(path.read_text()) if path.exists() else {"machine": shape, "cases": {}}
    if found["machine"] != shape:
        raise SystemExit(f"{path} was measured on another machine: choose another --out")
    return found | {"versions": machine.versions(), "date": time.strftime("%Y-%m-%d")}


def keep(found: dict, path: Path) -> None:
    """Write results so that a break leaves the old or the new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(found, indent=1) + "\n")
    draft.replace(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = [*(task.name for task in TASKS), *EXTRAS]
    parser.add_argument("tasks", nargs="*", metavar="task", help=f"of {', '.join(known)}")
    parser.add_argument("--rounds", type=int, help="turns of each contestant (5; quick 3)")
    parser.add_argument(
        "--quick", action="store_true", help="small data, first variants, few rounds"
    )
    parser.add_argument("--data", nargs="+", choices=DATA_SETS, help="instead of each task's own")
    parser.add_argument("--only", nargs="+", default=[], metavar="library", help="contestants")
    parser.add_argument(
        "--variant", default="", help="only cases, races and growth of tasks whose name holds it"
    )
    parser.add_argument("--threads", type=int, default=THREADS, help="for everybody (2)")
    parser.add_argument("--limit", type=float, help="seconds per answer (600; quick 60)")
    parser.add_argument("--out", type=Path, default=HERE / "results.json", help="the JSON file")
    args = parser.parse_args()
    if unknown := set(args.tasks) - set(known):
        parser.error(f"no such task: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return args


if __name__ == "__main__":
    main()
