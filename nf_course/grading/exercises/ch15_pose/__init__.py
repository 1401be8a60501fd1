"""Chapter 15, 3D pose from one picture."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch15_pose import bent, best_of, coverage, project

CHAPTER = Chapter(
    15,
    "15_pose",
    "3D pose from one picture",
    (project.EXERCISE, best_of.EXERCISE, coverage.EXERCISE, bent.EXERCISE),
)
