"""Stretch: a monotone map from x to z that the reader bends by hand, both densities, one slab of probability.

p_X(x) = p_Z(f(x)) |f'(x)|: where the map is steep, p_X is high; the slab has the same area on both sides.
Chapter 1.
"""

from itertools import pairwise
from math import inf

import traitlets

from nf_course.widgets.base import Figure

__all__ = ["Stretch"]


class Stretch(Figure):
    """The change of variables in one dimension, under the reader's hand.

    Five handles at x = -2.4, -1.2, 0, 1.2, 2.4 carry a smooth monotone curve z = f(x) (monotone cubic
    interpolation, straight beyond the ends); z is standard normal. The script computes p_X, and integrates
    p_X and p_Z separately over the two sides of the slab.

    >>> Stretch(heights=[-2.4, -1.2, 0.0, 1.2, 2.4], slab=0.5).decreasing
    False
    """

    script = "stretch.js"
    heights = traitlets.List(traitlets.Float(), [-2.2, -1.1, 0.2, 0.8, 2.3]).tag(sync=True)
    slab = traitlets.Float(-0.5).tag(sync=True)
    width = traitlets.Float(0.6).tag(sync=True)
    decreasing = traitlets.Bool(False).tag(sync=True)
    caption = traitlets.Unicode(
        "Drag a dot, or choose one with the first slider and move it with the second. Make the curve steep "
        "under the slab: the blue slab grows tall. Make it flat: the blue slab sinks. Drag the slab along, "
        "too. The two areas never differ."
    ).tag(sync=True)

    def __init__(self, **kwargs) -> None:
        heights = kwargs.get("heights", [0, 1, 2, 3, 4])
        if len(heights) != 5 or not all(-inf < a < b < inf for a, b in pairwise(heights)):
            raise ValueError(f"Stretch: expected 5 increasing heights, got {heights}")
        super().__init__(**kwargs)
