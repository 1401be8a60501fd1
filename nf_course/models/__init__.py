"""Models: flat, readable lists of the package's parts."""

from nf_course.models.cflow import LayerByLayer, SharedLatent, cflow, cycle_distance, shared_latent
from nf_course.models.ffjord import ffjord
from nf_course.models.glow import glow
from nf_course.models.nice import nice
from nf_course.models.picture_shapes import PictureShapes, picture_shapes
from nf_course.models.pointflow import PointFlow, PointNet, continuous_pointflow, pointflow
from nf_course.models.poseflow import depth_regression, pose_prior, poseflow
from nf_course.models.realnvp import realnvp, realnvp_images
from nf_course.models.srflow import sr_regression, srflow
from nf_course.models.styleflow import styleflow

__all__ = [
    "LayerByLayer",
    "PictureShapes",
    "PointFlow",
    "PointNet",
    "SharedLatent",
    "cflow",
    "continuous_pointflow",
    "cycle_distance",
    "depth_regression",
    "ffjord",
    "glow",
    "nice",
    "picture_shapes",
    "pointflow",
    "pose_prior",
    "poseflow",
    "realnvp",
    "realnvp_images",
    "shared_latent",
    "sr_regression",
    "srflow",
    "styleflow",
]
