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

__all__ = ["border", "draw_stop", "reach", "tone", "wheel"]

WHEEL = ("#0072b2", "#00906a", "#e69f00", "#c2478f")  # those of common.js


def wheel(points: np.ndarray) -> np.ndarray:
    """A colour for each point by its angle: (n, 2) -> (n, 3)."""
    turn = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) % 1 * len(WHEEL)
    stops = np.array([to_rgb(colour) for colour in (*WHEEL, WHEEL[0])])
    return np.stack([np.interp(turn, range(len(WHEEL) + 1), channel) for channel in stops.T], axis=1)


def tone(share: float) -> np.ndarray:
    """Orange at z (0), blue at x (1), violet half way, where a straight mixture would be grey."""
    sides = np.array([to_rgb(COLOURS[name]) for name in ("z", "moved", "x")])
    return np.array([np.interp(share, (0, 0.5, 1), channel) for channel in sides.T])


def reach(tracks: list[np.ndarray]) -> list[float]:
    """How far from 0 a picture reaches to the right and upwards: as the script, which says why."""
    shares = [[0.995 if k in (0, len(track) - 1) else 0.95 for k in range(len(track))] for track in tracks]
    return [
        max(
            3.15,
            *(
                1.04 * np.quantile(np.abs(points[:, axis]), share, method="lower")
                for track, row in zip(tracks, shares)
                for points, share in zip(track, row)
            ),
        )
        for axis in (0, 1)
    ]


def border(nodes: np.ndarray, marked: int, cells: int) -> np.ndarray:
    """The outline of a square of the grid, numbered as in `draw_stop`: (n, n, 2) -> (4 cells, 2)."""
    i, j = (cells * k for k in divmod(marked, (len(nodes) - 1) // cells))
    ring = [(i + s, j) for s in range(cells)] + [(i + cells, j + s) for s in range(cells)]
    ring += [(i + cells - s, j + cells) for s in range(cells)] + [(i, j + cells - s) for s in range(cells)]
    return nodes[tuple(np.transpose(ring))]


def draw_stop(
    ax: Axes,
    grid: np.ndarray,
    slices: list[float],
    track: np.ndarray,
    groups: list[int],
    frame: int,
    marked: int,
    cells: int,
    window: list[float],
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
        window: how far from 0 the picture reaches to the right and upwards.
    """
    last, n = len(grid) - 1, len(slices) + 1
    nodes = grid[frame].reshape(n, n, 2)
    share = frame / max(last, 1)
    side = tone(share)

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
    colours = wheel(start) if start is not None else [WHEEL[(1, 3, 0, 2)[g % 4]] for g in groups]
    ax.scatter(*track[frame].T, s=5, c=colours, edgecolors="white", linewidths=0.25, zorder=3)

    path, line = border(nodes, marked, cells), {"zorder": 4, "joinstyle": "round"}
    for colour, width in (("white", 3.2), (COLOURS["ink"], 1.6)):
        ax.add_patch(Polygon(path, fill=False, edgecolor=colour, linewidth=width, **line))
    right, up = window
    ax.set(xlim=(-right, right), ylim=(-up, up), aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=COLOURS["grid"])
    return ax
