"""Honest answers in an odd form: a class of them loses no point and no file, and nobody is taken for another."""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from nf_course.grading.classroom.cells import run_cells
from nf_course.grading.classroom.output import claimed_twice, student
from nf_course.grading.classroom.sandbox import Sandbox, SandboxMissing
from nf_course.grading.classroom.submission import File, Unreadable, files_in, read
from tests.grading.corpus.oddities import FOLDER, ODDITIES, written

ROOT = Path(__file__).parents[2]

try:
    with Sandbox():
        pass
except SandboxMissing as missing:
    pytest.skip(f"no sandbox here: {missing}", allow_module_level=True)


def test_oddities_are_as_the_table_says():
    committed = {str(path.relative_to(FOLDER)): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    assert committed == written() and len(ODDITIES) >= 60


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    out = tmp_path_factory.mktemp("oddities") / "out"
    command = [sys.executable, "-m", "nf_course.cli", "grade", str(FOLDER), "--out", str(out), "--jobs", "2"]
    env = os.environ | {"PYTHONPATH": str(ROOT), "NF_COURSE_GRADE_HASTE": "2"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "results.json").read_text("utf-8"))["submissions"]
    return {record["file"].split("/")[0]: record for record in found}


@pytest.mark.parametrize("name", ODDITIES)
def test_oddity(records, name):
    expected, record = json.loads((FOLDER / name / "expected.json").read_text("utf-8")), records[name]
    lost = [row["report"] for row in record["exercises"] if row["status"] != "right"]
    assert {key: record[key] for key in expected} == expected, (record["reason"], lost)


STUDENTS = {
    "alice/03_coupling_layers.ipynb": "alice",
    "03_coupling_layers.ipynb": "03_coupling_layers",
    "alice/03_coupling_layers (1).ipynb": "alice",
    "alice/03_coupling_layers-Copy1.ipynb": "alice",
    "03_coupling_layers_bob.ipynb": "bob",
    "Bob Z - 03_Coupling_Layers (2).ipynb": "Bob Z",
    "submitted/carla/ps3/03_coupling_layers.ipynb": "carla",
    "submitted/carla/03_coupling_layers/03_coupling_layers.ipynb": "carla",
    "Dora Q_12345_assignsubmission_file_/03_coupling_layers.ipynb": "Dora Q",
    "class.zip/eve/03_coupling_layers.ipynb": "eve",
    "class.zip/03_coupling_layers_frida.ipynb": "frida",
    "class.zip/03_coupling_layers.ipynb": "03_coupling_layers",
    "homework-3-gustav/exercises/03_coupling_layers.ipynb": "homework-3-gustav",
    "x.ipynb": "x",
    "alice/03_coupling_layers_final_v2.ipynb": "alice",
    "alice/03_coupling_layers.ipynb.txt": "alice",
    "03_coupling_layers_Newton.ipynb": "Newton",
    "submitted/carla/ps3/03_coupling_layers_bob.ipynb": "carla",
    "Dora Q_12345_assignsubmission_file_/homework.zip/alice/03_coupling_layers_bob.ipynb": "Dora Q",
}


@pytest.mark.parametrize(("name", "who"), STUDENTS.items())
def test_whose_file_it_is(name, who):
    assert student(name) == who


def test_layouts_of_platforms(tmp_path):
    """One row for each sheet that was handed in; copies that an editor keeps are none."""
    for name in (
        "a/03.ipynb",
        "b/03.ipynb",
        "a/.ipynb_checkpoints/03-checkpoint.ipynb",
        "__MACOSX/a/._03.ipynb",
        "a/notes.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert [file.name for file in files_in(tmp_path)] == ["a/03.ipynb", "b/03.ipynb"]


def test_archives_without_a_notebook_have_a_row(tmp_path):
    """Nobody goes missing who hands in a script in an archive, or an archive within an archive."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("answers.py", "x = 1")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("bob/homework.zip", (tmp_path / "a.zip").read_bytes())
    found = files_in(tmp_path)
    assert [file.name for file in found] == ["a.zip/a.zip", "b.zip/bob/homework.zip"]
    for file in found:
        with pytest.raises(Unreadable, match="archive"):
            read(file, file.bytes())


def test_a_small_file_of_many_lists_is_not_read(tmp_path):
    """20 MB of brackets were a gigabyte in the grader's own processes, each of them."""
    file = File("x.ipynb", tmp_path / "x.ipynb")
    with pytest.raises(Unreadable, match="more than 1000000 lists"):
        read(file, b'{"cells": [' + b"[[[[]]]]," * 250_001 + b"0]}")


def test_who_has_more_than_one_file_of_a_chapter():
    """The name of a file may be another student's: nobody's table should take one of two for the only one."""
    rows = [{"chapter": 3}, {"chapter": 3}]
    files = ("alice/03_coupling_layers.ipynb", "bob/03_coupling_layers_alice.ipynb", "bob/03_coupling_layers.ipynb")
    assert claimed_twice([{"file": file, "exercises": rows} for file in files]) == ["alice"]
    assert not claimed_twice([{"file": file, "exercises": rows} for file in files[1:]])


def test_cells_that_take_long_leave_time_for_the_others():
    """Eight endless cells that the answer needs: each is cut off, and what comes after them is still defined."""
    endless = [f"a{n} = 1\nwhile True:\n    pass" for n in range(8)]
    answer = f"def log_det(*args):\n    return {' + '.join(f'a{n}' for n in range(8))}"
    cells = [{"source": source, "answers": None, "checks": []} for source in (*endless, answer)]
    started = time.monotonic()
    found = run_cells(cells, {"03.logdet": ["log_det"]}, 0.4, 0.8)
    assert found["03.logdet log_det"]() == 8 and time.monotonic() - started < 8 * 0.4
