"""Grading a class: submissions are read, run in a sandbox, and judged by the tests that a learner meets in `check`."""
