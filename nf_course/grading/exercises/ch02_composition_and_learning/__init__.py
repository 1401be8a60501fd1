"""Chapter 2, Composition and learning."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch02_composition_and_learning import affine_mle, base_swap, compare, compose

CHAPTER = Chapter(
    2,
    "02_composition_and_learning",
    "Composition and learning",
    (compose.EXERCISE, compare.EXERCISE, affine_mle.EXERCISE, base_swap.EXERCISE),
)
