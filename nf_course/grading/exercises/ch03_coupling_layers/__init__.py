"""Chapter 3, Coupling layers."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch03_coupling_layers import decode, encode, log_det, masks, two_couplings

CHAPTER = Chapter(
    3,
    "03_coupling_layers",
    "Coupling layers",
    (encode.EXERCISE, decode.EXERCISE, log_det.EXERCISE, masks.EXERCISE, two_couplings.EXERCISE),
)
