"""Glow: at each level squeeze, then steps of ActNorm, 1x1 convolution and coupling, then half of the channels leave.

z = (z_1, ..., z_L), flat: what leaves at level l, seen through a coupling that knows the other half, is z_l.
Chapter 8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from nf_course.actnorm import ActNorm
from nf_course.bijection import Bijection, Sequential
from nf_course.conditioners import ConvNet
from nf_course.coupling import AffineCoupling
from nf_course.flow import Flow, StandardNormal
from nf_course.linear import LULinear
from nf_course.models.sizes import expect_levels
from nf_course.reshape import Flatten, Split, Squeeze

__all__ = ["glow"]


def glow(
    shape: Sequence[int],
    levels: int = 2,
    steps: int = 8,
    hidden: int = 64,
    context_features: int = 0,
    prepare: Sequence[Bijection] = (),
) -> Flow:
    """Glow over (N, C, H, W): `levels` levels of `steps` steps, networks with `hidden` channels, normal base.

    `prepare` stands in front: `[Dequantize(256)]` for images of 256 levels. A context, (N, K) or (N, K, h, w), goes
    to every network. The latent is flat, (N, C H W), the coarsest level first (see `Split`).
    Errors: `ValueError` for a height or width that 2^levels does not divide. Source: Kingma and Dhariwal, 2018
    (arXiv 1807.03039): three levels of 32 steps with 512 channels for CIFAR-10.

    >>> flow = glow((1, 8, 8), levels=2, steps=2, hidden=16)
    >>> flow.sample(3).shape
    torch.Size([3, 1, 8, 8])
    """
    channels, height, width = expect_levels(shape, levels, "glow")
    inner: list[Bijection] = []
    for level in reversed(range(levels)):  # the innermost first: each level holds the next one
        c, h, w = 4 * 2**level * channels, height // 2 ** (level + 1), width // 2 ** (level + 1)  # after Squeeze
        network = lambda c=c: ConvNet(c // 2, c, hidden, context_features)  # noqa: E731  (log-scale and shift of half)
        if level == levels - 1:
            leave = [Flatten((c, h, w))]
        else:
            leave = [AffineCoupling(network()), Split(Sequential(*inner), (c, h, w))]  # the learned split prior
        step = [part for _ in range(steps) for part in (ActNorm(c), LULinear(c), AffineCoupling(network()))]
        inner = [Squeeze(), *step, *leave]
    return Flow(Sequential(*prepare, *inner), StandardNormal(math.prod(shape)))
