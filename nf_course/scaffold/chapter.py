"""A new chapter in a checkout: the text of each file that it touches. Nothing is written here."""

from __future__ import annotations

import re
from pathlib import Path

from nbformat import NotebookNode

from nf_course.scaffold import fill
from nf_course.scaffold.checkout import ChapterFiles, notebooks_tool, read_notebook, sections_of
from nf_course.scaffold.definition import Definition
from nf_course.scaffold.exercise import exercise_name, sheets
from nf_course.scaffold.insert import tidy
from nf_course.scaffold.pages import notebook
from nf_course.scaffold.sheet import add_cells

__all__ = ["new_chapter"]

LONGEST = 32  # letters of a name
LINE = "A layer that scales each feature. Yours: one line that makes a reader want to open the chapter."
AIM = "say what one scale for each feature does to a density"


def new_chapter(root: Path, stem: str, title: str, name: str) -> dict[Path, str]:
    """The text of every file, old or new, with the chapter in it. Errors: `ValueError`, in words."""
    number, before = _place(root, stem)
    if not re.fullmatch(r"\w[\w ,:;'()+-]{1,58}[\w)]", title):
        raise ValueError(f"expected a title of 3 to 60 letters, digits, spaces and , : ; ' ( ) + -, got {title!r}")
    exercise_name(name)
    chapter = ChapterFiles(root, root / f"nf_course/grading/exercises/ch{stem}", stem)
    glyph = root / f"book/_static/glyphs/{number}.svg"
    words = {"number": number, "place": int(number), "stem": stem, "title": title, "name": name}
    page = notebook("chapter.md", **words, label=name.replace("_", "-"))
    chapter.__dict__.update(exercises=(), sections=sections_of(page, stem))  # nothing is there yet to read them from
    path, id = chapter.folder / f"{name}.py", f"{number}.{name}"
    given = {"id": id, "name": name, "stem": stem, "anchor": f"sec-{number}-derive", "variants": chapter.variants.name}
    texts = {
        chapter.page: _clean(root, chapter.page, page),
        glyph: fill("glyph.svg"),
        chapter.init: fill("chapter.init", **words),  # ruff sorts imports by what is there, and this is not yet
        path: tidy(fill("exercise.py", **given), path),
        chapter.variants: _variants(chapter, id, name, words),
    }
    sheet = notebook("opening.md", **words)
    add_cells(sheet, chapter, Definition.read(texts[path], path))
    texts |= sheets(chapter, sheet)
    if there := next((new for new in texts if new.exists()), None):
        raise ValueError(f"{there} exists already; choose another name or number")
    return texts | _lists(root, stem, title, before)


def _place(root: Path, stem: str) -> tuple[str, str]:
    """Its number, and the stem of the chapter before it."""
    number, _, name = stem.partition("_")
    if not re.fullmatch(r"[0-9]{2}_[a-z][a-z0-9_]*", stem) or len(name) > LONGEST:
        raise ValueError(
            f"expected two digits, _ and a name of up to {LONGEST} small letters, digits and _, "
            f"such as 19_spline_flows; got {stem!r}"
        )
    known = sorted(path.stem for path in (root / "book").glob("[0-9][0-9]_*.ipynb"))
    if number in {one[:2] for one in known}:
        free = next(n for n in range(100) if f"{n:02}" not in {one[:2] for one in known})
        raise ValueError(f"there is a chapter {number} already; the first free number is {free:02}")
    before = [one for one in known if one < stem]
    if not before:
        raise ValueError(f"expected chapters before {number} in {root / 'book'}")
    return number, before[-1]


def _variants(chapter: ChapterFiles, id: str, name: str, words: dict) -> str:
    title, number = words["title"], words["place"]
    first = (
        f'"""Answers to chapter {number}\'s exercises ({title}), as learners write them: right ones, and wrong ones."""'
    )
    heading = f"{id} {'-' * (115 - len(id))}"
    more = fill("variants.py", id=id, name=name, heading=heading)
    return tidy(f"{first}\n\nimport torch\n\n{more}", chapter.variants)


def _lists(root: Path, stem: str, title: str, before: str) -> dict[Path, str]:
    """The table of contents, the cover, the map in chapter 0, the table in README: each after the chapter before."""
    toc, readme, cover = root / "_toc.yml", root / "README.md", root / "book/intro.ipynb"
    start = next(iter(sorted((root / "book").glob("00_*.ipynb"))), root / "book/00_start_here.ipynb")
    contents = _read(toc)
    for folder in ("book", "solutions"):
        contents = _after(contents, rf"^( +- file: {folder}/){before}\n", rf"\g<1>{stem}\n", toc)
    row = f"| {int(stem[:2])} | [{title}](book/{stem}.ipynb) | {AIM} | 5 |\n"
    rows = rf"^\| {int(before[:2])} \| .*\(book/{before}\.ipynb\).*\|\n"
    card = f"\n:::{{chapter}} {stem}\n{LINE}\n:::\n"
    seen = f"| {int(stem[:2])} | [{title}]({stem}.ipynb) | one scale for each feature | eruptions |\n"
    cards, map_ = read_notebook(cover), read_notebook(start)
    _in_cell(cards, rf"^:::\{{chapter\}} {before}\n(?:.*\n)*?:::$\n?", card, cover)
    _in_cell(map_, rf"^\| {int(before[:2])} \| .*\({before}\.ipynb\).*\|$\n?", seen, start)
    return {
        toc: contents,
        readme: _after(_read(readme), rows, row.replace("\\", r"\\"), readme),
        cover: _clean(root, cover, cards),
        start: _clean(root, start, map_),
    }


def _in_cell(page: NotebookNode, pattern: str, more: str, path: Path) -> None:
    for cell in page.cells:
        if cell.cell_type == "markdown" and re.search(pattern, cell.source, re.MULTILINE):
            cell.source = _after(cell.source + "\n", pattern, more.replace("\\", r"\\"), path).rstrip("\n")
            return
    raise ValueError(f"{path}: expected the chapter before it there: /{pattern}/")


def _after(text: str, pattern: str, more: str, path: Path) -> str:
    text, count = re.subn(pattern, rf"\g<0>{more}", text, count=1, flags=re.MULTILINE)
    if not count:
        raise ValueError(f"{path}: expected the chapter before it there: /{pattern}/")
    return text


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def _clean(root: Path, path: Path, page: NotebookNode) -> str:
    tool = notebooks_tool(root)
    page = tool.normalise(page)
    if problems := tool.problems(page):
        raise ValueError(f"{path}: {problems[0]}")
    return tool.to_text(page)
