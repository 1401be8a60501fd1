"""Which cells of a submission are run, in what order, and what then stands under the names of its answers.

As in a notebook from top to bottom, for each exercise as far as its check, but only what its answers need: pictures and
trainings in between are left out. This runs in the sandbox; the source of a submission is parsed nowhere else.
"""

from __future__ import annotations

import ast
import contextlib
import dis
import linecache
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from nf_course.grading import guard
from nf_course.grading.borrowed import Borrowed

__all__ = ["run_cells"]

# cells of another language than Python, by their first line
OTHER = re.compile(r"\s*%%(bash|sh|html|javascript|js|latex|markdown|svg|script|writefile|file|perl|ruby|cmd)\b")
MAGIC = re.compile(r"\A\s*%%.*")  # what stands above a cell of Python: %%time, %%capture
TIME = re.compile(r"(?m)^([ \t]*)%time[ \t]+")  # `%time x = f()` binds x
READS = re.compile(r"LOAD_.*(NAME|GLOBALS?)$")  # instructions of Python that read a global name
JUPYTER = re.compile(r"(?m)^([ \t]*)(?:[%!?].*|[\w.]+\?{1,2}[ \t]*)$")  # magics, shell, help


class Nothing:
    """What a notebook has and a submission here does not need: every attribute and every call of it is itself.

    As a decorator, which gets a function alone, it leaves that as it is. All this holds while cells are run; an answer
    that needs it is told so, by `Borrowed` or `NotHere`.
    """

    patient = True

    def __init__(self, name: str, module: str = "") -> None:
        self._name, self._module = name, module

    def __getattr__(self, name: str) -> Nothing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self()

    def __call__(self, *args: Any, **options: Any) -> Any:
        if Nothing.patient:
            return args[0] if len(args) == 1 and not options and isinstance(args[0], FunctionType) else self
        if self._module.split(".")[0] == "nf_course":
            raise Borrowed(self._name)
        raise NotHere(f"{self._name} is not to be had where a class is graded")


class NotHere(Exception):
    """An answer needs a package or a part of Jupyter that the sandbox lacks."""


def run_cells(
    cells: list[dict[str, Any]], wanted: dict[str, list[str]], seconds: float, together: float
) -> dict[str, Any]:
    """The cells that the answers need, in their order; "EXERCISE NAME" -> what stands under the name at its check.

    The last definition before the last cell that checks it counts; one that comes after it where there is none before.
    So do later cells that change what an answer uses: those of other exercises may give the same names another meaning.
    A cell is given so many `seconds`, all of them `together` what is said; what a statement raises ends it alone.
    """
    book = _Book(cells, wanted, seconds, time.monotonic() + together)
    found = {key: value for exercise, names in wanted.items() for key, value in book.answers(exercise, names)}
    Nothing.patient = False
    return found


class _Book:
    """The cells as trees, which names they bind, and what has been run of them."""

    def __init__(self, cells, wanted: dict[str, list[str]], seconds: float, until: float) -> None:
        self.cells, self.wanted, self.seconds, self.until = cells, wanted, seconds, until
        self.trees = [_parsed(number, cell["source"]) for number, cell in enumerate(cells)]
        self.last = {exercise: number for number, cell in enumerate(cells) for exercise in cell["checks"]}
        asked = {name for names in wanted.values() for name in names}
        for exercise, number in self.last.items():
            _bind_handed(self.trees[number], exercise, wanted.get(exercise, []), asked)
        imported = set().union(*map(_imported, filter(None, self.trees)))
        self.binds, self.changes, self.mentions = defaultdict(set), defaultdict(set), {}
        for number, tree in enumerate(self.trees):
            if tree is not None:
                for name in _bound(tree):
                    self.binds[name].add(number)
                for name in _changed(tree) - imported:  # `torch.manual_seed(0)` in a cell is no reason to run it
                    self.changes[name].add(number)
                self.mentions[number] = _mentioned(tree)
        self._ran: dict[tuple[int, ...], list[tuple[int, dict[str, Any]]]] = {}

    def answers(self, exercise: str, names: list[str]) -> Iterator[tuple[str, Any]]:
        """("EXERCISE NAME", what stands under the name)."""
        last = self.last.get(exercise, len(self.cells))
        ran = self._run(tuple(sorted(self._needed(exercise, names, last))))
        for name in names:
            own = [(number, made[name]) for number, made in ran if name in made and self._owns(number, exercise, name)]
            counting = [value for number, value in own if number <= last] or [value for _, value in own]
            handed = [made[f"{exercise} {name}"] for _, made in ran if callable(made.get(f"{exercise} {name}"))]
            if handed or counting:
                yield f"{exercise} {name}", (handed or counting)[-1]

    def _owns(self, number: int, exercise: str, name: str) -> bool:
        """Whether what a cell binds to the name may be the answer: not in the answer cell of another such exercise."""
        answers = self.cells[number]["answers"]
        return answers in (None, exercise) or name not in self.wanted.get(answers, ())

    def _needed(self, exercise: str, names: list[str], last: int) -> set[int]:
        """The cells that bind or change one of the names, or one that such a cell mentions, and so on."""
        needed = {number for number in self.mentions if self.cells[number]["answers"] == exercise and number <= last}
        todo = {*names, *(f"{exercise} {name}" for name in names), "*"}.union(*(self.mentions[n] for n in needed))
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            seen.add(name)
            binds = self.binds[name]
            if name in names:
                binds = {number for number in binds if self._owns(number, exercise, name)}
            reach = last if any(number <= last for number in binds) else len(self.cells)
            for number in {number for number in binds | self.changes[name] if number <= reach} - needed:
                needed.add(number)
                todo |= self.mentions[number] - seen
        return needed

    def _run(self, numbers: tuple[int, ...]) -> list[tuple[int, dict[str, Any]]]:
        """Run these cells in a space of their own; what each has bound of the names that are asked for."""
        if numbers not in self._ran:
            space: dict[str, Any] = {name: Nothing(name) for name in ("get_ipython", "display")}
            space["__name__"] = "__main__"
            asked = {k for exercise, names in self.wanted.items() for n in names for k in (n, f"{exercise} {n}")}
            self._ran[numbers] = []
            for number in numbers:
                before = {name: space.get(name, space) for name in asked}
                left = max(min(self.seconds, self.until - time.monotonic()), self.seconds / 20)
                _execute(self.trees[number], f"<cell {number + 1}>", space, left)
                made = {name: space[name] for name in asked if space.get(name, space) is not before[name]}
                self._ran[numbers].append((number, made))
        return self._ran[numbers]


