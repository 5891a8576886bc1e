"""Builds a wheel, installs it into a clean environment, and tries it there (`make wheel`)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
TRIAL = """
import penchant as pt
from pathlib import Path
assert "site-packages" in pt.__file__, pt.__file__
model = pt.ItemKNN(k=None).fit(pt.datasets.load("interests"))
assert model.recommend(0, n=1).ids == ("MapReduce",)
model.save("model")
assert pt.load("model").recommend(0, n=1).ids == ("MapReduce",)
assert (Path(pt.__file__).parent / "py.typed").exists()
print("wheel: works in a clean environment")
"""


def main() -> None:
    """Build, install, try; any failure stops with the tool's own words."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        build = [*pip, "wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", place, ROOT]
        subprocess.run(build, check=True)
        (wheel,) = place.glob("*.whl")
        venv.create(place / "clean", with_pip=True)
        python = place / "clean" / "bin" / "python"
        install = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*install, "-c", ROOT / "constraints.txt", wheel], check=True)
        subprocess.run([python, "-c", TRIAL], check=True, cwd=place)
        subprocess.run([place / "clean" / "bin" / "penchant", "--version"], check=True, cwd=place)


if __name__ == "__main__":
    main()
