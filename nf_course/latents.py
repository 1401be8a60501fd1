"""latent_parts, join_parts: the flat latent of a multi-scale flow as fields, one for each level, and flat again.

z = (z_L, ..., z_1):  the coarsest level first, each (N, C 2^l, H / 2^l, W / 2^l).
Chapters 8 and 11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nf_course.expect import expect_shape
from nf_course.models.sizes import expect_levels

__all__ = ["join_parts", "latent_parts", "part_shapes"]


def part_shapes(shape: Sequence[int], levels: int) -> list[tuple[int, int, int]]:
    """The shape (c, h, w) of what leaves at each level, the coarsest first, for images (C, H, W).

    >>> part_shapes((3, 32, 32), levels=3)
    [(48, 4, 4), (12, 8, 8), (6, 16, 16)]
    """
    if levels == 0:
        return [tuple(shape)]
    channels, height, width = expect_levels(shape, levels, "part_shapes")
    shapes = [(2 ** (l + 1) * channels, height // 2 ** (l + 1), width // 2 ** (l + 1)) for l in range(levels)]
    c, h, w = shapes[-1]
    return [(2 * c, h, w), *reversed(shapes[:-1])]  # nothing goes on from the last level: all of it leaves


def latent_parts(z: Tensor, shape: Sequence[int], levels: int) -> list[Tensor]:
    """The latent (N, C H W) of `models.glow` or `models.srflow` over images (C, H, W) as fields, the coarsest first.

    >>> [tuple(part.shape) for part in latent_parts(torch.zeros(2, 3 * 16 * 16), (3, 16, 16), levels=2)]
    [(2, 24, 4, 4), (2, 6, 8, 8)]
    """
    expect_shape(z, (math.prod(shape),), "latent_parts")
    shapes = part_shapes(shape, levels)
    parts = z.split([math.prod(s) for s in shapes], 1)
    return [part.unflatten(1, s) for part, s in zip(parts, shapes, strict=True)]  # (N, c, h, w)


def join_parts(parts: Sequence[Tensor]) -> Tensor:
    """The fields of `latent_parts` as one flat latent again.

    >>> z = torch.randn(2, 3 * 16 * 16)
    >>> torch.equal(join_parts(latent_parts(z, (3, 16, 16), levels=2)), z)
    True
    """
    return torch.cat([part.flatten(1) for part in parts], 1)
