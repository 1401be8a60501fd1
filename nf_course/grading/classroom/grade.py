"""grade_file: one file becomes one record, whatever the file is; the record is plain data, as in `results.json`."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any

from nf_course.grading.check import examine
from nf_course.grading.classroom.border import Border
from nf_course.grading.classroom.sandbox import Sandbox
from nf_course.grading.classroom.submission import File, Submission, Unreadable, read
from nf_course.grading.exercise import Exercise
from nf_course.grading.registry import find
from nf_course.grading.report import report

__all__ = ["STATUSES", "grade_file"]

STATUSES = {
    "graded": "read, run and judged",
    "unreadable": "no notebook of the course: nothing was run",
    "failed": "the grader itself failed on it: please report this file",
}
SUBMISSION_SECONDS = 240.0  # whatever it does, after so long its processes are gone

Record = dict[str, Any]


def grade_file(file: File, sandbox: Sandbox, seed: int | None = None) -> Record:
    """The record of a file: its status, and for each exercise the points and the report that a learner sees."""
    started = time.monotonic()
    record: Record = {"file": file.name, "status": "failed", "reason": "", "sandboxed": sandbox.safe, "exercises": []}
    try:
        record["sha256"] = hashlib.sha256(file.bytes()).hexdigest()
        submission = read(file)
        record["exercises"] = _exercises(submission, sandbox, secrets.randbits(16) if seed is None else seed)
        record["status"] = "graded"
    except Unreadable as reason:
        record |= {"status": "unreadable", "reason": str(reason)}
    except Exception as error:  # a class is not stopped by one file
        record |= {"reason": f"{type(error).__name__}: {error}"[:300]}
    record["earned"] = sum(row["earned"] for row in record["exercises"])
    record["possible"] = sum(row["possible"] for row in record["exercises"])
    record["seconds"] = round(time.monotonic() - started, 3)
    return record


def _exercises(submission: Submission, sandbox: Sandbox, seed: int) -> list[Record]:
    end = sandbox.start(SUBMISSION_SECONDS)
    try:
        with end:
            border = Border(end, submission)
            return [_exercise(exercise, border, seed) for exercise in submission.exercises]
    finally:
        sandbox.stop()


def _exercise(exercise: Exercise, border: Border, seed: int) -> Record:
    """One exercise of a submission. Points come from a verdict "right" and from nothing else."""
    started = time.monotonic()
    verdict = examine(exercise, border.functions(exercise), border.answer(exercise), seed)
    chapter, _, place = find(exercise.id)
    finding = verdict.finding
    return {
        "id": exercise.id,
        "title": exercise.title,
        "earned": exercise.points if verdict.status == "right" else 0,
        "possible": exercise.points,
        "status": verdict.status,
        "test": finding.test if finding else None,
        "mistake": finding.mistake if finding else None,
        "report": report(chapter, exercise, place, verdict, seed, None),
        "seconds": round(time.monotonic() - started, 3),
    }
