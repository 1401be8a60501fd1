"""Chapter 10, Conditional flows."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch10_conditional_flows import base, bayes, coupling, coverage

CHAPTER = Chapter(
    10,
    "10_conditional_flows",
    "Conditional flows",
    (coupling.EXERCISE, base.EXERCISE, bayes.EXERCISE, coverage.EXERCISE),
)
