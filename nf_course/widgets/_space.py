"""Space on paper: a view from somewhere, depth, and a ground grid that tells up from down.

seen = R x, R orthogonal, its rows right, up and towards the eye; then right and up times EYE / (EYE - depth).
Used by PointCloud, whose script computes the same.
"""

import math
from typing import NamedTuple

import numpy as np

EYE = 4.0  # how far the eye is from the centre, in units of what the picture reaches
FOG = 0.68  # how pale the farthest points are


def rotation(azimuth: float, elevation: float, up: str) -> np.ndarray:
    """R of a view by degrees, (3, 3).

    >>> rotation(0, 0, "z").tolist()  # along x, y to the right, z up
    [[-0.0, 1.0, 0.0], [-0.0, -0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    (ca, sa), (ce, se) = [(math.cos(angle), math.sin(angle)) for angle in np.radians([azimuth, elevation])]
    rows = np.array([[-sa, ca, 0], [-se * ca, -se * sa, ce], [ce * ca, ce * sa, se]])
    return rows if up == "z" else rows[:, [1, 2, 0]]  # z, x, y take the parts of x, y, z


def project(points: np.ndarray, R: np.ndarray) -> np.ndarray:
    """Points about the centre, (N, 3), to right, up and depth towards the eye, (N, 3)."""
    seen = points @ R.T
    return np.column_stack([seen[:, :2] * EYE / (EYE - seen[:, 2:]), seen[:, 2]])


def nearness(depth: np.ndarray) -> np.ndarray:
    """Depth towards the eye to a share: 0 far, 1 near."""
    return np.clip((depth + 0.8) / 1.6, 0, 1)


class Ground(NamedTuple):
    """A grid under the points: lines (n, 2, 3) along each ground axis; `axes` numbers both, then the upright one."""

    along_u: np.ndarray
    along_v: np.ndarray
    axes: tuple[int, int, int]
    height: float  # of the space above it

    @property
    def corners(self) -> np.ndarray:
        """The four of them, (4, 3)."""
        return np.concatenate([self.along_u[0], self.along_u[-1]])


def ground_of(low: np.ndarray, high: np.ndarray, up: str) -> Ground:
    """The grid under a box from `low` to `high`: its edges, and lines at round numbers between them."""
    u, v, w = (0, 1, 2) if up == "z" else (2, 0, 1)
    step = round_step(max(high[u] - low[u], high[v] - low[v]))

    def lines(along: int, across: int) -> np.ndarray:
        inner = np.arange(math.ceil(low[across] / step + 0.1), math.floor(high[across] / step - 0.1) + 1) * step
        places = [low[across], *inner, high[across]]
        found = np.empty((len(places), 2, 3))
        found[:, 0, along], found[:, 1, along], found[..., w] = low[along], high[along], low[w]
        found[..., across] = np.array(places)[:, None]
        return found

    return Ground(lines(u, v), lines(v, u), (u, v, w), float(high[w] - low[w]))


def round_step(extent: float) -> float:
    """A round number, 1, 2 or 5 times a power of ten: from three to eight of them make the extent."""
    rough = max(extent, 1e-9) / 8
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(m for m in (1, 2, 5, 10) if m * power >= rough)
