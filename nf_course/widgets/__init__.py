"""Figures that move: in a notebook and on the rendered page, with no kernel and no network."""

from nf_course.widgets.conditional_density import ConditionalDensity
from nf_course.widgets.determinant_cost import DeterminantCost
from nf_course.widgets.determinant_lab import DeterminantLab
from nf_course.widgets.flow_explorer import FlowExplorer
from nf_course.widgets.flow_frames import FlowFrames
from nf_course.widgets.image_sliders import ImageSliders
from nf_course.widgets.mask_editor import MaskEditor
from nf_course.widgets.point_cloud import PointCloud
from nf_course.widgets.stretch import Stretch

__all__ = [
    "ConditionalDensity",
    "DeterminantCost",
    "DeterminantLab",
    "FlowExplorer",
    "FlowFrames",
    "ImageSliders",
    "MaskEditor",
    "PointCloud",
    "Stretch",
]
