"""In JupyterLab, with a kernel: Python hears what the reader does to a figure, and moves the figure itself.

On the pages of the book nobody listens; here a real Lab runs the same script.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time

import nbformat
import pytest

pytestmark = pytest.mark.browser

MADE = """from nf_course.widgets import Stretch
heard = []
figure = Stretch()
figure.observe(lambda change: heard.append(change.new), "slab")
figure"""
ASKED = "print('slab', round(figure.slab, 2), 'heard', len(heard))"
MOVED = "figure.slab = 1.5"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab with one notebook."""
    folder = tmp_path_factory.mktemp("lab")
    cells = [nbformat.v4.new_code_cell(source) for source in (MADE, ASKED, MOVED)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "live.ipynb")
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0"]
    options = ["--ServerApp.token=", "--ServerApp.password=", f"--ServerApp.root_dir={folder}"]
    options += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    log = folder / "log.txt"
    with log.open("w") as out, subprocess.Popen([*command, *options], stderr=out, cwd=folder) as server:
        deadline = time.monotonic() + 120
        while not (found := re.search(r"(http://localhost:\d+/)lab", log.read_text())):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield found[1]
        server.terminate()  # and its kernels with it


def test_the_kernel_hears_the_reader_and_moves_the_figure(lab, browser):
    page = browser.new_context(viewport={"width": 1440, "height": 1200}).new_page()
    page.goto(f"{lab}lab/tree/live.ipynb")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    page.get_by_text("| Idle").wait_for(timeout=90_000)
    cells.nth(0).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    figure = page.locator(".nf-widget")
    figure.wait_for(timeout=90_000)
    slab = figure.get_by_label("slab at x")
    slab.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    there = float(slab.input_value())

    cells.nth(1).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    printed = cells.nth(1).locator(".jp-OutputArea-output")
    printed.wait_for()
    assert re.search(rf"slab {there:g} heard [1-5]", printed.inner_text())

    picture = figure.locator("canvas").first
    before = picture.get_attribute("aria-label")
    cells.nth(2).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("(input) => Number(input.value) === 1.5", arg=slab.element_handle())
    page.wait_for_timeout(200)
    assert picture.get_attribute("aria-label") != before
