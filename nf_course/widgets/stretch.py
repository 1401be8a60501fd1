"""Stretch: a monotone map from x to z that the reader bends by hand, both densities, one slab of probability.

p_X(x) = p_Z(f(x)) |f'(x)|: where the map is steep, p_X is high; the slab has the same area on both sides.
Chapter 1.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import traitlets
from matplotlib.patheffects import withStroke

from nf_course.plotting import COLOURS, readable
from nf_course.widgets.base import Figure
from nf_course.widgets.words import number

__all__ = ["Stretch"]

KNOTS = (-2.4, -1.2, 0.0, 1.2, 2.4)
LIMIT, GAP, RANGE = 3.0, 0.1, 3.2
Map = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # x to (f(x), f'(x))


class Stretch(Figure):
    """The change of variables in one dimension, under the reader's hand.

    Five handles at x = -2.4, -1.2, 0, 1.2, 2.4 carry a smooth monotone curve z = f(x) (monotone cubic
    interpolation, straight beyond the ends); z is standard normal. `heights` are those of the handles, increasing
    (`decreasing` mirrors the curve), `handle` is the one in the reader's hand, `slab` and `width` say where the slab
    lies on the x axis. The script computes p_X, and integrates p_X and p_Z separately over the two sides of the slab.

    >>> figure = Stretch(heights=[-2.4, -1.2, 0.0, 1.2, 2.4], slab=0.5)
    >>> figure.heights = [-2.4, -1.2, 0.0, 1.2, 1.2]
    Traceback (most recent call last):
    traitlets.traitlets.TraitError: Stretch.heights: expected 5 increasing heights, each 0.1 or more above the last, ...
    """

    scripts = ("stretch.js",)
    heights = traitlets.List(traitlets.Float(), [-2.2, -1.1, 0.2, 0.8, 2.3]).tag(sync=True)
    handle = traitlets.Int(2).tag(sync=True)
    slab = traitlets.Float(-0.5).tag(sync=True)
    width = traitlets.Float(0.6).tag(sync=True)
    decreasing = traitlets.Bool(False).tag(sync=True)
    caption = traitlets.Unicode(
        "Drag a dot, or choose one with the first slider and move it with the second. Make the curve steep under the "
        "slab: the stretch grows, and the blue slab grows tall. Make it flat: the blue slab sinks. Drag the slab "
        "along, too. The two areas never differ."
    ).tag(sync=True)

    @traitlets.validate("heights")
    def _increasing(self, proposal):
        heights = proposal.value
        apart = all(a + GAP - 1e-9 <= b for a, b in pairwise(heights))
        if len(heights) != len(KNOTS) or not apart or not all(-LIMIT <= h <= LIMIT for h in heights):
            raise traitlets.TraitError(
                f"Stretch.heights: expected {len(KNOTS)} increasing heights, each {GAP} or more above the last, "
                f"from {-LIMIT:g} to {LIMIT:g}, got {heights}"
            )
        return heights

    @traitlets.validate("handle", "slab", "width")
    def _within(self, proposal):
        low, high = {"handle": (0, len(KNOTS) - 1), "slab": (-2.6, 2.6), "width": (0.04, 1.6)}[proposal.trait.name]
        if not low <= proposal.value <= high:
            raise traitlets.TraitError(
                f"Stretch.{proposal.trait.name}: expected a number from {low} to {high}, got {proposal.value}"
            )
        return proposal.value

    def map(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The curve as it stands now: f(x) and f'(x)."""
        return monotone(KNOTS, self.heights, -1 if self.decreasing else 1)(np.asarray(x, dtype=float))

    def still(self) -> mpl.figure.Figure:
        figure, ax = draw_stretch(self.map, self.slab, self.width)
        dots = np.array(KNOTS)
        fill = [COLOURS["ink"] if i == self.handle else "white" for i in range(len(KNOTS))]
        ax.scatter(dots, self.map(dots)[0], s=40, c=fill, edgecolors=COLOURS["ink"], zorder=3)
        return figure

    def describe(self) -> str:
        height = self.heights[self.handle] * (-1 if self.decreasing else 1)
        m = measure(self.map, self.slab, self.width)
        return (
            f"{'A decreasing' if self.decreasing else 'An increasing'} curve from x to z. A slab from x = "
            f"{number(m['a'])} to {number(m['b'])} becomes one from z = {number(m['c'])} to {number(m['d'])}, a "
            f"stretch of {number(m['stretch'])}. Area {number(m['area_x'], 4)} under the density of x, "
            f"{number(m['area_z'], 4)} under the density of z. Slope in the middle {number(m['slope'])}. "
            f"Dot {self.handle + 1} of 5 is at z = {number(height)}."
        )


def monotone(xs, ys, sign: int = 1) -> Map:
    """Monotone cubic interpolation: harmonic means of the neighbouring slopes, straight lines beyond the ends."""
    xs, ys = np.asarray(xs, dtype=float), np.asarray(ys, dtype=float)
    secant = np.diff(ys) / np.diff(xs)
    slopes = np.concatenate([secant[:1], 2 * secant[:-1] * secant[1:] / (secant[:-1] + secant[1:]), secant[-1:]])

    def map(x):
        i = np.clip(np.searchsorted(xs, x) - 1, 0, len(xs) - 2)
        h, inner = np.diff(xs)[i], np.clip(x, xs[0], xs[-1])
        t = (inner - xs[i]) / h
        c, d, e = slopes[i], 3 * secant[i] - 2 * slopes[i] - slopes[i + 1], slopes[i] + slopes[i + 1] - 2 * secant[i]
        slope = c + t * (2 * d + 3 * t * e)
        return sign * (ys[i] + h * t * (c + t * (d + t * e)) + slope * (x - inner)), sign * slope

    return map


