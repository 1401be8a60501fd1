"""RRDB, ToLevel: features of a low-resolution image, and the same features at the size of a level of the flow.

h <- h + 0.2 * dense(h) again and again, at the resolution of the image;  then enlarged or reduced by a power of two.
Chapter 11.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nf_course.expect import expect_shape
from nf_course.reshape import pixels_to_channels

__all__ = ["RRDB", "ToLevel"]

RESIDUAL = 0.2  # what of a block's output is added: deep stacks start near the identity


class DenseBlock(nn.Module):
    """Three convolutions, each of which sees all that came before; what the last one gives is added to the input."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, growth, 3, padding=1)
        self.second = nn.Conv2d(channels + growth, growth, 3, padding=1)
        self.last = nn.Conv2d(channels + 2 * growth, channels, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        a = F.leaky_relu(self.first(h), 0.2)
        b = F.leaky_relu(self.second(torch.cat((h, a), 1)), 0.2)
        return h + RESIDUAL * self.last(torch.cat((h, a, b), 1))


class RRDB(nn.Module):
    """Residual in residual dense blocks, after ESRGAN: features of an image, at its own resolution.

    Shapes: image (N, in_channels, h, w), values about 0 to 1; features (N, features, h, w), for any h and w.
    Cost: O(blocks features (features + growth) h w) per image. Errors: `ValueError` for another channel count.
    Source: Wang et al., 2018 (arXiv 1809.00219), with three convolutions in a block instead of five.

    >>> RRDB(3, features=8, blocks=1)(torch.zeros(2, 3, 5, 7)).shape
    torch.Size([2, 8, 5, 7])
    """

    def __init__(self, in_channels: int, features: int = 32, blocks: int = 3, growth: int = 16) -> None:
        super().__init__()
        self.in_channels, self.features = in_channels, features
        self.first = nn.Conv2d(in_channels, features, 3, padding=1)
        self.blocks = nn.Sequential(*(_Residual(features, growth) for _ in range(blocks)))
        self.last = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        expect_shape(image, (self.in_channels, None, None), "RRDB")
        h = self.first(image - 0.5)
        return h + self.last(self.blocks(h))


class _Residual(nn.Sequential):
    def __init__(self, channels: int, growth: int) -> None:
        super().__init__(DenseBlock(channels, growth), DenseBlock(channels, growth))

    def forward(self, h: Tensor) -> Tensor:
        return h + RESIDUAL * super().forward(h)


class ToLevel(nn.Module):
    """Features at another resolution: `factor` times as many pixels each way, 2^k or 2^-k, and a convolution.

    Shapes: (N, features, h, w) -> (N, features, factor h, factor w).

    >>> ToLevel(8, 0.5)(torch.zeros(2, 8, 4, 6)).shape, ToLevel(8, 4)(torch.zeros(2, 8, 4, 6)).shape
    (torch.Size([2, 8, 2, 3]), torch.Size([2, 8, 16, 24]))
    """

    def __init__(self, features: int, factor: float) -> None:
        super().__init__()
        self.in_channels, self.factor = features, factor
        self.halvings = 0
        while factor < 1:
            factor, self.halvings = 2 * factor, self.halvings + 1
        if factor != int(factor) or self.factor <= 0:
            raise ValueError(f"ToLevel: expected a factor 2^k or 2^-k, got {self.factor}")
        self.conv = nn.Conv2d(features * 4**self.halvings, features, 3, padding=1)

    def forward(self, h: Tensor) -> Tensor:
        for _ in range(self.halvings):
            h = pixels_to_channels(h)  # (N, 4 features, h/2, w/2): nothing is averaged away
        if self.factor > 1:
            h = F.interpolate(h, scale_factor=self.factor, mode="nearest")
        return F.leaky_relu(self.conv(h), 0.2)
