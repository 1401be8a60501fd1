"""Where points of the plane are after every layer of a flow, and what the squares of a grid measure there.

h_L = z,  h_{k-1} = f_k^{-1}(h_k),  x = h_0; the area inside a curve is half the integral of x dy - y dx along it.
Used by FlowFrames and the live figures.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from nf_course.bijection import Bijection
from nf_course.continuous import ContinuousFlow

__all__ = ["CELLS", "NODES", "REACH", "areas_of", "frames_of", "layers_of", "times_of"]

NODES = 37  # of the grid, each way: z from -3 to 3 in steps of 1/6
CELLS = 3  # of the grid in a square, each way: a line is drawn at every third node
REACH = 3.0


def layers_of(bijection: Bijection) -> list[Bijection]:
    """The parts of a stack, in encode order."""
    parts = getattr(bijection, "couplings", None) or getattr(bijection, "bijections", None)
    if parts is None:
        advice = "; take flow.pieces(k), which has stops" if isinstance(bijection, ContinuousFlow) else ""
        raise TypeError(
            f"FlowFrames: expected a CouplingStack or a Sequential, got a {type(bijection).__name__}{advice}"
        )
    return list(parts)


def times_of(layers: list[Bijection]) -> list[float]:
    """The time at each stop of a continuous flow in pieces, noise first: (L + 1); empty if the layers are others."""
    if not layers or not all(isinstance(layer, ContinuousFlow) for layer in layers):
        return []
    if any(one.span[1] != other.span[0] for one, other in pairwise(layers)):
        return []  # several flows, one after the other: each has a time of its own
    return [*(layer.span[1] for layer in reversed(layers)), layers[0].span[0]]


def frames_of(layers: list[Bijection], z: Tensor) -> Tensor:
    """Latents, then what they are after each layer on the way to data: (n, 2) -> (L + 1, n, 2), on the CPU."""
    if z.ndim != 2 or z.shape[1] != 2:
        raise ValueError(f"FlowFrames: expected points of the plane, (n, 2), got shape {tuple(z.shape)}")
    if not torch.isfinite(z).all():
        raise ValueError("FlowFrames: expected finite latents, got NaN or infinity: are the flow's weights finite?")
    frames = [z]
    for layer in reversed(layers):
        if isinstance(layer, ContinuousFlow):  # without the trace: that is most of a decode's work
            frames.append(layer.path(frames[-1], layer.span[::-1])[-1])
        else:
            frames.append(layer.decode(frames[-1])[0])
    return torch.stack(frames).cpu()


def areas_of(layers: list[Bijection], like: Tensor, longest: float = 0.05, rounds: int = 12) -> Tensor:
    """What each square of the grid measures at each stop: (L + 1, squares).

    The area inside a closed curve is half the integral of x dy - y dx along it, so each edge is walked once, in steps
    that are halved until no step's image is longer than `longest`: a flow can tear an edge apart by a factor of 1000.
    """
    squares = (NODES - 1) // CELLS
    lines = torch.arange(2 * (squares + 1))  # first those along z_2, with z_1 fixed; then those along z_1

    def images(line: Tensor, t: Tensor) -> Tensor:
        fixed, upright = (line % (squares + 1)).double(), line <= squares
        z = torch.where(upright[:, None], torch.stack((fixed, t), 1), torch.stack((t, fixed), 1))
        with torch.no_grad():
            return frames_of(layers, (2 * REACH / squares * z - REACH).to(like)).double()  # (L + 1, points, 2)

    line = lines.repeat_interleave(20 * squares + 1)
    t = torch.linspace(0, squares, 20 * squares + 1, dtype=torch.float64).repeat(len(lines))
    a = images(line, t)
    for _ in range(rounds):
        step = (a[:, 1:] - a[:, :-1]).norm(dim=2).amax(0)
        split = (line[1:] == line[:-1]) & (step > longest)
        if not split.any():
            break
        new_line, new_t = line[1:][split], (t[1:] + t[:-1])[split] / 2
        line, t, a = torch.cat((line, new_line)), torch.cat((t, new_t)), torch.cat((a, images(new_line, new_t)), 1)
        order = (line * (squares + 1) + t).argsort()
        line, t, a = line[order], t[order], a[:, order]
    same = line[1:] == line[:-1]
    half = (a[:, :-1, 0] * a[:, 1:, 1] - a[:, 1:, 0] * a[:, :-1, 1])[:, same] / 2
    edge = line[1:][same] * squares + (t[1:] + t[:-1])[same].div(2).long()  # number of the line, then of its piece
    walk = torch.zeros(len(a), len(lines) * squares, dtype=torch.float64).index_add(1, edge, half)
    upright, level = walk.unflatten(1, (2, squares + 1, squares)).unbind(1)  # [frame, line, piece]
    along = level.transpose(1, 2)  # [frame, piece of z_1, line of z_2]
    return (along[:, :, :-1] + upright[:, 1:] - along[:, :, 1:] - upright[:, :-1]).abs().flatten(1)
