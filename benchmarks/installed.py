"""Installed size: what each library takes on disk, alone and with all that it requires."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

from conductor import Wishes
from environments import AT_HOME, OWN, NotRunError, own_python, python_of
from tasks import TASKS

TOOLS = ("numpy", "pandas", "polars")  # contestants that are no libraries of recommenders
EVERY = ("pip", "setuptools", "wheel")  # an environment has them before anything is installed
ASK = """
import importlib.metadata, json
found = {}
for one in importlib.metadata.distributions():
    places = [one.locate_file(file) for file in one.files or ()]
    size = sum(place.stat().st_size for place in places if place.is_file())
    found[one.metadata["Name"].lower().replace("_", "-")] = [one.version, size]
print(json.dumps(found))
"""


def measured(wishes: Wishes) -> dict[str, dict]:
    """Per library its version, bytes alone and in all, and packages; or why it is not there."""
    found: dict[str, dict] = {}
    for library in wishes.invited(_libraries()):
        try:
            python = own_python() if library == OWN else python_of(library)
        except NotRunError as reason:
            found[library] = {"not_run": str(reason)}
            continue
        run = subprocess.run([str(python), "-c", ASK], capture_output=True, text=True, check=True)
        one = told(library, json.loads(run.stdout))
        found |= {library: one} if one else {}
    return found


def told(library: str, packages: dict[str, list]) -> dict | None:
    """What an environment says of its library; None if the library goes by another name.

    >>> told("lightfm", {"lightfm-next": ["1.0", 5], "numpy": ["2.0", 70], "pip": ["24", 9]})
    {'version': '1.0', 'alone': 5, 'whole': 75, 'packages': 2}
    >>> told("rusket_pandas", {"rusket": ["1.0", 5]})
    """
    name = library.replace("_", "-")
    there = {one: facts for one, facts in packages.items() if one not in EVERY}
    own = next((facts for one, facts in there.items() if name in one), None)
    if own is None:
        return None
    whole = sum(size for _, size in there.values())
    return {"version": own[0], "alone": own[1], "whole": whole, "packages": len(there)}


def text(found: dict[str, dict]) -> str:
    """Lines for the terminal."""
    return "\n".join(
        f"{library:16} {one.get('not_run') or _sizes(one)}" for library, one in found.items()
    )


def _sizes(one: dict) -> str:
    return f"{one['alone'] / 1e6:8.1f} MB alone, {one['whole'] / 1e6:8.1f} MB in all"


def _libraries() -> Iterator[str]:
    asked = dict.fromkeys(one for task in TASKS for one in task.contestants)
    return (one for one in asked if one == OWN or one not in (*AT_HOME, *TOOLS))
