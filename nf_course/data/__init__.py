"""Data of the course: toy sets in the plane, and small real data sets that ship with the package.

Nothing is downloaded. Where each file comes from, and under which licence, stands in NOTICE;
``tools/derive_data.py`` derives each again from its origin (``tools/check_furniture.py`` compares the furniture, whose
points were drawn by chance, with its models). Two larger sets, :func:`mnist` and :func:`cifar10`, are
read from your own copy.

>>> from nf_course.data import airports, diamonds, digits, mnist5k, moons, photo_patches
>>> moons(4).shape, digits("test").images.shape
(torch.Size([4, 2]), torch.Size([200, 1, 8, 8]))
>>> mnist5k("test").images.shape, photo_patches("test", size=32).shape
(torch.Size([500, 1, 28, 28]), torch.Size([560, 3, 32, 32]))
"""

from nf_course.data._files import DataFileError
from nf_course.data.airports import airports
from nf_course.data.cifar10 import cifar10
from nf_course.data.diamonds import Diamonds, diamonds
from nf_course.data.digits import Digits, digits
from nf_course.data.faces import FaceGenerator, Faces, face_generator, faces
from nf_course.data.faithful import Faithful, faithful
from nf_course.data.furniture import Furniture, furniture
from nf_course.data.mnist import LabelledImages, mnist, mnist5k, shifted
from nf_course.data.photo_pairs import PhotoPairs, photo_pairs
from nf_course.data.photos import photo_credits, photo_patches, photos
from nf_course.data.poses import Poses, poses
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
    "FaceGenerator",
    "Faces",
    "Faithful",
    "Furniture",
    "LabelledImages",
    "PhotoPairs",
    "Poses",
    "airports",
    "checkerboard",
    "cifar10",
    "diamonds",
    "digits",
    "face_generator",
    "faces",
    "faithful",
    "furniture",
    "gaussians",
    "gaussians_labels",
    "mnist",
    "mnist5k",
    "moons",
    "moons_labels",
    "photo_credits",
    "photo_pairs",
    "photo_patches",
    "photos",
    "pinwheel",
    "pinwheel_labels",
    "poses",
    "rings",
    "rings_labels",
    "shifted",
    "spiral",
]
