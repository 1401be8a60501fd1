"""DeterminantCost: what a learned linear map costs in a training step, against its size and the number of positions.

The curves are measurements that the page hands over; the sliders read them off between the sizes measured. Chapter 7.
"""

from __future__ import annotations

from math import inf

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import traitlets

from nf_course.plotting import COLOURS, cost_curves
from nf_course.widgets.base import Figure
from nf_course.widgets.words import number

__all__ = ["DeterminantCost"]

CURVES = {  # trait: (its name in the picture, its colour)
    "slogdet": ("slogdet(W)", "wrong"),
    "sum": ("sum of log|s|", "model"),
    "multiply": ("L (U + diag(s))", "z"),
    "product": ("W x", "x"),
}
MOST = 2**20


class DeterminantCost(Figure):
    """Measured seconds against the number of channels C, on logarithmic axes, with a slider for C.

    `sizes` are the C measured; `slogdet`, `sum`, `multiply` and `product` the seconds for each of them: the
    log-determinant of W by a factorisation, the same as a sum of log|s|, the product of the factors L (U + diag(s)),
    and W x at `rows` positions. The reader moves `C`, within the sizes measured, and `positions`.

    >>> two = [1e-6, 2e-6]
    >>> figure = DeterminantCost(sizes=[4, 8], slogdet=two, sum=two, multiply=two, product=two, rows=256)
    >>> figure.C, figure.positions
    (8, 256)
    >>> figure.C = 9
    Traceback (most recent call last):
    traitlets.traitlets.TraitError: DeterminantCost.C: expected a whole number from 4 to 8, got 9
    """

    scripts = ("determinant_cost.js",)
    sizes = traitlets.List(traitlets.Int()).tag(sync=True)
    slogdet = traitlets.List(traitlets.Float()).tag(sync=True)
    sum = traitlets.List(traitlets.Float()).tag(sync=True)
    multiply = traitlets.List(traitlets.Float()).tag(sync=True)
    product = traitlets.List(traitlets.Float()).tag(sync=True)
    rows = traitlets.Int(256).tag(sync=True)
    C = traitlets.Int().tag(sync=True)
    positions = traitlets.Int().tag(sync=True)
    caption = traitlets.Unicode(
        "Move C. At the left end every call costs its overhead and nothing else; at the right end the cubic curves "
        "run away. Then move the number of positions, N for vectors and N·H·W for images: with many, the product W x "
        "is what you pay for, whichever way the determinant is found."
    ).tag(sync=True)

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        for name in ("sizes", *CURVES):  # also those that were not given
            self._check(name, getattr(self, name))

    @traitlets.default("C")
    def _middle(self) -> int:
        return self.sizes[len(self.sizes) // 2] if self.sizes else 0

    @traitlets.default("positions")
    def _as_measured(self) -> int:
        return self.rows

    @traitlets.validate("sizes", *CURVES)
    def _fits(self, proposal):
        self._check(proposal.trait.name, proposal.value)
        return proposal.value

    def _check(self, name: str, values: list) -> None:
        who = f"DeterminantCost.{name}: expected"
        if name == "sizes" and (len(values) < 2 or sorted(set(values)) != values or values[0] < 1):
            raise traitlets.TraitError(f"{who} at least two increasing sizes, got {values}")
        if name != "sizes" and len(values) != len(self.sizes):
            raise traitlets.TraitError(f"{who} {len(self.sizes)} seconds, one for each size, got {len(values)}")
        if not all(0 < value < inf for value in values):
            raise traitlets.TraitError(f"{who} numbers above 0, for logarithmic axes, got {values}")

    @traitlets.observe("sizes")
    def _stay_within(self, change) -> None:
        self.C = min(max(self.C, self.sizes[0]), self.sizes[-1])

    @traitlets.validate("C", "positions", "rows")
    def _within(self, proposal):
        name = proposal.trait.name
        low, high = (self.sizes[0], self.sizes[-1]) if name == "C" else (1, MOST)
        if not low <= proposal.value <= high:
            raise traitlets.TraitError(
                f"DeterminantCost.{name}: expected a whole number from {low} to {high}, got {proposal.value}"
            )
        return proposal.value

    def costs(self) -> dict[str, float]:
        """Seconds at the C and the number of positions shown.

        Between two sizes measured a curve is straight on logarithmic axes. The product scales with the positions, down
        to the overhead of a call: its time for the smallest C.
        """
        at = {
            name: np.exp(np.interp(np.log(self.C), np.log(self.sizes), np.log(getattr(self, name)))) for name in CURVES
        }
        at["product"] = max(at["product"] * self.positions / self.rows, self.product[0])
        return {name: float(seconds) for name, seconds in at.items()}

    def still(self) -> mpl.figure.Figure:
        figure, (ax, bars) = plt.subplots(2, 1, figsize=(6.2, 4.6), height_ratios=[3.2, 1])
        names = {name: label for name, (label, _) in CURVES.items()}
        curves = {names[name]: getattr(self, name) for name in CURVES}
        colours = {label: COLOURS[colour] for label, colour in CURVES.values()}
        cost_curves(self.sizes, curves, ax, colours=colours, slope=False, xlabel="C, number of channels")
        ax.axvline(self.C, color=COLOURS["muted"], linewidth=0.8)
        now, top = self.costs(), 0.0
        for y, parts in enumerate((("slogdet", "product"), ("sum", "multiply", "product"))):
            left = 0.0
            for name in parts:
                bars.barh(y, now[name], left=left, color=COLOURS[CURVES[name][1]], height=0.6)
                left += now[name]
            bars.text(left, y, f" {duration(left)}", va="center", fontsize=9)
            top = max(top, left)
        bars.set(ylim=(1.6, -0.6), xlim=(0, 1.15 * top), xticks=[], yticks=[0, 1])
        bars.set_yticklabels(["with slogdet", "with the factors"])
        bars.set_title(f"the whole layer at C = {self.C}, {self.positions:,} positions", fontsize=10)
        bars.spines["bottom"].set_visible(False)
        return figure

    def describe(self) -> str:
        now = self.costs()
        parts = ", ".join(f"{label} {duration(now[name])}" for name, (label, _) in CURVES.items())
        factors = now["sum"] + now["multiply"] + now["product"]
        return (
            f"Time against C on logarithmic axes. At C = {self.C} and {self.positions:,} positions: {parts}. "
            f"The layer takes {duration(now['slogdet'] + now['product'])} with slogdet, "
            f"{duration(factors)} with the factors."
        )


def duration(seconds: float) -> str:
    """A time with its unit.

    >>> duration(2.34e-6), duration(0.0321)
    ('2.3 µs', '32 ms')
    """
    unit, scale = ("µs", 1e6) if seconds < 1e-3 else ("ms", 1e3) if seconds < 1 else ("s", 1)
    return f"{number(seconds * scale, 1 if seconds * scale < 9.95 else 0)} {unit}"
