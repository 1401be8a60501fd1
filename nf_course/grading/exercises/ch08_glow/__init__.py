"""Chapter 8, Glow."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch08_glow import actnorm, attribute, bits, interpolate, split_prior

CHAPTER = Chapter(
    8,
    "08_glow",
    "Glow",
    (actnorm.EXERCISE, split_prior.EXERCISE, bits.EXERCISE, interpolate.EXERCISE, attribute.EXERCISE),
)
