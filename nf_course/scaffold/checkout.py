"""A checkout of the course, read and not run: its chapters, the exercises of one, the labels of its pages.

What is read is the files of the checkout, not the package that runs: it may be another copy of the course.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat

__all__ = ["ChapterFiles", "Definition", "assigned", "find_chapter", "find_checkout", "read_notebook", "read_python"]

PARTS = (
    "pyproject.toml",
    "nf_course/grading/exercises",
    "solutions",
    "exercises",
    "tests/grading",
    "tools/notebooks.py",
)


def find_checkout(here: Path) -> Path:
    """The checkout that `here` lies in."""
    for folder in (here, *here.parents):
        if all((folder / part).exists() for part in PARTS):
            return folder
    raise ValueError(
        f"expected a checkout of the course around {here}: a folder with {', '.join(PARTS[:4])}, ... "
        "Clone the repository, go there, and call this again"
    )


def read_python(path: Path) -> tuple[str, ast.Module]:
    """A file's text and its syntax tree."""
    try:
        text = path.read_text("utf-8")
        return text, ast.parse(text)
    except SyntaxError as error:
        raise ValueError(f"{path}, line {error.lineno}: expected Python, got {error.msg}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """A notebook in today's format."""
    try:
        notebook = nbformat.read(path, 4)
        nbformat.validate(notebook)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    except Exception as error:  # nbformat's errors have no common name
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{path}: expected a notebook, but it cannot be read as one: {said[:120]}") from error
    return notebook


def assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """What a file gives names to, at its top."""
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


@dataclass(frozen=True)
class Definition:
    """An exercise as its file has it: what the sheet says of it."""

    id: str
    title: str
    level: str
    minutes: int
    points: int
    anchor: str
    task: str
    names: tuple[str, ...]
    answers: tuple[str, ...]  # the source of each model answer

    @classmethod
    def read(cls, text: str, path: Path) -> Definition:
        """From the text of the exercise's file."""
        tree = ast.parse(text)
        values = assigned(tree)
        call = values.get("EXERCISE")
        if not isinstance(call, ast.Call):
            raise ValueError(f"{path}: expected EXERCISE = Exercise(...)")
        given = {word.arg: word.value for word in call.keywords}

        def value(field: str, kind: type) -> object:
            node = given.get(field)
            node = values.get(node.id, node) if isinstance(node, ast.Name) else node
            try:
                found = ast.literal_eval(node)
            except (ValueError, TypeError):
                found = None
            if not isinstance(found, kind):
                what = "a text" if kind is str else "a whole number"
                raise ValueError(f"{path}: expected {field}= of EXERCISE to be {what}, written out")
            return found

        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        references = getattr(given.get("references"), "elts", [])
        names = tuple(node.id for node in references if isinstance(node, ast.Name))
        if not names or any(name not in functions for name in names):
            raise ValueError(f"{path}: expected references= of EXERCISE to be a tuple of functions of this file")
        return cls(
            **{field: value(field, str) for field in ("id", "title", "level", "anchor", "task")},
            **{field: value(field, int) for field in ("minutes", "points")},
            names=names,
            answers=tuple(ast.get_source_segment(text, functions[name]) for name in names),
        )


@dataclass(frozen=True)
class ChapterFiles:
    """Where the parts of a chapter lie."""

    root: Path
    folder: Path  # of its exercises
    stem: str

    @property
    def init(self) -> Path:
        """Its list of exercises."""
        return self.folder / "__init__.py"

    @property
    def variants(self) -> Path:
        """Its right and wrong answers."""
        return self.root / "tests" / "grading" / f"{self.folder.name[:4]}_variants.py"

    @property
    def sheet(self) -> Path:
        """Its sheet, with answers."""
        return self.root / "solutions" / f"{self.stem}.ipynb"

    @property
    def handed_out(self) -> Path:
        """The sheet without them."""
        return self.root / "exercises" / f"{self.stem}.ipynb"

    @property
    def page(self) -> Path:
        """The chapter of the book."""
        return self.root / "book" / f"{self.stem}.ipynb"

    @cached_property
    def exercises(self) -> tuple[Definition, ...]:
        """In the order of the chapter."""
        modules = (node.value.id for node in exercises_of(read_python(self.init)[1], self.init).elts)
        paths = (self.folder / f"{module}.py" for module in modules)
        return tuple(Definition.read(read_python(path)[0], path) for path in paths)

    @cached_property
    def sections(self) -> dict[str, str]:
        """Label and heading of each section of the book's page."""
        cells = read_notebook(self.page).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        return dict(re.findall(rf"^\((sec-{self.stem[:2]}-[^)\s]+)\)=\n#+ +(.+)$", text, flags=re.MULTILINE))


def exercises_of(tree: ast.Module, path: Path) -> ast.Tuple:
    """The tuple of exercises in a chapter's `__init__.py`."""
    call = assigned(tree).get("CHAPTER")
    given = [*call.args, *(word.value for word in call.keywords)] if isinstance(call, ast.Call) else []
    found = [node for node in given if isinstance(node, ast.Tuple)]
    wanted = (
        [isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) for node in found[0].elts]
        if found
        else []
    )
    if not wanted or not all(wanted):
        raise ValueError(f"{path}: expected CHAPTER = Chapter(..., (first.EXERCISE, second.EXERCISE, ...))")
    return found[0]


def find_chapter(root: Path, number: str) -> ChapterFiles:
    """The chapter of this number, two digits."""
    folders = {path.name[2:4]: path for path in sorted((root / "nf_course/grading/exercises").glob("ch[0-9][0-9]_*"))}
    folders = {number: path for number, path in folders.items() if (path / "__init__.py").exists()}
    if number not in folders:
        raise ValueError(f"there is no chapter {number} with exercises; they run from {min(folders)} to {max(folders)}")
    return ChapterFiles(root, folders[number], folders[number].name[2:])
