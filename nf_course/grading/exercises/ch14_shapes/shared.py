"""What the exercises of this chapter have in common: every point of every set beside its code, and the base."""

from __future__ import annotations

import math
from dataclasses import replace

from torch import Tensor

from nf_course.grading.parts import Coupling

__all__ = ["HALF", "each_point", "log_normal", "shape_flow"]

HALF = 0.5 * math.log(2 * math.pi)


def log_normal(z: Tensor) -> Tensor:
    """log N(z; 0, I), a number for each point: (..., 3) -> (...)."""
    return (-0.5 * z.square() - HALF).sum(-1)


def each_point(flow, points: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
    """Latents and log-dets of all points, given the code of their set: (N, P, 3) and (N, P)."""
    n, p, d = points.shape
    z, ladj = flow.encode(points.reshape(n * p, d), code.repeat_interleave(p, 0))
    return z.view(n, p, d), ladj.view(n, p)


def shape_flow(draw, kept: int, codes: int, *, shift: float = 2.0, narrow: bool = False) -> Coupling:
    """A flow over single points, given a code: it keeps one coordinate or two, and moves the others by up to `shift`.

    A narrow one has log-scales of nearly 5, and so a density far above 1 where its points are close to 0.
    """
    flow = draw.coupling("flow", draw.mask(3, kept), context=codes)
    scale_net = replace(flow.scale_net, amplitude=5.0, bias=flow.scale_net.bias + 5) if narrow else flow.scale_net
    return replace(flow, scale_net=scale_net, shift_net=replace(flow.shift_net, amplitude=shift))
