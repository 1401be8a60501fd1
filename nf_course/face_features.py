"""face_features: what a face looks like apart from light and colour, as directions of edges; and how far two differ.

phi = h / ||h||,  h the histograms of gradient directions of an image freed of its local lightness and contrast.
Chapter 12.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from nf_course.attributes import SIDE, luminance
from nf_course.expect import expect_shape

__all__ = ["face_features", "feature_distance"]

CELL = 8  # pixels: the side of the squares that have a histogram each
DIRECTIONS = 8  # bins over half a turn: an edge from light to dark counts as one from dark to light
SPREAD = 4.0  # pixels: what counts as local


def face_features(images: Tensor) -> Tensor:
    r"""Histograms of the directions of edges in 8 x 8 squares of 8 x 8 pixels, as one vector of length 1.

    .. math:: \phi = \frac{h}{\|h\|}, \quad h_{s,b} = \sum_{p \in s} m(p)\, |\nabla u(p)|\, \beta_b(\angle \nabla u(p)),
              \quad u = \frac{\ell - g * \ell}{\sqrt{g * (\ell - g * \ell)^2 + 0.1^2}}, \quad
              \ell = \log(\text{luminance} + 0.05)

    A factor on the light adds to l, a gamma multiplies it: u hardly changes with either, nor with the tint. g is a
    Gaussian of 4 pixels, beta_b shares an edge between the two nearest of 8 directions, and m fades out the margins,
    where there is background. It stands in for a network that recognises people, which would have to be downloaded:
    it knows where brows, eyes, nose, mouth and outline are, and not who somebody is.
    Shapes: (N, 3, 64, 64), 0 to 1 -> (N, 512). Errors: `ValueError` for another shape. Cost: some 2 ms a face.
    Source: Dalal and Triggs, 2005, Histograms of oriented gradients. Chapter 12.

    >>> _ = torch.manual_seed(0)
    >>> images = torch.rand(2, 3, 64, 64)
    >>> face_features(images).shape, face_features(images).norm(dim=1)
    (torch.Size([2, 512]), tensor([1., 1.]))
    """
    expect_shape(images, (3, SIDE, SIDE), "face_features")
    level = torch.log(luminance(images)[:, None] + 0.05)  # (N, 1, 64, 64)
    detail = level - _blur(level)
    even = detail / (_blur(detail.square()) + 0.1**2).sqrt()
    right = F.pad(even, (1, 1, 0, 0), mode="replicate")
    down = F.pad(even, (0, 0, 1, 1), mode="replicate")
    dx, dy = (right[..., 2:] - right[..., :-2])[:, 0], (down[..., 2:, :] - down[..., :-2, :])[:, 0]  # (N, 64, 64)
    strength = (dx.square() + dy.square()).sqrt() * _middle(images)
    turn = torch.atan2(dy, dx) / math.pi * DIRECTIONS  # half a turn is DIRECTIONS
    bins = torch.arange(DIRECTIONS, device=images.device)[:, None, None]
    off = (turn[:, None] - bins + DIRECTIONS / 2) % DIRECTIONS - DIRECTIONS / 2  # (N, DIRECTIONS, 64, 64)
    shares = (1 - off.abs()).clamp_min(0) * strength[:, None]
    return F.normalize(F.avg_pool2d(shares, CELL).flatten(1), dim=1)  # (N, DIRECTIONS * 8 * 8)


def feature_distance(a: Tensor, b: Tensor) -> Tensor:
    r"""How far two pictures of a face differ in structure, ||phi(a) - phi(b)||, from 0 to sqrt(2): (N,).

    Shapes: a and b (N, 3, 64, 64), compared row by row. Errors: `ValueError` for other shapes. See `face_features`.
    """
    if a.shape != b.shape:
        raise ValueError(f"feature_distance: expected two batches of one shape, got {tuple(a.shape)}, {tuple(b.shape)}")
    return (face_features(a) - face_features(b)).norm(dim=1)


def _blur(x: Tensor) -> Tensor:
    """(N, 1, H, W) under a Gaussian, rows and columns in turn, the margins repeated."""
    reach = round(2.5 * SPREAD)
    steps = torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-0.5 * (steps / SPREAD) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    x = F.conv2d(F.pad(x, (reach, reach, 0, 0), mode="replicate"), kernel)
    return F.conv2d(F.pad(x, (0, 0, reach, reach), mode="replicate"), kernel.transpose(2, 3))


def _middle(images: Tensor) -> Tensor:
    """1 on the head, falling to 0 in the margins: (64, 64)."""
    places = torch.arange(SIDE, dtype=images.dtype, device=images.device) + 0.5
    radius = (((places[:, None] - 34) / 28) ** 2 + ((places[None, :] - 32) / 20) ** 2).sqrt()
    return torch.sigmoid((1 - radius) / 0.08)
