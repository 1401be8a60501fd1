"""Pictures of the plane: clouds of points, and grids bent by a map."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from nf_course.plotting._values import array, evaluate, is_tensor_of_integers, points
from nf_course.plotting.palette import COLOURS, CYCLE, VALUES, readable
from nf_course.plotting.style import PANEL, new_axes

Extent = tuple[float, float, float, float]
SQUARE = (PANEL, PANEL)
EXTENT = (-3.5, 3.5, -3.5, 3.5)


def scatter(
    points_: Tensor,
    colour_by: Tensor | None = None,
    ax: Axes | None = None,
    *,
    side: str = "x",
    colour: str | None = None,
    extent: Extent | None = None,
    size: float | None = None,
    label: str | None = None,
    title: str | None = None,
) -> Axes:
    """Draw a cloud of points, smaller and paler the more there are.

    Args:
        points_: shape ``(N, 2)``, any device and dtype.
        colour_by: shape ``(N,)``. Whole numbers are classes and get colours that are far apart; real numbers
            run from dark (low) to light (high). Give the same values to two panels and each point keeps its
            colour.
        ax: where to draw; None makes a new figure.
        side: ``"x"`` or ``"z"``: the space shown.
        colour: one colour for all, such as ``COLOURS["model"]``; that of ``side`` by default.
        extent: (left, right, bottom, top) of the picture; by default the square around the points.
        size: area of a point, in square points of print.
        label: for a legend.
        title: above the picture.

    >>> from nf_course.data import moons, moons_labels
    >>> ax = scatter(moons(500), colour_by=moons_labels(500), title="two moons")
    >>> ax.get_aspect()
    1.0
    """
    ax = new_axes(ax, SQUARE)
    cloud = points(points_, 2)
    size = size if size is not None else float(np.clip(9000 / max(len(cloud), 1), 3, 16))
    look = {
        "s": size,
        "linewidths": 0,
        "alpha": float(np.clip(1.6 - 0.25 * np.log10(len(cloud) + 1), 0.5, 0.9)),
    }
    if colour_by is None:
        look["color"] = colour or COLOURS[known_side(side)]
    else:
        values = array(colour_by)
        if values.shape != (len(cloud),):
            raise ValueError(f"colour_by should hold one number for each of {len(cloud)} points, got {values.shape}")
        look["c"] = values
        if is_tensor_of_integers(colour_by):
            values = values.astype(int)
            first, count = (values.min(), np.ptp(values) + 1) if len(values) else (0, 1)
            classes = CYCLE if count <= len(CYCLE) else VALUES(np.linspace(0, 1, count))
            look["cmap"] = ListedColormap(list(classes[:count]))
            look["norm"] = BoundaryNorm(np.arange(count + 1) + first - 0.5, count)
        else:
            look["cmap"] = VALUES
    ax.scatter(*cloud.T, label=label, rasterized=True, **look)
    return plane(ax, side, extent or _around(cloud), title)


def warped_grid(
    map: Callable | None = None,
    extent: Extent = (-2, 2, -2, 2),
    ax: Axes | None = None,
    *,
    side: str = "x",
    lines: int = 13,
    limits: Extent | None = None,
    colour: str | None = None,
    title: str | None = None,
) -> Axes:
    """Draw what a map makes of a chessboard: where it stretches, turns and folds the plane.

    A square that came out large is one whose area the map has multiplied: what a log-determinant counts.
    Lines along the first coordinate are dark, those along the second paler, the two through the middle bold;
    all take the colour of the side that they come *from*.

    Args:
        map: points ``(N, 2)`` to points ``(N, 2)``, or to a pair that begins with them, as ``encode`` and
            ``decode`` return; on any device. None draws the straight grid.
        extent: (left, right, bottom, top) of the grid *before* the map.
        ax: where to draw; None makes a new figure.
        side: ``"x"`` or ``"z"``: the space shown, where the map arrives.
        lines: lines in each direction; odd, so that one runs through the middle.
        limits: (left, right, bottom, top) of the picture; by default the square around the grid.
        colour: of the lines.
        title: above the picture.

    >>> from nf_course.plotting import side_by_side
    >>> figure, (before, after) = side_by_side(2, titles=["a grid in z", "decoded to x"])
    >>> ax = warped_grid(None, ax=before, side="z")
    >>> ax = warped_grid(lambda z: z + 0.5 * z.flip(1).sin(), ax=after, side="x")
    """
    ax = new_axes(ax, SQUARE)
    left, right, bottom, top = extent
    if colour is None:
        from_side = known_side(side) if map is None else {"x": "z", "z": "x"}[known_side(side)]
        colour = COLOURS[from_side]
    step = 24  # pieces of a line between two crossings, so that it bends smoothly
    u, v = np.linspace(left, right, lines), np.linspace(bottom, top, lines)
    fine_u, fine_v = (np.linspace(a, b, step * (lines - 1) + 1) for a, b in ((left, right), (bottom, top)))
    # Both (lines, points, 2): a line of along_1 holds the second coordinate fixed, one of along_2 the first.
    along_1 = np.stack(np.meshgrid(v, fine_u, indexing="ij")[::-1], axis=-1)
    along_2 = np.stack(np.meshgrid(u, fine_v, indexing="ij"), axis=-1)
    grid = np.concatenate([along_1, along_2])
    bent = grid if map is None else evaluate(map, grid.reshape(-1, 2)).reshape(grid.shape)
    along_1, along_2 = bent[:lines], bent[lines:]
    cells = []
    for i, j in np.ndindex(lines - 1, lines - 1):  # column, row; each cell is bounded by pieces of four lines
        if (i + j) % 2 == 0:
            across, up = slice(i * step, (i + 1) * step + 1), slice(j * step, (j + 1) * step + 1)
            edges = along_1[j, across], along_2[i + 1, up], along_1[j + 1, across][::-1], along_2[i, up][::-1]
            cells.append(np.concatenate(edges))
    ax.add_collection(PolyCollection(cells, facecolors=colour, alpha=0.16, linewidths=0))
    widths = [1.8 if i == lines // 2 else 0.6 for i in range(lines)]
    ax.add_collection(LineCollection(list(along_2), colors=colour, linewidths=widths, alpha=0.5))
    ax.add_collection(LineCollection(list(along_1), colors=colour, linewidths=widths))
    return plane(ax, side, limits or _around(bent.reshape(-1, 2)), title)


def plane(ax: Axes, side: str = "x", extent: Extent | None = None, title: str | None = None) -> Axes:
    """Dress axes as a picture of the plane: equal scales, coordinates named in the colour of their side.

    >>> plane(new_axes(None), side="z").get_ylabel()
    '$z_2$'
    """
    colour = readable(COLOURS[known_side(side)])
    ax.set_xlabel(f"${side}_1$", color=colour)
    ax.set_ylabel(f"${side}_2$", color=colour, rotation=0, ha="right", va="center")
    ax.set_aspect("equal")
    if extent is not None:
        ax.set_xlim(extent[:2])
        ax.set_ylim(extent[2:])
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if title is not None:
        ax.set_title(title)
    return ax


def _around(cloud: np.ndarray) -> Extent:
    """The square about a cloud of points, with a margin: so panels side by side have one shape."""
    cloud = cloud[np.isfinite(cloud).all(axis=1)]
    if len(cloud) == 0:
        return EXTENT
    low, high = cloud.min(axis=0), cloud.max(axis=0)
    (x, y), half = (low + high) / 2, 0.54 * max((high - low).max(), 1e-6)
    return (x - half, x + half, y - half, y + half)


def known_side(side: str) -> str:
    """The side, if it is one."""
    if side not in ("x", "z"):
        raise ValueError(f"side should be 'x' (data) or 'z' (latent), got {side!r}")
    return side