def normal(z):
    """The density of the standard normal."""
    return np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)


def measure(map: Map, slab: float, width: float) -> dict[str, float]:
    """The slab [a, b] of x, its image [c, d], the area under each density by Simpson's rule, stretch and slope."""

    def integrate(density, low, high, pieces=600):
        weights = np.array([1, *([4, 2] * (pieces // 2))[:-1], 1])
        return float(weights @ density(np.linspace(low, high, pieces + 1)) * (high - low) / pieces / 3)

    def density_x(x):
        z, slope = map(x)
        return normal(z) * np.abs(slope)

    a, b = slab - width / 2, slab + width / 2
    ends, slope = map(np.array([a, b]))[0].tolist(), map(np.array([slab]))[1].item()
    c, d = sorted(ends)
    found = {"a": a, "b": b, "c": c, "d": d, "dx": b - a, "dz": ends[1] - ends[0], "slope": slope}
    return found | {
        "stretch": (d - c) / (b - a),
        "area_x": integrate(density_x, a, b),
        "area_z": integrate(normal, c, d),
    }


def draw_stretch(map: Map, slab: float, width: float, reach: float = RANGE) -> tuple[mpl.figure.Figure, mpl.axes.Axes]:
    """The map, the density of x on top and that of z on the right, on one scale of height; the axes of the map."""
    blue, orange = COLOURS["x"], COLOURS["z"]
    m, line = measure(map, slab, width), np.linspace(-reach, reach, 641)
    across, up = np.linspace(m["a"], m["b"], 201), np.linspace(m["c"], m["d"], 201)
    (z, slope), (z_across, slope_across) = map(line), map(across)
    tall = 1.1 * max(0.6, (normal(z) * np.abs(slope)).max())

    figure = plt.figure(figsize=(5.4, 5.4), layout="none")
    ax = figure.add_axes((0.1, 0.1, 0.6, 0.6), xlim=(-reach, reach), ylim=(-reach, reach))
    top = figure.add_axes((0.1, 0.73, 0.6, 0.24), sharex=ax, ylim=(0, tall))
    side = figure.add_axes((0.73, 0.1, 0.24, 0.6), sharey=ax, xlim=(0, tall))
    for panel in (top, side):
        panel.set_axis_off()
    for alpha, x, density, u in (
        (0.18, line, normal(z) * np.abs(slope), line),
        (0.85, across, normal(z_across) * np.abs(slope_across), up),
    ):
        top.fill_between(x, density, color=blue, alpha=alpha, linewidth=0)
        side.fill_betweenx(u, normal(u), color=orange, alpha=alpha, linewidth=0)
    top.plot(line, normal(z) * np.abs(slope), color=blue)
    side.plot(normal(line), line, color=orange)

    ax.fill_between(across, z_across, reach, color=blue, alpha=0.16, linewidth=0)
    ax.fill_betweenx(z_across, across, reach, color=orange, alpha=0.16, linewidth=0)
    ax.plot(line, z, color=COLOURS["ink"], linewidth=2.2)
    for x, u, colour in ((across[[0, -1]], [reach] * 2, blue), ([reach] * 2, up[[0, -1]], orange)):
        ax.plot(*np.clip((x, u), -reach, reach), color=colour, linewidth=5, solid_capstyle="butt", clip_on=False)
    m |= {"top_x": (normal(z_across) * np.abs(slope_across)).max(), "top_z": normal(up).max()}
    dress(ax, top, side, m)
    return figure, ax


def dress(ax: mpl.axes.Axes, top: mpl.axes.Axes, side: mpl.axes.Axes, m: dict[str, float]) -> None:
    """Names and numbers: both widths, both areas, and in the corner between the densities the stretch."""
    blue, orange, reach = readable(COLOURS["x"]), readable(COLOURS["z"]), ax.get_xlim()[1]
    ax.set_xlabel("$x$, data", color=blue)
    ax.set_ylabel("$z$, latent", color=orange)
    top.set_title("density of $x$", loc="left", fontsize=10, color=blue, pad=2)
    side.text(0, -reach, "density of $z$", color=orange, fontsize=10, va="top")
    note = {
        "textcoords": "offset points",
        "fontsize": 10,
        "path_effects": [withStroke(linewidth=3, foreground="white")],
    }
    x, aside, ha = (m["b"], 6, "left") if m["b"] < 1.5 else (m["a"], -6, "right")  # where there is room
    z, above, va = (m["d"], 4, "bottom") if m["d"] < 2.4 else (m["c"], -4, "top")
    ax.annotate(f"$\\Delta x$ = {number(m['dx'])}", (x, reach), (aside, -14), ha=ha, color=blue, **note)
    ax.annotate(f"$\\Delta z$ = {number(m['dz'])}", (reach, z), (-6, above), ha="right", va=va, color=orange, **note)
    middle_x, middle_z = (m["a"] + m["b"]) / 2, (m["c"] + m["d"]) / 2
    area_x, area_z = (f"area {number(m[key], 4)}" for key in ("area_x", "area_z"))
    top.annotate(area_x, (middle_x, m["top_x"]), (0, 5), ha="center", color=blue, **note)
    side.annotate(area_z, (m["top_z"], np.clip(middle_z, -reach, reach)), (5, 0), va="center", color=orange, **note)
    for y, size, text in (
        (1.36, 10, "stretch"),
        (1.27, 12, r"$|\Delta z/\Delta x|$"),
        (1.12, 22, number(m["stretch"])),
    ):
        side.text(0, y, text, transform=side.transAxes, fontsize=size)
