"""ImageSliders: pictures computed beforehand, one for each place of a few sliders: temperature, latents, attributes.

The picture of state (i_1, ..., i_a) and sample s is tile ((i_1 n_2 + i_2) n_3 + ...) S + s of one sprite sheet.
Chapter 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import torch
import traitlets
from matplotlib.patches import Rectangle
from torch import Tensor

from nf_course.plotting import COLOURS, side_by_side
from nf_course.widgets._given import amount, numbers
from nf_course.widgets._sprites import contact_sheet, decoded, sprite_sheet
from nf_course.widgets.base import Figure
from nf_course.widgets.words import number

__all__ = ["ImageSliders"]


class ImageSliders(Figure):
    """Walk through pictures that were computed beforehand: a slider for each axis, for two also a pad to drag over.

    The pictures travel as one sprite sheet in the figure's state, as PNG (`lossless`, exactly the given numbers) or
    as WebP or JPEG, whichever is smaller; `error` then is the root mean square error of a value, in steps of 255.
    Small pictures keep crisp pixels. Grey ones are drawn as ink on paper, 1 is ink, as `image_grid` does and in the
    colours of the theme; `ink=False` makes 1 white. `place`, the index on each axis, is what the reader moves.

    >>> temperatures = [0.0, 0.5, 1.0]
    >>> pictures = torch.rand(3, 12, 1, 8, 8)  # for each temperature 12 samples, 1 channel, 8 x 8
    >>> figure = ImageSliders.of(pictures, {"temperature": temperatures}, place=[1])
    >>> figure.describe()
    'temperature 0.5: 12 pictures, beside those at 0.0 and 1.0.'
    >>> plane = ImageSliders.of(torch.rand(5, 4, 3, 16, 16), {"z₁": [-2, -1, 0, 1, 2], "z₂": list("abcd")})
    >>> plane.place, plane.shown().shape
    ([2, 2], (1, 3, 16, 16))
    """

    scripts = ("image_sliders.js",)
    held = "sheet"
    sheet = traitlets.Bytes(b"").tag(sync=True)
    mime = traitlets.Unicode("image/png").tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    labels = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)
    samples = traitlets.Int(1).tag(sync=True)
    shape = traitlets.List(traitlets.Int(), [1, 1, 1]).tag(sync=True)  # C, H, W
    cell = traitlets.List(traitlets.Int(), [1, 1]).tag(sync=True)  # height and width of a tile with its margin
    margin = traitlets.Int(0).tag(sync=True)  # of it, above and on the left
    columns = traitlets.Int(1).tag(sync=True)  # of the sheet
    across = traitlets.Int(0).tag(sync=True)  # pictures side by side at most; 0: as many as fit
    size = traitlets.Int(96).tag(sync=True)  # longer side of a picture as shown, in CSS pixels
    crisp = traitlets.Bool(False).tag(sync=True)
    ink = traitlets.Bool(False).tag(sync=True)
    error = traitlets.Float(0.0).tag(sync=True)
    words = traitlets.List(traitlets.Unicode()).tag(sync=True)  # one text for each state, the last axis fastest
    place = traitlets.List(traitlets.Int()).tag(sync=True)
    caption = traitlets.Unicode(
        "Move a slider: the pictures change with it. They were all computed beforehand, each from its own numbers; "
        "nothing is blended in between."
    ).tag(sync=True)

    @classmethod
    def of(
        cls,
        pictures: Tensor | np.ndarray,
        axes: Mapping[str, list],
        *,
        size: int | None = None,
        lossless: bool = True,
        words: np.ndarray | list | None = None,
        **traits,
    ) -> ImageSliders:
        """The figure of `pictures`, (n_1, ..., n_a, C, H, W) or (n_1, ..., n_a, S, C, H, W), 0 to 1 or uint8.

        Args:
            pictures: C is 1 or 3; with S, all S pictures of a state are shown at once.
            axes: name of each of the 1 to 4 axes and its n_i labels, numbers or texts.
            size: longer side of a picture as shown, in pixels.
            lossless: PNG, or the smaller of WebP and JPEG: photographs need it.
            words: a text for each state, (n_1, ..., n_a), that joins the text alternative and stands under the figure.
            **traits: such as `place`, `across`, `crisp`, `ink`, `caption`.
        """
        labels = _labels(axes)
        counts = [len(values) for values in labels]
        tiles = _tiles(pictures, list(axes), counts)
        states, samples, channels, height, width = tiles.shape
        if words is not None:
            words = [str(text) for text in np.asarray(words, dtype=object).reshape(-1)]
            if len(words) != states:
                raise ValueError(f"ImageSliders: expected {states} words, one text for each state, got {len(words)}")
        longer = max(height, width)
        crisp = traits.setdefault("crisp", lossless and longer <= 32)
        if size is None:  # a coarse digit is easier to read small
            alone = samples == 1
            size = (160 if alone else 64) if crisp else 256 if alone else min(160, max(96, longer))
        size = amount(size, "ImageSliders", "a size in pixels", 1, 4096)
        place = traits.pop("place", [n // 2 for n in counts])
        if not hasattr(place, "__iter__"):
            raise ValueError(f"ImageSliders: expected place, an index for each axis, {counts} of them, got {place!r}")
        traits.setdefault("ink", channels == 1)
        return cls(
            **sprite_sheet(tiles.reshape(-1, channels, height, width), lossless),
            names=[str(name) for name in axes],
            labels=labels,
            samples=samples,
            shape=[channels, height, width],
            size=max(1, round(size / longer)) * longer if crisp else int(size),
            words=words or [],
            place=place.tolist() if hasattr(place, "tolist") else list(place),
            **traits,
        )

    @traitlets.validate("across")
    def _not_negative(self, proposal):
        if proposal["value"] < 0:
            raise traitlets.TraitError(f"ImageSliders: expected across, 0 or more pictures, got {proposal['value']}")
        return proposal["value"]

    @traitlets.validate("place")
    def _known_place(self, proposal):
        place, counts = proposal["value"], [len(values) for values in self.labels]
        if len(place) != len(counts) or not all(0 <= i < n for i, n in zip(place, counts)):
            wanted = ", ".join(f"{name} 0 to {n - 1}" for name, n in zip(self.names, counts))
            raise traitlets.TraitError(f"ImageSliders: expected place, an index for each axis ({wanted}), got {place}")
        return place

    def shown(self, place: list[int] | None = None) -> np.ndarray:
        """The pictures of a state, of the present one by default, cut from the sheet: (S, C, H, W), uint8."""
        counts, (channels, height, width) = [len(values) for values in self.labels], self.shape
        first = np.ravel_multi_index(self.place if place is None else place, counts) * self.samples
        sheet = decoded(self.sheet)[self.margin :, self.margin :, :channels]
        corners = [divmod(first + s, self.columns) for s in range(self.samples)]
        tiles = [sheet[i * self.cell[0] :, j * self.cell[1] :][:height, :width] for i, j in corners]
        return np.stack(tiles).transpose(0, 3, 1, 2)

    def describe(self) -> str:
        """The state in words, what the still picture shows beside it, and the author's words for it."""
        counts = [len(values) for values in self.labels]
        many = "one picture" if self.samples == 1 else f"{self.samples} pictures"
        beside = f", one of {math.prod(counts)} states"
        if len(counts) == 1:
            others = [self.labels[0][i] for i in (0, counts[0] - 1) if [i] != self.place]
            beside = f", beside those at {' and '.join(dict.fromkeys(others))}" if others else ""
        elif len(counts) == 2:
            beside = f", marked on a map of all {counts[0]} by {counts[1]} states"
        words = f" {self.words[np.ravel_multi_index(self.place, counts)]}" if self.words else ""
        return f"{self._where(self.place)}: {many}{beside}.{words}"

    def _where(self, place: list[int]) -> str:
        return ", ".join(f"{name} {values[i]}" for name, values, i in zip(self.names, self.labels, place))

    def still(self) -> mpl.figure.Figure:
        """The present pictures; with one axis between those of its ends, with two beside a map of all states."""
        ends = [[0], self.place, [len(self.labels[0]) - 1]] if len(self.names) == 1 else [self.place]
        places = [place for k, place in enumerate(ends) if place not in ends[:k]]
        panels = len(places) + (len(self.names) == 2)
        figure, axes = side_by_side(panels, size=(min(2.6, 8 / panels), min(2.6, 8 / panels) + 0.3))
        figure.get_layout_engine().set(wspace=0.12)
        if len(self.names) == 2:
            self._map(axes[0])
        for ax, place in zip(axes[-len(places) :], places):
            few = self.samples if self.samples < 4 else math.ceil(math.sqrt(self.samples))
            self._draw(ax, contact_sheet(self.shown(place), min(self.samples, self.across or few)))
            ax.set_title(self._where(place), fontsize=10, fontweight="bold" if place == self.place else "normal")
        return figure

    def _draw(self, ax, picture: np.ndarray) -> None:
        look = {"cmap": "gray_r" if self.ink else "gray", "vmin": 0, "vmax": 255} if self.shape[0] == 1 else {}
        ax.imshow(picture, origin="upper", interpolation="nearest" if self.crisp else "antialiased", **look)
        ax.set_axis_off()

    def _map(self, ax) -> None:
        columns, rows = (len(values) for values in self.labels)
        all_states = [self.shown([i, j])[0] for j in reversed(range(rows)) for i in range(columns)]
        self._draw(ax, contact_sheet(np.stack(all_states), columns, gap=0))
        (i, j), (_, h, w) = self.place, self.shape
        corner = (i * w - 0.5, (rows - 1 - j) * h - 0.5)
        ax.add_patch(Rectangle(corner, w, h, fill=False, edgecolor=COLOURS["z"], linewidth=2.0, clip_on=False))
        ax.set_title(f"{self.names[0]} →, {self.names[1]} ↑", fontsize=10)


