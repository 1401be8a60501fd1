"""What the tests share. The device follows NF_COURSE_DEVICE, so `make test-gpu` runs the same tests on CUDA."""

from __future__ import annotations

import hypothesis
import matplotlib
import pytest

import nf_course

matplotlib.use("Agg")
# The same examples on every machine and at every run, and no deadline: two test processes share two cores.
hypothesis.settings.register_profile("course", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("course")


@pytest.fixture(scope="session")
def device():
    """The device under test."""
    return nf_course.device()
