"""The cells of an exercise in its chapter's sheet: the task, the answer, the check.

They are made from the exercise's own file, so the two say the same. A cell that says it already is left as it is.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from nf_course.scaffold import fill
from nf_course.scaffold.checkout import ChapterFiles
from nf_course.scaffold.definition import Definition
from nf_course.scaffold.insert import tidy
from nf_course.scaffold.names import refuse_names, supply_names

__all__ = ["add_cells", "refresh_cells"]

NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")
OPENING = re.compile(r"^\w+( short)? exercises?( to \[[^\]]*\]\([^)]*\)), \d+ points in all", flags=re.MULTILINE)
BORDER = {"locked": False, "schema_version": 3, "task": False}


def add_cells(notebook: NotebookNode, chapter: ChapterFiles, new: Definition) -> None:
    """Put the exercise behind the last one, and count it in the sheet's first cell."""
    refuse_names(notebook, new, chapter)
    supply_names(notebook, new, chapter)
    graded = [place for place, cell in enumerate(notebook.cells) if _meta(cell).get("grade")]
    place = graded[-1] + 1 if graded else len(notebook.cells)
    while place < len(notebook.cells) and not _closes(notebook.cells[place]):
        place += 1  # what the last exercise draws stays with it
    exercises = (*chapter.exercises, new)
    notebook.cells[place:place] = [
        new_markdown_cell(_task(chapter, new, len(exercises))),
        new_code_cell(_answer(new, chapter), metadata={"nbgrader": _answer_meta(new), "tags": ["hide-input"]}),
        new_code_cell(_check(new), metadata={"nbgrader": _check_meta(new)}),
    ]
    _count(notebook, exercises)


def refresh_cells(notebook: NotebookNode, chapter: ChapterFiles, id: str) -> None:
    """Write those cells of the exercise again that no longer say what its file says."""
    place, new = next((place, new) for place, new in enumerate(chapter.exercises, 1) if new.id == id)
    where = {_meta(cell).get("grade_id", "").replace("_", "-"): at for at, cell in enumerate(notebook.cells)}
    at, checked = where.get(_label(new)), where.get(f"check-{_label(new)}")
    texts = [n for n, cell in enumerate(notebook.cells) if cell.source.startswith(f"(ex-{_label(new)})=\n")]
    if at is None or checked is None or len(texts) != 1:
        raise ValueError(
            f"{chapter.sheet}: expected three cells of {id}: a text that begins with (ex-{_label(new)})=, "
            f"an answer with the grade_id {_grade_id(new)}, a check with check-{_grade_id(new)}"
        )
    text, answer, check = (notebook.cells[n] for n in (texts[0], at, checked))
    refuse_names(notebook, new, chapter, but=answer)
    supply_names(notebook, new, chapter)
    if text.source.split() != (task := _task(chapter, new, place)).split():
        text.source = task
    code = _answer(new, chapter)
    if _tree(answer.source) != _tree(code) or _has_comments(new):  # else the sheet's own comments would be lost
        answer.source = code
    check.source = _check(new)
    check.metadata["nbgrader"]["points"] = new.points
    _count(notebook, chapter.exercises)


def _meta(cell: NotebookNode) -> dict:
    return cell.metadata.get("nbgrader", {})


def _closes(cell: NotebookNode) -> bool:
    """Whether the sheet's end begins here: a section for all exercises, or the learner's points."""
    return cell.cell_type == "markdown" and bool(re.match(r"\([^)]+\)=|#|`progress\(", cell.source))


def _grade_id(new: Definition) -> str:
    return new.id.replace(".", "-")


def _label(new: Definition) -> str:
    return _grade_id(new).replace("_", "-")


def _answer_meta(new: Definition) -> dict:
    return {**BORDER, "grade": False, "grade_id": _grade_id(new), "solution": True}


def _check_meta(new: Definition) -> dict:
    meta = {**BORDER, "grade": True, "grade_id": f"check-{_grade_id(new)}", "solution": False}
    return {**meta, "locked": True, "points": new.points}


def _check(new: Definition) -> str:
    return f'check("{new.id}", {", ".join(new.names)})'


def _task(chapter: ChapterFiles, new: Definition, place: int) -> str:
    if new.anchor not in chapter.sections:
        raise ValueError(
            f"{chapter.page} has no section ({new.anchor})=; anchor= of EXERCISE may be {', '.join(chapter.sections)}"
        )
    longest = max((len(colons) for colons in re.findall(r"^:{3,}", new.task, flags=re.MULTILINE)), default=2)
    return fill(
        "task.md",
        label=_label(new),
        place=place,
        title=new.title,
        level=new.level.capitalize(),
        minutes=new.minutes,
        points=f"{new.points} point{'s' if new.points > 1 else ''}",
        section=chapter.sections[new.anchor],
        stem=chapter.stem,
        anchor=new.anchor,
        fence=":" * (longest + 1),
        task=new.task.strip(),
    ).rstrip()


def _answer(new: Definition, chapter: ChapterFiles) -> str:
    marked = "\n\n\n".join(_marked(answer, chapter) for answer in new.answers)
    return tidy(marked + "\n", chapter.folder / "answer.py").rstrip()


def _marked(source: str, chapter: ChapterFiles) -> str:
    """The function with nbgrader's marks around what a learner writes: not around its first line and docstring."""
    function = ast.parse(source).body[0]
    body = function.body
    head = next(token.end[0] for token in _tokens(source) if token.type == tokenize.NEWLINE)
    if ast.get_docstring(function) is not None and len(body) > 1:
        head, body = body[0].end_lineno, body[1:]
    if body[0].lineno <= head:
        raise ValueError(f"{chapter.folder}: expected {function.name} to have its answer on lines of its own")
    lines, indent = source.split("\n"), " " * body[0].col_offset
    return "\n".join(
        [*lines[:head], f"{indent}### BEGIN SOLUTION", *lines[head:], f"{indent}### END SOLUTION"],
    )


def _tokens(source: str) -> list[tokenize.TokenInfo]:
    return list(tokenize.generate_tokens(io.StringIO(source).readline))


def _has_comments(new: Definition) -> bool:
    return any(token.type == tokenize.COMMENT for answer in new.answers for token in _tokens(answer))


def _tree(source: str) -> str | None:
    try:
        return ast.dump(ast.parse(source))
    except SyntaxError:
        return None


def _count(notebook: NotebookNode, exercises: tuple[Definition, ...]) -> None:
    """`Five exercises to ..., 11 points in all`, where the first cell says so."""
    number, points = len(exercises), sum(new.points for new in exercises)
    word = NUMBERS[number] if number < len(NUMBERS) else str(number)
    first = notebook.cells[0]
    many = "exercise" if number == 1 else "exercises"
    first.source = OPENING.sub(
        lambda found: f"{word}{found[1] or ''} {many}{found[2]}, {points} points in all", first.source, count=1
    )
