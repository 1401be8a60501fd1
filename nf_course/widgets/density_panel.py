"""One context of a conditional density as a picture: its curve before the others, its intervals, median and data.

Drawn from numbers alone, as the script of the moving figure does. Used by ConditionalDensity.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from nf_course.plotting import COLOURS, readable

__all__ = ["draw_panel"]


def draw_panel(
    ax: Axes,
    grid: np.ndarray,
    curves: np.ndarray,
    k: int,
    *,
    median: float,
    intervals: list[tuple[float, float]],
    top: float,
    bars: np.ndarray | None = None,
    points: np.ndarray | None = None,
) -> Axes:
    """Draw context k of K.

    Args:
        ax: where to draw.
        grid: the places of the grid, (G,).
        curves: heights above it, (K, G).
        k: the context whose curve is in front.
        median: of that curve.
        intervals: the ends of its central intervals, the narrow one first; of the last, points outside are hollow.
        top: how high the picture reaches.
        bars: heights of a histogram of the data, from one end of the grid to the other; without, or empty, none.
        points: some of the data, drawn one by one below the axis; None for a figure without data.
    """
    green, low, high = COLOURS["model"], grid[0], grid[-1]
    ax.plot(grid, np.delete(curves, k, 0).T, color=COLOURS["muted"], linewidth=0.7, alpha=0.3)
    for ends, alpha in zip(intervals[::-1], (0.25, 0.5)):
        fine = np.linspace(*ends, 200)
        ax.fill_between(fine, np.interp(fine, grid, curves[k]), color=green, alpha=alpha, linewidth=0)
    ax.plot(grid, curves[k], color=green, linewidth=2)
    ax.vlines(median, 0, np.interp(median, grid, curves[k]), color=readable(green), linewidth=1.5)
    if bars is not None and len(bars):
        ax.stairs(bars, np.linspace(low, high, len(bars) + 1), color=COLOURS["data"], linewidth=0.9)
    if points is not None and len(points):
        jitter = -top * (0.05 + 0.11 * ((0.618 * np.arange(len(points))) % 1))
        least, most = intervals[-1]
        within = (least <= points) & (points <= most)
        for keep, fill in ((within, COLOURS["data"]), (~within, "white")):
            ax.scatter(points[keep], jitter[keep], s=4, c=fill, edgecolors=COLOURS["data"], linewidths=0.5)
    ax.set(xlim=(low, high), ylim=(0 if points is None else -0.18 * top, top), yticks=[])
    ax.spines["left"].set_visible(False)
    return ax
