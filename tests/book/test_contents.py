"""Nothing is left out: each notebook is in the table of contents, on the cover and in the README, each name in the API."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.compare import short
from nf_course import widgets
from tools import execute

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "book").glob("[0-9]*.ipynb"))
COVER = ROOT / "book" / "intro.ipynb"


def test_every_notebook_is_in_the_table_of_contents():
    there = {*(ROOT / "book").glob("*.ipynb"), *(ROOT / "solutions").glob("*.ipynb")}
    missing = there ^ set(execute.notebooks())
    assert not missing, f"in _toc.yml or on disk, not both: {sorted(path.name for path in missing)}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_is_on_the_cover_in_the_readme_and_has_its_exercises(path):
    assert f":::{{chapter}} {path.stem}\\n" in COVER.read_text()
    assert f"(book/{path.name})" in (ROOT / "README.md").read_text()
    assert (ROOT / "solutions" / path.name).exists() and (ROOT / "exercises" / path.name).exists()


def test_every_card_of_the_cover_has_its_chapter():
    assert re.findall(r":::\{chapter\} (\w+)", COVER.read_text()) == [path.stem for path in CHAPTERS]


@pytest.mark.parametrize("path", execute.notebooks(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_line_that_begins_with_a_formula_is_taken_for_a_quotation(path):
    """A wrapped line such as `> 0$` is one to Markdown, and the rest of its paragraph with it."""
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "markdown"]
    assert not [line for cell in cells for line in "".join(cell["source"]).splitlines() if re.match(r" {0,3}>", line)]


@pytest.mark.parametrize("path", execute.notebooks(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_figures_that_ask_a_kernel_are_not_run_by_the_build(path):
    """They hold an ipywidgets.Output. To it nbclient answers on the socket on which it waits for the cell's own reply,
    may miss that one, and stands still until the cell's time is over. nbval runs them.
    """
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    live = [cell for cell in cells if re.search(r"\blive_\w+\(|\binteract(ive)?\(|\bOutput\(", "".join(cell["source"]))]
    assert all("skip-execution" in cell["metadata"].get("tags", []) for cell in live)


@pytest.mark.parametrize("name", [n for n in widgets.__all__ if n[0].isupper() and n != "Figure"])
def test_every_moving_figure_has_its_tests_and_a_chapter(name):
    module = getattr(widgets, name).__module__.rpartition(".")[2]
    assert (ROOT / "tests" / "package" / f"test_widget_{module}.py").exists()
    assert any(f"{name}(" in path.read_text() or f"{name}.of(" in path.read_text() for path in CHAPTERS)


def test_every_make_target_that_the_readme_names_exists():
    named = set(re.findall(r"`?make ([a-z-]+)", (ROOT / "README.md").read_text()))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert {"book", "test"} <= named <= targets


@pytest.mark.parametrize("package", ["", ".data", ".models", ".plotting", ".widgets", ".grading"])
def test_every_public_name_is_in_the_package_reference(package):
    pages = sorted((ROOT / "_build" / "html" / "book").glob("api*.html"))
    page = "".join(path.read_text() for path in pages)
    described = {name.rpartition(".")[2] for name in re.findall(r'id="(nf_course\.[\w.]+)"', page)}
    public = {name for name in import_module(f"nf_course{package}").__all__ if not name.isupper()}
    assert public <= described, f"add their module to one of book/api*.md: {sorted(public - described)}"


def test_the_cache_is_left_behind_when_the_package_changes(tmp_path, monkeypatch):
    (tmp_path / "nf_course").mkdir()
    for name in ("requirements.txt", "constraints.txt", "nf_course/flow.py"):
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(execute, "ROOT", tmp_path)
    before = execute.fingerprint()
    assert execute.fingerprint() == before
    for name in ("nf_course/flow.py", "constraints.txt"):
        (tmp_path / name).write_text("x = 2\n")
        assert execute.fingerprint() != before
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "nf_course" / "new.js").touch()
    assert execute.fingerprint() != before


def test_the_figures_of_speed_in_the_readme_are_those_of_the_committed_run():
    result = json.loads((ROOT / "benchmarks" / "results" / "two_cores.json").read_text())
    assert short(result["workloads"]) in (ROOT / "README.md").read_text()


def test_the_libraries_that_learn_their_matrices_come_after_us_as_the_readme_says():
    result = json.loads((ROOT / "benchmarks" / "results" / "two_cores.json").read_text())
    for task in result["workloads"]["W3"]["summary"].values():
        medians = {name: found["median"] for name, found in task["against_floor"].items()}
        for order in ("", " channels_last"):
            assert medians[f"nf_course{order}"] < min(medians[f"normflows{order}"], medians[f"nflows{order}"])
