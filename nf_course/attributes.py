"""Attributes of a face as measures in its pixels: no classifier is needed to say how light a face is.

a_k = sum_p m_k(p) v_k(p) / sum_p m_k(p),  v a lightness or a difference of colours, m a soft mask; 64 x 64 pixels.
Chapter 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from nf_course.expect import expect_shape

__all__ = ["ATTRIBUTES", "Standardise", "attribute_index", "face_attributes", "luminance", "standard_attributes"]

ATTRIBUTES = ("lightness", "warmth", "background", "light side", "hair")
"""What is measured on a face, in the order of the columns."""
MEANS = (0.31188, 0.16040, 0.35787, -0.00151, 0.32919)  # over the first 1000 faces of "train"
DEVIATIONS = (0.13075, 0.08660, 0.16982, 0.08724, 0.16172)
LUMINANCE = (0.299, 0.587, 0.114)  # red, green, blue: Rec. 601, on the values as a screen shows them
SIDE = 64


def luminance(images: Tensor) -> Tensor:
    """How light each pixel is, 0 to 1: (N, 3, H, W) -> (N, H, W), 0.299 R + 0.587 G + 0.114 B."""
    return torch.einsum("nchw,c->nhw", images, images.new_tensor(LUMINANCE))


def face_attributes(images: Tensor) -> Tensor:
    """Five measures of each face, in the order of `ATTRIBUTES`: (N, 3, 64, 64), 0 to 1 -> (N, 5).

    - `lightness`: the mean luminance in an ellipse over brows, cheeks, nose and mouth, 0 to 1;
    - `warmth`: the mean of red less blue there, -1 to 1: reddish above, bluish below 0;
    - `background`: the mean luminance of the left and right margins beside the head, 0 to 1;
    - `light side`: the mean luminance of the face's right half in the picture less that of the left half: above 0
      the light comes from the right;
    - `hair`: the mean luminance of the top of the head, in the middle, 0 to 1: hair, a hat, or a bald head.

    Each is a smooth function of the pixels, so that an edit can follow its gradient. They say nothing of what is in
    the picture: a black hat is dark hair, and a head that is turned away brings hair or sky into the ellipse.
    Errors: `ValueError` for another shape. Chapter 12.

    >>> grey = torch.full((1, 3, 64, 64), 0.5)
    >>> face_attributes(grey).round(decimals=3).abs().tolist()
    [[0.5, 0.0, 0.5, 0.0, 0.5]]
    """
    expect_shape(images, (3, SIDE, SIDE), "face_attributes")
    light = luminance(images)
    masks = _masks().to(images)
    face, background, right, left, top = masks
    red, blue = images[:, 0], images[:, 2]
    return torch.stack(
        [
            _mean(light, face),
            _mean(red - blue, face),
            _mean(light, background),
            _mean(light, right) - _mean(light, left),
            _mean(light, top),
        ],
        1,
    )


def attribute_index(name: str | int) -> int:
    """The place of an attribute in `ATTRIBUTES`, by name or by place. Errors: `ValueError` lists the names.

    >>> attribute_index("warmth")
    1
    """
    if name in ATTRIBUTES:
        return ATTRIBUTES.index(name)
    if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(ATTRIBUTES):
        return name
    raise ValueError(
        f"expected an attribute, one of {', '.join(ATTRIBUTES)} or 0 to {len(ATTRIBUTES) - 1}, got {name!r}"
    )


class Standardise:
    r"""Measures in deviations from their mean, each attribute by itself, and back.

    .. math:: a_k \mapsto \frac{a_k - \mu_k}{\sigma_k}

    >>> scale = Standardise([0.5], [0.1])
    >>> scale(torch.tensor([[0.6]])).round(decimals=3), scale.undo(torch.tensor([[1.0]]))
    (tensor([[1.]]), tensor([[0.6000]]))
    """

    def __init__(self, means: Sequence[float] = MEANS, deviations: Sequence[float] = DEVIATIONS) -> None:
        if len(means) != len(deviations) or not all(s > 0 for s in deviations):
            raise ValueError(f"Standardise: expected as many deviations above 0 as means, got {means}, {deviations}")
        self.means, self.deviations = tuple(means), tuple(deviations)

    def __call__(self, measures: Tensor) -> Tensor:
        """(N, K) as measured -> (N, K) in deviations."""
        return (measures - measures.new_tensor(self.means)) / measures.new_tensor(self.deviations)

    def undo(self, standard: Tensor) -> Tensor:
        """(N, K) in deviations -> (N, K) as measured."""
        return standard * standard.new_tensor(self.deviations) + standard.new_tensor(self.means)

    @classmethod
    def of(cls, measures: Tensor) -> Standardise:
        """The one that brings these measures, (N, K), to mean 0 and deviation 1."""
        measures = measures.double()
        return cls(measures.mean(0).tolist(), measures.std(0, correction=0).tolist())


def standard_attributes(images: Tensor) -> Tensor:
    """`face_attributes` in deviations from the mean over random faces: (N, 3, 64, 64) -> (N, 5).

    The means and deviations are those of the first 1000 faces of `data.faces("train")`.
    """
    return Standardise()(face_attributes(images))


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of (N, H, W) with weights (H, W): (N,)."""
    return (values * mask).sum((1, 2)) / mask.sum()


@cache
def _masks() -> Tensor:
    """Soft masks of a face that looks at us: face, background, right and left half of the face, top; (5, 64, 64)."""
    places = torch.arange(SIDE, device="cpu") + 0.5  # the middles of the pixels
    y, x = places[:, None], places[None, :]

    def inside(radius: Tensor) -> Tensor:
        return torch.sigmoid((1 - radius) / 0.08)  # about one pixel from in to out

    face = inside((((y - 38) / 17) ** 2 + ((x - 32) / 12) ** 2).sqrt())
    top = inside((((y - 6) / 6) ** 4 + ((x - 32) / 14) ** 4) ** 0.25)
    background = inside(y / 36) * (torch.sigmoid(8 - x) + torch.sigmoid(x - 56))
    right = torch.sigmoid(x - 32)
    return torch.stack([face, background, face * right, face * (1 - right), top])
