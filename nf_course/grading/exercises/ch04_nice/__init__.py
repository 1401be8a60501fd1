"""Chapter 4, NICE."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch04_nice import bits, decode, encode, logistic, scaling

CHAPTER = Chapter(
    4,
    "04_nice",
    "NICE",
    (encode.EXERCISE, decode.EXERCISE, logistic.EXERCISE, scaling.EXERCISE, bits.EXERCISE),
)
