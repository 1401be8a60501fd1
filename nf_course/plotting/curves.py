"""Curves over a count: what a computation costs as it grows, and how training went."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FixedLocator, NullLocator

from nf_course.plotting._values import array
from nf_course.plotting.palette import COLOURS, CYCLE, readable
from nf_course.plotting.style import new_axes


def cost_curves(
    sizes: list[int],
    seconds: dict[str, list[float]],
    ax: Axes | None = None,
    *,
    colours: dict[str, str] | None = None,
    slope: bool = True,
    xlabel: str = "size",
    ylabel: str = "time for one call",
    unit: str = "s",
    title: str | None = None,
) -> Axes:
    r"""Measured cost against size, both on logarithmic scales: :math:`C^k` is a straight line of slope k.

    Args:
        sizes: the sizes measured, such as numbers of channels.
        seconds: for each curve's name its measurements: one for each size, or an array ``(repeats, sizes)``,
            of which the median is drawn and the range from fastest to slowest is tinted. NaN leaves a gap.
        ax: where to draw; None makes a new figure.
        colours: for some names their colour; the others take theirs in turn.
        slope: True writes at the end of each curve the exponent fitted to its upper half, where the fixed
            cost of a call no longer hides it.
        xlabel, ylabel: names on the axes.
        unit: of the measurements, written with its prefix (ms, µs).
        title: above the picture.

    >>> cubic, linear = [8e-6, 6.4e-5, 5.1e-4, 4.1e-3], [1e-6, 2e-6, 4e-6, 8e-6]
    >>> ax = cost_curves([8, 16, 32, 64], {"cubic": cubic, "linear": linear})
    >>> [text.get_text() for text in ax.texts]
    ['linear\n$\\propto$ size$^{1.0}$', 'cubic\n$\\propto$ size$^{3.0}$']
    """
    ax = new_axes(ax, (6.2, 3.6))
    sizes_ = np.asarray(sizes, dtype=float)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ends = []
    for i, (name, measured) in enumerate(seconds.items()):
        runs = np.atleast_2d(array(np.asarray(measured, dtype=float)))
        if runs.shape[1] != len(sizes_):
            raise ValueError(f"{name!r} should have one measurement for each of {len(sizes_)} sizes, got {runs.shape}")
        colour = (colours or {}).get(name, CYCLE[i % len(CYCLE)])
        middle = np.median(runs, axis=0)
        ax.plot(sizes_, middle, color=colour, marker="os^Dv"[i % 5], markersize=5)
        if len(runs) > 1:
            ax.fill_between(sizes_, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.15, linewidth=0)
        known = np.flatnonzero(np.isfinite(middle))
        if len(known) == 0:
            continue
        text = name
        if slope and len(known) >= 3:
            upper = known[len(known) // 2 :] if len(known) >= 4 else known
            exponent = round(np.polyfit(np.log(sizes_[upper]), np.log(middle[upper]), 1)[0], 1) + 0.0  # no -0.0
            text += f"\n$\\propto$ {xlabel.split()[0]}$^{{{exponent:.1f}}}$"
        ends.append((sizes_[known[-1]], middle[known[-1]], text, readable(colour)))
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.xaxis.set_major_locator(FixedLocator(sizes_))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_major_formatter(EngFormatter(unit))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.grid(axis="y")
    _label_ends(ax, ends)
    if title is not None:
        ax.set_title(title)
    return ax


def _label_ends(ax: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Names at the right ends of curves, pushed apart where they would lie on each other."""
    low, high = np.log(ax.get_ylim())
    height = ax.get_position().height * ax.figure.get_figheight() * 72  # points of print
    apart = 30 / max(height, 1)  # of the axis: two lines of text
    last = -np.inf
    for x, y, text, colour in sorted(ends, key=lambda end: end[1]):
        at = (np.log(y) - low) / (high - low)
        place = max(at, last + apart)
        last = place
        ax.annotate(
            text,
            (x, y),
            xytext=(9, (place - at) * height),
            textcoords="offset points",
            color=colour,
            fontsize=10,
            va="center",
            annotation_clip=False,
        )


def learning_curve(history, ax: Axes | None = None, *, window: int | None = None, title: str | None = None) -> Axes:
    """How training went: the loss of the minibatches, smoothed, that of held-out data, and what was kept.

    Args:
        history: what :func:`nf_course.fit` returns.
        ax: where to draw; None makes a new figure.
        window: steps in the mean about each step; a fiftieth of all by default.
        title: above the picture.

    >>> from nf_course.training import History
    >>> ax = learning_curve(History([3.0, 2.5, 2.2], [1, 3], [2.8, 2.3], best_step=3, best_nll=2.3))
    >>> ax.get_ylabel()
    'nats per sample'
    """
    ax = new_axes(ax)
    train = np.asarray(history.train_nll, dtype=float)
    window = window or max(1, len(train) // 50)
    kernel = np.ones(min(window, max(len(train), 1)))
    # Fewer steps count at the two ends; a running mean of the past would lag behind the held-out curve.
    running = train
    if len(train):
        running = np.convolve(train, kernel, "same") / np.convolve(np.ones_like(train), kernel, "same")
    steps = np.arange(1, len(train) + 1)
    ax.plot(steps, train, color=COLOURS["grid"], linewidth=0.6)
    ax.plot(steps, running, color=COLOURS["muted"], linestyle="--", linewidth=1.5, label="training")
    ax.plot(
        history.valid_steps,
        history.valid_nll,
        color=COLOURS["model"],
        marker="o",
        markersize=3.5,
        label="held out",
    )
    if history.valid_steps:
        ring = {"color": COLOURS["model"], "markersize": 10, "fillstyle": "none", "linestyle": "none"}
        ax.plot(history.best_step, history.best_nll, marker="o", label="kept", **ring)
    # The first steps are far above the rest: show where learning happens, not the fall.
    shown = np.concatenate([running[len(running) // 20 :], np.asarray(history.valid_nll[1:], dtype=float)])
    if len(shown) and np.isfinite(shown).all() and np.ptp(shown) > 0:
        ax.set_ylim(shown.min() - 0.08 * np.ptp(shown), shown.max() + 0.25 * np.ptp(shown))
    ax.set_xlabel("step")
    ax.set_ylabel("nats per sample")
    ax.legend()
    if title is not None:
        ax.set_title(title)
    return ax
