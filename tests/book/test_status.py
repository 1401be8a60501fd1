"""The status page: a row for each notebook, with what is in it and the seconds that it took in this very build."""

from __future__ import annotations

import json

import pytest
from bs4 import BeautifulSoup
from nf_status import row, seconds_of

from tests.book.pages import HTML, ROOT
from tools.execute import notebooks

NAMES = [str(path.relative_to(ROOT).with_suffix("")) for path in notebooks()]


@pytest.fixture(scope="module")
def shown():
    """name of a notebook -> the cells of its row; and the last row."""
    page = BeautifulSoup((HTML / "book" / "status.html").read_text("utf-8"), "html.parser")
    lines = page.select("article table tbody tr")
    texts = [[cell.get_text().strip() for cell in line.select("td")] for line in lines]
    links = [line.select_one("a")["href"] for line in lines[:-1]]
    names = [f"book/{link}" if "/" not in link else link.removeprefix("../") for link in links]
    return dict(zip((name.split(".")[0] for name in names), texts[:-1])), texts[-1]


def test_every_notebook_has_its_row(shown):
    assert sorted(shown[0]) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_says_what_is_there(name, shown):
    cells = json.loads((ROOT / f"{name}.ipynb").read_text("utf-8"))["cells"]
    counts = [
        sum(cell["cell_type"] == "code" for cell in cells),
        sum("nbval-check-output" in cell["metadata"].get("tags", []) for cell in cells),
        sum(cell["metadata"].get("nbgrader", {}).get("grade", False) for cell in cells),
    ]
    _, seconds, _, *rest = shown[0][name]
    assert [int(text or 0) for text in rest] == counts and counts[0] > 0
    assert seconds == f"{seconds_of(name):.0f}"


def test_the_last_row_is_the_sum(shown):
    rows, (_, _, _, *totals) = shown
    assert [int(total) for total in totals] == [sum(int(line[k] or 0) for line in rows.values()) for k in (3, 4, 5)]


def test_a_notebook_that_was_not_built_has_no_time(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "new.ipynb").write_text('{"cells": [{"cell_type": "code", "metadata": {}}]}')
    assert seconds_of("book/new", tmp_path) is None
    assert row("book/new", None, tmp_path).cells == 1
