"""nbgrader works with the course's files: it makes the sheets that are handed out, grades them, and exports points."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from nf_course.grading.classroom.output import write_all
from nf_course.grading.registry import chapters

ROOT = Path(__file__).parents[2]
SHEET = "03_coupling_layers"
POINTS = sum(exercise.points for chapter in chapters() if chapter.stem == SHEET for exercise in chapter.exercises)


def solved():
    return (ROOT / "solutions" / f"{SHEET}.ipynb").read_text("utf-8")


# student -> the sheet that is handed in, and its points: of a wrong answer the other exercises' points stay
HANDED_IN = {
    "ada": (solved(), POINTS),
    "ben": ((ROOT / "exercises" / f"{SHEET}.ipynb").read_text("utf-8"), 0),
    "cyd": (solved().replace("return scale_net(x[:, mask])", "return -scale_net(x[:, mask])"), POINTS - 2),
    "dee": (solved().replace('check(\\"03.encode\\", encode)', "11.0"), POINTS),  # a locked cell comes back as it was
}


def nbgrader(course, *words):
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "NF_COURSE_PROGRESS_FILE": "off",
        "IPYTHONDIR": str(course / "ipython"),
    }
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=course, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of one sheet and four students, gone through from the first command to the last."""
    place = tmp_path_factory.mktemp("course")
    (place / "source" / "ps1").mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / f"{SHEET}.ipynb", place / "source" / "ps1")
    nbgrader(place, "generate_assignment", "ps1")
    for student, (text, _) in HANDED_IN.items():
        (place / "submitted" / student / "ps1").mkdir(parents=True)
        (place / "submitted" / student / "ps1" / f"{SHEET}.ipynb").write_text(text, "utf-8")
    nbgrader(place, "autograde", "ps1")
    nbgrader(place, "export")
    return place


def test_the_sheet_that_nbgrader_makes_is_ours(course):
    sheets = (course / "release" / "ps1" / f"{SHEET}.ipynb", ROOT / "exercises" / f"{SHEET}.ipynb")
    theirs, ours = (nbformat.read(sheet, as_version=4).cells for sheet in sheets)
    assert [cell.source for cell in theirs] == [cell.source for cell in ours]
    ids = [[cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells] for cells in (theirs, ours)]
    assert ids[0] == ids[1] and len(set(ids[0])) > 10


def rows(course):
    with open(course / "grades.csv", newline="", encoding="utf-8") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("student", HANDED_IN)
def test_points(course, student):
    row = rows(course)[student]
    assert (float(row["score"]), float(row["max_score"])) == (HANDED_IN[student][1], POINTS)


def test_our_export_has_its_columns(course, tmp_path):
    write_all([], "the course", True, tmp_path)
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as file:
        (ours,) = csv.reader(file)
    assert ours == list(rows(course)["ada"])
