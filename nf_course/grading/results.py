"""Is the result right? Errors, type, shape, dtype, finite, value, each over all cases; and which mistake it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch

from nf_course.grading.blame import LearnerError
from nf_course.grading.call import LocalAnswer, Outcome
from nf_course.grading.compare import PLAIN, arrays, explain, worst
from nf_course.grading.exercise import Case, Exercise, Finding, Mistake
from nf_course.grading.parts import map_tensors
from nf_course.grading.trial import TIME_LIMIT, Call, Trial
from nf_course.grading.values import STAGES

__all__ = ["in_time", "independent_test", "results"]


def in_time(trial: Trial) -> Finding | None:
    """Nothing runs without end, and nothing was interrupted."""
    for call in trial.calls:
        error = call.outcome.error
        if error and error.kind == "KeyboardInterrupt":
            return trial.at(call, Finding("time", "a result", f"interrupted, at {error.where}"))
        if error and error.stopped:
            return trial.at(call, _too_slow(f"no result yet, at {error.where}"))
    return trial.at(trial.calls[-1], _too_slow("a slow one")) if trial.late() else None


def _too_slow(got: str) -> Finding:
    likely = "a loop without end, or a loop over single numbers where one call for a whole tensor would do"
    return Finding("time", f"a result within {TIME_LIMIT:.0f} s", got, likely=likely)


def results(trial: Trial) -> Finding | None:
    """The first thing wrong with the results; with the name of the typical mistake that gives the same, if one does."""
    for call, finding in _judged(trial) if trial.exercise.judge else _compared(trial):
        finding = trial.at(call, finding)
        return finding if finding.mistake else _named(trial, finding)
    return None


def _errors(trial: Trial) -> Iterator[tuple[Call, Finding]]:
    for call in trial.calls:
        if call.outcome.error:
            yield call, _error(call.outcome.error)


def _error(error: LearnerError) -> Finding:
    text = error.message if error.kind == "BadInput" else f"{error.kind}: {error.message}".rstrip(": ")
    return Finding("error", got=text, remark=error.where, likely=error.likely)


def _judged(trial: Trial) -> Iterator[tuple[Call, Finding]]:
    yield from _errors(trial)
    for call in trial.calls:
        finding = _judge(trial, call)
        if finding:
            yield call, finding


def _judge(trial: Trial, call: Call) -> Finding | None:
    """The exercise's own judge, behind a door that only ordinary tensors pass."""
    value = call.outcome.value
    items = value if isinstance(value, (tuple, list)) else [value]
    odd = next((item for item in items if isinstance(item, torch.Tensor) and type(item) not in PLAIN), None)
    try:
        finding = None if odd is not None else trial.exercise.judge(call.case, value)
    except Exception:  # something came back that behaves like nothing the exercise knows
        odd, finding = value, None
    if odd is None:
        return finding
    return Finding("type", f"({', '.join(trial.exercise.returns)})", f"a {type(odd).__name__} that cannot be read")


def _compared(trial: Trial) -> Iterator[tuple[Call, Finding]]:
    yield from _errors(trial)
    returns = trial.exercise.returns
    for stage in STAGES:
        for call in trial.calls:
            finding = stage(call.outcome.value, call.wanted, returns)
            if finding:
                yield call, finding
    for call in trial.calls:
        for place, (got, want) in enumerate(zip(arrays(call.outcome.value), arrays(call.wanted), strict=True)):
            if worst((got,), (want,)) > 1:
                expected, shown, remark = explain(got, want)
                name = f"{returns[place].split(',')[0].split(' (')[0]}: " if isinstance(call.wanted, tuple) else ""
                yield call, Finding("value", name + expected, shown, remark)


def _named(trial: Trial, finding: Finding) -> Finding:
    """Look for the first typical mistake that gives these very results, or these very errors, in all cases."""
    for mistake in trial.exercise.mistakes:
        if mistake.answer is None:
            continue
        if all(_same(_of_mistake(trial, mistake, k), call.outcome) for k, call in enumerate(trial.calls)):
            return replace(finding, likely=mistake.message, mistake=mistake.name)
    return finding


def _of_mistake(trial: Trial, mistake: Mistake, k: int) -> Outcome:
    """What a mistake gives in the k-th case: the same for every answer that is tried with this seed, so made once."""
    made = _made(trial.exercise, trial.seed, str(trial.device))
    if (mistake, k) not in made:
        made[mistake, k] = LocalAnswer((mistake.answer,))(trial.calls[k].case)
    return made[mistake, k]


@lru_cache(maxsize=8)
def _made(exercise: Exercise, seed: int, device: str) -> dict[tuple[Mistake, int], Outcome]:
    return {}


def _same(a: Outcome, b: Outcome) -> bool:
    if a.error or b.error:
        return bool(a.error and b.error and (a.error.kind, a.error.message) == (b.error.kind, b.error.message))
    return worst(arrays(a.value), arrays(b.value)) <= 1


class _Stop(Exception):
    """Raised through an exercise's independent test when the answer itself failed in it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.test)
        self.finding = finding


def independent_test(trial: Trial) -> Finding | None:
    """The exercise's second test, on inputs of its own: it knows nothing of the model answer."""
    if trial.exercise.independent is None:
        return None

    def ask(*args: Any, function: int = 0) -> Any:
        case = Case(args, function)
        call = Call(case, trial.ask(case), trial.right(case).value)
        trial.others.append(call)
        finding = _unusable(trial, call)
        if finding:
            raise _Stop(trial.at(call, finding))
        return call.outcome.value if trial.exercise.judge else _tensors(call.outcome.value, call.wanted)

    try:
        return trial.exercise.independent(ask, trial.draw("independent"))
    except _Stop as stop:
        return stop.finding


def _unusable(trial: Trial, call: Call) -> Finding | None:
    """Why the independent test cannot go on with this result."""
    if call.outcome.error:
        return _too_slow("a slow one") if call.outcome.error.stopped else _error(call.outcome.error)
    if trial.exercise.judge:
        return _judge(trial, call)
    found = (stage(call.outcome.value, call.wanted, trial.exercise.returns) for stage in STAGES)
    return next((finding for finding in found if finding), None)


def _tensors(value: Any, want: Any) -> Any:
    """Detached; and Python numbers, where they were let through, as tensors."""
    if isinstance(want, tuple):
        return tuple(_tensors(v, w) for v, w in zip(value, want, strict=True))
    if isinstance(value, torch.Tensor):
        return map_tensors(torch.Tensor.detach, value)
    return torch.as_tensor(float(value), dtype=torch.float64)
