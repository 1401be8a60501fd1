"""Pictures of flows in one style: call :func:`style` once, then draw.

Every helper takes ``ax=None`` (a new figure), draws flows, functions and tensors of any device and dtype,
names its axes, and returns the axes. The first colour of a thing is its side: :data:`COLOURS`.

>>> from nf_course.data import moons
>>> from nf_course.plotting import scatter, style
>>> style()
>>> ax = scatter(moons(1000), title="what the flow will learn")
"""

from nf_course.plotting.curves import cost_curves, learning_curve
from nf_course.plotting.density import density1d, density2d, density_grid
from nf_course.plotting.matrix import image_grid, jacobian_pattern, matrix
from nf_course.plotting.palette import COLOURS, CYCLE, DENSITY, SIGNED, VALUES, readable
from nf_course.plotting.plane import plane, scatter, warped_grid
from nf_course.plotting.pushforward import pushforward1d
from nf_course.plotting.style import side_by_side, style

__all__ = [
    "COLOURS",
    "CYCLE",
    "DENSITY",
    "SIGNED",
    "VALUES",
    "cost_curves",
    "density1d",
    "density2d",
    "density_grid",
    "image_grid",
    "jacobian_pattern",
    "learning_curve",
    "matrix",
    "plane",
    "pushforward1d",
    "readable",
    "scatter",
    "side_by_side",
    "style",
    "warped_grid",
]
