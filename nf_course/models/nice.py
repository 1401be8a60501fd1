"""NICE: additive couplings that take turns on even and odd features, a diagonal scaling, a logistic base.

z = S f_L o ... o f_1 (x), each f_k of log-det 0, so log p(x) = sum_i log p_logistic(z_i) + sum_i log S_ii.
Chapter 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from nf_course.bijection import Bijection, Sequential
from nf_course.conditioners import MLP
from nf_course.coupling import AdditiveCoupling, CouplingStack
from nf_course.diagonal import DiagonalScaling
from nf_course.flow import Flow
from nf_course.logistic import StandardLogistic
from nf_course.masks import Alternating
from nf_course.reshape import Flatten

__all__ = ["nice"]


def nice(
    shape: int | Sequence[int],
    couplings: int = 4,
    hidden: Sequence[int] = (256, 256, 256),
    context_features: int = 0,
    prepare: Sequence[Bijection] = (),
) -> Flow:
    """NICE over `(N, *shape)`, images read as rows of numbers: `couplings` additive couplings with an MLP each.

    `prepare` stands in front: `[Dequantize(256)]` for images of 256 grey levels.
    Source: Dinh, Krueger and Bengio, 2014 (arXiv 1410.8516), 5.1: four couplings, five hidden layers of 1000 there.

    >>> flow = nice((1, 8, 8), hidden=(32,))
    >>> flow.sample(2).shape
    torch.Size([2, 1, 8, 8])
    """
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    features = math.prod(shape)
    if features < 2:
        raise ValueError(f"nice: expected at least 2 features, since a coupling needs two parts, got shape {shape}")
    even, odd = features - features // 2, features // 2  # features 0, 2, 4, ... and 1, 3, 5, ...
    parts = []
    for k in range(couplings):
        if k % 2 == 0:  # keeps the even features, moves the odd ones
            parts.append(AdditiveCoupling(MLP(even, odd, hidden, context_features), Alternating()))
        else:
            parts.append(AdditiveCoupling(MLP(odd, even, hidden, context_features), Alternating().flipped()))
    rows = [Flatten(shape)] if len(shape) > 1 else []
    bijection = Sequential(*prepare, *rows, CouplingStack(parts), DiagonalScaling(features))
    return Flow(bijection, StandardLogistic(features))
