"""FlowFrames: a trained flow at work, coupling by coupling: noise becomes data, data becomes noise.

h_L = z,  h_{k-1} = f_k^{-1}(h_k),  x = h_0: the picture stops at each h_k, in either direction. The stops of a
continuous flow are times. Chapters 0 and 9.
"""

from __future__ import annotations

import re

import matplotlib as mpl
import numpy as np
import torch
import traitlets
from torch import Tensor

from nf_course.flow import Flow
from nf_course.plotting import side_by_side
from nf_course.plotting._values import resting
from nf_course.widgets._given import classes_of, expect_flow, how_many, points_of
from nf_course.widgets.base import Figure
from nf_course.widgets.flow_stops import border, draw_stop, reach
from nf_course.widgets.flow_tracks import CELLS, NODES, REACH, areas_of, frames_of, layers_of, times_of
from nf_course.widgets.words import number

__all__ = ["FlowFrames"]

CONTINUOUS = (
    "Press play, or move the first slider from one time to the next; then turn round. All points drift at once, each "
    "with the velocity that the field has at its place and time. Click a square of the grid, or choose one with the "
    "second slider: its probability stays, its area does not, so its density changes. The stops are the solver's own "
    "positions; the straight slide between two stops is drawn for the eye."
)
MOST = 1000  # positions travel as int16: so far out, a step of them is still less than a pixel


