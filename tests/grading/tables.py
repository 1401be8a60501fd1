"""All right and wrong answers in one place, and the exercises that they belong to."""

from nf_course.grading.registry import chapters
from tests.grading import ch00_variants, ch01_variants, ch03_variants, ch07_variants

MODULES = (ch00_variants, ch01_variants, ch03_variants, ch07_variants)
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
