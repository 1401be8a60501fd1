"""One answer on trial: the cases drawn from a seed, what the answer made of them, and what the model answer makes."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import torch

from nf_course.grading.call import Answer, LocalAnswer, Outcome
from nf_course.grading.draw import Draw
from nf_course.grading.exercise import Case, Exercise, Finding

__all__ = ["TIME_LIMIT", "Call", "Trial"]

TIME_LIMIT = 15.0  # seconds for all calls together; an honest answer needs a tenth of one, or its first import


@dataclass(frozen=True)
class Call:
    """A case, what the answer gave, and what is right."""

    case: Case
    outcome: Outcome
    wanted: Any


class Trial:
    """Calls the answer, keeps the outcomes, and knows how to write a call down."""

    def __init__(self, exercise: Exercise, answer: Answer, seed: int, device: torch.device | str) -> None:
        self.exercise = exercise
        self._answer, self.seed, self.device = answer, seed, device
        self._right = LocalAnswer(exercise.references)
        self._deadline = time.monotonic() + TIME_LIMIT
        self.calls: list[Call] = []  # the calls whose results are compared
        self.others: list[Call] = []  # those of the independent test

    def draw(self, key: str) -> Draw:
        """Random numbers of their own for each purpose, so that one test does not shift another's."""
        return Draw(self.seed, f"{self.exercise.id} {key}", self.device)

    def cases(self) -> list[Case]:
        return self.exercise.cases(self.draw("cases"))

    def ask(self, case: Case, **request) -> Outcome:
        return self._answer(case, limit=self._deadline - time.monotonic(), **request)

    def right(self, case: Case, **request) -> Outcome:
        return self._right(case, **request)

    def late(self) -> bool:
        return time.monotonic() > self._deadline

    def at(self, call: Call, finding: Finding) -> Finding:
        """The same finding, with the call in which it was found."""
        return finding if finding.called else replace(finding, called=self.called(call.case))

    def called(self, case: Case) -> str:
        names = self.exercise.arguments(case.function)
        shown = (_shown(name, arg) for name, arg in zip(names, case.args, strict=True))
        return f"{self.exercise.names[case.function]}({', '.join(shown)})"


def _shown(name: str, arg: Any) -> str:
    if isinstance(arg, torch.Tensor) and arg.ndim:
        return f"{name}{list(arg.shape)}"
    if isinstance(arg, (bool, int)):
        return f"{name}={arg}"
    return name
