"""Chapter 9, Continuous flows."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch09_continuous_flows import direction, matching, rk4, trace

CHAPTER = Chapter(
    9,
    "09_continuous_flows",
    "Continuous flows",
    (trace.EXERCISE, rk4.EXERCISE, direction.EXERCISE, matching.EXERCISE),
)
