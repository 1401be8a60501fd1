"""A new exercise in a checkout: the text of each file that it touches. Nothing is written here."""

from __future__ import annotations

import ast
import keyword
import re
from pathlib import Path

from nbformat import NotebookNode

from nf_course.scaffold import fill
from nf_course.scaffold.checkout import ChapterFiles, find_chapter, notebooks_tool, read_notebook
from nf_course.scaffold.definition import Definition
from nf_course.scaffold.insert import add_to_chapter, add_variants, tidy
from nf_course.scaffold.sheet import add_cells, refresh_cells

__all__ = ["exercise_name", "new_exercise", "sheet_again", "sheets"]

WIDTH = 118  # of the lines that part the exercises in tests/grading
LONGEST = 24  # letters of a name: longer ones fit neither messages nor tables


def new_exercise(root: Path, id: str) -> dict[Path, str]:
    """The text of every file, old or new, with the exercise in it. Errors: `ValueError`, in words."""
    chapter, name = _chapter_and_name(root, id)
    path = chapter.folder / f"{name}.py"
    if id in [known.id for known in chapter.exercises]:
        raise ValueError(f"{id} exists already: its cells are written again with --sheet, from its file")
    if path.exists():
        raise ValueError(f"{path} exists already; choose another name for the exercise")
    if not chapter.sections:
        raise ValueError(f"{chapter.page}: expected sections with a label, such as (sec-{id[:2]}-first)=")
    _refuse_own_words(name)
    words = {"id": id, "name": name, "stem": chapter.stem, "anchor": next(iter(chapter.sections))}
    text = tidy(fill("exercise.py", **words, variants=chapter.variants.name), path)
    heading = f"{id} {'-' * (WIDTH - 3 - len(id))}"
    notebook = read_notebook(chapter.sheet)
    add_cells(notebook, chapter, Definition.read(text, path))
    return {
        path: text,
        chapter.init: add_to_chapter(chapter.init, name),
        chapter.variants: add_variants(chapter.variants, fill("variants.py", **words, heading=heading)),
        **sheets(chapter, notebook),
    }


def sheet_again(root: Path, id: str) -> dict[Path, str]:
    """The texts of the two sheets, with the cells of the exercise as its file has them now. Errors: `ValueError`."""
    chapter, _ = _chapter_and_name(root, id)
    known = [exercise.id for exercise in chapter.exercises]
    if id not in known:
        raise ValueError(f"there is no exercise {id}; chapter {id[:2]} has {', '.join(known)}")
    notebook = read_notebook(chapter.sheet)
    refresh_cells(notebook, chapter, id)
    return sheets(chapter, notebook)


def _chapter_and_name(root: Path, id: str) -> tuple[ChapterFiles, str]:
    number, _, name = id.partition(".")
    if not re.fullmatch(r"[0-9]{2}\..+", id) or not _can_be(name):
        raise ValueError(
            f"expected a chapter in two digits, a point and a name that Python can use, of up to {LONGEST} small "
            f"letters, digits and _, such as 03.roundtrip; got {id!r}"
        )
    return find_chapter(root, number), name


def _can_be(name: str) -> bool:
    return bool(re.fullmatch(r"[a-z][a-z0-9_]*", name)) and not keyword.iskeyword(name) and len(name) <= LONGEST


def exercise_name(name: str) -> None:
    """Refuse a name that an exercise cannot have."""
    if not _can_be(name):
        raise ValueError(
            f"expected a name for the exercise that Python can use, of up to {LONGEST} small letters, digits and _, "
            f"such as roundtrip; got {name!r}"
        )
    _refuse_own_words(name)


def _refuse_own_words(name: str) -> None:
    """The function is called as the exercise is; where a template has the word for something else, they would mix."""
    words = {"id": "", "name": "name_to_come", "stem": "", "anchor": "", "variants": "", "heading": ""}
    for template in ("exercise.py", "variants.py"):
        for node in ast.walk(ast.parse(fill(template, **words))):
            if name in (getattr(node, "id", None), getattr(node, "arg", None), getattr(node, "name", None)):
                raise ValueError(f"{name} means something else in a new exercise's file; choose another name")


def sheets(chapter: ChapterFiles, notebook: NotebookNode) -> dict[Path, str]:
    """The sheet and the one that is handed out, as the checkout's own tool makes them."""
    tool = notebooks_tool(chapter.root)
    notebook = tool.normalise(notebook)
    texts = {chapter.sheet: tool.to_text(notebook), chapter.handed_out: tool.to_text(tool.blank(notebook))}
    problems = tool.problems(notebook)
    if problems:
        raise ValueError(f"{chapter.sheet}: {problems[0]}")
    return texts
