"""Chapter 18, fast and large."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch18_fast_and_large import inversion, segments, shares, undo

CHAPTER = Chapter(
    18,
    "18_fast_and_large",
    "Fast and large",
    (segments.EXERCISE, undo.EXERCISE, inversion.EXERCISE, shares.EXERCISE),
)
