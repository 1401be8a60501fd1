"""The self-check of the course: check("03.logdet", log_det) gives points at once, progress() adds them up.

An exercise is data (`exercise.py`, and a file each in `exercises/`); `verdict.py` tests an answer against it and
gives a structured result; `report.py` puts that into words; `check.py` is what a learner calls.
"""

from nf_course.grading.check import Result, check
from nf_course.grading.exercise import Case, Chapter, Exercise, Finding, Mistake
from nf_course.grading.progress import progress

__all__ = ["Case", "Chapter", "Exercise", "Finding", "Mistake", "Result", "check", "progress"]
