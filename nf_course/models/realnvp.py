"""RealNVP for vectors: affine couplings over two halves that take turns.

z = f_L o ... o f_1 (x), each f_k an affine coupling, the kept half changing from one to the next.
Chapters 0 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence

from nf_course.conditioners import MLP
from nf_course.coupling import AffineCoupling, CouplingStack
from nf_course.flow import Flow, StandardNormal
from nf_course.masks import Halves

__all__ = ["realnvp"]


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
