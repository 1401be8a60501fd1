"""What the exercises of this chapter have in common: real poses, bodies that stand anywhere, cameras."""

from __future__ import annotations

import torch
from torch import Tensor

from nf_course import data

__all__ = ["anywhere", "cameras", "real_poses"]


def real_poses(draw, n: int) -> Tensor:
    """n frames of the validation clips, the root at 0: (n, 16, 3), in metres."""
    joints = data.poses("valid").joints
    rows = [draw.integer(0, len(joints)) for _ in range(n)]
    return joints[rows].to(draw.device, torch.float64)


def anywhere(draw, joints: Tensor) -> Tensor:
    """The same bodies, each standing somewhere else: the root is not at 0."""
    return joints + 2 * draw.normal(len(joints), 1, 3)


def cameras(draw, n: int) -> Tensor:
    """n rotations, (n, 3, 3), of determinant 1."""
    turns = torch.stack([draw.rotation(3) for _ in range(n)])
    return turns * torch.linalg.det(turns).sign()[:, None, None]
