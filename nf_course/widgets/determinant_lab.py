"""DeterminantLab: a 2 x 2 matrix as P L (U + diag(s)), and what each factor does to the unit cell.

The area of the cell's image is |det W| = |s1 s2|; its orientation, shown by a letter F, is the sign. Chapter 7.
"""

from __future__ import annotations

import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import traitlets
from matplotlib.patches import Polygon

from nf_course.plotting import COLOURS, matrix
from nf_course.widgets.base import Figure
from nf_course.widgets.words import number

__all__ = ["DeterminantLab"]

CELL = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
LETTER = np.array(
    [[0.25, 0.12], [0.25, 0.88], [0.8, 0.88], [0.8, 0.73], [0.42, 0.73], [0.42, 0.58], [0.7, 0.58]]
    + [[0.7, 0.43], [0.42, 0.43], [0.42, 0.12]]
)
SHEAR, LOG_S = 2.0, 1.2  # how far the sliders reach


class DeterminantLab(Figure):
    """The factors of a 2 x 2 matrix under the reader's hand.

    `lower` and `upper` are the entries of L and U beside their diagonals, s = sign_s * exp(log_abs_s), `swap` says
    whether P swaps the rows, `step` how many of the factors U + diag(s), L, P are applied. The script measures the
    area of the drawn image from its corners, apart from the formula that it is compared with.

    >>> figure = DeterminantLab(lower=0.5, log_abs_s=[0.2, -0.2])
    >>> figure.sign_s = [1.0, 0.0]
    Traceback (most recent call last):
    traitlets.traitlets.TraitError: DeterminantLab.sign_s: expected two signs, each 1 or -1, got [1.0, 0.0]
    """

    scripts = ("determinant_lab.js",)
    lower = traitlets.Float(0.5).tag(sync=True)
    upper = traitlets.Float(0.8).tag(sync=True)
    log_abs_s = traitlets.List(traitlets.Float(), [0.4, -0.3]).tag(sync=True)
    sign_s = traitlets.List(traitlets.Float(), [1.0, 1.0]).tag(sync=True)
    swap = traitlets.Bool(False).tag(sync=True)
    step = traitlets.Int(1).tag(sync=True)
    caption = traitlets.Unicode(
        "Step through the factors with the first slider. Then move the two shears: the cell leans, its area stays. "
        "Move log|s|: the area follows. Press a sign or P: the F turns over, and the area does not notice."
    ).tag(sync=True)

    @traitlets.validate("lower", "upper", "log_abs_s", "sign_s", "step")
    def _within(self, proposal):
        name, value = proposal.trait.name, proposal.value
        fits, expected = {
            "lower": (lambda v: abs(v) <= SHEAR, f"a number from {-SHEAR:g} to {SHEAR:g}"),
            "upper": (lambda v: abs(v) <= SHEAR, f"a number from {-SHEAR:g} to {SHEAR:g}"),
            "log_abs_s": (
                lambda v: len(v) == 2 and all(abs(s) <= LOG_S for s in v),
                f"two numbers from {-LOG_S:g} to {LOG_S:g}",
            ),
            "sign_s": (lambda v: len(v) == 2 and all(abs(s) == 1 for s in v), "two signs, each 1 or -1"),
            "step": (lambda v: 0 <= v <= 3, "a number of factors, 0 to 3"),
        }[name]
        if not fits(value):
            raise traitlets.TraitError(f"DeterminantLab.{name}: expected {expected}, got {value}")
        return value

    def factors(self) -> dict[str, np.ndarray]:
        """U + diag(s), L and P as they stand now, and their product W."""
        s = np.array(self.sign_s) * np.exp(self.log_abs_s)
        upper = np.array([[s[0], self.upper], [0, s[1]]])
        lower, swap = np.array([[1, 0], [self.lower, 1]]), np.eye(2)[:: -1 if self.swap else 1]
        return {"U + diag(s)": upper, "L": lower, "P": swap, "W": swap @ lower @ upper}

    def applied(self) -> tuple[np.ndarray, float]:
        """The product of the first `step` factors, and the signed area of the cell's image, from its corners."""
        product = np.eye(2)
        for factor in list(self.factors().values())[: self.step]:
            product = factor @ product
        x, y = product @ CELL.T
        return product, float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2

    def still(self) -> mpl.figure.Figure:
        figure = plt.figure(figsize=(7.4, 4.0), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1.25, 1])
        product, area = self.applied()
        self._draw_cell(left.subplots(), product, area)
        for i, (ax, (name, values)) in enumerate(zip(right.subplots(2, 2).flat, self.factors().items())):
            matrix(np.round(values, 2), ax, top=4.0)
            used = min(i, 2) < self.step
            ax.set_title(name if used else f"{name}, not yet", color=COLOURS["ink" if used else "muted"], fontsize=10)
        return figure

    def _draw_cell(self, ax: mpl.axes.Axes, product: np.ndarray, area: float) -> None:
        tint, corners = COLOURS["model" if area > 0 else "wrong"], CELL @ product.T
        half = max(2.2, 1.12 * np.abs(corners).max())
        for k in range(-12, 13):
            for line in ([[k, -12], [k, 12]], [[-12, k], [12, k]]):
                ax.plot(*np.transpose(line), color=COLOURS["grid"], linewidth=0.7, zorder=0)
                ax.plot(*(np.array(line) @ product.T).T, color=tint, linewidth=0.7, alpha=0.35, zorder=1)
        ax.add_patch(Polygon(corners, facecolor=tint, alpha=0.3))
        ax.add_patch(Polygon(corners, fill=False, edgecolor=tint, linewidth=2.5))
        ax.add_patch(Polygon(LETTER @ product.T, color=tint))
        ax.add_patch(Polygon(CELL, fill=False, edgecolor=COLOURS["x"], linestyle="--", linewidth=1.6))
        ax.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
        ax.set_title(
            f"area {number(abs(area), 3)}   det {number(area, 3)}   log|det| {number(math.log(abs(area)))}\n"
            f"{'same orientation' if area > 0 else 'turned over'}, after {AFTER[self.step]}"
        )

    def describe(self) -> str:
        _, area = self.applied()
        s = [number(sign * math.exp(log)) for sign, log in zip(self.sign_s, self.log_abs_s)]
        return (
            f"The unit square and its image, a parallelogram, after {AFTER[self.step]}: area {number(abs(area), 3)}, "
            f"{'same orientation' if area > 0 else 'turned over'}, so the determinant is {number(area, 3)} and "
            f"log|det| is {number(math.log(abs(area)))}. s is {s[0]} and {s[1]}, the shears are {number(self.upper)} "
            f"and {number(self.lower)}, P {'swaps the rows' if self.swap else 'is the identity'}."
        )


AFTER = ("no factor", "U + diag(s)", "U + diag(s) and L", "all three factors")
