"""Chapter 14, Flows over 3D shapes."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch14_shapes import bound, chamfer, sample, set_log_prob

CHAPTER = Chapter(
    14,
    "14_shapes",
    "Flows over 3D shapes",
    (set_log_prob.EXERCISE, sample.EXERCISE, chamfer.EXERCISE, bound.EXERCISE),
)