def _parsed(number: int, source: str) -> ast.Module | None:
    if OTHER.match(source):
        return None
    place = f"<cell {number + 1}>"
    for text in _readings(source):
        linecache.cache[place] = (len(text), None, text.splitlines(True), place)
        with contextlib.suppress(BaseException), guard.quiet():
            return ast.parse(text, place)
    return None


def _readings(source: str) -> Iterator[str]:
    """A cell as it stands; as IPython reads it, prompts cut off and magics made calls; with lines of these left out."""
    yield source
    source = TIME.sub(r"\1", MAGIC.sub("", source))
    with contextlib.suppress(Exception), guard.quiet():
        yield TransformerManager().transform_cell(source)
    yield JUPYTER.sub(r"\1pass", source)  # last: a line of an expression may begin with % too


def _execute(tree: ast.Module, place: str, space: dict[str, Any], seconds: float) -> None:
    with contextlib.suppress(BaseException), guard.quiet(), guard.time_limit(seconds):
        for statement in tree.body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                for alias in statement.names:  # one by one: one that is not to be had does not take the others along
                    alone = ast.copy_location(type(statement)(**{**vars(statement), "names": [alias]}), statement)
                    try:
                        exec(compile(ast.Module([alone], []), place, "exec"), space)
                    except Exception:  # google.colab, tqdm, plots: answers do not need them
                        name = alias.asname or alias.name.split(".")[0]
                        space.setdefault(name, Nothing(name, getattr(statement, "module", None) or alias.name))
            else:  # nor does a GPU, a file or a folder that is not here
                with contextlib.suppress(Exception):
                    exec(compile(ast.Module([statement], []), place, "exec"), space)


def _bind_handed(tree: ast.Module | None, exercise: str, names: list[str], asked: set[str]) -> None:
    """check("03.encode", mine) binds "03.encode encode" to `mine`, if no exercise asks for that name."""
    values = (getattr(statement, "value", None) for statement in (tree.body if tree else []))
    calls = [v.args for v in values if isinstance(v, ast.Call) and getattr(v.func, "id", "") == "check" and v.args]
    handed = [args[1:] for args in calls if getattr(args[0], "value", None) == exercise][-1:]
    for name, value in zip(names, *handed, strict=False) if handed else ():
        if not (isinstance(value, ast.Name) and value.id in asked):
            bound = ast.Assign([ast.Name(f"{exercise} {name}", ast.Store())], value)
            tree.body.append(ast.fix_missing_locations(ast.copy_location(bound, value)))


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
    """The global names that a cell reads, and every word in quotes that could be one, as in globals()["scale"]."""
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    words = {word for word in words if word.isidentifier()}
    try:
        codes = [compile(tree, "", "exec")]
    except Exception:  # an await, a return: not what a cell of Python may hold
        return words | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for code in codes:  # those of its functions are appended meanwhile
        words |= {i.argval for i in dis.get_instructions(code) if READS.match(i.opname)}
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return words
