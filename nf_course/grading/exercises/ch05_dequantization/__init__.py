"""Chapter 5, Images: dequantization and bits per dimension."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch05_dequantization import bits, bound, importance, logit, repair

CHAPTER = Chapter(
    5,
    "05_dequantization",
    "Images: dequantization and bits per dimension",
    (bits.EXERCISE, bound.EXERCISE, importance.EXERCISE, logit.EXERCISE, repair.EXERCISE),
)
