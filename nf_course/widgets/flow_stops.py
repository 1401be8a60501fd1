"""One stop of a flow of the plane as a picture: density, bent grid, points that keep their colour, a marked square.

Drawn from positions of grid nodes and points alone, as the scripts of the moving figures do. Used by FlowFrames.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Polygon

from nf_course.plotting import COLOURS

__all__ = ["draw_stop", "wheel"]

WHEEL = ("#0072b2", "#00906a", "#e69f00", "#c2478f")  # those of common.js


def wheel(points: np.ndarray) -> np.ndarray:
    """A colour for each point by its angle: (n, 2) -> (n, 3)."""
    turn = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) % 1 * len(WHEEL)
    stops = np.array([to_rgb(colour) for colour in (*WHEEL, WHEEL[0])])
    return np.stack([np.interp(turn, range(len(WHEEL) + 1), channel) for channel in stops.T], axis=1)


def draw_stop(
    ax: Axes,
    grid: np.ndarray,
    slices: list[float],
    track: np.ndarray,
    groups: list[int],
    frame: int,
    marked: int,
    cells: int,
) -> Axes:
    """Draw stop `frame` of L + 1, noise first.

    Args:
        ax: where to draw.
        grid: nodes of a square grid of the noise at every stop, (L + 1, n * n, 2), the second coordinate faster.
        slices: probability of each of the grid's n - 1 intervals, so that a cell's is a product of two.
        track: points at every stop, (L + 1, points, 2).
        groups: a class for each point; without, a point has the colour of its angle in noise or where it started.
        frame: the stop to draw.
        marked: number of the square with a border, counted like the nodes.
        cells: cells of the grid in a square, each way.
    """
    last, n = len(grid) - 1, len(slices) + 1
    nodes = grid[frame].reshape(n, n, 2)
    share = frame / max(last, 1)
    side = (1 - share) * np.array(to_rgb(COLOURS["z"])) + share * np.array(to_rgb(COLOURS["x"]))

    corners = np.stack([nodes[:-1, :-1], nodes[1:, :-1], nodes[1:, 1:], nodes[:-1, 1:]], axis=2)  # (n-1, n-1, 4, 2)
    x, y = np.moveaxis(corners, -1, 0)
    area = np.abs((x * np.roll(y, -1, 2) - y * np.roll(x, -1, 2)).sum(2)) / 2
    density = np.outer(slices, slices) / np.maximum(area, 1e-9)
    depth = 0.62 * np.sqrt(np.minimum(1, density / 0.36))[..., None]
    shades = (1 - depth + depth * side).reshape(-1, 3)
    ax.add_collection(PolyCollection(corners.reshape(-1, 4, 2), facecolors=shades, edgecolors=shades, linewidths=0.3))

    lines = np.concatenate([nodes[::cells], nodes[:, ::cells].swapaxes(0, 1)])  # (lines, n, 2)
    pieces = np.stack([lines[:, :-1], lines[:, 1:]], axis=2).reshape(-1, 2, 2)
    first = grid[0].reshape(n, n, 2)
    stretch = np.linalg.norm(pieces[:, 1] - pieces[:, 0], axis=1) / (first[0, 1] - first[0, 0])[1]
    inks = np.column_stack([np.tile(side, (len(pieces), 1)), 0.6 * np.minimum(1, 1 / stretch)])  # ink is kept
    ax.add_collection(LineCollection(pieces, colors=inks, linewidths=0.6))

    start = track[0] if not groups else None
    colours = wheel(start) if start is not None else [WHEEL[(0, 2, 1, 3)[g % 4]] for g in groups]
    ax.scatter(*track[frame].T, s=5, c=colours, edgecolors="white", linewidths=0.25, zorder=3)

    i, j = (cells * k for k in divmod(marked, (n - 1) // cells))
    ring = [(i + s, j) for s in range(cells)] + [(i + cells, j + s) for s in range(cells)]
    ring += [(i + cells - s, j + cells) for s in range(cells)] + [(i, j + cells - s) for s in range(cells)]
    border = nodes[tuple(np.transpose(ring))]
    for colour, width in (("white", 3.2), (COLOURS["ink"], 1.6)):
        ax.add_patch(Polygon(border, fill=False, edgecolor=colour, linewidth=width, zorder=4, joinstyle="round"))
    far = min(5.0, max(3.6, 1.03 * np.abs(track).max()))
    ax.set(xlim=(-far, far), ylim=(-far, far), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=COLOURS["grid"])
    return ax
