"""Notebooks under nbval: beyond running, each graded cell must earn what its folder promises.

In solutions/ every check earns all its points; in exercises/, which are blank, every check earns exactly 0 and says
"not answered yet". (This file lies at the root because pytest applies a conftest only below its own folder.)
"""

from __future__ import annotations

import json
import os
from collections import defaultdict

import pytest
from nbformat import NotebookNode

os.environ.setdefault("NF_COURSE_PROGRESS", "off")  # no bars; the kernels inherit it
os.environ.setdefault("NF_COURSE_PROGRESS_FILE", "off")  # nobody's points are touched
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two notebooks run side by side

BLANK = "not answered yet"
points: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)


def grade_of(item) -> tuple[float | None, float]:
    """(earned, of how many) by nbgrader's own rule; None where the cell ended without a value."""
    from nbgrader.utils import determine_grade

    outputs = item.test_outputs or []
    if not any(output.output_type == "execute_result" for output in outputs):
        return None, float(item.cell.metadata["nbgrader"]["points"])  # nbgrader would give full points for silence
    return determine_grade(NotebookNode({**item.cell, "outputs": outputs}))


def complaint(folder: str, earned: float | None, most: float, text: str) -> str | None:
    """What is wrong with a check cell that ran, if anything."""
    if earned is None:
        return f"a check cell must end with the value of check(...), its points; it printed:\n{text}"
    if folder == "solutions" and earned != most:
        return f"the model answer earns {earned:g} of {most:g} points:\n{text}"
    if folder == "exercises" and earned != 0:
        return f"the blank answer earns {earned:g} of {most:g} points:\n{text}"
    if folder == "exercises" and BLANK not in text:
        return f"the report on a blank answer does not say {BLANK!r}:\n{text}"
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    outcome = yield
    cell = getattr(item, "cell", None)  # nbval's items have one
    meta = cell.metadata.get("nbgrader", {}) if cell is not None else {}
    if meta.get("grade"):
        earned, most = grade_of(item)
        text = "".join(output.get("text", "") for output in item.test_outputs or [])
        item.user_properties.append(("grade", (meta["grade_id"], earned or 0, most)))
        if problem := complaint(item.path.parent.name, earned, most, text):
            pytest.fail(f"{meta['grade_id']}: {problem}", pytrace=False)
    return outcome


def pytest_runtest_logreport(report):
    for name, value in report.user_properties:
        if report.when == "call" and name == "grade":
            grade_id, earned, most = value
            points[report.nodeid.split("::")[0]][grade_id] = (earned, most)


def pytest_terminal_summary(terminalreporter):
    for path, grades in sorted(points.items()):
        earned, most = (sum(column) for column in zip(*grades.values()))
        terminalreporter.write_line(f"POINTS {path}: {earned:g}/{most:g} {json.dumps(grades)}")
