"""Chapter 0, Start here."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch00_start_here import base_density, mean_nll, sample

CHAPTER = Chapter(0, "00_start_here", "Start here", (base_density.EXERCISE, mean_nll.EXERCISE, sample.EXERCISE))
