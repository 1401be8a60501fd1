"""One style for all figures, and one way to put panels beside each other."""

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nf_course.plotting.palette import COLOURS, CYCLE

PANEL = 2.7  # inches: the side of one square panel; three fill the width of a page

RC = {
    # White paper: both themes of the book, and notebooks in the dark, show a picture on white.
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.figsize": (5.6, 3.4),
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "savefig.bbox": "tight",
    "figure.constrained_layout.use": True,
    # Fonts that come with matplotlib, so that a page looks the same wherever it is built.
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "mathtext.fontset": "cm",  # like the equations of the page
    "axes.titlesize": 11,
    "axes.titleweight": "normal",
    "axes.titlepad": 8,
    "axes.labelsize": 11,
    "axes.labelcolor": COLOURS["ink"],
    "axes.edgecolor": COLOURS["muted"],
    "axes.titlecolor": COLOURS["ink"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=CYCLE),
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.6,
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 10,
    "image.interpolation": "nearest",
    "image.origin": "lower",
}


def style() -> None:
    """Put the course's look on every figure that follows: call it once, at the head of a notebook.

    Sets matplotlib's defaults (fonts, sizes, colours in the order of :data:`CYCLE`), and in Jupyter asks for
    pictures of twice the resolution, shown at their right size.

    >>> style()
    >>> mpl.rcParams["axes.spines.top"]
    False
    """
    mpl.rcParams.update(RC)
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("retina")


def side_by_side(
    n: int,
    titles: list[str] | None = None,
    columns: int = 4,
    size: float | tuple[float, float] = PANEL,
    **kwargs,
) -> tuple[Figure, np.ndarray]:
    """A figure with ``n`` panels of one size, in rows of ``columns`` at the most.

    Args:
        n: number of panels.
        titles: one for each panel.
        columns: panels in a row before the next row begins.
        size: width and height of a panel in inches; one number makes it square.
        **kwargs: handed to ``plt.subplots``, such as ``sharey=True``.

    Returns:
        The figure, and an array of ``n`` axes.

    >>> figure, (left, right) = side_by_side(2, titles=["before", "after"])
    >>> right.get_title()
    'after'
    >>> plt.close(figure)
    """
    if titles is not None and len(titles) != n:
        raise ValueError(f"expected {n} titles, one for each panel, got {len(titles)}")
    columns = min(n, columns)
    rows = -(-n // columns)
    width, height = (size, size) if isinstance(size, (int, float)) else size
    kwargs = {"layout": "constrained"} | kwargs
    figure, axes = plt.subplots(rows, columns, figsize=(width * columns, height * rows), squeeze=False, **kwargs)
    for unused in axes.flat[n:]:
        unused.remove()
    axes = axes.flatten()[:n]
    for ax, title in zip(axes, titles or [""] * n):
        ax.set_title(title)
    return figure, axes


def new_axes(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    """The axes given, or those of a new figure."""
    return ax if ax is not None else plt.subplots(figsize=size, layout="constrained")[1]
