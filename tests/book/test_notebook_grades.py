"""The root conftest.py: nbval fails where a solution loses a point or a blank exercise wins one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
CHECK = {"grade_id": "check", "grade": True, "solution": False, "locked": True, "points": 2, "schema_version": 3}

# name of the notebook: (source of its check cell, part of the complaint or None)
CELLS = {
    "solutions/full": ("print('2/2'); 2", None),
    "solutions/lost_points": ("print('wrong sign'); 1", "earns 1 of 2"),
    "solutions/silent": ("print('2/2')", "must end with the value"),
    "solutions/raises": ("1 / 0", "ZeroDivisionError"),
    "exercises/blank": ("print('03.x: not answered yet'); 0", None),
    "exercises/won_points": ("print('not answered yet'); 1", "earns 1 of 2"),
    "exercises/other_words": ("print('wrong'); 0", "does not say 'not answered yet'"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One run of pytest over all of these notebooks."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "conftest.py", folder)
    for name, (source, _) in CELLS.items():
        path = folder / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=[new_code_cell(source, metadata={"nbgrader": CHECK})]), path)
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--nbval-lax",
            "--nbval-current-env",
            "-p",
            "no:cacheprovider",
            "--color=no",
            ".",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
    ).stdout


@pytest.mark.parametrize("name", CELLS)
def test_what_each_folder_promises(run, name):
    wrong = CELLS[name][1]
    failed = f"FAILED {name}.ipynb" in run
    assert failed == (wrong is not None), run
    if wrong:
        part = run[run.index(f"_ {name}.ipynb::Cell 0 _") :]
        assert wrong in part[: part.find("\n____", 5)], part


def test_the_points_are_summed(run):
    assert re.search(r"POINTS solutions/lost_points.ipynb: 1/2 ", run), run
    assert re.search(r"POINTS exercises/blank.ipynb: 0/2 ", run), run
