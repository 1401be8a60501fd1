"""FlowFrames: a trained flow at work, coupling by coupling: noise becomes data, data becomes noise.

h_L = z,  h_{k-1} = f_k^{-1}(h_k),  x = h_0: the picture stops at each h_k, in either direction.
Chapter 0.
"""

from __future__ import annotations

import math

import torch
import traitlets
from torch import Tensor

from nf_course.bijection import Bijection
from nf_course.flow import Flow
from nf_course.widgets.base import Figure

__all__ = ["FlowFrames"]

NODES = 37  # of the grid, each way: z from -3 to 3 in steps of 1/6
CELLS = 3  # of the grid in a square, each way: a line is drawn at every third node
REACH = 3.0


class FlowFrames(Figure):
    """What every layer of a flow of the plane does to points and to a grid, as numbers made beforehand.

    A frame is a stop between two layers: frame 0 is noise, frame L is data. Three tracks of frames travel with the
    page, each (L + 1, n, 2) as int16 in units of `unit`: `noise`, draws of the base on their way to data; `data`,
    given points as they are on their way to noise; `grid`, the nodes of a square grid of the latent plane.
    `slices` holds the probability of each of the grid's intervals, so a cell's is a product of two. `areas`,
    (L + 1, number of squares) as float32, is what the squares measure at each stop: near the place where a flow
    splits the noise, a polygon of grid nodes is too coarse for that.

    >>> from nf_course import models, randomise
    >>> flow = randomise(models.realnvp(2, couplings=4))
    >>> figure = FlowFrames.of(flow, torch.randn(50, 2), samples=100)
    >>> figure.layers, len(figure.noise) == 5 * 100 * 2 * 2
    (4, True)
    """

    script = "flow_frames.js"
    layers = traitlets.Int(0).tag(sync=True)
    unit = traitlets.Float(1.0).tag(sync=True)
    noise = traitlets.Bytes(b"").tag(sync=True)
    data = traitlets.Bytes(b"").tag(sync=True)
    grid = traitlets.Bytes(b"").tag(sync=True)
    areas = traitlets.Bytes(b"").tag(sync=True)
    groups = traitlets.List(traitlets.Int(), []).tag(sync=True)
    slices = traitlets.List(traitlets.Float(), []).tag(sync=True)
    caption = traitlets.Unicode(
        "Press play, or move the first slider layer by layer; then turn round. Every coupling slides the points along "
        "one axis only. Click a square of the grid, or choose one with the second slider: its probability stays, its "
        "area does not, so its density changes. The stops are the trained flow's own positions; the straight slide "
        "between two stops is drawn for the eye."
    ).tag(sync=True)

    @classmethod
    def of(
        cls, flow: Flow, data: Tensor, groups: Tensor | None = None, *, samples: int = 360, seed: int = 0, **traits
    ) -> FlowFrames:
        """The figure of a flow of the plane: `samples` draws of its base, and `data`, (n, 2), with a class for each."""
        layers = _layers(flow.bijection)
        if groups is not None and len(groups) != len(data):
            raise ValueError(f"FlowFrames: expected a class for each of {len(data)} points, got {len(groups)}")
        like = next(flow.parameters())
        noise = torch.randn(samples, 2, generator=torch.Generator().manual_seed(seed)).to(like)
        line = torch.linspace(-REACH, REACH, NODES)
        grid = torch.cartesian_prod(line, line).to(like)  # the second coordinate runs faster
        with torch.no_grad():
            z, _ = flow.bijection.encode(data.to(like))
            tracks = [_frames(layers, start) for start in (noise, z, grid)]
            tracks[1][-1] = data.cpu()  # it came from there: exact, not a round trip
        unit = max(track.abs().max().item() for track in tracks) / 32767
        below = torch.special.ndtr(line.double())
        packed = [(track / unit).round().to(torch.int16).numpy().tobytes() for track in tracks]
        return cls(
            layers=len(layers),
            unit=unit,
            noise=packed[0],
            data=packed[1],
            grid=packed[2],
            areas=_areas(layers, like).float().numpy().tobytes(),
            groups=[] if groups is None else groups.tolist(),
            slices=[round(p, 7) for p in below.diff().tolist()],
            **traits,
        )


def _layers(bijection: Bijection) -> list[Bijection]:
    parts = getattr(bijection, "couplings", None) or getattr(bijection, "bijections", None)
    if parts is None:
        raise TypeError(f"FlowFrames: expected a CouplingStack or a Sequential, got a {type(bijection).__name__}")
    return list(parts)


def _frames(layers: list[Bijection], z: Tensor) -> Tensor:
    """Latents, then what they are after each layer on the way to data: (n, 2) -> (L + 1, n, 2), on the CPU."""
    if z.ndim != 2 or z.shape[1] != 2 or not math.isfinite(z.sum().item()):
        raise ValueError(f"FlowFrames: expected finite points of the plane, (n, 2), got shape {tuple(z.shape)}")
    frames = [z]
    for layer in reversed(layers):
        frames.append(layer.decode(frames[-1])[0])
    return torch.stack(frames).cpu()


def _areas(layers: list[Bijection], like: Tensor, longest: float = 0.05, rounds: int = 12) -> Tensor:
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
            return _frames(layers, (2 * REACH / squares * z - REACH).to(like)).double()  # (L + 1, points, 2)

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
