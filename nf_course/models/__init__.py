"""Models: flat, readable lists of the package's parts."""

from nf_course.models.ffjord import ffjord
from nf_course.models.glow import glow
from nf_course.models.nice import nice
from nf_course.models.realnvp import realnvp, realnvp_images
from nf_course.models.srflow import sr_regression, srflow
from nf_course.models.styleflow import styleflow

__all__ = ["ffjord", "glow", "nice", "realnvp", "realnvp_images", "sr_regression", "srflow", "styleflow"]
