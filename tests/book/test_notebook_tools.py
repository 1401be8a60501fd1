"""tools/notebooks.py: a dirty notebook, an exercise out of step and a leaked answer are all caught."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks

ANSWER = {
    "grade_id": "03-square",
    "grade": False,
    "solution": True,
    "locked": False,
    "task": False,
    "schema_version": 3,
}
CHECK = {**ANSWER, "grade_id": "check-03-square", "grade": True, "solution": False, "locked": True, "points": 2}
MODEL_ANSWER = '''def square(x):
    """x to the power of two."""
    ### BEGIN SOLUTION
    return x.pow(2)  # the secret
    ### END SOLUTION'''


def solution():
    return new_notebook(
        cells=[
            new_markdown_cell("# Exercises"),
            new_code_cell(MODEL_ANSWER, metadata={"nbgrader": ANSWER, "tags": ["hide-input"]}),
            new_code_cell('check("03.square", square)', metadata={"nbgrader": CHECK}),
            new_code_cell(
                "1 + 1",
                metadata={"tags": [notebooks.CHECKED]},
                execution_count=7,
                outputs=[new_output("execute_result", {"text/plain": "2"}, execution_count=7)],
            ),
        ]
    )


@pytest.fixture
def tree(tmp_path):
    """A small course in good order."""
    for folder in (*notebooks.WRITTEN, "exercises"):
        (tmp_path / folder).mkdir()
    nb = notebooks.normalise(solution())
    (tmp_path / "solutions" / "03.ipynb").write_text(notebooks.to_text(nb), encoding="utf-8")
    for path, text in notebooks.exercises(tmp_path).items():
        path.write_text(text, encoding="utf-8")
    assert notebooks.check(tmp_path) == []
    return tmp_path


def edit(path, change):
    nb = notebooks.read(path)
    change(nb)
    nbformat.write(nb, path)


@pytest.mark.parametrize(
    "change",
    [
        lambda nb: nb.cells[2].update(outputs=[new_output("stream", text="seen\n")]),
        lambda nb: nb.cells[2].update(execution_count=3),
        lambda nb: nb.cells[3].update(execution_count=2),
        lambda nb: nb.cells[0].metadata.update(collapsed=True),
        lambda nb: nb.cells[0].update(id="my-own-id"),
        lambda nb: nb.cells[0].update(source="# Exercises, edited"),  # its id no longer fits
        lambda nb: nb.metadata.update(widgets={}),
        lambda nb: nb.metadata.kernelspec.update(name="my-env"),
    ],
)
def test_a_dirty_notebook_is_caught(tree, change):
    path = tree / "solutions" / "03.ipynb"
    edit(path, change)
    assert "not clean" in notebooks.check(tree)[0]
    notebooks.clean(path)
    assert not any("not clean" in line for line in notebooks.check(tree))


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ([], "no output is stored"),
        ([new_output("stream", text="<object at 0x7f00aa>")], "memory address"),
        ([new_output("stream", name="stderr", text="warning")], "stderr"),
        ([new_output("display_data", {"image/png": "aa", "text/plain": "<Figure size 1x1>"})], "image/png"),
        ([new_output("display_data", {"text/html": "<b>1</b>"})], "text/html"),
    ],
)
def test_outputs_that_no_two_machines_share_are_caught(outputs, words):
    nb = solution()
    nb.cells[3].outputs = outputs
    assert words in " ".join(notebooks.problems(nb))


def test_exercises_out_of_step_are_caught(tree):
    edit(tree / "exercises" / "03.ipynb", lambda nb: nb.cells[1].update(source="def square(x):\n    return 1"))
    assert "out of step" in notebooks.check(tree)[-1]


def test_a_missing_and_an_orphaned_exercise_are_caught(tree):
    (tree / "exercises" / "03.ipynb").rename(tree / "exercises" / "04.ipynb")
    assert [line.split(":")[0] for line in notebooks.check(tree)] == ["exercises/03.ipynb", "exercises/04.ipynb"]


def test_the_blank_form():
    nb = notebooks.blank(solution())
    text = notebooks.to_text(nb)
    assert "secret" not in text and ".pow(" not in text and "SOLUTION" not in text
    answer, check, checked = nb.cells[1:]
    assert "raise NotImplementedError" in answer.source and '"""x to the power of two."""' in answer.source
    assert "hide-input" not in notebooks.tags(answer)
    assert check.metadata.editable is False and check.metadata.nbgrader.points == 2
    assert checked.outputs == [] and notebooks.CHECKED not in notebooks.tags(checked)
    assert text == notebooks.to_text(notebooks.blank(solution())), "must be the same every time"


def test_an_answer_that_would_be_blanked_as_a_whole_is_caught():
    nb = solution()
    nb.cells[1].source = "def square(x):\n    return x * x"
    assert "would be blanked" in notebooks.problems(nb)[0]


def test_metadata_that_nbgrader_would_refuse_are_caught():
    nb = solution()
    nb.cells[1].metadata.nbgrader.grade_id = "03.square"
    assert "does not match" in notebooks.problems(nb)[0]


def test_cell_ids_follow_the_content_and_are_unique():
    nb = notebooks.normalise(new_notebook(cells=[new_markdown_cell("a"), new_markdown_cell("a"), new_code_cell("a")]))
    ids = [cell.id for cell in nb.cells]
    assert len(set(ids)) == 3 and ids[1] == ids[0] + "-2"
    nbformat.validate(nb)


@pytest.mark.parametrize("path", sorted((notebooks.ROOT / "solutions").glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_line_of_a_model_answer_is_in_the_exercises(path):
    """Read as text, without the tool that makes them."""
    given = (notebooks.ROOT / "exercises" / path.name).read_text(encoding="utf-8")
    answers, shown = set(), set()  # an answer may repeat a line that the task shows
    for cell in notebooks.read(path).cells:
        inside = False
        for line in cell.source.splitlines():
            inside = (inside or "### BEGIN SOLUTION" in line) and "### END SOLUTION" not in line
            if "SOLUTION" not in line and len(line.strip()) > 8:
                (answers if inside else shown).add(line.strip())
    assert answers, f"{path.name} has no model answer"
    given_lines = {line.strip() for cell in nbformat.reads(given, 4).cells for line in cell.source.splitlines()}
    assert not given_lines & (answers - shown)
