"""Chapter 12, StyleFlow."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch12_styleflow import edit, identity, linear, matrix

CHAPTER = Chapter(
    12,
    "12_styleflow",
    "StyleFlow: edits",
    (edit.EXERCISE, linear.EXERCISE, matrix.EXERCISE, identity.EXERCISE),
)
