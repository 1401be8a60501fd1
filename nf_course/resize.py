"""reduce, enlarge: an image with fewer pixels, and one with more, by the same bicubic kernel.

reduce = a weighted mean of the pixels around, the kernel as wide as the new pixel;  enlarge interpolates.
Chapter 11.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nf_course.expect import expect_shape

__all__ = ["Enlarge", "enlarge", "reduce"]


def reduce(x: Tensor, scale: int) -> Tensor:
    """`scale` times fewer pixels each way, without aliasing: (N, C, H, W) -> (N, C, H/scale, W/scale).

    Keys' cubic kernel (a = -1/2), stretched by `scale`, as image programs do it; the mean brightness stays.
    Errors: `ValueError` for a height or width that `scale` does not divide.

    >>> import torch
    >>> reduce(torch.full((1, 3, 8, 8), 0.25), 4)[0, 0].tolist()
    [[0.25, 0.25], [0.25, 0.25]]
    """
    expect_shape(x, (None, None, None), "reduce")
    height, width = x.shape[2:]
    if height % scale or width % scale:
        raise ValueError(f"reduce: expected a height and a width that {scale} divides, got {height} x {width}")
    size = (height // scale, width // scale)
    return F.interpolate(x, size, mode="bicubic", antialias=True, align_corners=False)


def enlarge(x: Tensor, scale: int) -> Tensor:
    """`scale` times more pixels each way, interpolated: (N, C, h, w) -> (N, C, scale h, scale w).

    >>> import torch
    >>> enlarge(torch.full((1, 3, 2, 2), 0.25), 4).shape
    torch.Size([1, 3, 8, 8])
    """
    expect_shape(x, (None, None, None), "enlarge")
    size = (scale * x.shape[2], scale * x.shape[3])
    return F.interpolate(x, size, mode="bicubic", antialias=True, align_corners=False)


class Enlarge(nn.Module):
    """`enlarge` as a network: a guess at the image of which a small one is left.

    >>> import torch
    >>> Enlarge(3, scale=2)(torch.zeros(1, 3, 4, 4)).shape
    torch.Size([1, 3, 8, 8])
    """

    def __init__(self, channels: int, scale: int) -> None:
        super().__init__()
        self.in_channels, self.scale = channels, scale

    def forward(self, image: Tensor) -> Tensor:
        return enlarge(image, self.scale)
