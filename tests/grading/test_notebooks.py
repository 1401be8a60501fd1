"""The solution notebooks say what the package defines: the same tasks, points, calls and model answers."""

import ast
import inspect
from pathlib import Path

import nbformat
import pytest

from nf_course.grading.registry import chapters

SOLUTIONS = Path(__file__).parents[2] / "solutions"


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.stem)
def test_check_cells(chapter):
    notebook = nbformat.read(SOLUTIONS / f"{chapter.stem}.ipynb", 4)
    graded = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    asked = {cell.source.strip(): cell.metadata["nbgrader"]["points"] for cell in graded}
    assert asked == {f'check("{e.id}", {", ".join(e.names)})': e.points for e in chapter.exercises}
    ids = [cell.metadata["nbgrader"]["grade_id"] for cell in notebook.cells if "nbgrader" in cell.metadata]
    wanted = [e.id.replace(".", "-") for e in chapter.exercises]
    assert ids == [name for each in wanted for name in (each, f"check-{each}")]


def words(text):
    return " ".join(text.split())


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.stem)
def test_tasks(chapter):
    """Each exercise's text, title, level and minutes stand in the notebook as they stand in its definition."""
    notebook = nbformat.read(SOLUTIONS / f"{chapter.stem}.ipynb", 4)
    text = words("\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown"))
    for place, exercise in enumerate(chapter.exercises, start=1):
        assert f"## Exercise {place}: {exercise.title}" in text, exercise.id
        points = f"{exercise.points} point{'s' if exercise.points > 1 else ''}"
        assert f"*{exercise.level.capitalize()}, {exercise.minutes} minutes, {points}." in text, exercise.id
        assert words(exercise.task) in text, exercise.id


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.stem)
def test_model_answers(chapter):
    """The answer that the book shows is the one that the check compares with."""
    notebook = nbformat.read(SOLUTIONS / f"{chapter.stem}.ipynb", 4)
    cells = [cell.source for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    shown = {node.name: ast.dump(node) for cell in cells for node in ast.parse(cell).body if hasattr(node, "name")}
    for exercise in chapter.exercises:
        for reference in exercise.references:
            assert shown[reference.__name__] == ast.dump(ast.parse(inspect.getsource(reference)).body[0]), exercise.id
