"""FlowExplorer: a trained flow of the plane that runs in the page: drag z and see x, drag x and see z.

log p(x) = log p(z) + sum_k log|det df_k/dh_{k-1}|, h_0 = x and h_L = z, each term at the point that its layer meets.
Chapters 2 and 3.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import torch
import traitlets
from matplotlib.patheffects import withStroke
from torch import Tensor, nn

from nf_course.actnorm import ActNorm
from nf_course.bijection import Bijection, Inverse, Sequential
from nf_course.conditioners import MLP
from nf_course.coupling import AdditiveCoupling, AffineCoupling, CouplingStack
from nf_course.flow import Flow, StandardNormal
from nf_course.linear import LULinear
from nf_course.plotting import COLOURS, density2d, scatter, side_by_side, warped_grid
from nf_course.widgets._given import classes_of, expect_flow, how_many, points_of
from nf_course.widgets.base import Figure
from nf_course.widgets.words import number

__all__ = ["FlowExplorer"]

REACH = 3.5  # of the two sliders for z
DISC = 0.3  # radius of the disc around the marked point
MOST = 600_000  # weights: 2.4 MB, of which the page is made heavier
ACCEPTED = (
    "AffineCoupling and AdditiveCoupling with an MLP, ActNorm and LULinear, alone or in a Sequential, "
    "a CouplingStack or an Inverse"
)


class FlowExplorer(Figure):
    """The flow itself under the reader's hand: its weights travel with the page, and the script evaluates them.

    `parts` says what each layer is, in encode order, `weights` holds their numbers as float32; the script computes
    with them in double precision, so its log-densities are those of `flow.double()`. The reader moves `layer`, how
    many layers have been applied to noise (0 to `layers`), `z`, the latent of the marked point, and `show`, which
    points are drawn: "samples" of the base, given "data", or "none".

    >>> from nf_course import data, models, randomise
    >>> flow = randomise(models.realnvp(2, couplings=4, hidden=(16,)))
    >>> figure = FlowExplorer.of(flow, data.moons(100), layer=2, z=[1.0, 0.5])
    >>> figure.layers, figure.layer, figure.z, figure.parts[1]
    (4, 2, [1.0, 0.5], {'kind': 'affine', 'keep': 1, 'widths': [1, 16, 2], 'inverse': False})
    >>> figure.layer = 5
    Traceback (most recent call last):
    ...
    traitlets.traitlets.TraitError: FlowExplorer.layer: expected a number from 0 to 4, got 5
    """

    scripts = ("flow_of_the_plane.js", "flow_explorer.js")
    held = "weights"
    layers = traitlets.Int(0).tag(sync=True)
    parts = traitlets.List(traitlets.Dict(), []).tag(sync=True)
    weights = traitlets.Bytes(b"").tag(sync=True)
    samples = traitlets.Bytes(b"").tag(sync=True)
    data = traitlets.Bytes(b"").tag(sync=True)
    groups = traitlets.List(traitlets.Int(), []).tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    z = traitlets.List(traitlets.Float(), [-1.0, 0.6]).tag(sync=True)
    show = traitlets.Enum(["samples", "data", "none"], "samples").tag(sync=True)
    caption = traitlets.Unicode(
        "Press play: the flow bends the plane one layer at a time, and the points keep their colours. Drag the marked "
        "point in either square, and the other one follows, for every layer can be undone. Watch the disc around it: "
        "where the flow squeezes the disc, the density rises, by exactly the log-dets in the list. Point anywhere else "
        "to measure there."
    ).tag(sync=True)

    @classmethod
    def of(
        cls, flow: Flow, data: Tensor, groups: Tensor | None = None, *, samples: int = 300, seed: int = 0, **traits
    ) -> FlowExplorer:
        """The figure of a trained flow of the plane.

        `samples` draws of its base are shown, and as many of `data`, (n, 2), chosen by `seed`; `groups`, (n,) whole
        numbers, colours the data by class. `layer` starts at the last one, where noise has become data.
        """
        who = "FlowExplorer"
        expect_flow(flow, who)
        if not _layers(flow.bijection):
            raise ValueError(f"{who}: expected at least one layer; {ACCEPTED}")
        samples = how_many(samples, who, least=2)  # the size of the picture is taken from them
        points = points_of(data, who)
        classes = classes_of(groups, len(points), who)
        steps = [copy.deepcopy(step).cpu().double().eval().requires_grad_(False) for step in _layers(flow.bijection)]
        described = [_described(step, position) for position, step in enumerate(steps)]
        numbers = torch.cat([numbers.reshape(-1) for _, held in described for numbers in held]).numpy()
        if len(numbers) > MOST:
            raise ValueError(
                f"FlowExplorer: expected at most {MOST} weights, since they travel with the page, got {len(numbers)}; "
                "a flow of the plane does well with hidden=(32, 32)"
            )
        if not np.isfinite(numbers.astype(np.float32)).all():
            raise ValueError("FlowExplorer: expected finite weights, got NaN or infinity among them")
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(samples, 2, generator=generator)
        chosen = torch.randperm(len(points), generator=generator)[:samples]
        figure = cls(
            layers=len(steps),
            parts=[part for part, _ in described],
            weights=numbers.astype("<f4").tobytes(),
            samples=noise.numpy().astype("<f4").tobytes(),
            data=points[chosen].numpy().astype("<f4").tobytes(),
            groups=[] if classes is None else classes[chosen].tolist(),
            **({"layer": len(steps)} | traits),
        )
        figure._steps = steps
        return figure

    @traitlets.validate("layer")
    def _layer_is_there(self, proposal) -> int:
        if not 0 <= proposal.value <= self.layers:
            raise traitlets.TraitError(
                f"FlowExplorer.layer: expected a number from 0 to {self.layers}, got {proposal.value}"
            )
        return proposal.value

    @traitlets.validate("z")
    def _z_is_in_the_picture(self, proposal) -> list[float]:
        z = proposal.value
        if len(z) != 2 or not all(abs(v) <= REACH for v in z):
            raise traitlets.TraitError(f"FlowExplorer.z: expected two numbers from -{REACH} to {REACH}, got {z}")
        return z

    def still(self) -> mpl.figure.Figure:
        """The latent plane with its grid, and the grid's image at the stop, with densities, points, marked point."""
        applied = self._applied()
        names = ["latent plane", "data" if self.layer == self.layers else f"after {self.layer} of {self.layers} layers"]
        figure, axes = side_by_side(2, titles=names, size=3.3)
        angle = torch.linspace(0, 2 * math.pi, 200, dtype=torch.float64)
        marked = torch.tensor([self.z], dtype=torch.float64)
        disc = marked + DISC * torch.stack((angle.cos(), angle.sin()), 1)
        rim = [withStroke(linewidth=3, foreground="white")]
        for ax, flow, side in zip(axes, (Flow(Sequential(), applied.base), applied), "zx"):
            decode = flow.bijection.decode
            extent = _window(decode(self._latents("samples"))[0])
            density2d(flow, extent, ax=ax, side=side, top=0.35 if max(extent) < 2 * REACH else None)
            warped_grid(decode, (-3, 3, -3, 3), ax, side=side, lines=9, limits=extent, colour=COLOURS["z"])
            mpl.artist.setp(ax.collections, linewidth=0.7)  # thinner: at data the lines crowd
            if self.show != "none":
                z = self._latents(self.show)
                kinds = torch.tensor(self.groups).double() if self.groups and self.show == "data" else z[:, 0]
                scatter(decode(z)[0], kinds, ax, side=side, extent=extent, size=6)
            ax.plot(*decode(disc)[0].T, color=COLOURS["data"], linewidth=1.4, path_effects=rim)
            ax.plot(*decode(marked)[0].T, "o", color=COLOURS["data"], markersize=5, markeredgecolor="white")
        if 0 < self.layer < self.layers:
            axes[1].set_xlabel(f"$h_{{{self.layers - self.layer},1}}$", color=COLOURS["muted"])
            axes[1].set_ylabel(f"$h_{{{self.layers - self.layer},2}}$", color=COLOURS["muted"])
        return figure

    def describe(self) -> str:
        """Where the marked point is, and how its log-density adds up."""
        applied, z = self._applied(), torch.tensor([self.z], dtype=torch.float64)
        (h, ladj), base = applied.bijection.decode(z), applied.base.log_prob(z)
        place = "data" if self.layer == self.layers else f"the stop after {self.layer} of {self.layers} layers"
        x, y, z1, z2 = (number(v) for v in (*h[0], *z[0]))
        return (
            f"A square grid of the latent plane, and its image at {place}, with points and shaded densities. The "
            f"marked point z = ({z1}, {z2}) is at ({x}, {y}) there. Its log-density is log p(z) = {number(base)}, plus "
            f"log-determinants that sum to {number(-ladj)}: {number(base - ladj)}."
        )

    def _applied(self) -> Flow:
        """The layers applied to noise so far, as a flow of their own: its density is that of the stop."""
        return Flow(Sequential(*self._steps[self.layers - self.layer :]), StandardNormal(2).double())

    def _latents(self, show: str) -> Tensor:
        """Where the points to be shown are in z."""
        held = self.samples if show == "samples" else self.data
        points = torch.from_numpy(np.frombuffer(held, "<f4").reshape(-1, 2).astype(float))
        return points if show == "samples" else Sequential(*self._steps).encode(points)[0]


