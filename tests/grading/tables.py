"""All right and wrong answers in one place, and the exercises that they belong to."""

from importlib import import_module
from pathlib import Path

from nf_course.grading.registry import chapters

FILES = sorted(Path(__file__).parent.glob("ch*_variants.py"))  # a new chapter's file is found by its name
MODULES = [import_module(f"tests.grading.{path.stem}") for path in FILES]
RIGHT = {name: answers for module in MODULES for name, answers in module.RIGHT.items()}
WRONG = {
    name: [(answer if isinstance(answer, tuple) else (answer,), mistake) for answer, mistake in answers]
    for module in MODULES
    for name, answers in module.WRONG.items()
}
EXERCISES = {exercise.id: exercise for chapter in chapters() for exercise in chapter.exercises}


def label(functions):
    return "+".join(function.__name__ for function in functions)


RIGHT_ROWS = [(name, functions) for name, answers in RIGHT.items() for functions in answers]
WRONG_ROWS = [(name, functions, mistake) for name, answers in WRONG.items() for functions, mistake in answers]