def _labels(axes: Mapping[str, list]) -> list[list[str]]:
    if not isinstance(axes, Mapping) or not 1 <= len(axes) <= 4:
        found = f"{len(axes)} axes" if isinstance(axes, Mapping) else type(axes).__name__
        raise ValueError(f"ImageSliders: expected a dictionary of 1 to 4 axes, name: labels, got {found}")
    written = []
    for name, values in axes.items():
        try:
            written.append(_written(values.tolist() if hasattr(values, "tolist") else list(values)))
        except TypeError:  # not a list, or something in it is neither a number nor a text
            raise TypeError(
                f"ImageSliders: expected the labels of {name!r} as a list of numbers or texts, got {values!r:.80}"
            ) from None
    return written


def _written(values: list) -> list[str]:
    """Labels as text: numbers with as many decimals as they need together, up to three, and a true minus sign."""
    if any(isinstance(v, str) for v in values):
        return [str(v) for v in values]
    values = [float(v) for v in values]
    if not all(math.isfinite(v) for v in values):
        raise ValueError(f"ImageSliders: expected finite numbers or texts as labels, got {values}")
    digits = next((d for d in range(3) if all(abs(v - round(v, d)) < 1e-6 for v in values)), 3)
    return [number(v, digits) for v in values]


def _tiles(pictures, names: list[str], counts: list[int]) -> np.ndarray:
    """Checked pictures, (states, S, C, H, W), uint8."""
    values = numbers(pictures, "ImageSliders", "pictures of floats from 0 to 1 or of uint8")
    shape = tuple(values.shape)
    a = len(counts)
    if values.ndim == a + 3:
        values = values.unsqueeze(a)
    if values.ndim != a + 4 or values.shape[-3] not in (1, 3) or 0 in values.shape:
        named = ", ".join(names)
        raise ValueError(
            f"ImageSliders: expected pictures ({named}, C, H, W) or ({named}, S, C, H, W) with C = 1 or 3, "
            f"got shape {shape}"
        )
    for name, count, found in zip(names, counts, values.shape):
        if count != found:
            raise ValueError(f"ImageSliders: expected {found} labels for {name!r}, one for each picture, got {count}")
    values = values.flatten(0, a - 1)
    if values.dtype == torch.uint8:
        if 0 < values.max() < 32:  # such as the digits' 0 to 16
            raise ValueError(f"ImageSliders: expected uint8 from 0 to 255, got at most {values.max()}; scale to 0 to 1")
        return values.numpy()
    if not values.is_floating_point():
        raise TypeError(f"ImageSliders: expected pictures of floats from 0 to 1 or of uint8, got {values.dtype}")
    low, high = values.min().item(), values.max().item()
    if not (-1e-6 <= low and high <= 1 + 1e-6):  # also false for NaN
        raise ValueError(f"ImageSliders: expected values from 0 to 1, got {low:.3g} to {high:.3g}; clamp or rescale")
    return (255 * values.double()).round().clamp(0, 255).to(torch.uint8).numpy()
