"""RealNVP: affine couplings whose two parts take turns, for vectors and, over several scales, for images.

z = f_L o ... o f_1 (x), each f_k an affine coupling, the kept part changing from one to the next.
Chapters 0 and 3 (vectors), 6 (images).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from nf_course.actnorm import ActNorm
from nf_course.bijection import Bijection, Sequential
from nf_course.conditioners import MLP, ConvNet
from nf_course.coupling import AffineCoupling, CouplingStack
from nf_course.flow import Flow, StandardNormal
from nf_course.masks import Checkerboard, Halves, Mask
from nf_course.models.sizes import expect_levels
from nf_course.reshape import Flatten, Split, Squeeze

__all__ = ["realnvp", "realnvp_images"]


def realnvp(features: int, couplings: int = 8, hidden: Sequence[int] = (64, 64), context_features: int = 0) -> Flow:
    """A RealNVP over (N, features): `couplings` affine couplings with an MLP each, standard normal base.

    Source: Dinh, Sohl-Dickstein and Bengio, 2017 (arXiv 1605.08803).

    >>> flow = realnvp(features=3, couplings=4, hidden=(32, 32))
    >>> flow.sample(2).shape
    torch.Size([2, 3])
    """
    if features < 2:
        raise ValueError(f"realnvp: expected at least 2 features, since a coupling needs two parts, got {features}")
    first, second = features // 2, features - features // 2
    parts = []
    for k in range(couplings):
        if k % 2 == 0:  # keeps the first half, moves the second
            parts.append(AffineCoupling(MLP(first, 2 * second, hidden, context_features), Halves()))
        else:
            parts.append(AffineCoupling(MLP(second, 2 * first, hidden, context_features), Halves().flipped()))
    return Flow(CouplingStack(parts), StandardNormal(features))


def realnvp_images(
    shape: Sequence[int],
    levels: int = 2,
    couplings: int = 3,
    hidden: int = 64,
    context_features: int = 0,
    prepare: Sequence[Bijection] = (),
) -> Flow:
    """A multi-scale RealNVP over (N, C, H, W), standard normal base.

    Each level: `couplings` over a checkerboard, a squeeze, `couplings` over halves of the channels, then half of the
    channels leave; the last level ends with one checkerboard coupling more, and all channels leave. An ActNorm stands
    before each run of couplings, where the paper has batch normalisation; its residual networks are `ConvNet` here.

    `prepare` stands in front: `[Dequantize(256), Logit()]` for images of 256 levels. A context, (N, K) or
    (N, K, h, w), goes to every network. Errors: `ValueError` for a size that the levels do not divide.
    Source: Dinh, Sohl-Dickstein and Bengio, 2017 (arXiv 1605.08803), 3.6 and 4.1.

    >>> flow = realnvp_images((1, 8, 8), levels=2, hidden=16)
    >>> flow.sample(3).shape
    torch.Size([3, 1, 8, 8])
    """
    channels, height, width = expect_levels(shape, levels, "realnvp_images")

    def run(part: int, mask: Mask, length: int) -> CouplingStack:
        """`length` couplings over two parts of `part` channels each, which take turns."""
        masks = [mask if k % 2 == 0 else mask.flipped() for k in range(length)]
        return CouplingStack(AffineCoupling(ConvNet(part, 2 * part, hidden, context_features), m) for m in masks)

    inner: list[Bijection] = []
    for level in reversed(range(levels)):  # the innermost first: each level holds the next one
        c, h, w = 2**level * channels, height // 2**level, width // 2**level  # before Squeeze
        squeezed = (4 * c, h // 2, w // 2)
        if level == levels - 1:
            checkers, leave = couplings + 1, Flatten(squeezed)
        else:
            checkers, leave = couplings, Split(Sequential(*inner), squeezed)
        inner = [ActNorm(c), run(2 * c, Checkerboard(), checkers), Squeeze()]
        inner += [ActNorm(4 * c), run(2 * c, Halves(), couplings), leave]
    return Flow(Sequential(*prepare, *inner), StandardNormal(math.prod(shape)))