class FlowFrames(Figure):
    """What every layer of a flow of the plane does to points and to a grid, as numbers made beforehand.

    A frame is a stop between two layers: frame 0 is noise, frame L is data. Three tracks of frames travel with the
    page, each (L + 1, n, 2) as int16 in units of `unit`: `noise`, draws of the base on their way to data; `data`,
    given points as they are on their way to noise; `grid`, the nodes of a square grid of the latent plane.
    `slices` holds the probability of each of the grid's intervals, so a cell's is a product of two. `areas`,
    (L + 1, number of squares) as float32, is what the squares measure at each stop: near the place where a flow
    splits the noise, a polygon of grid nodes is too coarse for that.

    A continuous flow is given in pieces: `FlowFrames.of(Flow(layer.pieces(8), base), points)`. `times` then holds the
    time at each frame, (L + 1), and the words say when, not after how many layers; it is empty for other flows.

    The reader moves `way` (decode or encode), `place` (layers applied in that direction) and `marked`, the square's
    number: row by row through the noise, the second coordinate faster. With `autoplay`, decoding plays once when the
    figure comes into view; a reader who has asked for less motion finds the data instead, where decoding ends.

    >>> from nf_course import models, randomise
    >>> _ = torch.manual_seed(0)
    >>> flow = randomise(models.realnvp(2, couplings=4), scale=0.1)
    >>> figure = FlowFrames.of(flow, torch.randn(50, 2), samples=100)
    >>> figure.layers, len(figure.noise) == 5 * 100 * 2 * 2
    (4, True)
    """

    scripts = ("flow_frames.js",)
    held = "noise"
    layers = traitlets.Int(0).tag(sync=True)
    times = traitlets.List(traitlets.Float(), []).tag(sync=True)
    unit = traitlets.Float(1.0).tag(sync=True)
    noise = traitlets.Bytes(b"").tag(sync=True)
    data = traitlets.Bytes(b"").tag(sync=True)
    grid = traitlets.Bytes(b"").tag(sync=True)
    areas = traitlets.Bytes(b"").tag(sync=True)
    groups = traitlets.List(traitlets.Int(), []).tag(sync=True)
    slices = traitlets.List(traitlets.Float(), []).tag(sync=True)
    way = traitlets.Enum(["decode", "encode"], "decode").tag(sync=True)
    place = traitlets.Int(0).tag(sync=True)
    marked = traitlets.Int(42).tag(sync=True)
    autoplay = traitlets.Bool(False).tag(sync=True)
    caption = traitlets.Unicode(
        "Press play, or move the first slider layer by layer; then turn round. A coupling slides the points along "
        "one axis only. Click a square of the grid, or choose one with the second slider: its probability stays, its "
        "area does not, so its density changes. The stops are the trained flow's own positions; the straight slide "
        "between two stops is drawn for the eye."
    ).tag(sync=True)

    @classmethod
    def of(
        cls, flow: Flow, data: Tensor, groups: Tensor | None = None, *, samples: int = 360, seed: int = 0, **traits
    ) -> FlowFrames:
        """The figure of a flow of the plane: `samples` draws of its base, and `data`, (n, 2), with a class for each.

        At first that square near the middle is marked whose border stays shortest: one that the flow does not tear.
        """
        who = "FlowFrames"
        expect_flow(flow, who)
        layers, points, samples = layers_of(flow.bijection), points_of(data, who), how_many(samples, who)
        if not layers:
            raise ValueError(f"{who}: expected at least one layer")
        how_many(len(points), who, "points")
        classes = classes_of(groups, len(points), who)
        held = [t for t in (*flow.parameters(), *flow.buffers()) if t.is_floating_point()]
        like = next(iter(held), points)
        noise = torch.randn(samples, 2, generator=torch.Generator().manual_seed(seed)).to(like)
        line = torch.linspace(-REACH, REACH, NODES)
        grid = torch.cartesian_prod(line, line).to(like)  # the second coordinate runs faster
        cuda = [like.device] if like.device.type == "cuda" else []
        # no ActNorm takes these points for its first batch; noise for a trace leaves the reader's generator alone
        with resting(flow), torch.random.fork_rng(cuda):
            z, _ = flow.bijection.encode(points.to(like))
            tracks = [frames_of(layers, start) for start in (noise, z, grid)]
            tracks[1][-1] = points  # it came from there: exact, not a round trip
        farthest = torch.stack([track.abs().max().double() for track in tracks]).max().item()
        if not farthest <= MOST:  # also where it is no number
            raise ValueError(
                f"{who}: expected points that stay within {MOST} of 0 at every layer, since the figure shows the "
                f"square around 0, got {farthest:.3g}; standardise the data, and look for a layer that runs away"
            )
        unit = farthest / 32767
        with resting(flow), torch.random.fork_rng(cuda):
            areas = areas_of(layers, like)
        times = times_of(layers)
        if times:
            traits.setdefault("caption", CONTINUOUS)
        traits.setdefault("marked", whole_square(tracks[2].float().numpy()))
        below = torch.special.ndtr(line.double())
        packed = [(track / unit).round().to(torch.int16).numpy().tobytes() for track in tracks]
        return cls(
            layers=len(layers),
            times=times,
            unit=unit,
            noise=packed[0],
            data=packed[1],
            grid=packed[2],
            areas=areas.float().numpy().tobytes(),
            groups=[] if classes is None else classes.tolist(),
            slices=[round(p, 7) for p in below.diff().tolist()],
            **traits,
        )

    @traitlets.validate("place", "marked")
    def _within(self, proposal):
        what, most = {
            "place": ("layers", self.layers),
            "marked": ("square", ((NODES - 1) // CELLS) ** 2 - 1),
        }[proposal.trait.name]
        if not 0 <= proposal.value <= most:
            raise traitlets.TraitError(
                f"FlowFrames.{proposal.trait.name}: expected a number of {what}, 0 to {most}, got {proposal.value}"
            )
        return proposal.value

    def stops(self, name: str) -> np.ndarray:
        """A track, `noise`, `data` or `grid`, as positions: (L + 1, n, 2), noise first."""
        return self.unit * np.frombuffer(getattr(self, name), "<i2").reshape(self.layers + 1, -1, 2)

    def square(self, frame: int) -> tuple[float, float]:
        """The marked square's probability, and its area at a stop counted from noise."""
        squares = (NODES - 1) // CELLS
        sides = np.reshape(self.slices, (squares, CELLS)).sum(1)
        i, j = divmod(self.marked, squares)
        areas = np.frombuffer(self.areas, "<f4").reshape(self.layers + 1, -1)
        return float(sides[i] * sides[j]), float(areas[frame, self.marked])

    def still(self) -> mpl.figure.Figure:
        L, places = self.layers, self._places()
        frames = [place if self.way == "decode" else L - place for place in places]
        titles = [self._name(place) + (" (here)" if place == self.place else "") for place in places]
        figure, axes = side_by_side(3, titles, size=(2.4, 2.7))
        grid, track = self.stops("grid"), self.stops("noise" if self.way == "decode" else "data")
        groups = self.groups if self.way == "encode" else []
        window = reach([self.stops("noise"), self.stops("data")])
        for ax, frame in zip(axes, frames):
            draw_stop(ax, grid, self.slices, track, groups, frame, self.marked, CELLS, window)
        figure.supxlabel(self._marked_words(), fontsize=10)
        return figure

    def _places(self) -> list[int]:
        """What the still picture shows: both ends, and a stop between."""
        L = self.layers
        return [0, self.place if 0 < self.place < L else max(L // 2, 1), L]

    def _name(self, place: int) -> str:
        frame = place if self.way == "decode" else self.layers - place
        if self.times:
            side = {0: "noise, ", self.layers: "data, "}.get(frame, "")
            return f"{side}$t$ = {clock(self.times[frame])}"
        return {0: "noise, $z$", self.layers: "data, $x$"}.get(frame, f"after {place} of {self.layers} layers")

    def _marked_words(self) -> str:
        frame = self.place if self.way == "decode" else self.layers - self.place
        (probability, start), (_, now) = self.square(0), self.square(frame)
        return (
            f"Marked square: always {number(100 * probability)} % of the probability; its area is {short(start)} in z, "
            f"{short(now)} here."
        )

    def describe(self) -> str:
        L, decode = self.layers, self.way == "decode"
        frame = self.place if decode else L - self.place
        probability, now = self.square(frame)
        squares = (NODES - 1) // CELLS
        middle = ", ".join(number(2 * REACH / squares * (i + 0.5) - REACH) for i in divmod(self.marked, squares))
        stills = ("; " if self.times else ", ").join(self._name(place).replace("$", "") for place in self._places())
        shape = {0: ": a round cloud of noise on a square grid", L: ": the shape of the data, the grid bent to it"}
        points = len(self.noise if decode else self.data) // (4 * (L + 1))
        ends, where = ("noise", "data"), f"after {self.place} of {L} layers"
        if self.times:
            ends = tuple(f"{side} (t = {clock(self.times[k])})" for side, k in (("noise", 0), ("data", L)))
            where = f"at t = {clock(self.times[frame])}"
        return (
            f"{points} points on their way from {' to '.join(ends if decode else ends[::-1])}, "
            f"{where}{shape.get(frame, '')}. "
            f"The marked square, around z = ({middle}), holds {number(100 * probability)} % of the probability on an "
            f"area of {short(now)}, "
            f"so its density is {short(probability / now)}. "
            f"Still pictures, left to right: {stills}."
        )


def whole_square(grid: np.ndarray) -> int:
    """The square around 0 whose border is shortest, where it is longest of all stops: (L + 1, nodes, 2) -> number."""
    squares = (NODES - 1) // CELLS
    middles = 2 * REACH / squares * (np.arange(squares) + 0.5) - REACH
    around = np.flatnonzero(np.abs(np.hypot.outer(middles, middles) - 1.1).ravel() < REACH / squares)

    def longest(marked: int) -> float:
        paths = [border(nodes.reshape(NODES, NODES, 2), marked, CELLS) for nodes in grid]
        return max(np.linalg.norm(path - np.roll(path, 1, 0), axis=1).sum() for path in paths)

    return int(min(around, key=longest))


def clock(time: float) -> str:
    """A time, to three digits at the most.

    >>> clock(1.0), clock(0.25), clock(1 / 3)
    ('1', '0.25', '0.333')
    """
    return re.sub(r"\.?0+$", "", number(time, 3))


def short(value: float) -> str:
    """An area or a density, to the digits that matter."""
    return "less than 0.001" if value < 0.0005 else number(value, 3 if value < 0.1 else 2)
