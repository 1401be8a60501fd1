"""ConditionalDensity: a context c under the reader's hand, the density p(x | c) and its intervals, the data of that c.

P(x <= t | c) is the area under the curve up to t; the central interval of level q lies between its (1 - q)/2 and
(1 + q)/2 quantiles. Chapter 10.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import traitlets
from torch import Tensor

from nf_course.plotting import side_by_side
from nf_course.widgets.axis_numbers import round_ticks, written
from nf_course.widgets.base import Figure
from nf_course.widgets.density_inputs import WHO, curves_of, expect_mass, observations_of, ticks_of
from nf_course.widgets.density_panel import draw_panel
from nf_course.widgets.words import number

__all__ = ["ConditionalDensity"]

LEVELS = (0.5, 0.9)  # of the shaded intervals
POINTS = 160  # of a context's data at most are drawn one by one; all of them are counted
FEW = 20  # with fewer data than that there is no histogram


class ConditionalDensity(Figure):
    """The density of x given a context c, for K values of c in turn, with its median and its central intervals.

    The curves travel as numbers made beforehand: `density` holds K rows of G heights as uint16, each in units of its
    highest, `tall`; `grid` the G places, as float32, which with `log` are logarithms of x. The intervals are computed
    from them, by the trapezoid rule: here by `interval` and `quantile`, on the page by the script. Of the data of each
    context there are a histogram, `bins`, the numbers `inside` (all of them, those in the 50 % and the 90 % interval,
    those beyond the grid), and a sample of `drawn` points, `strip`, as uint16 from one end of the grid to the other.

    The reader moves `place`, the context's number from 0 to K - 1.

    >>> import torch
    >>> x = torch.linspace(-4.0, 6.0, 201)
    >>> means = torch.tensor([0.0, 1.0, 2.0])
    >>> curves = torch.distributions.Normal(means[:, None], 1.0).log_prob(x).exp()  # (3, 201)
    >>> figure = ConditionalDensity.of(curves, x, ["low", "middle", "high"], axis="size", context="class", units="cm")
    >>> figure.place, [round(end, 2) for end in figure.interval(2, 0.9)]
    (1, [0.35, 3.65])
    >>> figure.words()
    'class middle: median 1.0 cm; 50 % between 0.3 and 1.7 cm, 90 % between −0.6 and 2.6 cm.'
    """

    scripts = ("conditional_density.js",)
    held = "density"
    density = traitlets.Bytes(b"").tag(sync=True)
    tall = traitlets.List(traitlets.Float()).tag(sync=True)
    grid = traitlets.Bytes(b"").tag(sync=True)
    log = traitlets.Bool(False).tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    ticks = traitlets.List(traitlets.Tuple(traitlets.Float(), traitlets.Unicode())).tag(sync=True)  # on the grid
    digits = traitlets.Int(2).tag(sync=True)  # behind the point, of a value of x in words
    axis = traitlets.Unicode("x").tag(sync=True)
    context = traitlets.Unicode("c").tag(sync=True)
    units = traitlets.Unicode("").tag(sync=True)
    things = traitlets.Unicode("points").tag(sync=True)
    bins = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    inside = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    strip = traitlets.Bytes(b"").tag(sync=True)
    drawn = traitlets.List(traitlets.Int()).tag(sync=True)
    place = traitlets.Int(0).tag(sync=True)
    caption = traitlets.Unicode(
        "Move the slider, or press play: the curve is another one for each context, and the curves of the other "
        "contexts stay behind it, pale. If the model is right, half of the data lie in the dark interval and nine in "
        "ten in both together, whatever the context."
    ).tag(sync=True)

    @classmethod
    def of(
        cls,
        density: Tensor | np.ndarray,
        grid: Tensor | np.ndarray,
        labels: Sequence[str | float],
        data: Tensor | np.ndarray | None = None,
        data_groups: Tensor | np.ndarray | None = None,
        *,
        axis: str = "x",
        context: str = "c",
        log_axis: bool = False,
        units: str = "",
        things: str = "points",
        ticks: Sequence[tuple[float, str]] | None = None,
        **traits,
    ) -> ConditionalDensity:
        """The figure of K curves, (K, G), on a grid of x, (G,).

        Args:
            density: p(x | c_k) at the places of the grid, per unit of x, whatever the axis: each row integrates to 1.
            grid: increasing values of x, evenly spaced or not.
            labels: of the K contexts, in their order.
            data: values of x, (n,), that were observed.
            data_groups: for each of them the number of its context, or of the nearest one, 0 to K - 1.
            axis: what x is, such as "price".
            context: what c is, such as "clarity".
            log_axis: x is drawn on a logarithmic axis, and x p(x | c) above it, the density of log x: equal areas
                are equal probabilities then, too. Quantiles are the same in both.
            units: of x, such as "dollars".
            things: what a datum is, in the plural, such as "diamonds".
            ticks: values of x with their labels; without, round numbers are found.
            **traits: such as `place`, `digits`, `caption`.
        """
        curves, x = curves_of(density, grid, len(labels), log_axis)
        at = np.log(x) if log_axis else x
        curves = curves * x if log_axis else curves
        tall = curves.max(1)
        expect_mass(curves, at, labels)
        low, high = x[[0, -1]].tolist()
        traits.setdefault("digits", max(0, 2 - math.floor(math.log10(low if log_axis else high - low))))
        traits.setdefault("place", len(labels) // 2)
        figure = cls(
            density=(65535 * curves / tall[:, None]).round().astype("<u2").tobytes(),
            tall=tall.tolist(),
            grid=at.astype("<f4").tobytes(),
            log=log_axis,
            labels=[v if isinstance(v, str) else f"{float(v):g}".replace("-", "−") for v in labels],
            ticks=ticks_of(ticks, log_axis) if ticks is not None else round_ticks(low, high, log_axis),
            axis=axis,
            context=context,
            units=units,
            things=things,
            **traits,
        )
        if data is None and data_groups is not None:
            raise ValueError(f"{WHO}: expected data for the data_groups, got none")
        if data is not None:
            values, groups = observations_of(data, data_groups, len(labels), log_axis)
            figure._take(np.log(values) if log_axis else values, groups)
        return figure

    def _take(self, at: np.ndarray, groups: np.ndarray) -> None:
        """Count the data of each context, all of them, and choose some to be drawn; `at` are places on the grid."""
        bins, inside, strip, drawn = [], [], [], []
        grid, random = self.places(), np.random.default_rng(0)
        low, high = grid[[0, -1]]
        for k in range(len(self.labels)):
            here = at[groups == k]
            seen = here[(low <= here) & (here <= high)]
            within = [self._interval(k, level) for level in LEVELS]
            inside.append([len(here), *(int(((a <= here) & (here <= b)).sum()) for a, b in within)])
            inside[-1].append(len(here) - len(seen))
            bins.append([])
            if len(seen) >= FEW:  # bins as wide as Freedman and Diaconis advise
                wide = 2 * np.subtract(*np.quantile(seen, (0.75, 0.25))) / len(seen) ** (1 / 3)
                count = int(np.clip(np.ceil((high - low) / max(wide, 1e-9)), 8, 80))
                bins[-1] = np.histogram(seen, count, (low, high))[0].tolist()
            some = random.permutation(seen)[:POINTS]
            strip.append((65535 * (some - low) / (high - low)).round().astype("<u2"))
            drawn.append(len(some))
        self.bins, self.inside, self.drawn = bins, inside, drawn
        self.strip = np.concatenate(strip).tobytes()

    @traitlets.validate("place")
    def _known(self, proposal):
        if not 0 <= proposal.value < len(self.labels):
            raise traitlets.TraitError(
                f"{WHO}.place: expected the number of a context, 0 to {len(self.labels) - 1}, got {proposal.value}"
            )
        return proposal.value

    def places(self) -> np.ndarray:
        """The places of the grid, (G,): values of x, or with `log` their logarithms."""
        return np.frombuffer(self.grid, "<f4").astype(float)

    def curves(self) -> np.ndarray:
        """The heights that are drawn, (K, G): p(x | c_k), or with `log` the density of log x."""
        rows = np.frombuffer(self.density, "<u2").reshape(len(self.labels), -1)
        return np.array(self.tall)[:, None] * rows / 65535

    def quantile(self, k: int, share: float) -> float:
        """The x below which that share of the k-th curve's area lies; its median at 0.5."""
        return self._value(self._quantile(k, share))

    def interval(self, k: int, level: float) -> tuple[float, float]:
        """The central interval of the k-th curve that holds that share of its area."""
        low, high = self._interval(k, level)
        return self._value(low), self._value(high)

    def _value(self, place: float) -> float:
        return math.exp(place) if self.log else place

    def _interval(self, k: int, level: float) -> tuple[float, float]:
        return self._quantile(k, (1 - level) / 2), self._quantile(k, (1 + level) / 2)

    def _quantile(self, k: int, share: float) -> float:
        grid, heights = self.places(), self.curves()[k]
        below = np.concatenate([[0.0], np.cumsum((heights[1:] + heights[:-1]) / 2 * np.diff(grid))])
        wanted = min(max(share, 0.0), 1.0) * below[-1]
        i = max(1, int(np.searchsorted(below, wanted)))
        part = (wanted - below[i - 1]) / (below[i] - below[i - 1]) if below[i] > below[i - 1] else 0.0
        return float(grid[i - 1] + part * (grid[i] - grid[i - 1]))

    def words(self, k: int | None = None) -> str:
        """The numbers of a context, of the present one by default, as they stand under the figure."""
        k = self.place if k is None else k
        unit = f" {self.units}" if self.units else ""
        pairs = [[written(end, self.digits) for end in self.interval(k, level)] for level in LEVELS]
        half, most = (f"{low} and {high}{unit}" for low, high in pairs)
        text = (
            f"{self.context} {self.labels[k]}: median {written(self.quantile(k, 0.5), self.digits)}{unit}; "
            f"50 % between {half}, 90 % between {most}."
        )
        if not self.inside:
            return text
        n, *within, beyond = self.inside[k]
        if n == 0:
            return f"{text} There are no {self.things} here in the data."
        many = f"one of the {self.things}" if n == 1 else f"{written(n)} {self.things}"
        far = f"; {written(beyond)} beyond the picture" if beyond else ""
        first, second = (number(100 * m / n, 0) for m in within)
        return f"{text} In the data: {many}, {first} % in the first, {second} % in the second interval{far}."

    def describe(self) -> str:
        stills = ", ".join(self.labels[k] for k in self._stills())
        return f"{self._about()} {self.words()} Still pictures, left to right: {stills}."

    def _about(self) -> str:
        return (
            f"The density of {self.axis} given {self.context}{' on a logarithmic axis' if self.log else ''}, "
            f"one curve for each of {len(self.labels)} values; the one shown is for"
        )

    def _stills(self) -> list[int]:
        """What the still picture shows: both ends, and a context between."""
        last = len(self.labels) - 1
        return sorted({0, self.place if 0 < self.place < last else (last + 1) // 2, last})

    def still(self) -> mpl.figure.Figure:
        shown, grid, curves = self._stills(), self.places(), self.curves()
        titles = [self.labels[k] + (" (here)" if k == self.place else "") for k in shown]
        figure, axes = side_by_side(len(shown), titles, size=(7.2 / len(shown), 2.6), sharey=True)
        for ax, k in zip(axes, shown):
            points = grid[0] + np.ptp(grid) * self._strip(k) / 65535 if self.inside else None
            draw_panel(
                ax,
                grid,
                curves,
                k,
                median=self._quantile(k, 0.5),
                intervals=[self._interval(k, level) for level in LEVELS],
                top=self._top(),
                bars=self._bars(k) if self.inside else None,
                points=points,
            )
            every = max(1, math.ceil(len(self.ticks) / 4))  # a panel is narrow
            ax.set_xticks([at for at, _ in self.ticks][::every], [text for _, text in self.ticks][::every])
            ax.minorticks_off()
        figure.supxlabel(f"{self.axis}{f' ({self.units})' if self.units else ''}", fontsize=10)
        return figure

    def _bars(self, k: int) -> np.ndarray:
        """Heights of the k-th histogram, whose area is the share of the data that the picture shows."""
        counts, (low, high) = np.array(self.bins[k], dtype=float), self.places()[[0, -1]]
        return counts / self.inside[k][0] * len(counts) / (high - low) if len(counts) else counts

    def _top(self) -> float:
        """How high the picture reaches: over all curves, and over bars that are not much higher."""
        bars = [bar for k in range(len(self.bins)) for bar in self._bars(k)]
        return 1.08 * min(1.3 * max(self.tall), max(*self.tall, *bars))

    def _strip(self, k: int) -> np.ndarray:
        first = sum(self.drawn[:k])
        return np.frombuffer(self.strip, "<u2")[first : first + self.drawn[k]].astype(float)
