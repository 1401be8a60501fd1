"""Shaded and drawn densities, in one dimension and in two, and the probability that they hold."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from nf_course.plotting._values import array, log_density
from nf_course.plotting.palette import COLOURS, DENSITY, readable
from nf_course.plotting.plane import EXTENT, SQUARE, Extent, known_side, plane
from nf_course.plotting.style import new_axes


def density1d(
    log_prob: Callable | None = None,
    low: float = -4.0,
    high: float = 4.0,
    n: int = 400,
    ax: Axes | None = None,
    *,
    side: str = "x",
    samples: Tensor | None = None,
    colour: str | None = None,
    linestyle: str = "-",
    fill: bool = True,
    bins: int = 60,
    label: str | None = None,
    title: str | None = None,
) -> Axes:
    """Draw a density of one dimension as a curve, samples as a histogram of area 1, or both.

    Call it again with the same ``ax`` to lay one density over another.

    Args:
        log_prob: a flow, or a function from ``(N, 1)`` to log-densities ``(N,)`` or ``(N, 1)``; None draws no
            curve.
        low, high: the interval shown.
        n: points of the curve.
        ax: where to draw; None makes a new figure.
        side: ``"x"`` or ``"z"``: sets the colour and the names on the axes.
        samples: draws of any shape, counted in ``bins`` bins between ``low`` and ``high``; those outside
            still count as part of the total, so curve and histogram stay comparable.
        colour: of curve and area; that of ``side`` by default.
        linestyle: of the curve; tell curves apart by more than their colour.
        fill: whether to tint the area below the curve.
        bins: of the histogram.
        label: for the legend; it is shown as soon as something has a label.
        title: above the picture.

    >>> import torch
    >>> ax = density1d(torch.distributions.Normal(0.0, 1.0), samples=torch.randn(1000), label="N(0, 1)")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('$x$', 'density $p(x)$')
    """
    ax = new_axes(ax)
    colour = colour or COLOURS[side]
    if samples is not None:
        draws = array(samples).ravel()
        counts, edges = np.histogram(draws, bins=bins, range=(low, high))
        heights = counts / (max(len(draws), 1) * (edges[1] - edges[0]))
        name = "samples" if log_prob is not None else label
        ax.stairs(heights, edges, fill=True, color=COLOURS["muted"], alpha=0.35, label=name if label else None)
    if log_prob is not None:
        at = np.linspace(low, high, n)
        density = np.exp(log_density(log_prob, at[:, None]))
        if fill:
            ax.fill_between(at, density, color=colour, alpha=0.15, linewidth=0)
        ax.plot(at, density, color=colour, linestyle=linestyle, label=label)
    ax.set_xlim(low, high)
    ax.relim()
    ax.set_ylim(auto=True)  # a second, higher density must still fit
    ax.autoscale_view(scalex=False)
    ax.set_ylim(bottom=0, auto=None)
    if ax.get_xlabel() in ("", f"${side}$"):
        ax.set_xlabel(f"${side}$", color=readable(COLOURS[side]))
        ax.set_ylabel(f"density $p({side})$")
    else:  # densities of both sides in one picture
        ax.set_xlabel("$z$ or $x$", color=COLOURS["ink"])
        ax.set_ylabel("density")
    if label is not None:
        ax.legend()
    if title is not None:
        ax.set_title(title)
    return ax


def density_grid(log_prob: Callable, extent: Extent = EXTENT, n: int = 200) -> tuple[np.ndarray, float]:
    """A density on a grid of ``n`` by ``n`` cells, and the probability that lies inside ``extent``.

    The density is taken at the centre of each cell, so the mass is the midpoint rule: it is about 1 when the
    extent holds nearly all of the distribution and a cell is finer than its details. A mass that is off says
    that the log-density is wrong, which makes this the first check of any new layer.

    Args:
        log_prob: a flow, or a function from points ``(N, 2)`` to ``(N,)``.
        extent: (left, right, bottom, top).
        n: cells along each side.

    Returns:
        The density, shape ``(n, n)``, row 0 at the bottom; and the mass, a float.

    >>> import math
    >>> log_normal = lambda x: -x.pow(2).sum(1) / 2 - math.log(2 * math.pi)
    >>> density, mass = density_grid(log_normal, (-6, 6, -6, 6))
    >>> density.shape, round(mass, 6)
    ((200, 200), 1.0)
    """
    left, right, bottom, top = extent
    across = left + (right - left) * (np.arange(n) + 0.5) / n
    up = bottom + (top - bottom) * (np.arange(n) + 0.5) / n
    centres = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    density = np.exp(log_density(log_prob, centres)).reshape(n, n)
    return density, float(density.sum() * (right - left) * (top - bottom) / n**2)


def density2d(
    log_prob: Callable,
    extent: Extent = EXTENT,
    n: int = 200,
    ax: Axes | None = None,
    *,
    side: str = "x",
    top: float | None = None,
    mass: bool = False,
    title: str | None = None,
) -> Axes:
    """Shade a density of two dimensions: white is 0, darker is more, in proportion.

    Args:
        log_prob: a flow, or a function from points ``(N, 2)`` to log-densities ``(N,)``, on any device. Not a
            number (NaN) shows in crimson.
        extent: (left, right, bottom, top) of the picture.
        n: resolution along each side.
        ax: where to draw; None makes a new figure.
        side: ``"x"`` or ``"z"``: the space shown, which sets colour and labels.
        top: the density that gets the darkest shade; its highest value on the grid by default. Give the same
            to several panels that are to be compared.
        mass: True writes the probability inside the picture into its corner.
        title: above the picture.

    >>> from nf_course import Flow, LULinear, StandardNormal
    >>> ax = density2d(Flow(LULinear(2), StandardNormal(2)), side="x", mass=True)
    >>> ax.get_xlabel()
    '$x_1$'
    """
    ax = new_axes(ax, SQUARE)
    density, inside = density_grid(log_prob, extent, n)
    shades = DENSITY[known_side(side)].with_extremes(bad=COLOURS["wrong"])
    if top is None:
        finite = density[np.isfinite(density)]
        top = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    ax.imshow(
        np.ma.masked_invalid(density),
        extent=extent,
        origin="lower",
        cmap=shades,
        vmin=0,
        vmax=top,
        interpolation="bilinear",
    )
    if mass:
        ax.text(0.97, 0.03, f"mass {inside:.3f}", transform=ax.transAxes, ha="right", va="bottom", fontsize=9)
    return plane(ax, side, extent, title)
