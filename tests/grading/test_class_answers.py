"""The tables of answers, graded as a class: a sandboxed answer gets the verdict that `check` gives at home."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nf_course.grading.classroom.sandbox import Sandbox, SandboxMissing
from tests.grading.corpus.answers import sheets
from tests.grading.tables import EXERCISES

ROOT = Path(__file__).parents[2]
EVERY = "NF_COURSE_ATTACKS" in os.environ  # all rows, with new seeds; else all right ones and a third of the wrong ones
SHEETS = sheets(every=EVERY)
ROWS = [(file, name, mistake) for file, (_, told) in SHEETS.items() for name, mistake in told.items()]
SEED = 1  # of test_tables.py too: what a seed has shown there is compared with what it shows here
CHECKS = f"for name in desk.exercises:\n    check(name, *desk.answers(name), seed={SEED})"

try:
    with Sandbox():
        pass
except SandboxMissing as missing:
    pytest.skip(f"no sandbox here: {missing}", allow_module_level=True)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    base = tmp_path_factory.mktemp("answers")
    (base / "class").mkdir()
    for file, (text, _) in SHEETS.items():
        (base / "class" / file).write_text(text, "utf-8")
    nbformat.write(new_notebook(cells=[new_code_cell(CHECKS)]), base / "checks.ipynb")
    command = [sys.executable, "-m", "nf_course.cli", "grade", str(base / "class"), "--out", str(base / "out")]
    command += ["--jobs", "2", *([] if EVERY else ["--checks", str(base / "checks.ipynb")])]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    records = json.loads((base / "out" / "results.json").read_text("utf-8"))["submissions"]
    return {(record["file"], row["id"]): row for record in records for row in record["exercises"]}


def test_every_exercise_is_there():
    for name, exercise in EXERCISES.items():
        told = [mistake for _, other, mistake in ROWS if other == name]
        assert told.count(None) >= 3 and len(set(told)) >= (
            1 + len({m.name for m in exercise.mistakes}) if EVERY else 3
        )


@pytest.mark.parametrize(("file", "name", "mistake"), ROWS, ids=lambda value: str(value).removesuffix(".ipynb"))
def test_same_verdict(file, name, mistake, graded):
    row = graded[file, name]
    assert (row["status"], row["mistake"]) == (("wrong", mistake) if mistake else ("right", None)), row["report"]
    assert row["earned"] == (0 if mistake else EXERCISES[name].points)
