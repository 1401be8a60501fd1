"""Which cells of a submission are run, in what order, and what then stands under the names of its answers.

As in a notebook from top to bottom, but only what the answers need: pictures and trainings in between are left out.
This runs in the sandbox; the source of a submission is parsed nowhere else.
"""

from __future__ import annotations

import ast
import contextlib
import linecache
import re
from typing import Any

from nf_course.grading import guard
from nf_course.grading.borrowed import Borrowed

__all__ = ["run_cells"]

# cells of another language than Python, by their first line
OTHER = re.compile(r"\s*%%(bash|sh|html|javascript|js|latex|markdown|svg|script|writefile|file|perl|ruby|cmd)\b")
JUPYTER = re.compile(r"(?m)^([ \t]*)(?:[%!?].*|[\w.]+\?{1,2}[ \t]*)$")  # magics, shell, help


class Nothing:
    """What a notebook has and a submission here does not need: every attribute and every call of it is itself.

    That holds while cells are run. An answer that needs it is told so: `Borrowed`, `NotHere`.
    """

    patient = True

    def __init__(self, name: str, module: str = "") -> None:
        self._name, self._module = name, module

    def __getattr__(self, name: str) -> Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self()

    def __call__(self, *args: Any, **options: Any) -> Nothing:
        if Nothing.patient:
            return self
        if self._module.split(".")[0] == "nf_course":
            raise Borrowed(self._name)
        raise NotHere(f"{self._name} is not to be had where a class is graded")


class NotHere(Exception):
    """An answer needs a package or a part of Jupyter that the sandbox lacks."""


def run_cells(cells: list[dict[str, Any]], wanted: dict[str, list[str]], seconds: float) -> dict[str, Any]:
    """The cells that the answers need, in their order; "EXERCISE NAME" -> what stands under the name at its check.

    The last definition before the cell that checks it counts; one that comes after it counts where there is none
    before. A cell is given so many `seconds`; what a statement raises ends that statement and nothing else.
    """
    trees = [_parsed(number, cell["source"]) for number, cell in enumerate(cells)]
    bound = [set() if tree is None else _bound(tree) for tree in trees]
    needed = _needed(trees, bound, {name for names in wanted.values() for name in names})
    space: dict[str, Any] = {"__name__": "__main__"} | {name: Nothing(name) for name in ("get_ipython", "display")}
    found: dict[str, Any] = {}
    checked: set[str] = set()
    for number, (cell, tree) in enumerate(zip(cells, trees, strict=True)):
        if tree is not None and number in needed:
            _run(tree, f"<cell {number + 1}>", space, seconds)
            for exercise, names in wanted.items():
                for name in names:
                    key = f"{exercise} {name}"
                    own = cell["answers"] in (None, exercise) or name not in wanted.get(cell["answers"], ())
                    if (
                        name in bound[number]
                        and name in space
                        and own
                        and (key not in found or exercise not in checked)
                    ):
                        found[key] = space[name]
        checked.update(cell["checks"])
    Nothing.patient = False
    return found


def _parsed(number: int, source: str) -> ast.Module | None:
    if OTHER.match(source):
        return None
    place = f"<cell {number + 1}>"
    for text in (source, JUPYTER.sub(r"\1pass", source)):  # a line of an expression may begin with % too
        linecache.cache[place] = (len(text), None, text.splitlines(True), place)
        with contextlib.suppress(BaseException), guard.quiet():
            return ast.parse(text, place)
    return None


def _run(tree: ast.Module, place: str, space: dict[str, Any], seconds: float) -> None:
    """Statement by statement: one that fails, for want of a package say, does not take those below it along."""
    with contextlib.suppress(BaseException), guard.quiet(), guard.time_limit(seconds):
        for statement in (one for whole in tree.body for one in _alone(whole)):
            try:
                exec(compile(ast.Module([statement], []), place, "exec"), space)
            except ImportError:  # google.colab, tqdm, plots: answers do not need them
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    (alias,) = statement.names
                    name = alias.asname or alias.name.split(".")[0]
                    space.setdefault(name, Nothing(name, getattr(statement, "module", None) or alias.name))
            except guard.OutOfTime:
                raise
            except BaseException:
                continue


def _alone(statement: ast.stmt) -> list[ast.stmt]:
    """Itself; of an import one for each of its names."""
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return [statement]
    parts = [type(statement)(**{**vars(statement), "names": [alias]}) for alias in statement.names]
    return [ast.copy_location(part, statement) for part in parts]


def _needed(trees: list[ast.Module | None], bound: list[set[str]], names: set[str]) -> set[int]:
    """The cells that bind or change one of the names, or one that such a cell mentions, and so on."""
    touched = [own if tree is None else own | _changed(tree) for tree, own in zip(trees, bound, strict=True)]
    imported = set().union(*(_imported(tree) for tree in trees if tree is not None))
    needed: set[int] = set()
    while True:
        others = names - imported  # `torch.manual_seed(0)` in a cell is no reason to run it
        more = {
            number for number in range(len(trees)) if bound[number] & (names | {"*"}) or touched[number] & others
        } - needed
        if not more:
            return needed
        needed |= more
        names = names.union(*(_mentioned(trees[number]) for number in more))


def _of_the_cell(tree: ast.Module):
    """The nodes of a cell at its own level, within ifs, loops and the like too, but in no function and no class."""
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            todo += ast.iter_child_nodes(node)


def _bound(tree: ast.Module) -> set[str]:
    """The names that a cell binds."""
    bound = _imported(tree)
    for node in _of_the_cell(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    return bound | {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}


def _changed(tree: ast.Module) -> set[str]:
    """The names of objects that a cell writes into, `table["k"] = 1`, or calls a method of, `rows.append(2)`."""
    changed = set()
    for node in _of_the_cell(tree):
        written = isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del)
        called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        place = node if written else node.value.func if called else None
        while isinstance(place, ast.Attribute | ast.Subscript | ast.Call):
            place = place.func if isinstance(place, ast.Call) else place.value
        if isinstance(place, ast.Name):
            changed.add(place.id)
    return changed


def _imported(tree: ast.Module) -> set[str]:
    imports = (node for node in _of_the_cell(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return {alias.asname or alias.name.split(".")[0] for node in imports for alias in node.names}


def _mentioned(tree: ast.Module) -> set[str]:
    """Every name in a cell, and every word in quotes that could be one, as in globals()["scale"]."""
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return named | {word for word in words if word.isidentifier()}
