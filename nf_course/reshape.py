"""Squeeze, Split, Flatten: the shape changes of a multi-scale flow. None of them changes volume.

Squeeze: (C, H, W) <-> (4C, H/2, W/2);  Split: half of the channels leave for the latent, `rest` maps the others.
Chapters 6 and 8.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nf_course.bijection import Bijection
from nf_course.expect import expect_floating, expect_shape

__all__ = ["Flatten", "Split", "Squeeze", "channels_to_pixels", "pixels_to_channels"]


def pixels_to_channels(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, 4C, H/2, W/2), the order of `F.pixel_unshuffle`, which leaves an empty batch as it is."""
    squares = x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))  # (N, C, H/2, 2, W/2, 2)
    return squares.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)  # (N, C * 2 * 2, H/2, W/2)


def channels_to_pixels(z: Tensor) -> Tensor:
    """(N, 4C, H/2, W/2) -> (N, C, H, W): undoes `pixels_to_channels`."""
    squares = z.unflatten(1, (-1, 2, 2))  # (N, C, 2, 2, H/2, W/2)
    return squares.permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)  # (N, C, H, W)


def _zeros(x: Tensor) -> Tensor:
    return x.new_zeros(len(x))  # (N,)


class Squeeze(Bijection):
    r"""Each 2 x 2 square of pixels becomes four channels: a fixed permutation, so ladj = 0.

    Shapes: (N, C, H, W) <-> (N, 4C, H/2, W/2), H and W even. Channel 4c + 2i + j of z is pixel (i, j) of each
    square of channel c: the order of `F.pixel_unshuffle`. Cost: one copy.
    Source: Dinh, Sohl-Dickstein and Bengio, 2017 (arXiv 1605.08803), 3.6. Chapter 6.

    >>> x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> Squeeze().encode(x)[0].flatten().tolist()
    [1.0, 2.0, 3.0, 4.0]
    """

    def encode(self, x, context=None):
        expect_floating(x, "Squeeze.encode")
        if x.ndim != 4 or x.shape[2] % 2 or x.shape[3] % 2:
            raise ValueError(f"Squeeze.encode: expected (N, C, H, W) with H and W even, got {tuple(x.shape)}")
        return pixels_to_channels(x), _zeros(x)

    def decode(self, z, context=None):
        expect_floating(z, "Squeeze.decode")
        if z.ndim != 4 or z.shape[1] % 4:
            raise ValueError(f"Squeeze.decode: expected (N, 4C, H/2, W/2), got {tuple(z.shape)}")
        return channels_to_pixels(z), _zeros(z)


class Flatten(Bijection):
    """`(N, *shape)` <-> (N, D), D the product of `shape`: the last part of a flow over images. ladj = 0.

    >>> z, ladj = Flatten((3, 2, 2)).encode(torch.zeros(5, 3, 2, 2))
    >>> z.shape
    torch.Size([5, 12])
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def encode(self, x, context=None):
        expect_shape(x, self.shape, "Flatten.encode")
        return x.flatten(1), _zeros(x)

    def decode(self, z, context=None):
        expect_shape(z, (math.prod(self.shape),), "Flatten.decode")
        return z.unflatten(1, self.shape), _zeros(z)


class Split(Bijection):
    r"""Identity on the second half of the channels, `rest` on the first: the factor-out of multi-scale flows.

    .. math:: x = (x_1, x_2), \quad z = (\text{rest}(x_1), x_2), \qquad \text{ladj} = \text{ladj}_{\text{rest}}(x_1)

    A bijection like any other: it holds no prior, draws nothing, and the latent keeps all D dimensions, flat:
    first what `rest` gives, then x_2. Glow's learned prior of x_2 given x_1 is an `AffineCoupling` placed before.

    Shapes: x `(N, *shape)`, z (N, D). Cost: that of `rest`. Errors: `ValueError` for another shape.
    Source: Dinh, Sohl-Dickstein and Bengio, 2017 (arXiv 1605.08803), 3.6. Chapters 6 and 8.

    >>> layer = Split(Flatten((2, 4, 4)), shape=(4, 4, 4))
    >>> z, ladj = layer.encode(torch.zeros(3, 4, 4, 4))
    >>> z.shape, layer.decode(z)[0].shape
    (torch.Size([3, 64]), torch.Size([3, 4, 4, 4]))
    """

    def __init__(self, rest: Bijection, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.rest = rest
        self.shape = tuple(shape)
        if self.shape[0] < 2:
            raise ValueError(f"Split: expected at least 2 channels, one for each part, got shape {self.shape}")
        self.on = self.shape[0] // 2  # channels that go on through `rest`
        self.leave_shape = (self.shape[0] - self.on, *self.shape[1:])

    def encode(self, x, context=None):
        expect_shape(x, self.shape, "Split.encode")
        z, ladj = self.rest.encode(x[:, : self.on], context)
        return torch.cat((z.flatten(1), x[:, self.on :].flatten(1)), 1), ladj  # (N, D)

    def decode(self, z, context=None):
        expect_shape(z, (math.prod(self.shape),), "Split.decode")
        cut = z.shape[1] - math.prod(self.leave_shape)
        x, ladj = self.rest.decode(z[:, :cut], context)
        return torch.cat((x, z[:, cut:].unflatten(1, self.leave_shape)), 1), ladj  # (N, C, H, W)
