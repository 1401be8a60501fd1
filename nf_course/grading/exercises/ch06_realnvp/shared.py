"""What squeeze and unsqueeze have in common: the orders in which four pixels of a square become four channels."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["channels_to_squares", "squares_to_channels"]


def squares_to_channels(x: Tensor, order: tuple[int, ...] = (0, 1, 2, 3), grouped: bool = True) -> Tensor:
    """(N, C, H, W) -> (N, 4C, H/2, W/2) by strided slices; slot k of a square's channels holds its pixel order[k].

    `grouped` puts the four channels that come from one channel side by side; otherwise all C of slot 0 come first.
    """
    corners = [x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return torch.stack([corners[k] for k in order], 2 if grouped else 1).flatten(1, 2)


def channels_to_squares(z: Tensor, order: tuple[int, ...] = (0, 1, 2, 3), grouped: bool = True) -> Tensor:
    """Undoes `squares_to_channels`."""
    slots = z.unflatten(1, (-1, 4)).unbind(2) if grouped else z.unflatten(1, (4, -1)).unbind(1)
    x = z.new_zeros(len(z), z.shape[1] // 4, 2 * z.shape[2], 2 * z.shape[3])
    for slot, k in zip(slots, order, strict=True):
        x[:, :, k // 2 :: 2, k % 2 :: 2] = slot
    return x
