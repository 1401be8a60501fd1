"""Random factors of W = P L (U + diag(s)), shared by this chapter's exercises."""

from __future__ import annotations

from torch import Tensor

__all__ = ["draw_factors"]


def draw_factors(draw, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """(permutation, lower, upper, sign_s, log_abs_s). `lower` and `upper` are full: their other entries are a "
    "trap.
    """
    scale = channels**-0.5
    lower, upper = scale * draw.normal(channels, channels), scale * draw.normal(channels, channels)
    lower.diagonal().add_(1.5), upper.diagonal().add_(1.5)
    log_abs_s = draw.uniform(0.2, 0.7, channels) * draw.signs(channels)
    return draw.permutation(channels), lower, upper, draw.signs(channels), log_abs_s
