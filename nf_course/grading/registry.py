"""Finds the exercises: every folder `exercises/chNN_...` that has a CHAPTER, in the order of the chapters."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import lru_cache

from nf_course.grading import exercises
from nf_course.grading.exercise import Chapter, Exercise

__all__ = ["UnknownExercise", "chapters", "find"]


class UnknownExercise(KeyError):
    """There is no exercise of this name. The message suggests the nearest ones."""

    def __str__(self) -> str:
        return self.args[0]


@lru_cache(maxsize=1)
def chapters() -> tuple[Chapter, ...]:
    """All chapters that have exercises, by number."""
    names = (module.name for module in pkgutil.iter_modules(exercises.__path__) if module.name.startswith("ch"))
    found = (importlib.import_module(f"{exercises.__name__}.{name}").CHAPTER for name in names)
    return tuple(sorted(found, key=lambda chapter: chapter.number))


def find(exercise_id: str) -> tuple[Chapter, Exercise, int]:
    """The exercise called `exercise_id`, its chapter and its place in it (from 1)."""
    for chapter in chapters():
        for place, exercise in enumerate(chapter.exercises, 1):
            if exercise.id == exercise_id:
                return chapter, exercise, place
    known = [exercise.id for chapter in chapters() for exercise in chapter.exercises]
    near = difflib.get_close_matches(str(exercise_id), known, n=3, cutoff=0.5)
    suggestion = f"; did you mean {' or '.join(near)}?" if near else f"; they run from {known[0]} to {known[-1]}"
    raise UnknownExercise(f"there is no exercise {str(exercise_id)!r}{suggestion}")
