"""nf-course new exercise 03.roundtrip: a small exercise that works, in a checkout of the course, to be made your own.

It stands at once where all others do: its definition, its right and wrong answers, its cells in the sheets. Change the
definition, then --sheet writes its cells again. Exit status: 0 done; 2 nothing was written, and the message says why.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
from pathlib import Path

__all__ = ["add_new", "new"]

NEEDED = ("jinja2", "nbformat", "nbgrader", "ruff", "yaml")
CHAPTER = """nf-course new chapter 19_spline_flows "Spline flows": a small chapter that works, to be made your own.

It has every section of a chapter, a sheet with one exercise that works, and its place in the table of contents, on the
cover, in the map of chapter 0 and in README. Exit status: 0 done; 2 nothing was written, and the message says why.
"""


def add_new(commands: argparse._SubParsersAction) -> None:
    """The command's own words and options."""
    begin = commands.add_parser(
        "new",
        help="begin an exercise or a chapter of your own",
        description="In a checkout of the course: something small that works, for you to change.",
        epilog="nf-course new exercise --help and nf-course new chapter --help have examples.",
    )
    kinds = begin.add_subparsers(dest="kind", metavar="KIND", required=True)
    parser = kinds.add_parser(
        "exercise",
        help="a small exercise that works already, for you to change",
        description=__doc__,
        epilog="examples:\n  nf-course new exercise 03.roundtrip\n  nf-course new exercise 03.roundtrip --sheet",
    )
    parser.set_defaults(run=new)
    parser.add_argument("id", help="chapter and name: 03.roundtrip")
    parser.add_argument("--sheet", action="store_true", help="it exists: write its cells again, from its file")
    chapter = kinds.add_parser(
        "chapter",
        help="a small chapter that works already, with an exercise, for you to change",
        description=CHAPTER,
        epilog='examples:\n  nf-course new chapter 19_spline_flows "Spline flows"\n'
        '  nf-course new chapter 19_spline_flows "Spline flows" --exercise bins',
    )
    chapter.set_defaults(run=new)
    chapter.add_argument("stem", help="number and name, as its files are called: 19_spline_flows")
    chapter.add_argument("title", help='as readers see it: "Spline flows"')
    chapter.add_argument(
        "--exercise", default="unscale", metavar="NAME", help="of its first exercise (default: unscale)"
    )


def new(given: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise RuntimeError(f"new needs {', '.join(missing)}: pip install -r requirements.txt, in the checkout")
    from nf_course.scaffold.chapter import new_chapter
    from nf_course.scaffold.checkout import find_checkout
    from nf_course.scaffold.exercise import new_exercise, sheet_again
    from nf_course.scaffold.write import write_all

    root = find_checkout(Path.cwd())
    try:
        if given.kind == "chapter":
            texts = new_chapter(root, given.stem, given.title, given.exercise)
        else:
            texts = (sheet_again if given.sheet else new_exercise)(root, given.id)
    except ValueError as error:  # paths as the instructor sees them
        raise ValueError(str(error).replace(f"{root}{os.sep}", "")) from error
    if given.kind == "chapter":
        write_all(texts)
        print(f"{given.stem} is there and works. Make it yours, at each `Yours:`\n")
        for name, what in zip(_names(texts, root), WHAT_CHAPTER):
            print(f"  {name}\n      {what}")
        print(NEXT_CHAPTER.format(stem=given.stem, number=given.stem[:2], name=given.exercise))
        return 0
    if given.sheet:
        write_all({path: text for path, text in texts.items() if not _says(path, text)})
        print(f"{given.id} is in its sheets as it is in its file: {', '.join(_names(texts, root))}")
        return 0
    write_all(texts)
    print(f"{given.id} is there and works. Make it yours, at each `Yours:`\n")
    for name, what in zip(_names(texts, root), WHAT):
        print(f"  {name}\n      {what}")
    stem = list(texts)[-1].stem
    print(NEXT.format(id=given.id, stem=stem))
    return 0


WHAT = (
    "new: task, hints, model answer, cases, a second test, mistakes",
    "its place in the chapter, the last",
    "three right answers and a wrong one for each mistake",
    "its cells, behind the last exercise; how many exercises and points there are",
    "the same without the answer",
)
NEXT = """
Next, from the checkout's own folder: after each change its cells again; does it hold; do its sheets; is all in order
  nf-course new exercise {id} --sheet
  python -m pytest tests/grading/test_tables.py tests/grading/test_notebooks.py -k "{id} or {stem}"
  python -m pytest solutions/{stem}.ipynb exercises/{stem}.ipynb
  python -m ruff format && make lint
Last, say in words what it is about: the sheet's first cell, and the section Exercises of book/{stem}.ipynb"""

WHAT_CHAPTER = (
    "new: the chapter, with every section that one has",
    "new: its picture on the cover, in the colours of the theme",
    "new: its list of exercises",
    "new: its first exercise; `nf-course new exercise --help` goes on from there",
    "new: right and wrong answers",
    "new: its sheet, with answers",
    "new: the sheet without them",
    "chapter and sheet, each behind the one before",
    "its row in the table, with minutes",
    "its card",
    "its row in the map",
)
NEXT_CHAPTER = """
Next, from the checkout's own folder: run it and keep its outputs; does it hold; is all in order; how does it look
  python tools/notebooks.py refresh book/{stem}.ipynb && make exercises
  python -m pytest book/{stem}.ipynb solutions/{stem}.ipynb exercises/{stem}.ipynb
  python -m pytest tests/grading/test_tables.py tests/grading/test_notebooks.py -k "{number}.{name} or {stem}"
  make lint && make book"""


def _says(path: Path, text: str) -> bool:
    return path.exists() and path.read_bytes() == text.encode()


def _names(texts: dict[Path, str], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in texts]
