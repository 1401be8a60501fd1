"""check("03.logdet", log_det): what a learner calls. It runs the tests, prints the report and keeps the best score."""

from __future__ import annotations

import inspect
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from nf_course.devices import device as course_device
from nf_course.grading.call import Answer, LocalAnswer
from nf_course.grading.draw import Draw
from nf_course.grading.exercise import Exercise, Finding
from nf_course.grading.progress import record
from nf_course.grading.registry import UnknownExercise, find
from nf_course.grading.report import report
from nf_course.grading.verdict import Verdict, judge

__all__ = ["LISTENERS", "Result", "check"]

LISTENERS: list[Callable[[Result], None]] = []  # are told of every result, as the grader of a class is


@dataclass(frozen=True, repr=False)
class Result:
    """What `check` returns. It shows as the points earned, a plain number, which nbgrader reads as partial credit."""

    exercise: str
    earned: float
    possible: float
    status: str  # "right", "not answered yet", "wrong" or "no such exercise"
    test: str | None  # the test that failed
    mistake: str | None  # the name of the typical mistake, if it is one
    seed: int
    lines: tuple[str, ...]

    def __repr__(self) -> str:
        return f"{self.earned:g}"


def check(exercise: str, *answers: Callable, hint: int | None = None, seed: int | None = None) -> Result:
    """Check an answer, print what was found, and return the points.

    `exercise` is its number, "03.logdet"; `answers` the function (or functions) that the task asks for, without
    brackets behind the name. The inputs are random and new each time; after a failure the report says which `seed`
    draws the same ones again. `hint=1`, `2` or `3` adds a hint. Nothing is sent anywhere: points go to a local file
    that `progress()` shows.

    >>> def log_det(x, mask, scale_net, shift_net):
    ...     return scale_net(x[:, mask]).sum(dim=1)
    >>> check("03.logdet", log_det)
    ok 03.logdet  2/2                                      Exercise 3, Coupling layers
    2
    """
    try:
        chapter, item, place = find(exercise)
    except UnknownExercise as unknown:
        print(f"x {unknown}")
        return Result(str(exercise), 0, 0, "no such exercise", "defined", None, 0, (f"x {unknown}",))
    seed = secrets.randbits(16) if seed is None else _number(seed)
    hint = None if hint is None else _number(hint)
    functions = answers or _defined(item, sys._getframe(1).f_globals)
    verdict = _verdict(item, functions, seed, _device())
    lines = report(chapter, item, place, verdict, seed, hint)
    earned = item.points if verdict.status == "right" else 0
    note = record(item.id, earned, item.points) if verdict.status != "not answered yet" else None
    # in one piece: Jupyter may send what print writes and its line end as two outputs
    print("\n".join([*lines, note] if note else lines) + "\n", end="")
    finding = verdict.finding
    test, mistake = (finding.test, finding.mistake) if finding else (None, None)
    result = Result(item.id, earned, item.points, verdict.status, test, mistake, seed, tuple(lines))
    for listener in LISTENERS:
        listener(result)
    return result


def _number(given: Any) -> int:
    """A seed or a hint, also as the text of a report: 0x4F21 or "0x4F21". Anything else counts as 1."""
    try:
        return abs(int(given, 0) if isinstance(given, str) else int(given))
    except (TypeError, ValueError):
        return 1


def _verdict(exercise: Exercise, functions: tuple[Any, ...], seed: int, device: torch.device) -> Verdict:
    try:
        early = _before_calling(exercise, functions, seed)
        return early or judge(exercise, _answer(functions), seed, device)
    except Exception as error:  # a fault of the check: a learner still gets a report, not a traceback
        likely = "the fault is in the check, not in your answer: please report it with this text"
        return Verdict("wrong", Finding("check", got=f"{type(error).__name__}: {error}", likely=likely))


def _answer(functions: tuple[Any, ...]) -> Answer:
    """Functions of this process; or, where a class is graded, those of a submission, in a process of its own."""
    remote = {getattr(type(function), "elsewhere", None) and function.answer for function in functions}
    return remote.pop() if len(remote) == 1 and None not in remote else LocalAnswer(tuple(functions))


def _defined(exercise: Exercise, namespace: dict[str, Any]) -> tuple[Any, ...]:
    """check("03.logdet") alone: the functions of the names asked for, where the caller has defined them."""
    return tuple(namespace[name] for name in exercise.names if name in namespace)


def _before_calling(exercise: Exercise, functions: tuple[Any, ...], seed: int) -> Verdict | None:
    """defined, callable, signature: what can be said without a call."""
    wanted = len(exercise.references)
    if not functions or all(function is None or function is Ellipsis for function in functions):
        return Verdict("not answered yet", Finding("defined"))
    if len(functions) != wanted:
        got = f"{len(functions)} function{'s' if len(functions) > 1 else ''}"
        return Verdict("wrong", Finding("defined", f"{wanted}: {', '.join(exercise.names)}", got))
    for function, name in zip(functions, exercise.names, strict=True):
        if not callable(function):
            expected = f"the function {name} itself"
            likely = f"no brackets behind the name: {name}, not {name}(...)"
            if isinstance(function, str):
                likely = f"no quotes around the name: {name}"
            return Verdict("wrong", Finding("callable", expected, f"a {type(function).__name__}", likely=likely))
    given = [getattr(function, "__name__", "") for function in functions]
    if given != list(exercise.names) and sorted(given) == sorted(exercise.names):
        likely = "the functions are handed over in another order"
        return Verdict("wrong", Finding("defined", ", ".join(exercise.names), ", ".join(given), likely=likely))
    for index, function in enumerate(functions):
        finding = _signature(exercise, index, function, seed)
        if finding:
            return Verdict("wrong", finding)
    return None


def _signature(exercise: Exercise, index: int, function: Callable, seed: int) -> Finding | None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin: the call itself will tell
        return None
    case = next(case for case in exercise.cases(Draw(seed, "signature")) if case.function == index)
    names = list(signature.parameters)
    expected, got = exercise.signature(index), f"{exercise.names[index]}({_shown(signature)})"
    try:
        signature.bind(*case.args)
    except TypeError as error:
        likely = f"the arguments: {error}"
        if isinstance(function, type):
            likely = "a class is handed over: make an object of it first, or hand over a method of one"
        return Finding("signature", expected, got, likely=likely)
    if names != list(exercise.arguments(index)) and sorted(names) == sorted(exercise.arguments(index)):
        return Finding("signature", expected, got, likely="the arguments are in another order")
    return None


def _shown(signature: inspect.Signature) -> str:
    """The names with their * and **, which may be what is wrong; no default, whose text may be anything."""
    shown, bare = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not bare:
            shown.append("*")
        bare = bare or parameter.kind in (parameter.VAR_POSITIONAL, parameter.KEYWORD_ONLY)
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        shown.append(stars + parameter.name)
    return ", ".join(shown)


def _device() -> torch.device:
    """The course's device if it has float64; Apple's GPU has not, and the check then runs on the CPU."""
    chosen = course_device()
    return torch.device("cpu") if chosen.type == "mps" else chosen
