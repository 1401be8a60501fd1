"""One palette with one meaning for each colour, through the whole course.

A colour says on which side of the flow a thing lives, or what part it plays: blue is the data side, orange
the latent side, black what was observed, green what a model says, crimson what is wrong. The set was chosen
so that any two colours stay apart for readers with protanopia, deuteranopia or tritanopia, and each stands
out from white paper; a test measures both. Figures still say things twice, by a label, a line style or a
marker, for print in grey.
"""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, to_hex, to_rgb

COLOURS = {
    "x": "#0a56a5",  # data side: axes, densities and points in data space
    "z": "#e65f00",  # latent side
    "base": "#e65f00",  # the base density lives on the latent side
    "data": "#161d27",  # what was observed
    "model": "#17a085",  # what a model says: its samples, its density next to the data's
    "wrong": "#a3203a",  # a wrong variant, an error
    "kept": "#161d27",  # the part that a coupling copies
    "moved": "#ad7bd6",  # the part that a coupling transforms
    "grid": "#d5dae1",  # lines that only help the eye
    "muted": "#5f6975",  # what stands in the background, and small print
    "ink": "#1f2933",  # text and axes
}
"""What each colour means. Other keys are a spelling mistake, and raise `KeyError`."""

CYCLE = [COLOURS[name] for name in ("x", "z", "model", "moved", "wrong", "data")]
"""Colours for things without a meaning of their own, such as classes, in the order in which they come."""


def contrast(colour: str, paper: str = "white") -> float:
    """Contrast ratio of a colour and its background, 1 to 21, by WCAG 2: text needs 4.5, graphics 3.

    >>> contrast("black")
    21.0
    """
    light, dark = sorted((_luminance(colour), _luminance(paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str) -> str:
    """The same hue, darkened until text in it has a contrast of 4.5 on white.

    >>> readable(COLOURS["x"]) == COLOURS["x"], contrast(readable(COLOURS["z"])) >= 4.5
    (True, True)
    """
    rgb = np.array(to_rgb(colour))
    while contrast(to_hex(rgb)) < 4.5:
        rgb = rgb * 0.97
    return to_hex(rgb)


def _luminance(colour: str) -> float:
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _from_white(name: str, colour: str, dark: float) -> LinearSegmentedColormap:
    """White to the colour to a darker shade of it: more is darker, also in grey."""
    deepest = np.array(to_rgb(colour)) * dark
    return LinearSegmentedColormap.from_list(name, [(0.0, "white"), (0.62, colour), (1.0, deepest)])


DENSITY = {
    "x": _from_white("nf_x", COLOURS["x"], 0.35),
    "z": _from_white("nf_z", COLOURS["z"], 0.42),
}
"""Shading of a density by the side that it lives on, `"x"` or `"z"`."""
SIGNED = LinearSegmentedColormap.from_list("nf_signed", ["#7b3294", "#c2a5cf", "white", "#7fc8a9", "#00705a"])
"""For numbers around zero, where purple is negative, green positive and white zero."""
VALUES = ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.9, 256)), name="nf_values")
"""For numbers from low to high, carried by points; viridis without its last, palest yellow."""
