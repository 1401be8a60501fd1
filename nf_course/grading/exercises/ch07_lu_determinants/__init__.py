"""Chapter 7, LU determinants."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch07_lu_determinants import build_w, factor, log_det, sign, solve

CHAPTER = Chapter(
    7,
    "07_lu_determinants",
    "LU determinants",
    (build_w.EXERCISE, log_det.EXERCISE, solve.EXERCISE, sign.EXERCISE, factor.EXERCISE),
)
