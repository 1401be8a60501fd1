"""What an exercise is, as data: its text, its model answer, its test cases, its typical mistakes.

Nothing here runs an answer. `verdict.py` does, and any other grader can do it from the same definitions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["LEVELS", "Case", "Chapter", "Exercise", "Finding", "Mistake", "mistakes_of"]

LEVELS = ("warm-up", "core", "stretch")


@dataclass(frozen=True)
class Case:
    """One call of the answer: the arguments, in order. `function` counts where an exercise asks for two."""

    args: tuple[Any, ...]
    function: int = 0


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer. `answer` computes what it would give; None where only the exercise's judge can tell."""

    name: str
    message: str
    answer: Callable | None = None


def mistakes_of(rows: Iterable[tuple]) -> tuple[Mistake, ...]:
    """From rows (name, message, answer, ...): the same mistake for each of the answers that show it."""
    return tuple(Mistake(name, message, answer) for name, message, *answers in rows for answer in answers)


@dataclass(frozen=True)
class Finding:
    """What is wrong, and after which test it was found. The report is written from this and from nothing else."""

    test: str  # "defined", "callable", "signature", "error", "type", "shape", "dtype", "finite", "value", ...
    expected: str = ""
    got: str = ""
    remark: str = ""  # stands in brackets behind expected and got
    likely: str = ""
    mistake: str | None = None
    called: str = ""


@dataclass(frozen=True, eq=False)  # an exercise equals itself only, and can be a key
class Exercise:
    """One graded item.

    `references` are the model answers, one per function asked for; `cases(draw)` draws the calls whose results are
    compared with theirs. Where many answers are right, `judge(case, value)` decides instead of the comparison.
    `independent(ask, draw)` is a second test that knows nothing of the model answer; `ask(*args)` calls the answer.
    `gradient` names the arguments that a gradient must reach, `avoid` the operators (as torch names them) that the
    exercise rules out, each with the reason. `cost(case, operators)` looks at how often operators ran in a call that
    gave the right result.
    """

    id: str
    title: str
    level: str
    minutes: int
    points: int
    anchor: str
    task: str
    hints: tuple[str, str, str]
    references: tuple[Callable, ...]
    returns: tuple[str, ...]
    cases: Callable[..., list[Case]]
    mistakes: tuple[Mistake, ...]
    judge: Callable[[Case, Any], Finding | None] | None = None
    independent: Callable[..., Finding | None] | None = None
    gradient: tuple[str, ...] = ()
    avoid: dict[str, str] = field(default_factory=dict)
    cost: Callable[[Case, dict[str, tuple[int, int]]], Finding | None] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the functions asked for."""
        return tuple(reference.__name__ for reference in self.references)

    def arguments(self, function: int = 0) -> tuple[str, ...]:
        """The names of the arguments of one of the functions, as its model answer has them."""
        return tuple(inspect.signature(self.references[function]).parameters)

    def signature(self, function: int = 0) -> str:
        """`log_det(x, mask, scale_net, shift_net)`."""
        return f"{self.names[function]}({', '.join(self.arguments(function))})"


@dataclass(frozen=True)
class Chapter:
    """A chapter of the book and its exercises, in order."""

    number: int
    stem: str  # of the notebook, e.g. "03_coupling_layers"
    title: str
    exercises: tuple[Exercise, ...]
