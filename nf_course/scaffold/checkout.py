"""A checkout of the course, read and not run: its chapters, the exercises of one, the labels of its pages.

What is read is the files of the checkout, not the package that runs: it may be another copy of the course.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

import nbformat

from nf_course.scaffold.definition import Definition, assigned, read_python

__all__ = [
    "ChapterFiles",
    "exercises_of",
    "find_chapter",
    "find_checkout",
    "notebooks_tool",
    "read_notebook",
    "sections_of",
]

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
        return sections_of(read_notebook(self.page), self.stem)


def sections_of(page: nbformat.NotebookNode, stem: str) -> dict[str, str]:
    """Label and heading of each section of a page."""
    text = "\n\n".join(cell.source for cell in page.cells if cell.cell_type == "markdown")
    return dict(re.findall(rf"^\((sec-{stem[:2]}-[^)\s]+)\)=\n#+ +(.+)$", text, flags=re.MULTILINE))


def notebooks_tool(root: Path) -> ModuleType:
    """The checkout's own tools/notebooks.py."""
    spec = importlib.util.spec_from_file_location("_course_notebooks", root / "tools" / "notebooks.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def exercises_of(tree: ast.Module, path: Path) -> ast.Tuple:
    """The tuple of exercises in a chapter's `__init__.py`."""
    call = assigned(tree).get("CHAPTER")
    given = [*call.args, *(word.value for word in call.keywords)] if isinstance(call, ast.Call) else []
    found = [node for node in given if isinstance(node, ast.Tuple)]
    items = found[0].elts if found else []
    if not items or not all(isinstance(item, ast.Attribute) and isinstance(item.value, ast.Name) for item in items):
        raise ValueError(f"{path}: expected CHAPTER = Chapter(..., (first.EXERCISE, second.EXERCISE, ...))")
    return found[0]


def find_chapter(root: Path, number: str) -> ChapterFiles:
    """The chapter of this number, two digits."""
    folders = {path.name[2:4]: path for path in sorted((root / "nf_course/grading/exercises").glob("ch[0-9][0-9]_*"))}
    folders = {number: path for number, path in folders.items() if (path / "__init__.py").exists()}
    if number not in folders:
        raise ValueError(f"there is no chapter {number} with exercises; they run from {min(folders)} to {max(folders)}")
    return ChapterFiles(root, folders[number], folders[number].name[2:])
