"""tools/handout.py: notebooks that get the course where it is not installed, and stay as they are otherwise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest

from tests.package.wheels import ROOT, wheel
from tools import handout, notebooks

COURSE = "git+https://github.com/owner/name@main"
# As if the course had never been heard of: neither the checkout nor an editable installation is found.
STRANGER = """
import importlib.util, sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in str(finder)]
assert importlib.util.find_spec("nf_course") is None, importlib.util.find_spec("nf_course")
"""


@pytest.mark.parametrize("path", handout.handed_out(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_notebook_begins_with_the_cell_and_is_otherwise_as_it_was(path):
    before = notebooks.read(path)
    after = handout.with_cell(before, COURSE)
    cells = [cell for cell in after.cells if cell.cell_type == "code"]
    assert cells[0].source.startswith(notebooks.INSTALL) and COURSE in cells[0].source
    assert after.cells[0].cell_type == "markdown" and "remove-cell" in notebooks.tags(cells[0])
    nbformat.validate(after)
    plain = notebooks.to_text(notebooks.normalise(notebooks.without_install(before)))
    assert notebooks.to_text(notebooks.without_install(after)) == plain
    assert notebooks.to_text(handout.with_cell(after, COURSE)) == notebooks.to_text(after), "twice is once"
    assert notebooks.to_text(handout.with_cell(after, None)) == plain


def first_cell():
    return handout.with_cell(notebooks.read(handout.handed_out()[0]), COURSE).cells[1].source


def run(code, folder, **environment):
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PIP_TARGET": str(folder),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        **environment,
    }
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_where_the_course_is_not_installed_the_cell_gets_it(tmp_path):
    use = "\nimport nf_course\nprint(nf_course.__file__)"
    done = run(STRANGER + first_cell() + use, tmp_path, NF_COURSE_INSTALL=str(wheel()))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1].startswith(str(tmp_path))
    again = run(first_cell() + use, tmp_path, NF_COURSE_INSTALL="/no/such/wheel")
    assert again.returncode == 0, "it is there: nothing is done"


def test_where_it_cannot_be_had_the_cell_says_so(tmp_path):
    done = run(STRANGER + first_cell(), tmp_path, NF_COURSE_INSTALL="no-such-course")
    assert done.returncode == 1 and "no-such-course could not be installed" in done.stderr.splitlines()[-1]


def test_where_it_is_installed_the_cell_does_nothing(tmp_path):
    done = run(first_cell(), ROOT, NF_COURSE_INSTALL="/no/such/wheel", PYTHONPATH=str(ROOT))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_written_into_the_checkout_all_is_still_clean(tmp_path, monkeypatch):
    stem = "03_coupling_layers"
    for folder in ("book", "solutions", "exercises"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{stem}.ipynb").write_bytes((ROOT / folder / f"{stem}.ipynb").read_bytes())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.ipynb")}
    monkeypatch.setattr(handout, "_module", handout._module)
    handout._module("tools/notebooks.py")  # from the checkout itself, before the root moves
    monkeypatch.setattr(handout, "ROOT", tmp_path)
    assert {path.parent.name for path in handout.write(tmp_path, COURSE)} == {"book", "exercises"}
    assert notebooks.check(tmp_path) == []
    assert handout.write(tmp_path, COURSE) == []
    handout.write(tmp_path, None)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.ipynb")} == before


@pytest.mark.parametrize("known", [None, ("owner/name", "v1")])
def test_its_links_lead_to_what_is_handed_out(known, tmp_path):
    """A learner who has the archive alone: answers and the book's other pages do not lie beside it."""
    handout.write(tmp_path, COURSE, known=known)
    text = {path: path.read_text("utf-8") for path in tmp_path.rglob("*.ipynb")}
    for path, source in text.items():
        for target in re.findall(r"\]\(((?!\w+:)[^)#\s]+\.(?:ipynb|md))", source):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
    start, coupling = (text[tmp_path / "book" / f"{stem}.ipynb"] for stem in ("00_start_here", "03_coupling_layers"))
    assert "[encode](../exercises/03_coupling_layers.ipynb#ex-03-encode)" in coupling
    assert ("https://github.com/owner/name/blob/v1/book/notation.md" in start) == (known is not None)
    assert "[Notation](notation.md)" in (ROOT / "book" / "00_start_here.ipynb").read_text("utf-8")


def test_the_archive(tmp_path):
    environment = {
        **os.environ,
        "NF_COURSE_REPOSITORY": "owner/name",
        "NF_COURSE_BRANCH": "v1",
        "NF_COURSE_INSTALL": "",
    }
    command = [sys.executable, str(ROOT / "tools" / "handout.py"), "write", str(tmp_path / "handout")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "git+https://github.com/owner/name@v1" in done.stdout, done.stderr
    with zipfile.ZipFile(tmp_path / "handout.zip") as archive:
        names = {name for name in archive.namelist() if name.endswith(".ipynb")}
    assert names == {path.relative_to(ROOT).as_posix() for path in handout.handed_out()}


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "expected NF_COURSE_REPOSITORY=owner/name"),
        ({"NF_COURSE_REPOSITORY": "name"}, "expected owner/name"),
        ({"NF_COURSE_INSTALL": 'a"; print(1)'}, "expected one thing that pip can install"),
        ({"NF_COURSE_INSTALL": "--index-url=x"}, "expected one thing that pip can install"),
    ],
)
def test_an_address_that_is_none_is_refused(environment, words, tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NF_COURSE_")}
    command = [sys.executable, str(ROOT / "tools" / "handout.py"), "write", str(tmp_path / "handout")]
    done = subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and words in done.stderr and not list(tmp_path.iterdir())
