"""Chapter 17, where flows stop."""

from nf_course.grading.exercise import Chapter
from nf_course.grading.exercises.ch17_where_flows_stop import bridge, mixture, stretch, typical

CHAPTER = Chapter(
    17,
    "17_where_flows_stop",
    "Where flows stop",
    (bridge.EXERCISE, stretch.EXERCISE, mixture.EXERCISE, typical.EXERCISE),
)
