"""The grader's side of the border: answers that live in the sandbox, asked by the same tests as those of a learner.

`SandboxAnswer` is an `Answer` (call.py): it turns a `Case` into an `Outcome`, by a frame there and a frame back.

What holds whatever the other side does: values and gradients are compared here with those of the model answer, so
points are paid for right numbers only, and time is taken by this side's clock. What does not: by which operators the
numbers came about, and whether inputs and global settings were left alone, is told by the process in which they ran.
Code that takes this process over, or that computes in NumPy, can have right numbers from a determinant or a Jacobian
where the task rules these out, and be paid. (Its time does not give it away: the cases are too small for that.)
"""

from __future__ import annotations

import inspect
import os
import socket
import time
from contextlib import suppress
from typing import Any

from nf_course.grading.blame import LearnerError
from nf_course.grading.call import GradientOf, Outcome
from nf_course.grading.classroom.submission import Submission
from nf_course.grading.classroom.wire import WireError, pack, receive, send, unpack
from nf_course.grading.exercise import Case, Exercise

__all__ = ["HASTE", "Border", "Remote", "SandboxAnswer", "SandboxFault", "expect_ready"]

HASTE = float(os.environ.get("NF_COURSE_GRADE_HASTE", "1"))  # 5: every limit a fifth, for tests; no sandbox sees it
READY_SECONDS = 60.0
RUN_SECONDS = 60.0 / HASTE  # for all cells of a submission together
SECONDS = 10.0 / HASTE, 40.0 / HASTE  # for one cell, and for those that take long: the rest is for all others
GRACE_SECONDS = 5.0 / HASTE  # over what a call may take, for the frames

Said = dict[str, Any]


class Border:
    """One submission in its sandbox: its cells are run, then its functions can be asked for."""

    def __init__(self, end: socket.socket, submission: Submission) -> None:
        self.end, self.gone = end, ""
        expect_ready(end)
        self._defined: dict[str, Any] = {}
        cells = [{"source": c.source, "answers": c.answers, "checks": c.checks} for c in submission.cells]
        wanted = {exercise.id: exercise.names for exercise in submission.exercises}
        reply, _ = self.ask({"cells": cells, "wanted": wanted, "seconds": SECONDS}, [], RUN_SECONDS)
        defined = reply.get("defined")
        self._defined = defined if isinstance(defined, dict) else {}

    def ask(self, message: Said, blobs: list[bytes], seconds: float) -> tuple[Said, list[bytes]]:
        """A frame there and a frame back; {} where none comes, and from then on."""
        if not self.gone:
            until = time.monotonic() + seconds
            try:
                send(self.end, message, blobs, until)
                reply, found = receive(self.end, until)
                if isinstance(reply, dict):
                    return reply, found
                self.gone = "it answered with something that is no answer"
            except TimeoutError:
                self.gone = "time"
            except EOFError:
                self.gone = "its process ended: by exit, by a crash, or because it took too much memory or time"
            except WireError as error:
                self.gone = f"it answered with {error}"
        return {}, []

    def functions(self, exercise: Exercise) -> dict[str, Any]:
        """What the submission defines for an exercise, by name: functions that are called on the other side."""
        answer = SandboxAnswer(self, tuple(f"{exercise.id} {name}" for name in exercise.names))
        found = {}
        for place, (name, key) in enumerate(zip(exercise.names, answer.keys, strict=True)):
            with suppress(Exception):  # of a lie about it that nothing can be made of, there is nothing
                if isinstance(told := self._defined.get(key), dict):
                    found[name] = _stand_in(told, answer, place)
        return found


class SandboxFault(RuntimeError):
    """The sandbox did not begin: the fault is not the submission's, and it must cost no points."""


def expect_ready(end: socket.socket) -> None:
    """The child says that it has begun before it has seen a line of the submission."""
    try:
        reply, _ = receive(end, time.monotonic() + READY_SECONDS)
    except (TimeoutError, EOFError, WireError) as error:
        raise SandboxFault(f"the child of the sandbox did not begin ({type(error).__name__})") from error
    if reply != {"ready": True}:
        raise SandboxFault("the child of the sandbox did not begin")


