"""Models: flat, readable lists of the package's parts."""

from nf_course.models.realnvp import realnvp

__all__ = ["realnvp"]
