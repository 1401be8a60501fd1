"""What ConditionalDensity is given, checked: curves on a grid, data with their contexts, ticks.

Each error says what was expected and what came.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from nf_course.widgets._given import numbers

__all__ = ["WHO", "curves_of", "expect_mass", "observations_of", "ticks_of"]

WHO = "ConditionalDensity"
MOST = 100_000  # numbers that hold the curves: they travel with the page


def curves_of(density, grid, count: int, log: bool) -> tuple[np.ndarray, np.ndarray]:
    """Curves, (K, G), and grid, (G,), as float64: densities per unit of x that can be drawn."""
    curves = numbers(density, WHO, "a density (K, G)").double().numpy()
    x = numbers(grid, WHO, "a grid (G,)").double().numpy()
    if x.ndim != 1 or len(x) < 10 or not np.isfinite(x).all() or not (np.diff(x) > 0).all():
        raise ValueError(f"{WHO}: expected a grid (G,) of 10 or more increasing finite numbers, got shape {x.shape}")
    if log and x[0] <= 0:
        raise ValueError(f"{WHO}: expected a grid above 0 for a logarithmic axis, got {x[0]:g}")
    if not (np.diff((np.log(x) if log else x).astype("<f4")) > 0).all():
        raise ValueError(f"{WHO}: expected a grid whose places differ as float32; shift x towards 0, or take fewer")
    if count < 2 or curves.shape != (count, len(x)):
        raise ValueError(
            f"{WHO}: expected a density (K, G) with 2 or more labels and {len(x)} places, got shape {curves.shape} "
            f"and {count} labels"
        )
    if curves.size > MOST:
        raise ValueError(f"{WHO}: expected at most {MOST} heights, which travel with the page, got {curves.size}")
    if not np.isfinite(curves).all() or (curves < 0).any():
        found = "NaN or infinity" if not np.isfinite(curves).all() else f"{curves.min():.3g}"
        raise ValueError(f"{WHO}: expected densities that are finite and not negative, got {found}")
    return curves, x


def expect_mass(curves: np.ndarray, at: np.ndarray, labels: Sequence[str | float]) -> None:
    """Raise unless the area under each of the curves that are drawn is 1, nearly."""
    mass = np.trapezoid(curves, at, axis=1)
    if not (np.abs(mass - 1) <= 0.02).all():
        k = int(np.abs(mass - 1).argmax())
        raise ValueError(
            f"{WHO}: expected curves whose integral over the grid is within 2 % of 1, got {mass[k]:.3g} for "
            f"{str(labels[k])!r}: is it a density per unit of x, and is the grid long and fine enough?"
        )


def observations_of(data, groups, count: int, log: bool) -> tuple[np.ndarray, np.ndarray]:
    """Data and their contexts' numbers, both (n,)."""
    values = numbers(data, WHO, "data (n,)").double().numpy()
    if values.ndim != 1 or not np.isfinite(values).all() or (log and (values <= 0).any()):
        raise ValueError(
            f"{WHO}: expected data (n,), finite{' and above 0' if log else ''}, got shape {values.shape}"
            + (f" and {values.min():.3g} among them" if values.size else "")
        )
    which = numbers([] if groups is None else groups, WHO, "data_groups, a context's number for each datum")
    if which.shape != values.shape or which.is_floating_point() or (which.dtype == torch.bool and count > 2):
        raise ValueError(
            f"{WHO}: expected data_groups, a context's number for each of {len(values)} data, whole numbers, "
            f"got shape {tuple(which.shape)} of {which.dtype}"
        )
    which = which.long().numpy()
    if which.size and not (0 <= which.min() and which.max() < count):
        raise ValueError(
            f"{WHO}: expected data_groups from 0 to {count - 1}, one number for each label, "
            f"got {which.min()} to {which.max()}"
        )
    return values, which


def ticks_of(ticks, log: bool) -> list[tuple[float, str]]:
    """Ticks at places on the grid: (place, label)."""
    pairs = [(float(value), str(text)) for value, text in ticks]
    if log and any(value <= 0 for value, _ in pairs):
        raise ValueError(f"{WHO}: expected ticks above 0 for a logarithmic axis, got {[v for v, _ in pairs]}")
    return [(math.log(value) if log else value, text) for value, text in pairs]
