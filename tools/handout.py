"""Notebooks that work where the course is not installed yet, in Colab say: their first code cell gets it.

    python tools/handout.py write FOLDER    exercises and chapters with that cell, and FOLDER.zip
    python tools/handout.py here            the same into book/ and exercises/, to commit; without an address: out again

The address is that of NF_COURSE_REPOSITORY=owner/name; NF_COURSE_BRANCH names a branch or tag (default: main).
NF_COURSE_INSTALL, whatever pip can install, a wheel's address say, takes the place of both; set where a notebook runs,
it goes before what was written into the cell.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import ModuleType

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[([^\[\]]*)\]\((?!\w+:)([^)#\s]+\.(?:ipynb|md))(#[^)\s]*)?\)")
SOURCE = """{first}, in Colab say, this gets it. Elsewhere it does nothing.
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("nf_course") is None:
    course = os.environ.get("NF_COURSE_INSTALL", "{address}")
    if subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", course]).returncode:
        raise RuntimeError(f"{{course}} could not be installed; pip says why, above")
    importlib.invalidate_caches()
if "google.colab" in sys.modules:
    from google.colab import output

    output.enable_custom_widget_manager()  # for the figures that move"""


def address(environ=os.environ) -> str | None:
    """What pip is to install, from NF_COURSE_INSTALL or NF_COURSE_REPOSITORY; None where neither is set.

    >>> address({"NF_COURSE_REPOSITORY": "owner/name"})
    'git+https://github.com/owner/name@main'
    """
    given = environ.get("NF_COURSE_INSTALL", "").strip()
    if given:
        if any(sign in given for sign in "\"'\\\n{}") or given.startswith("-"):
            raise ValueError(f"NF_COURSE_INSTALL: expected one thing that pip can install, got {given!r}")
        return given
    known = _module("book/_ext/nf_links.py").repository(environ)
    return known and "git+https://github.com/{}@{}".format(*known)


def with_cell(nb: NotebookNode, course: str | None) -> NotebookNode:
    """A copy with the cell after the title, for this address; None: without it."""
    tool = _module("tools/notebooks.py")
    nb = tool.without_install(nb)
    if course:
        cell = new_code_cell(SOURCE.format(first=tool.INSTALL, address=course), metadata={"tags": ["remove-cell"]})
        nb.cells.insert(nb.cells[0].cell_type == "markdown", cell)
    return tool.normalise(nb)


def with_links(nb: NotebookNode, folder: str, known: tuple[str, str] | None) -> NotebookNode:
    """A copy, of a notebook of this folder, whose links lead to what is handed out: from an answer to its sheet.

    The book's other pages are linked to on GitHub, where (owner/name, branch) is known; else their name stays.
    """
    nb, there = deepcopy(nb), set(handed_out())

    def link(found: re.Match) -> str:
        words, target, place = found[1], found[2], found[3] or ""
        if place:
            target = target.replace("../solutions/", "../exercises/")
        path = (ROOT / folder / target).resolve()
        if path in there:
            return f"[{words}]({target}{place})"
        page = path.relative_to(ROOT).as_posix()
        if known and page.startswith("book/"):
            return "[{}](https://github.com/{}/blob/{}/{})".format(words, *known, page)
        return words

    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(link, cell.source)
    return nb


def handed_out() -> list[Path]:
    """The notebooks that a learner may open elsewhere."""
    return [*sorted((ROOT / "exercises").glob("*.ipynb")), *sorted((ROOT / "book").glob("[0-9]*.ipynb"))]


def write(
    folder: Path, course: str | None, only: str | None = None, known: tuple[str, str] | None = None
) -> list[Path]:
    """All of them, or one kind, below a folder as they lie here; the paths whose text changed."""
    tool, written = _module("tools/notebooks.py"), []
    for path in handed_out():
        if only not in (None, path.parent.name):
            continue
        target = folder / path.relative_to(ROOT)
        nb = with_cell(tool.read(path), course)
        text = tool.to_text(nb if folder == ROOT else with_links(nb, path.parent.name, known))
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            written.append(target)
    return written


@cache
def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_course_{Path(name).stem}", ROOT / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    to = commands.add_parser("write")
    to.add_argument("folder", type=Path)
    to.add_argument("--only", choices=["exercises", "book"], help="and no archive")
    commands.add_parser("here")
    given = parser.parse_args()
    try:
        course, known = address(), _module("book/_ext/nf_links.py").repository()
    except Exception as error:  # ours, or Sphinx's for a malformed repository
        parser.error(str(error))
    if given.command == "write" and not course:
        parser.error("expected NF_COURSE_REPOSITORY=owner/name, or NF_COURSE_INSTALL=what pip can install")
    if given.command == "here":
        written = write(ROOT, course)
    else:
        written = write(given.folder, course, given.only, known)
    if given.command == "write" and not given.only:
        shutil.make_archive(str(given.folder), "zip", given.folder)
    print(
        f"handout: {len(written)} notebooks written, " + (f"which install {course}" if course else "without the cell")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
