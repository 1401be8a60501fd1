"""A density of one number pushed through a map, with the areas that stay equal."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from matplotlib.ticker import FixedLocator

from nf_course.plotting._values import evaluate, log_density
from nf_course.plotting.palette import COLOURS, readable
from nf_course.plotting.style import new_axes


def pushforward1d(
    decode: Callable,
    base_log_prob: Callable,
    extent: tuple[float, float, float, float] = (-3, 3, -3, 3),
    ax: Axes | None = None,
    *,
    strips: int = 8,
    n: int = 801,
    title: str | None = None,
) -> Axes:
    r"""A map from z to x, with the base density under it and the density that it makes on its left.

    Strips of one colour hold the same probability on both axes: where the map is steep, a strip grows wide
    and so must grow low. That is :math:`p_X(x) = p_Z(z)\,|dx/dz|^{-1}` in one picture. The density of x is
    computed from the areas of the strips' fine pieces alone, without any derivative.

    Args:
        decode: a monotone map from ``(N, 1)`` to ``(N, 1)``, or to a pair that begins with it.
        base_log_prob: log-density of z, from ``(N, 1)`` to ``(N,)``.
        extent: (lowest z, highest z, lowest x, highest x) of the picture.
        ax: where to draw; None makes a new figure.
        strips: number of strips.
        n: points along the z axis.
        title: above the picture.

    >>> import torch
    >>> normal = torch.distributions.Normal(0.0, 1.0)
    >>> ax = pushforward1d(lambda z: z + 0.8 * torch.sin(z), normal.log_prob)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('$z$', '$x$')
    """
    ax = new_axes(ax, (4.4, 4.4))
    z_low, z_high, x_low, x_high = extent
    z = np.linspace(z_low, z_high, n)
    x = evaluate(decode, z[:, None]).ravel()
    step = np.diff(x)
    if not (np.all(step > 0) or np.all(step < 0)):
        raise ValueError(
            "decode should be strictly monotone on the interval: some x is reached from two z, or from none"
        )
    p_z = np.exp(log_density(base_log_prob, z[:, None]))
    area = (p_z[1:] + p_z[:-1]) / 2 * np.diff(z)  # probability of each fine piece
    p_x = np.interp(np.arange(n), np.arange(n - 1) + 0.5, area / np.abs(step))

    room = 0.30  # of the picture, for each density
    z_unit = room * (x_high - x_low) / p_z.max()
    inside = (x > x_low) & (x < x_high)
    x_unit = room * (z_high - z_low) / max(p_x[inside].max(), 1e-12)
    floor, wall = x_low - room * (x_high - x_low) * 1.12, z_low - room * (z_high - z_low) * 1.12
    cumulative = np.concatenate([[0.0], np.cumsum(area)])
    cuts = np.searchsorted(cumulative, np.linspace(0, cumulative[-1], strips + 1)).clip(0, n - 1)
    for k, (a, b) in enumerate(pairwise(cuts)):
        piece = slice(a, b + 1)
        tint = 0.55 if k % 2 else 0.22
        below = [(z[a], floor), *zip(z[piece], floor + z_unit * p_z[piece]), (z[b], floor)]
        beside = [(wall, x[a]), *zip(wall + x_unit * p_x[piece], x[piece]), (wall, x[b])]
        ax.add_patch(Polygon(below, color=COLOURS["z"], alpha=tint, linewidth=0))
        ax.add_patch(Polygon(beside, color=COLOURS["x"], alpha=tint, linewidth=0))
    for i in cuts[1:-1]:  # where the borders of the strips go
        ax.plot([z[i], z[i], wall], [floor, x[i], x[i]], color=COLOURS["grid"], linewidth=0.8, zorder=0)
    ax.plot(z, floor + z_unit * p_z, color=COLOURS["z"], linewidth=1.6)
    ax.plot(wall + x_unit * p_x, x, color=COLOURS["x"], linewidth=1.6)
    ax.plot(z, x, color=COLOURS["ink"], linewidth=2.2)

    ax.set_xlim(wall, z_high)
    ax.set_ylim(floor, x_high)
    ax.xaxis.set_major_locator(FixedLocator([t for t in ax.get_xticks() if z_low <= t <= z_high]))
    ax.yaxis.set_major_locator(FixedLocator([t for t in ax.get_yticks() if x_low <= t <= x_high]))
    ax.set_xlabel("$z$", color=readable(COLOURS["z"]))
    ax.set_ylabel("$x$", color=readable(COLOURS["x"]), rotation=0, ha="right", va="center")
    if title is not None:
        ax.set_title(title)
    return ax
