"""Data of the course: toy sets in the plane, and small real data sets that ship with the package.

Nothing is downloaded. Where each file comes from, and under which licence, stands in NOTICE;
``tools/derive_data.py`` derives each again from its origin.

>>> from nf_course.data import airports, diamonds, digits, moons
>>> moons(4).shape, digits("test").images.shape
(torch.Size([4, 2]), torch.Size([200, 1, 8, 8]))
"""

from nf_course.data._files import DataFileError
from nf_course.data.airports import airports
from nf_course.data.diamonds import Diamonds, diamonds
from nf_course.data.digits import Digits, digits
from nf_course.data.toy import (
    checkerboard,
    gaussians,
    gaussians_labels,
    moons,
    moons_labels,
    pinwheel,
    pinwheel_labels,
    rings,
    rings_labels,
    spiral,
)

__all__ = [
    "DataFileError",
    "Diamonds",
    "Digits",
    "airports",
    "checkerboard",
    "diamonds",
    "digits",
    "gaussians",
    "gaussians_labels",
    "moons",
    "moons_labels",
    "pinwheel",
    "pinwheel_labels",
    "rings",
    "rings_labels",
    "spiral",
]
