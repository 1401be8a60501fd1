"""The solution notebooks ask for exactly the exercises that the package defines, with the same points and calls."""

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
