"""Chapter 6, RealNVP."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch06_realnvp import coupling, masks, split, squeeze, unsqueeze

CHAPTER = Chapter(
    6,
    "06_realnvp",
    "RealNVP",
    (masks.EXERCISE, coupling.EXERCISE, squeeze.EXERCISE, unsqueeze.EXERCISE, split.EXERCISE),
)
