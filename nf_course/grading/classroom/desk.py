"""Desk: the side of the instructor. In a notebook of checks it hands over one submission after the other.

desk = Desk(".../work");  globals().update(desk.take("0007"))    # encode, decode, ...: functions in the sandbox
check("03.encode", encode)                                       # the learner's own check, and its report
desk.put()                                                       # the record, written whole or not at all
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from nf_course.grading import trial
from nf_course.grading.check import LISTENERS, Result
from nf_course.grading.classroom.border import HASTE, Border
from nf_course.grading.classroom.sandbox import Sandbox, Unsafe
from nf_course.grading.classroom.submission import File, Unreadable, read
from nf_course.grading.registry import find

__all__ = ["Desk", "Record", "blank_record", "write_whole"]

SUBMISSION_SECONDS = 240.0 / HASTE  # whatever a submission does, after so long its processes are gone

GONE = {"time": "they took too long"}

TIME_LIMIT = trial.TIME_LIMIT / HASTE

Record = dict[str, Any]


class Desk:
    """Takes submissions from a folder of work that `run.py` has laid out, and puts their records there."""

    def __init__(self, work: str | Path) -> None:
        self.work = Path(work)
        plan = json.loads((self.work / "plan.json").read_text("utf-8"))
        self.files = {key: File(name, Path(path), *where) for key, (name, path, *where) in plan["files"].items()}
        self.sandbox = (Unsafe if plan["unsafe"] else Sandbox)()
        self.sandbox.__enter__()
        trial.TIME_LIMIT = TIME_LIMIT
        self._key = ""
        LISTENERS.append(self._heard)

    def take(self, key: str) -> dict[str, Any]:
        """The functions of a submission, by name. The one before, and all that it started, is gone."""
        self._key, self._started, self._taken = key, time.monotonic(), False
        self._record = blank_record(self.files[key], self.sandbox.safe)
        self._rows: dict[str, Record] = {}
        self._functions: dict[str, dict[str, Any]] = {}
        try:
            data = self.files[key].bytes()
            self._record["sha256"] = hashlib.sha256(data).hexdigest()
            submission = read(self.files[key], data)
        except Unreadable as reason:
            self._record |= {"status": "unreadable", "reason": str(reason)}
            return {}
        self._border = Border(self.sandbox.start(SUBMISSION_SECONDS), submission)
        for exercise in submission.exercises:
            self._rows[exercise.id] = _row(exercise)
            self._functions[exercise.id] = dict.fromkeys(exercise.names) | self._border.functions(exercise)
        if self._border.gone:
            self._record["reason"] = (
                f"its cells could not be run to their end: {GONE.get(self._border.gone, self._border.gone)}"
            )
        self._taken = True
        return {name: function for functions in self._functions.values() for name, function in functions.items()}

    @property
    def exercises(self) -> tuple[str, ...]:
        """The exercises of the submission that lies there."""
        return tuple(self._rows)

    def answers(self, exercise: str) -> tuple[Any, ...]:
        """What the submission defines for an exercise, in the order in which `check` takes it; None where nothing."""
        return tuple(self._functions.get(exercise, {}).values()) or (None,)

    def _heard(self, result: Result) -> None:
        if result.exercise in self._rows:
            told = {name: getattr(result, name) for name in ("earned", "status", "test", "mistake", "seed")}
            self._rows[result.exercise] |= told | {"report": list(result.lines)}

    def put(self) -> Record:
        """End the submission, and write its record. None is written where the fault was the grader's own."""
        if self._record["status"] != "unreadable":
            self.sandbox.stop()
            if not self._taken:
                return self._record
            self._border.end.close()
            self._record["status"] = "graded"
        rows = list(self._rows.values())
        self._record |= {
            "exercises": rows,
            "earned": sum(row["earned"] for row in rows),
            "possible": sum(row["possible"] for row in rows),
            "seconds": round(time.monotonic() - self._started, 3),
        }
        write_whole(self.work / "records" / f"{self._key}.json", json.dumps(self._record))
        return self._record


def blank_record(file: File, sandboxed: bool) -> Record:
    """The record of a file of which nothing is known yet."""
    empty = {"earned": 0, "possible": 0, "seconds": 0.0, "exercises": []}
    return {"file": file.name, "status": "failed", "reason": "", "sha256": None, "sandboxed": sandboxed} | empty


def _row(exercise) -> Record:
    chapter, _exercise, place = find(exercise.id)
    row = {"id": exercise.id, "title": exercise.title, "chapter": chapter.number, "place": place}
    row |= {"earned": 0, "possible": exercise.points, "status": "not checked"}
    return row | {"test": None, "mistake": None, "seed": None, "report": []}


def write_whole(path: Path, text: str) -> None:
    """Into a file beside it, to the disk, then renamed: a reader finds the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with open(beside, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(beside, path)
