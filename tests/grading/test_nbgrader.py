"""The points that nbgrader reads from a check cell are the points that the check gave."""

import json

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import determine_grade

from nf_course.grading.registry import chapters

RIGHT_CELL = "def log_det(x, mask, scale_net, shift_net):\n    return scale_net(x[:, mask]).sum(dim=1)"
CELLS = {
    "right": (RIGHT_CELL, 2),
    "wrong": (RIGHT_CELL.replace("return ", "return -"), 0),
    "blank": ("def log_det(x, mask, scale_net, shift_net):\n    # YOUR CODE HERE\n    raise NotImplementedError()", 0),
    "error": (RIGHT_CELL.replace("dim=1", "dim=7"), 0),
    "exit": ("import sys\ndef log_det(*args): sys.exit()", 0),
    "noisy": (
        RIGHT_CELL.replace(":\n", ":\n    import sys, warnings; print(1, file=sys.stderr); warnings.warn('x')\n"),
        2,
    ),
}


def check_cell(name, points):
    meta = {"grade": True, "grade_id": "check", "points": points, "solution": False, "locked": True, "task": False}
    return new_code_cell(f'check("{name}", log_det)', metadata={"nbgrader": {**meta, "schema_version": 3}})


@pytest.fixture(scope="module")
def graded():
    """All variants in one kernel: start-up is what costs."""
    cells = [new_code_cell("from nf_course.grading import check")]
    for source, _ in CELLS.values():
        cells += [new_code_cell(source), check_cell("03.logdet", 2)]
    notebook = new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "", "language": ""}}
    )
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    nbformat.validate(notebook)
    return {name: notebook.cells[2 + 2 * index] for index, name in enumerate(CELLS)}


@pytest.mark.parametrize("name", CELLS)
def test_determine_grade(graded, name):
    assert determine_grade(graded[name]) == (CELLS[name][1], 2)


def test_what_a_learner_sees(graded):
    streams = {name: [o for o in cell.outputs if o.output_type == "stream"] for name, cell in graded.items()}
    assert all(len(stream) == 1 and stream[0].name == "stdout" for stream in streams.values())
    assert (
        streams["right"][0].text
        == "ok 03.logdet  2/2                                      Exercise 3, Coupling layers\n"
    )
    assert "not answered yet" in streams["blank"][0].text
    error = streams["error"][0].text
    assert "at        cell line 2: return scale_net(x[:, mask]).sum(dim=7)" in error and "Traceback" not in error
    assert [o.data["text/plain"] for o in graded["right"].outputs if o.output_type == "execute_result"] == ["2"]


def test_points_are_whole_numbers_that_a_notebook_can_hold():
    points = {exercise.id: exercise.points for chapter in chapters() for exercise in chapter.exercises}
    assert json.loads(json.dumps(points)) == points and len(points) >= 14
