"""Poses: the depths behind a flat pose, and a density of poses as such.

p(d | u, v) with (u, v, d) the joints as a camera sees them;   p(x) of joints about their root.
Chapters 15 and 16.
"""

from __future__ import annotations

from collections.abc import Sequence

from nf_course.actnorm import ActNorm
from nf_course.bijection import Bijection, Sequential
from nf_course.conditioners import MLP
from nf_course.coupling import AffineCoupling
from nf_course.flow import Flow, StandardNormal
from nf_course.injector import AffineInjector
from nf_course.linear import LULinear
from nf_course.masks import Halves

__all__ = ["depth_regression", "pose_prior", "poseflow"]


def poseflow(joints: int = 16, steps: int = 8, hidden: Sequence[int] = (128, 128)) -> Flow:
    """p(depths | flat pose): depths (N, joints - 1) in metres from the root, given (N, 2 (joints - 1)).

    Each step is ActNorm, a learned matrix, and a coupling that sees the flat pose. What the picture fixes is not
    modelled, and so every sample has exactly the flat pose that was given. `posing.seen_by` makes both of joints.
    Source: Wehrbein et al., 2021 (arXiv 2107.13788), where a flow maps poses to flat poses and a latent for the rest.

    >>> import torch
    >>> poseflow(steps=2, hidden=(16,)).sample(3, torch.zeros(3, 30)).shape
    torch.Size([3, 15])
    """
    depths = joints - 1
    return Flow(Sequential(*_steps(depths, steps, hidden, context=2 * depths)), StandardNormal(depths))


def depth_regression(joints: int = 16, hidden: Sequence[int] = (256, 256)) -> Flow:
    r"""One guess for each depth, and how sure it is: a normal density of depths, given the flat pose.

    .. math:: d_j = m_j(u, v) + \sigma_j(u, v)\, z_j

    Trained by maximum likelihood it is regression in which each joint's squared error is weighed by 1 / sigma^2. What
    it says of joints together is that they do not know of each other. Shapes as for `poseflow`.

    >>> import torch
    >>> depth_regression(hidden=(16,)).sample(3, torch.zeros(3, 30), temperature=0.0).shape  # the mean
    torch.Size([3, 15])
    """
    depths = joints - 1
    return Flow(
        Sequential(ActNorm(depths), AffineInjector(MLP(2 * depths, 2 * depths, hidden))), StandardNormal(depths)
    )


def pose_prior(joints: int = 16, steps: int = 8, hidden: Sequence[int] = (128, 128)) -> Flow:
    """p(pose): joints about the root as one row, (N, 3 (joints - 1)), in metres.

    Bones keep their length, so that poses fill a surface of at most 2 (joints - 1) dimensions, on which no density
    exists: it is trained on joints with normal noise of 1 cm.

    >>> pose_prior(steps=2, hidden=(16,)).sample(3).shape
    torch.Size([3, 45])
    """
    features = 3 * (joints - 1)
    return Flow(Sequential(*_steps(features, steps, hidden)), StandardNormal(features))


def _steps(features: int, steps: int, hidden: Sequence[int], context: int = 0) -> list[Bijection]:
    kept, moved = features // 2, features - features // 2
    parts: list[Bijection] = []
    for _ in range(steps):
        coupling = AffineCoupling(MLP(kept, 2 * moved, hidden, context), Halves())
        parts += [ActNorm(features), LULinear(features), coupling]
    return parts