def _window(points: Tensor) -> tuple[float, float, float, float]:
    """The square that is shown, as in the script: about 0 and of one size, or, in other units, around the points."""
    low, high = points.quantile(0.005, 0), points.quantile(0.995, 0)
    far, half = max(-low.min().item(), high.max().item()), 1.25 * (high - low).max().item() / 2
    x, y = ((low + high) / 2).tolist()
    if far < 2 * REACH and half > 0.4 * REACH:
        x, y, half = 0.0, 0.0, 1.06 * max(REACH, far)
    return x - half, x + half, y - half, y + half


def _layers(bijection: Bijection) -> list[Bijection]:
    """The layers one by one, in encode order; those of an inverse in the opposite order, each inverted."""
    if type(bijection) is CouplingStack:
        return list(bijection.couplings)
    if type(bijection) is Sequential:
        return [layer for part in bijection.bijections for layer in _layers(part)]
    if type(bijection) is Inverse:
        inner = reversed(_layers(bijection.bijection))
        return [layer.bijection if type(layer) is Inverse else Inverse(layer) for layer in inner]
    return [bijection]


def _described(step: Bijection, position: int) -> tuple[dict, Sequence[Tensor]]:
    """A layer as the script needs it: what it is, and its numbers. Subclasses may compute anything: refused."""
    inverse = type(step) is Inverse
    layer = step.bijection if inverse else step
    kind = type(layer)
    if kind in (ActNorm, LULinear):
        if layer.features != 2:
            raise ValueError(
                f"FlowExplorer: expected a flow of the plane, got layer {position} of {layer.features} features"
            )
        if kind is ActNorm:
            return {"kind": "actnorm", "inverse": inverse}, [layer.log_scale, layer.shift]
        numbers = [layer.lower[1, 0], layer.upper[0, 1], layer.log_abs_s, layer.sign_s]
        return {"kind": "lu", "swap": layer.permutation.tolist() == [1, 0], "inverse": inverse}, numbers
    if kind not in (AffineCoupling, AdditiveCoupling):
        raise TypeError(f"FlowExplorer: layer {position} is a {kind.__name__}; expected {ACCEPTED}")
    net = layer.conditioner
    linear = [part for part in net.children() if type(part) is nn.Linear]
    if type(net) is not MLP or len(list(net.children())) != 2 * len(linear) - 1:
        raise TypeError(
            f"FlowExplorer: the conditioner of layer {position} is a {type(net).__name__}; expected an MLP as it comes"
        )
    widths = [linear[0].in_features, *(part.out_features for part in linear)]
    outputs = 2 if kind is AffineCoupling else 1
    if widths[0] != 1 or widths[-1] != outputs:
        raise ValueError(
            f"FlowExplorer: expected a flow of the plane, whose couplings keep 1 number and move 1, so an "
            f"MLP(1, {outputs}); got {widths[0]} inputs and {widths[-1]} outputs in layer {position}"
        )
    try:
        keep = layer.mask.as_bool(2).tolist().index(True)
    except ValueError as error:
        raise ValueError(
            f"FlowExplorer: expected a mask of 2 features, got the mask of layer {position}: {error}"
        ) from None
    kind = "affine" if kind is AffineCoupling else "additive"
    numbers = [tensor for part in linear for tensor in (part.weight, part.bias)]
    return {"kind": kind, "keep": keep, "widths": widths, "inverse": inverse}, numbers
