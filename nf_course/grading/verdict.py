"""The tests of an answer, in their order. Pure: an exercise, an answer and a seed in, a `Verdict` out.

defined, callable and signature are looked at in `check.py`, where there is a function to look at. From there on an
answer is anything that turns a `Case` into an `Outcome`, in this process or in another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from nf_course.grading.call import Answer
from nf_course.grading.conduct import cost, global_state, gradient, inputs, same_twice, single_precision
from nf_course.grading.exercise import Exercise, Finding
from nf_course.grading.results import in_time, independent_test, results
from nf_course.grading.trial import Call, Trial

__all__ = ["TESTS", "Verdict", "judge"]

TESTS = (in_time, results, cost, independent_test, single_precision, gradient, inputs, same_twice, global_state)


@dataclass(frozen=True)
class Verdict:
    """`status` is "right", "not answered yet" or "wrong"; `finding` says what is wrong."""

    status: str
    finding: Finding | None = None


def judge(exercise: Exercise, answer: Answer, seed: int, device: torch.device | str = "cpu") -> Verdict:
    """Call the answer on every case, then run the tests and stop at the first that fails."""
    trial = Trial(exercise, answer, seed, device)
    for case in trial.cases():
        outcome = trial.ask(case, watch=bool(exercise.avoid or exercise.cost))
        if outcome.error.blank if outcome.error else _is_blank(outcome.value):
            got = "" if outcome.error else f"{exercise.names[case.function]} returns {outcome.value}"
            got += ": is the return missing?" if got and outcome.value is None else ""
            return Verdict("not answered yet", Finding("blank", got=got))
        trial.calls.append(Call(case, outcome, trial.right(case).value))
        if outcome.error and outcome.error.stopped:
            break
    found = (test(trial) for test in TESTS)
    finding = next((finding for finding in found if finding), None)
    return Verdict("wrong", finding) if finding else Verdict("right")


def _is_blank(value: Any) -> bool:
    """A form left as it was: `pass` returns None, and `...` may be returned as it stands."""
    return value is None or value is Ellipsis or value is NotImplemented
