"""depth_image, silhouette: a cloud of points as a picture, seen by a known camera.

(u, v, d) = R x,  pixel = (u, v) / reach;  depth(pixel) = nearest d,  silhouette(pixel) = is there a point?
Chapter 13.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["camera", "depth_image", "silhouette"]


def camera(turn: Tensor | float, tilt: Tensor | float = 0.0) -> Tensor:
    r"""The rotation of a camera that looks at the origin: it walks around by `turn`, then up by `tilt`.

    .. math:: R = R_x(\text{tilt})\, R_y(\text{turn})

    Degrees; (0, 0) stands in front, at +z, and (90, 0) at +x. Shapes: (N,) -> (N, 3, 3), a number
    -> (1, 3, 3). Rows of R are the camera's right, up, and the direction towards it.

    >>> camera(90.0) @ torch.tensor([1.0, 0.0, 0.0])  # x points to the camera that stands on its side
    tensor([[0., 0., 1.]])
    """
    turn, tilt = torch.broadcast_tensors(*(torch.as_tensor(a, dtype=torch.float64).reshape(-1) for a in (turn, tilt)))
    (c, s), (ct, st) = ((a.deg2rad().cos(), a.deg2rad().sin()) for a in (turn, tilt))
    zero, one = torch.zeros_like(c), torch.ones_like(c)
    about_y = torch.stack((c, zero, -s, zero, one, zero, s, zero, c), 1).view(-1, 3, 3)
    about_x = torch.stack((one, zero, zero, zero, ct, -st, zero, st, ct), 1).view(-1, 3, 3)
    return (about_x @ about_y).float().round(decimals=7)


def depth_image(points: Tensor, view: Tensor, size: int = 32, reach: float = math.sqrt(3), splat: int = 1) -> Tensor:
    """The picture of each cloud: how near its nearest point is at each pixel, 1 nearest, 0 nothing.

    An orthographic camera: no perspective, a window from -reach to reach; sqrt(3) holds all that has coordinates from
    -1 to 1, however it is turned. A point covers `splat` pixels beyond its own on each side.
    Shapes: points (N, P, 3), view (N, 3, 3) or (1, 3, 3) from `camera` -> (N, 1, size, size), rows from top to bottom.
    Errors: `ValueError` for other shapes. Cost: N P. Not differentiable in the points.

    >>> cloud = torch.tensor([[[0.0, 0.5, 0.0]]])
    >>> depth_image(cloud, camera(0.0), size=4, reach=1.0, splat=0)[0, 0].tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    if points.ndim != 3 or points.shape[2] != 3:
        raise ValueError(f"depth_image: expected points (N, P, 3), got {tuple(points.shape)}")
    if view.shape not in ((len(points), 3, 3), (1, 3, 3)):
        raise ValueError(f"depth_image: expected a view ({len(points)}, 3, 3) or (1, 3, 3), got {tuple(view.shape)}")
    right, up, near = (points @ view.to(points).transpose(1, 2)).unbind(2)  # (N, P) each
    column = ((right / reach + 1) / 2 * size).floor().long()
    row = ((1 - up / reach) / 2 * size).floor().long()
    value = ((near / reach + 1) / 2).clamp(1e-3, 1)  # a point at the far end is not nothing
    seen = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    place = (row * size + column).where(seen, torch.zeros_like(row))
    image = points.new_zeros(len(points), size * size)
    image = image.scatter_reduce(1, place, value * seen, "amax").view(-1, 1, size, size)
    return F.max_pool2d(image, 2 * splat + 1, stride=1, padding=splat)


def silhouette(points: Tensor, view: Tensor, size: int = 32, reach: float = math.sqrt(3), splat: int = 1) -> Tensor:
    """1 where the cloud covers a pixel, 0 elsewhere. Shapes and errors as for `depth_image`."""
    return (depth_image(points, view, size, reach, splat) > 0).to(points)