class SandboxAnswer:
    """Functions on the other side. What comes back is looked at as what it is: something that anybody may have sent."""

    def __init__(self, border: Border, keys: tuple[str, ...]) -> None:
        self.border, self.keys = border, keys

    def __call__(
        self, case: Case, *, limit: float = 10.0, watch: bool = False, gradient: GradientOf | None = None
    ) -> Outcome:
        started = time.monotonic()
        blobs: list[bytes] = []
        message: Said = {"functions": self.keys, "function": case.function, "limit": max(limit, 0.01), "watch": watch}
        message["args"] = pack(tuple(case.args), blobs)
        if gradient is not None:
            message["gradient"] = {"arguments": gradient.arguments, "weights": pack(gradient.weights, blobs)}
        reply, found = self.border.ask(message, blobs, max(limit, 0.01) + GRACE_SECONDS)
        try:
            outcome = _outcome(reply, found) if reply else self._none()
        except Exception as error:  # anybody may have sent it, and nothing in it may stop the grader
            outcome = Outcome(error=LearnerError("WireError", f"what came back cannot be read: {_line(error)}"))
        outcome.seconds = time.monotonic() - started
        return outcome

    def _none(self) -> Outcome:
        if self.border.gone == "time":
            return Outcome(error=LearnerError("OutOfTime", "", stopped=True))
        return Outcome(error=LearnerError("NoAnswer", self.border.gone))


def _outcome(reply: Said, blobs: list[bytes]) -> Outcome:
    told = reply.get("error")
    if told is not None:
        words = {name: _line(told.get(name, "")) for name in ("kind", "message", "where", "likely")}
        return Outcome(
            error=LearnerError(**words, blank=told.get("blank") is True, stopped=told.get("stopped") is True)
        )
    operators = {_line(name): (int(runs), int(numbers)) for name, (runs, numbers) in reply["operators"].items()}
    gradients = unpack(reply["gradients"], blobs)
    return Outcome(
        value=unpack(reply["value"], blobs),
        inputs_changed=tuple(place for place in reply["inputs_changed"] if type(place) is int),
        state_changed=tuple(_line(name) for name in reply["state_changed"]),
        operators=operators,
        gradients=gradients if isinstance(gradients, tuple) else None,
    )


def _line(text: Any) -> str:
    """One printable line of what the other side says."""
    return "".join(c if c.isprintable() else " " for c in str(text)[:300])


class Remote:
    """A function of a submission: `check` knows how to judge it, and a call of it is a call on the other side."""

    elsewhere = True

    def __init__(self, answer: SandboxAnswer, place: int, name: str, signature: inspect.Signature) -> None:
        self.answer, self.place, self.__name__, self.__signature__ = answer, place, name, signature

    def __call__(self, *args: Any) -> Any:
        outcome = self.answer(Case(args, self.place))
        if outcome.error:
            raise RuntimeError(f"{outcome.error.kind}: {outcome.error.message}")
        return outcome.value


def _stand_in(told: Said, answer: SandboxAnswer, place: int) -> Any:
    """An object of which `check` says the same as of the one on the other side."""
    if told.get("blank") is True:
        return None
    kind = "".join(c for c in str(told.get("kind"))[:40] if c.isprintable()) or "object"
    if told.get("callable") is not True:
        return type(kind, (), {})()
    anything = inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])
    try:
        parameters = [
            inspect.Parameter(_line(name), inspect._ParameterKind(shape), default=None if optional else inspect._empty)
            for name, shape, optional in told["signature"][:40]
        ]
        signature = inspect.Signature(parameters)
    except Exception:  # a builtin, or a lie: the call itself will tell
        signature = anything
    return Remote(answer, place, _line(told.get("name", "")), signature)
