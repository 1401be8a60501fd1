"""Chapter 11, SRFlow."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch11_srflow import consistency, injector, psnr, resample

CHAPTER = Chapter(
    11,
    "11_srflow",
    "SRFlow: super-resolution",
    (injector.EXERCISE, psnr.EXERCISE, consistency.EXERCISE, resample.EXERCISE),
)
