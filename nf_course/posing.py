"""seen_by, stood_up: a pose as a camera sees it, flat pose and depths apart, and the way back.

(u, v, d) = R x;  flat = (u, v) of all joints but the root, depths = d.
Chapter 15.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nf_course.expect import expect_shape
from nf_course.render import camera

__all__ = ["joint_error", "random_cameras", "seen_by", "stood_up"]


def random_cameras(n: int, seed: int | None = None, tilt: float = 20.0) -> Tensor:
    """n cameras from all around, tilted up or down by at most `tilt` degrees: (n, 3, 3). The same for the same seed."""
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    turn, up = torch.rand(2, n, generator=generator)
    return camera(360 * turn, tilt * (2 * up - 1))


def seen_by(view: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
    r"""What the camera's picture holds, and what it does not: flat pose (N, 2 (J - 1)) and depths (N, J - 1).

    .. math:: (u, v, d) = R\,(x - x_{\text{root}})

    An orthographic camera. Metres; d grows towards the camera. Shapes: view (N, 3, 3) or (1, 3, 3) from `camera`,
    joints (N, J, 3), the root first. Errors: `ValueError` for other shapes.

    >>> joints = torch.tensor([[[0.0, 0, 0], [0.1, 0.4, 0.2]]])
    >>> flat, depths = seen_by(camera(0.0), joints)
    >>> [round(v, 2) for v in flat[0].tolist()], round(depths.item(), 2)
    ([0.1, 0.4], 0.2)
    """
    expect_shape(joints, (None, 3), "seen_by")
    if view.shape not in ((len(joints), 3, 3), (1, 3, 3)):
        raise ValueError(f"seen_by: expected a view ({len(joints)}, 3, 3) or (1, 3, 3), got {tuple(view.shape)}")
    about_root = joints[:, 1:] - joints[:, :1]  # (N, J - 1, 3)
    turned = about_root @ view.to(joints).transpose(1, 2)
    return turned[..., :2].flatten(1), turned[..., 2]


def stood_up(flat: Tensor, depths: Tensor) -> Tensor:
    """The joints of a flat pose and its depths, as the camera sees them, root first at 0: (N, J, 3).

    >>> joints = torch.randn(2, 16, 3, generator=torch.Generator().manual_seed(0))
    >>> again = stood_up(*seen_by(camera(0.0), joints))
    >>> torch.allclose(again, joints - joints[:, :1], atol=1e-6)
    True
    """
    expect_shape(depths, (None,), "stood_up")
    if flat.shape != (len(depths), 2 * depths.shape[1]):
        raise ValueError(
            f"stood_up: expected a flat pose ({len(depths)}, {2 * depths.shape[1]}), got {tuple(flat.shape)}"
        )
    joints = torch.cat((flat.unflatten(1, (-1, 2)), depths[..., None]), 2)  # (N, J - 1, 3)
    return torch.cat((torch.zeros_like(joints[:, :1]), joints), 1)


def joint_error(joints: Tensor, truth: Tensor) -> Tensor:
    r"""Mean distance of joints, the root left out, in millimetres: (..., N, J, 3), (N, J, 3) -> (..., N).

    .. math:: \tfrac{1000}{J - 1} \sum_{j > 0} \|x_j - x^\star_j\|

    Known as MPJPE; joints in metres, relative to the root, with no other alignment.

    >>> joint_error(torch.full((1, 4, 3), 0.1), torch.zeros(1, 4, 3)).round().item()
    173.0
    """
    if joints.shape[-3:] != truth.shape or truth.ndim != 3:
        raise ValueError(f"joint_error: expected joints (..., {tuple(truth.shape)}), got {tuple(joints.shape)}")
    return 1000 * (joints - truth)[..., 1:, :].norm(dim=-1).mean(-1)
