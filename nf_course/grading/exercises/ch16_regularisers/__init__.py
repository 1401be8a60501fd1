"""Chapter 16, flows as regularisers."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch16_regularisers import gradient, inpaint, total_variation, weight

CHAPTER = Chapter(
    16,
    "16_regularisers",
    "Flows as regularisers",
    (gradient.EXERCISE, inpaint.EXERCISE, weight.EXERCISE, total_variation.EXERCISE),
)
