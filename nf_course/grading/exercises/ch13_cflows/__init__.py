"""Chapter 13, C-Flows."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch13_cflows import cycle, layers, retrieval, shared

CHAPTER = Chapter(
    13,
    "13_cflows",
    "C-Flows: two modalities",
    (shared.EXERCISE, layers.EXERCISE, retrieval.EXERCISE, cycle.EXERCISE),
)
