r"""varied: more poses of the same body, from few frames: limbs exchanged, joints turned a little, the whole leaned.

x'_j = x'_p + C_p (x_j - x_p),  C_j = C_p R_j,  p the parent of j and R_j a small rotation: bones keep their length.
Chapter 15.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nf_course.data.poses import Poses

__all__ = ["turned_about", "varied"]

ARMS = ("left_shoulder", "left_elbow", "left_wrist"), ("right_shoulder", "right_elbow", "right_wrist")
LEGS = ("left_hip", "left_knee", "left_ankle"), ("right_hip", "right_knee", "right_ankle")


def varied(
    frames: Poses, copies: int, seed: int, turn: float = 12.0, exchange: float = 0.5, lean: float = 0.0
) -> Tensor:
    """`copies` variations of each frame: (copies n, 16, 3).

    Each arm and each leg comes from another frame with probability `exchange`, in half of the cases both arms, or both
    legs, from the same one; then each joint turns by a random rotation of `turn` degrees (the deviation about each
    axis), and the whole body by one of `lean`. Bones keep their lengths. The same for the same seed.
    Cost: copies n times 16 products of 3 x 3 matrices.

    >>> from nf_course import data
    >>> frames = data.poses("valid")
    >>> more = varied(frames, 2, seed=0)
    >>> lengths = frames.bones(more).norm(dim=2)
    >>> more.shape, bool((lengths.std(0) < 1e-4).all())
    (torch.Size([596, 16, 3]), True)
    """
    if copies < 1 or min(turn, exchange, lean) < 0 or exchange > 1:
        raise ValueError(
            f"varied: expected at least 1 copy, angles from 0 on and a probability, got {copies}, {turn}, {lean} and "
            f"{exchange}"
        )
    generator = torch.Generator().manual_seed(seed)
    joints = torch.cat([_exchanged(frames, exchange, generator) for _ in range(copies)])
    angles = math.radians(turn) * torch.randn(*joints.shape[:2], 3, generator=generator)
    angles[:, 0] = math.radians(lean) * torch.randn(len(joints), 3, generator=generator)  # the root turns all
    return turned_about(joints, _rotation(angles), frames.parents)


def turned_about(joints: Tensor, rotations: Tensor, parents: tuple[int, ...]) -> Tensor:
    """The pose after joint j, and all that hangs on it, was turned by rotation j: (N, J, 3), (N, J, 3, 3) -> (N, J, 3).

    A parent stands before its children, the root first at 0.

    >>> straight, quarter = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]]), torch.eye(3).repeat(1, 3, 1, 1)
    >>> quarter[0, 1] = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # joint 1 turns by 90 degrees
    >>> turned_about(straight, quarter, (-1, 0, 1))[0, 2].tolist()
    [1.0, 1.0, 0.0]
    """
    turned, places = [rotations[:, 0]], [torch.zeros_like(joints[:, 0])]
    for j, parent in enumerate(parents[1:], start=1):
        bone = (turned[parent] @ (joints[:, j] - joints[:, parent])[..., None])[..., 0]  # (N, 3)
        places.append(places[parent] + bone)
        turned.append(turned[parent] @ rotations[:, j])
    return torch.stack(places, 1)


def _exchanged(frames: Poses, exchange: float, generator: torch.Generator) -> Tensor:
    """One copy of each frame, some of its limbs from others, held as the other body held them against its own trunk."""
    joints, n = frames.joints, len(frames)
    own, place = torch.arange(n), frames.names.index
    result = joints.clone()
    for limbs, trunk in ((ARMS, _chest(frames)), (LEGS, _pelvis(frames))):
        together = torch.randint(n, (n,), generator=generator)
        both = torch.rand(n, generator=generator) < 0.5
        for limb in limbs:
            other = torch.where(both, together, torch.randint(n, (n,), generator=generator))
            other = torch.where(torch.rand(n, generator=generator) < exchange, other, own)
            turn = trunk @ trunk[other].transpose(1, 2)  # (n, 3, 3)
            for upper, lower in zip(map(place, limb[:-1]), map(place, limb[1:])):
                bone = (turn @ (joints[other, lower] - joints[other, upper])[..., None])[..., 0]
                result[:, lower] = result[:, upper] + bone
    return result


def _chest(frames: Poses) -> Tensor:
    return _axes(frames, "left_shoulder", "right_shoulder", "neck", "chest")


def _pelvis(frames: Poses) -> Tensor:
    return _axes(frames, "left_hip", "right_hip", "chest", "root")


def _axes(frames: Poses, left: str, right: str, top: str, bottom: str) -> Tensor:
    """Rotations (n, 3, 3) whose columns are the trunk's own axes: to the left, up, and forward."""
    at = lambda name: frames.joints[:, frames.names.index(name)]  # noqa: E731
    up = torch.nn.functional.normalize(at(top) - at(bottom), dim=1)
    across = at(left) - at(right)
    across = torch.nn.functional.normalize(across - (across * up).sum(1, keepdim=True) * up, dim=1)
    return torch.stack((across, up, torch.linalg.cross(across, up)), 2)


def _rotation(angles: Tensor) -> Tensor:
    """Rodrigues' formula: the rotation about the axis of each vector, by its length in radians: (..., 3, 3)."""
    x, y, z = angles.unbind(-1)
    zero = torch.zeros_like(x)
    generator = torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), -1).unflatten(-1, (3, 3))
    return torch.linalg.matrix_exp(generator)
