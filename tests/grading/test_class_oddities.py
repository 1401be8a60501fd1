"""Honest answers in an odd form keep what they define."""

import pytest

from nf_course.grading.classroom.worker import _run_cells

ODD = {
    "a line of an expression begins with %": "def f(a, b):\n    return (a\n    % b)",
    "cell magic": "%%time\ndef f(a, b):\n    return a % b",
    "help": "?print\nmath.fmod??\ndef f(a, b):\n    return a % b",
    "get_ipython": "get_ipython().run_line_magic('matplotlib', 'inline')\ndisplay(1)\ndef f(a, b):\n    return a % b",
}


@pytest.mark.parametrize("source", ODD.values(), ids=ODD)
def test_answer_is_found(source: str) -> None:
    cells = [{"source": source, "answers": "e", "checks": []}]
    assert _run_cells(cells, {"e": ["f"]})["e f"](7, 4) == 3
