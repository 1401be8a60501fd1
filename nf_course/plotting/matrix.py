"""Pictures of matrices, with their zeros in plain sight, and of small images."""

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from nf_course.plotting._values import array
from nf_course.plotting.palette import COLOURS, SIGNED, readable
from nf_course.plotting.style import new_axes


def matrix(
    values: Tensor,
    ax: Axes | None = None,
    *,
    rows: list[str] | None = None,
    columns: list[str] | None = None,
    blocks: tuple[int, ...] = (),
    numbers: bool | None = None,
    top: float | None = None,
    tolerance: float = 1e-12,
    title: str | None = None,
) -> Axes:
    """Draw a matrix: green above zero, purple below, and every zero as an empty cell.

    Args:
        values: shape ``(R, C)``, any device and dtype.
        ax: where to draw; None makes a new figure.
        rows, columns: names of the rows and columns.
        blocks: where to draw the borders of blocks, counted in rows and columns from the upper left.
        numbers: whether to write each number; up to 8 rows and columns by default.
        top: the size that gets the full colour; the largest in the matrix by default. Give the same to
            several panels.
        tolerance: what counts as zero.
        title: above the picture.

    >>> import torch
    >>> ax = matrix(torch.tensor([[2.0, 0.0], [1.0, -3.0]]), title="lower triangular")
    >>> [text.get_text() for text in ax.texts]
    ['2', '0', '1', '−3']
    """
    cells = array(values)
    if cells.ndim != 2:
        raise ValueError(f"expected a matrix (R, C), got shape {cells.shape}")
    height, width = cells.shape
    unit = 0.42 if max(height, width) <= 10 else 4.2 / max(height, width)
    ax = new_axes(ax, (max(unit * width, 1.6) + 0.7, max(unit * height, 1.6) + 0.7))
    if top is None:
        finite = np.abs(cells[np.isfinite(cells)])
        top = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    shades = SIGNED.with_extremes(bad=COLOURS["wrong"])
    # However small, what is not zero gets a tint: the pattern of zeros is the message.
    tint = np.where(np.abs(cells) > tolerance, np.sign(cells) * (0.15 * top + 0.85 * np.abs(cells)), 0.0)
    tint = np.ma.masked_invalid(np.where(np.isfinite(cells), tint, np.nan))
    ax.imshow(tint, cmap=shades, vmin=-top, vmax=top, origin="upper", interpolation="nearest")

    small = max(height, width) <= 16
    if small:  # thin lines between the cells
        for line in np.arange(-0.5, max(height, width)):
            if line <= height:
                ax.plot([-0.5, width - 0.5], [line, line], color="white", linewidth=1.2, solid_capstyle="butt")
            if line <= width:
                ax.plot([line, line], [-0.5, height - 0.5], color="white", linewidth=1.2, solid_capstyle="butt")
    if numbers if numbers is not None else max(height, width) <= 8:
        decimals = 2 if width <= 4 else 1
        for (i, j), value in np.ndenumerate(cells):
            zero = abs(value) <= tolerance
            colour = COLOURS["muted"] if zero else "white" if abs(value) > 0.6 * top else COLOURS["ink"]
            ax.text(j, i, "0" if zero else _short(value, decimals), ha="center", va="center", color=colour, fontsize=8)
    for border in blocks:
        if 0 < border < height:
            ax.axhline(border - 0.5, color=COLOURS["ink"], linewidth=1.4)
        if 0 < border < width:
            ax.axvline(border - 0.5, color=COLOURS["ink"], linewidth=1.4)

    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
    ax.tick_params(length=0, top=False, labeltop=bool(columns), labelbottom=False)
    ax.set_xticks(range(width) if columns else [], columns or [])
    ax.set_yticks(range(height) if rows else [], rows or [])
    for spine in ax.spines.values():
        spine.set(visible=True, color=COLOURS["muted"])
    if title is not None:
        ax.set_title(title)
    return ax


