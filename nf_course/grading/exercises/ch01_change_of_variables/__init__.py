"""Chapter 1, Change of variables."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch01_change_of_variables import linear_map, log_det, lognormal, mass, sign

CHAPTER = Chapter(
    1,
    "01_change_of_variables",
    "Change of variables",
    (lognormal.EXERCISE, log_det.EXERCISE, sign.EXERCISE, linear_map.EXERCISE, mass.EXERCISE),
)
