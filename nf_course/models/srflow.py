"""SRFlow: a density of high-resolution images for a given low-resolution one; and a network for the middle of it.

x minus the enlarged c, then levels of Glow whose couplings and injectors see features of c;  z = (z_1, ..., z_L), flat.
Chapter 11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from nf_course.actnorm import ActNorm
from nf_course.bijection import Bijection, Sequential
from nf_course.conditioners import ConvNet
from nf_course.coupling import AffineCoupling
from nf_course.dequantize import Dequantize
from nf_course.encoded import Encoded
from nf_course.flow import Flow, StandardNormal
from nf_course.injector import AffineInjector, Guess
from nf_course.laplace import StandardLaplace
from nf_course.linear import LULinear
from nf_course.models.sizes import expect_levels
from nf_course.reshape import Flatten, Split, Squeeze
from nf_course.resize import Enlarge
from nf_course.rrdb import RRDB, ToLevel

__all__ = ["sr_regression", "srflow"]


def srflow(
    shape: Sequence[int],
    scale: int = 4,
    levels: int | None = None,
    steps: int = 8,
    hidden: int = 48,
    features: int = 32,
    blocks: int = 3,
) -> Flow:
    """p(x | c) for images x of `shape` (C, H, W), 0 to 255, given c (C, H/scale, W/scale), 0 to 1.

    At each level: squeeze, two transitions (ActNorm, 1x1 convolution) without a network, `steps` steps of ActNorm,
    1x1 convolution, affine injector and conditional coupling; half of the channels leave. By default one level more
    than halvings from x to c. No weight depends on H and W, so those of one size serve any other.
    Errors: `ValueError` for a size that 2^levels or the scale does not divide. Source: Lugmayr et al., 2020
    (arXiv 2006.14200): 16 steps, 64 features, 23 blocks. The enlarged c is taken off first, which the paper leaves
    to the injectors to learn.

    >>> import torch
    >>> flow = srflow((3, 16, 16), scale=4, levels=2, steps=1, hidden=8, features=8, blocks=1)
    >>> flow.sample(2, torch.rand(2, 3, 4, 4)).shape
    torch.Size([2, 3, 16, 16])
    """
    halvings = _halvings(scale, "srflow")
    levels = halvings + 1 if levels is None else levels
    channels, height, width = expect_levels(shape, max(levels, halvings), "srflow")
    inner: list[Bijection] = []
    for level in reversed(range(levels)):  # the innermost first: each level holds the next one
        c, h, w = 4 * 2**level * channels, height // 2 ** (level + 1), width // 2 ** (level + 1)  # after Squeeze
        coupling = lambda c=c: AffineCoupling(ConvNet(c // 2, c, hidden, features))  # noqa: E731
        injector = lambda c=c: AffineInjector(ConvNet(features, 2 * c, hidden))  # noqa: E731
        transition = [part for _ in range(2) for part in (ActNorm(c), LULinear(c))]
        step = [part for _ in range(steps) for part in (ActNorm(c), LULinear(c), injector(), coupling())]
        last = level == levels - 1
        prior = [] if last else [coupling()]  # of the half that leaves, given the half that stays
        leave = Flatten((c, h, w)) if last else Split(Sequential(*inner), (c, h, w))
        at_level = Encoded(ToLevel(features, scale / 2 ** (level + 1)), Sequential(*step, *prior))
        inner = [Squeeze(), *transition, at_level, leave]
    return Flow(
        Sequential(
            Dequantize(256),
            AffineInjector(Guess(Enlarge(channels, scale))),
            Encoded(RRDB(channels, features, blocks), Sequential(*inner)),
        ),
        StandardNormal(math.prod(shape)),
    )


def sr_regression(shape: Sequence[int], scale: int = 4, hidden: int = 64, features: int = 64, blocks: int = 6) -> Flow:
    """The best single guess in the mean absolute error: a network of c, as a flow with a Laplace base.

    -log p(x | c) is the absolute error of g(c), over b, and a constant: maximum likelihood is L1 training. The sample
    at temperature 0 is the guess g(c) itself. Shapes and errors: as for `srflow`.

    >>> import torch
    >>> flow = sr_regression((3, 16, 16), scale=4, hidden=8, features=8, blocks=1)
    >>> c = torch.rand(1, 3, 4, 4)
    >>> torch.equal(flow.sample(1, c, temperature=0), flow.sample(1, c, temperature=0))
    True
    """
    channels, *_ = expect_levels(shape, _halvings(scale, "sr_regression"), "sr_regression")
    network = nn.Sequential(
        RRDB(channels, features, blocks), ToLevel(features, scale), ConvNet(features, channels, hidden)
    )
    network.in_channels = channels
    return Flow(
        Sequential(
            Dequantize(256),
            AffineInjector(Guess(Enlarge(channels, scale))),
            AffineInjector(Guess(network)),
            ActNorm(channels),  # the mean size of an error: one number for each colour
            Flatten(shape),
        ),
        StandardLaplace(math.prod(shape)),
    )


def _halvings(scale: int, who: str) -> int:
    """log2(scale): how often c was halved."""
    if scale not in (2, 4, 8, 16):
        raise ValueError(f"{who}: expected a scale of 2, 4, 8 or 16, got {scale!r}")
    return scale.bit_length() - 1
