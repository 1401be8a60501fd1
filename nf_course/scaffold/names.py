"""The names in a sheet: all its answers share one namespace, and a submission's are found by their names."""

from __future__ import annotations

import builtins
from symtable import symtable

from nbformat import NotebookNode

from nf_course.scaffold.checkout import ChapterFiles
from nf_course.scaffold.definition import Definition
from nf_course.scaffold.insert import tidy

__all__ = ["refuse_names", "supply_names"]


def refuse_names(
    notebook: NotebookNode, new: Definition, chapter: ChapterFiles, but: NotebookNode | None = None
) -> None:
    """Refuse an answer whose name stands for something else in the sheet, in any cell `but` this one."""
    taken = set(dir(builtins)).union(*(_given(cell) for cell in _code(notebook) if cell is not but))
    double = [name for name in new.names if name in taken]
    if double:
        raise ValueError(
            f"{chapter.sheet}: {', '.join(double)} means something else there already; choose another name"
        )


def supply_names(notebook: NotebookNode, new: Definition, chapter: ChapterFiles) -> None:
    """Import in the sheet's first code cell what the model answer uses and its own file imports."""
    known = set(dir(builtins)).union(new.names, *(_given(cell) for cell in _code(notebook)))
    wanted = _free(new) - known
    homeless = sorted(wanted - set(new.imports))
    if homeless:
        raise ValueError(
            f"{chapter.sheet}: the model answer of {new.id} uses {', '.join(homeless)}, which the sheet does not have; "
            "a helper belongs inside the function"
        )
    if wanted:
        first = next(iter(_code(notebook)))
        lines = [new.imports[name] for name in sorted(wanted)]
        first.source = tidy("\n".join([*lines, first.source]) + "\n", chapter.folder / "cell.py").rstrip()


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _given(cell: NotebookNode) -> set[str]:
    """The names that a cell leaves to the next ones."""
    try:
        symbols = symtable(cell.source, "cell", "exec").get_symbols()
    except SyntaxError:  # a magic of IPython
        return set()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


def _free(new: Definition) -> set[str]:
    """The names that the model answers take from outside."""
    tables = [symtable(answer, "answer", "exec") for answer in new.answers]
    free = set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        free |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced()}
    return free
