"""A new model is one file and one export line; one of another package joins by entry point."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MODEL = '''"""Newest: what appeared last, for a test."""

from __future__ import annotations

import numpy as np

from penchant.kernels import Rows
from penchant.models.base import Model
from penchant.models.bodies import Body, ItemWeights
from penchant.models.params import param


class ChainOfItems(Model):
    """Everyone who met item j is sent to the items that follow it in the catalogue."""

    feedback = ("likes",)

    reach: int = param(default=3, low=1, high=9, help="how many items ahead a like is felt")

    def _learn(self, h, job) -> Body:
        n = h.n_items
        ahead = [[j + s for s in range(1, self.reach + 1) if j + s < n] for j in range(n)]
        indptr = np.cumsum([0, *map(len, ahead)]).astype(np.int64)
        indices = np.array([i for row in ahead for i in row], dtype=np.int32)
        values = np.array(
            [1 / (i - j) for j, row in enumerate(ahead) for i in row], dtype=np.float32
        )
        return ItemWeights(weights=Rows(indptr, indices, values))
'''


@pytest.fixture
def other_package(tmp_path: Path) -> Path:
    """A package that an installer would have put beside Penchant, with its entry point."""
    site = tmp_path / "site"
    (site / "elsewhere").mkdir(parents=True)
    (site / "elsewhere" / "__init__.py").write_text(MODEL)
    about = site / "elsewhere-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[penchant.models]\nchain_of_items = elsewhere:ChainOfItems\n"
    )
    return site


def _run(site: Path, *command: str) -> str:
    run = subprocess.run(
        [sys.executable, *command],
        env={"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin", "HOME": str(site)},
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return run.stdout


def _cli(site: Path, *words: str) -> str:
    return _run(site, "-c", "import sys; from penchant.cli import main; sys.exit(main())", *words)


def test_a_model_of_another_package_passes_the_contract(other_package):
    """The same contract as our own: nothing in it knows the model's name."""
    out = _run(
        other_package,
        "-m",
        "pytest",
        "-k",
        "chain_of_items",
        "-p",
        "no:cacheprovider",
        "tests/models/test_contract.py",
    )
    passed = int(out.split(" passed")[0].split()[-1])
    assert passed >= 25


def test_a_model_of_another_package_has_commands_saving_and_reasons(other_package, tmp_path):
    """CLI flags from its parameters, a folder that loads, reasons in words."""
    likes = tmp_path / "likes.csv"
    likes.write_text("user,item\n" + "".join(f"u{i % 4},i{i}\n" for i in range(12)))
    assert "--reach" in _cli(other_package, "train", "chain_of_items", "--help")
    _cli(
        other_package,
        "train",
        "chain_of_items",
        str(likes),
        "--reach",
        "2",
        "--out",
        str(tmp_path / "m"),
    )
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_text())
    assert (manifest["package"], manifest["parameters"]) == ("elsewhere", {"reach": 2})
    answer = json.loads(
        _cli(
            other_package, "recommend", str(tmp_path / "m"), "--history", "i3", "-n", "2", "--json"
        )
    )
    rows = answer["items"] if isinstance(answer, dict) else answer
    assert [row["item_id"] for row in rows] == ["i4", "i5"]
    assert "i3" in json.dumps(rows[0])
    names = json.loads(_cli(other_package, "models", "--json"))
    assert "chain_of_items" in json.dumps(names)


def test_a_broken_package_breaks_nothing_else(other_package, tmp_path):
    """Its model is left out with a notice; our own load and answer."""
    (other_package / "elsewhere" / "__init__.py").write_text("import nowhere_to_be_found\n")
    program = (
        "import warnings, penchant as pt\n"
        "model = pt.Popularity().fit([('a', 'x')]); model.save('m'); pt.load('m')\n"
        "with warnings.catch_warnings(record=True) as said:\n"
        "    warnings.simplefilter('always')\n"
        "    print('chain_of_items' in pt.catalogue(), said[0].message)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(other_package), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert "False the model chain_of_items of elsewhere cannot be loaded" in run.stdout


def test_a_model_inside_is_one_file_and_one_export_line(tmp_path):
    """A copy of the package with one file and one line more has the model everywhere."""
    import shutil

    import penchant

    site = tmp_path / "copy"
    shutil.copytree(Path(penchant.__file__).parent, site / "penchant")
    (site / "penchant" / "models" / "chain_of_items.py").write_text(MODEL)
    face = site / "penchant" / "models" / "__init__.py"
    text = face.read_text().replace(
        "from penchant.models.base import Model\n",
        "from penchant.models.base import Model\n"
        "from penchant.models.chain_of_items import ChainOfItems as ChainOfItems\n",
    )
    face.write_text(text)
    for extension in (
        Path(p) for p in sys.modules["penchant.kernels._native"].__spec__.origin.split("\n")
    ):
        shutil.copy(extension, site / "penchant" / "kernels" / extension.name)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "own = [f for f in sys.meta_path if 'editable' not in type(f).__module__.lower()]\n"
        "sys.meta_path = own\n"
        "import penchant as pt, penchant\n"
        "assert penchant.__file__.startswith(sys.argv[1]), penchant.__file__\n"
        "model = pt.catalogue()['chain_of_items'](reach=1).fit([('a', 'x'), ('a', 'y')])\n"
        "print(model.recommend(history=['x'], explain=True))\n"
    )
    out = _run(site, "-c", program, str(site))
    assert "chain_of_items" in out
    assert "because of x" in out