def _short(value: float, decimals: int) -> str:
    """A number in four characters or so: 1 is exactly 1, 1.0 nearly, and nothing but zero looks like zero."""
    if abs(value) >= 10:
        text = f"{value:.3g}"
    else:
        text = f"{value:.{decimals}f}"
        if abs(float(text) - value) < 1e-6:
            text = text.rstrip("0").rstrip(".")
        elif float(text) == 0:
            text = "≈0"
    return text.replace("-", "−")


def jacobian_pattern(
    jacobian: Tensor,
    ax: Axes | None = None,
    *,
    rows: list[str] | None = None,
    columns: list[str] | None = None,
    blocks: tuple[int, ...] = (),
    numbers: bool | None = None,
    title: str | None = None,
) -> Axes:
    r"""Draw a Jacobian :math:`\partial z_i / \partial x_j`, row i for output z_i and column j for input x_j.

    The pattern of zeros tells the cost of the determinant: triangular, and it is the product of the diagonal.

    Args:
        jacobian: shape ``(D, D)``, as ``torch.func.jacrev`` at one point gives
            it.
        ax: where to draw; None makes a new figure.
        rows, columns: names of outputs and inputs; z1, z2, ... and x1, x2, ... by default.
        blocks: where blocks begin, such as ``(2,)`` to cut a 4 by 4 matrix into four.
        numbers: whether to write each number; up to 8 dimensions by default.
        title: above the picture.

    >>> import torch
    >>> J = torch.tensor([[1.0, 0.0], [0.7, 2.0]])  # an affine coupling: x1 kept, x2 moved
    >>> ax = jacobian_pattern(J, blocks=(1,))
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['$x_{1}$', '$x_{2}$']
    """
    cells = array(jacobian)
    names = max(cells.shape, default=0) <= 16
    if rows is None and names:
        rows = [f"$z_{{{i + 1}}}$" for i in range(cells.shape[0])]
    if columns is None and names:
        columns = [f"$x_{{{j + 1}}}$" for j in range(cells.shape[-1])]
    ax = matrix(jacobian, ax, rows=rows, columns=columns, blocks=blocks, numbers=numbers, title=title)
    for label in ax.get_yticklabels():
        label.set(color=readable(COLOURS["z"]), fontsize=10)
    for label in ax.get_xticklabels():
        label.set(color=readable(COLOURS["x"]), fontsize=10)
    if not names:
        ax.set_ylabel("outputs $z_i$", color=readable(COLOURS["z"]))
        ax.set_xlabel("inputs $x_j$", color=readable(COLOURS["x"]))
    return ax


def image_grid(
    images: Tensor,
    columns: int = 10,
    ax: Axes | None = None,
    *,
    low: float = 0.0,
    high: float | None = None,
    title=None,
) -> Axes:
    """Small grey images in rows, as ink on paper: the highest value is black.

    Args:
        images: shape ``(N, H, W)`` or ``(N, 1, H, W)``, any device and dtype.
        columns: images in a row.
        ax: where to draw; None makes a new figure.
        low, high: the values of paper and ink; ``high`` is the highest value by default.
        title: above the picture.

    >>> from nf_course.data import digits
    >>> ax = image_grid(digits("test").images[:20])
    >>> len(ax.images)
    1
    """
    batch = array(images)
    if batch.ndim == 4 and batch.shape[1] == 1:
        batch = batch[:, 0]
    if batch.ndim != 3 or len(batch) == 0:
        raise ValueError(f"expected grey images (N, H, W) or (N, 1, H, W), got shape {batch.shape}")
    n, h, w = batch.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    gap = max(1, round(0.2 * h))
    canvas = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap), np.nan)
    for k, image in enumerate(batch):
        top, left = k // columns * (h + gap), k % columns * (w + gap)
        canvas[top : top + h, left : left + w] = image
    ax = new_axes(ax, (0.62 * columns, 0.62 * rows * h / w))
    ax.imshow(canvas, cmap="gray_r", vmin=low, vmax=high if high is not None else batch.max(), origin="upper")
    ax.set_axis_off()
    if title is not None:
        ax.set_title(title)
    return ax
