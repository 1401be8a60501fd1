"""Figures with sliders that Python computes anew at each move, for any flow: layer by layer, and by temperature.

h_{k-1} = f_k^{-1}(h_k);  x = decode(T z), z from the base;  p_X(x) = p_Z(f(x)) abs(f'(x)), f' by autograd.
For your own flows in a running notebook; the chapters have figures that need no kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets import FloatSlider, IntSlider, interactive
from torch import Tensor

from nf_course.expect import expect_context, expect_finite
from nf_course.flow import Flow
from nf_course.plotting import image_grid, scatter, side_by_side, warped_grid
from nf_course.plotting._values import resting
from nf_course.widgets._given import amount, how_many, numbers
from nf_course.widgets.flow_tracks import layers_of
from nf_course.widgets.stretch import draw_stretch, normal

__all__ = ["live_layers", "live_stretch", "live_temperature"]


def live_layers(
    flow: Flow, data: Tensor, groups: Tensor | None = None, *, context: Tensor | None = None, extent: float = 2.5
) -> interactive:
    """A slider over the layers of a flow of the plane: the grid that they bend, and the points of `data` on their way.

    On the left the latent plane, on the right what the first layers of decoding make of it. Any flow will do; one that
    is neither a `Sequential` nor a `CouplingStack` counts as one layer. `groups` holds a class for each point,
    `context` one row for all points, if the flow needs one. On a page without a kernel the figure stands still.

    >>> from nf_course import data, models, randomise
    >>> live = live_layers(randomise(models.realnvp(2, couplings=4)), data.moons(100))
    >>> live.children[0].value = 4
    >>> [ax.get_title() for ax in live.result.axes]
    ['noise, $z$', 'after 4 of 4 layers']
    """
    who = "live_layers"
    _expect_flow(flow, who)
    data = numbers(data, who, "points of the plane, (N, 2)")
    if data.ndim != 2 or data.shape[1] != 2 or not len(data):
        raise ValueError(f"{who}: expected points of the plane, (N, 2), got shape {tuple(data.shape)}")
    expect_finite(data, f"{who} (data)")
    if groups is not None:
        groups = numbers(groups, who, "a class for each point")
        if groups.shape != data.shape[:1]:
            found = len(groups) if groups.ndim == 1 else f"shape {tuple(groups.shape)}"
            raise ValueError(f"{who}: expected a class for each of {len(data)} points, got {found}")
        expect_finite(groups, f"{who} (groups)")
    if flow.context_features:
        expect_context(context, flow.context_features, 1, f"{who}, one row for all points")
        expect_finite(context, f"{who} (context)")
    elif context is not None:
        raise ValueError(f"{who}: expected no context, since no layer of this flow uses one; got one")
    extent = amount(extent, who, "extent", 1e-6, 1e6)
    try:
        layers = layers_of(flow.bijection)
    except TypeError:
        layers = [flow.bijection]
    like = next(flow.parameters(), data)

    def through(h: Tensor, some: list, way: str) -> list[Tensor]:
        stops = [h.to(like)]
        rows = None if context is None else context.to(like).expand(len(h), *context.shape[1:])
        with resting(flow):
            for layer in some:
                stops.append(getattr(layer, way)(stops[-1], rows)[0])
        return stops

    points = [stop.float().cpu() for stop in through(data, layers, "encode")][::-1]  # noise first
    if not all(torch.isfinite(stop).all() for stop in points):
        raise ValueError(f"{who}: expected a flow that gives finite numbers, got NaN or infinity for these points")
    colour_by = groups if groups is not None else points[0][:, 0]
    far = 1.05 * max(extent, *(stop.abs().flatten().quantile(0.995).item() for stop in points))
    limits = (-far, far, -far, far)

    def draw(layers_applied: int) -> mpl.figure.Figure:
        titles = ["noise, $z$", f"after {layers_applied} of {len(layers)} layers"]
        figure, axes = side_by_side(2, titles, size=3.2)
        decoding = layers[::-1][:layers_applied]
        for ax, side, k, map in (
            (axes[0], "z", 0, None),
            (axes[1], "x", layers_applied, lambda z: through(z, decoding, "decode")[-1]),
        ):
            grid = (-extent, extent, -extent, extent)
            warped_grid(map, grid, ax, side=side, limits=limits)
            scatter(points[k], colour_by, ax, side=side, extent=limits)
        return figure

    return _live(draw, layers_applied=IntSlider(len(layers) // 2, 0, len(layers), description="layers"))


def live_temperature(
    flow: Flow,
    n: int | None = None,
    *,
    shape: tuple[int, int, int] | None = None,
    context: Tensor | None = None,
    most: float = 1.5,
    high: float | None = None,
    seed: int = 0,
) -> interactive:
    """A slider over the temperature: n samples of a flow, from the same noise, so that each moves and none jumps.

    Samples of the plane are a cloud of points. With `shape` (C, H, W) each sample is a picture, C 1 or 3; `high` is
    the value of ink, or of full light in colour: by default the highest at temperature 1. On a page without a kernel
    the figure stands still.

    >>> from nf_course import models, randomise
    >>> live = live_temperature(randomise(models.realnvp(2)), n=50)
    >>> live.children[0].value = 0.0
    >>> live.result.axes[0].get_title()
    'temperature 0.00'
    """
    who = "live_temperature"
    _expect_flow(flow, who)
    n = how_many((400 if shape is None else 40) if n is None else n, who, "n")
    most = amount(most, who, "most", 0.05, 100)
    if high is not None:
        high = amount(high, who, "high", 1e-12, 1e12)
    if shape is not None and not (
        isinstance(shape, (tuple, list)) and all(isinstance(k, int) and k > 0 for k in shape)
    ):
        raise ValueError(f"{who}: expected a shape (C, H, W), three numbers above 0, got {shape!r}")

    def sample(temperature: float) -> Tensor:
        like = next(flow.parameters(), torch.empty(0))
        with torch.random.fork_rng([like.device] if like.is_cuda else []), resting(flow):
            torch.manual_seed(seed)
            return flow.sample(n, context, temperature).float().cpu()

    first = sample(1.0)
    if not torch.isfinite(first).all():
        raise ValueError(f"{who}: expected a flow that gives finite numbers, got NaN or infinity among its samples")
    if shape is None and first.shape != (n, 2):
        raise ValueError(
            f"live_temperature: expected samples of the plane, ({n}, 2), got {tuple(first.shape)}; "
            "for pictures give their shape=(C, H, W)"
        )
    if shape is not None and (len(shape) != 3 or shape[0] not in (1, 3) or math.prod(shape) != first[0].numel()):
        raise ValueError(
            f"live_temperature: expected a shape (C, H, W) of {first[0].numel()} numbers with C 1 or 3, got {shape}"
        )
    high = high if high is not None else first.max().item()
    far = 1.1 * first.abs().max().item()

    def draw(temperature: float) -> mpl.figure.Figure:
        x, title = sample(temperature), f"temperature {temperature:.2f}"
        if shape is None:
            return scatter(x, extent=(-far, far, -far, far), title=title).figure
        if shape[0] == 1:
            return image_grid(x.view(n, *shape), ax=None, high=high, title=title).figure
        return _coloured(x.view(n, *shape) / high, title)

    return _live(draw, temperature=FloatSlider(1.0, min=0.0, max=most, step=0.05, description="temperature"))


def live_stretch(f: Callable[[Tensor], Tensor], *, slab: float = 0.0, width: float = 0.5) -> interactive:
    """The figure of chapter 1 for any monotone function from x to z, (N,) -> (N,): its slope is found by autograd.

    Sliders move the slab and its width; z is standard normal. On a page without a kernel the figure stands still.

    >>> live = live_stretch(lambda x: x + torch.sin(x) / 2)
    >>> live.children[0].value = 1.0
    >>> len(live.result.axes)
    3
    """

    def map(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at = torch.tensor(x, dtype=torch.get_default_dtype(), requires_grad=True)
        try:
            z = f(at)
        except Exception as error:
            raise TypeError(
                "live_stretch: expected a function of torch operations, from (N,) to (N,), "
                f"got {type(error).__name__}: {error}"
            ) from error
        if not isinstance(z, Tensor) or z.shape != at.shape or not z.requires_grad:
            raise TypeError("live_stretch: expected a function of torch operations, from (N,) to (N,)")
        (slope,) = torch.autograd.grad(z.sum(), at)
        return z.detach().double().numpy(), slope.double().numpy()

    slab = amount(slab, "live_stretch", "slab", -2.6, 2.6)
    width = amount(width, "live_stretch", "width", 0.05, 1.6)
    z, slope = map(np.linspace(-3.2, 3.2, 641))
    if not (np.isfinite(z).all() and (np.all(np.diff(z) > 0) or np.all(np.diff(z) < 0))):
        raise ValueError("live_stretch: expected a function that only grows, or only falls, from x = -3.2 to 3.2")
    if not np.isfinite(normal(z) * slope).all():
        raise ValueError("live_stretch: expected a finite slope everywhere from x = -3.2 to 3.2")

    return _live(
        lambda slab, width: draw_stretch(map, slab, width)[0],
        slab=FloatSlider(slab, min=-2.6, max=2.6, step=0.05, description="slab at x"),
        width=FloatSlider(width, min=0.05, max=1.6, step=0.05, description="its width"),
    )


def _expect_flow(flow: Flow, who: str) -> None:
    if not isinstance(flow, Flow):
        raise TypeError(f"{who}: expected a Flow, a bijection with its base, got {type(flow).__name__}")


def _live(draw: Callable[..., mpl.figure.Figure], **sliders) -> interactive:
    """The sliders, and below them the picture that `draw` makes of their values."""

    def picture(**values) -> mpl.figure.Figure:
        figure = draw(**values)
        plt.close(figure)  # it is shown as the result; pyplot would show it a second time
        return figure

    picture(**{name: slider.value for name, slider in sliders.items()})  # `interactive` would swallow an error
    notebook = InteractiveShell.initialized()
    return interactive(picture, {"auto_display": notebook}, clear_output=notebook, **sliders)


def _coloured(pictures: Tensor, title: str, columns: int = 10) -> mpl.figure.Figure:
    """Colour pictures (N, 3, H, W) with values 0 to 1, in rows."""
    n, _, h, w = pictures.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    canvas = torch.ones(rows * columns, 3, h + 1, w + 1)
    canvas[:n, :, :h, :w] = pictures.clamp(0, 1)
    canvas = canvas.view(rows, columns, 3, h + 1, w + 1).permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)
    figure, ax = plt.subplots(figsize=(0.62 * columns, 0.62 * rows * h / w), layout="constrained")
    ax.imshow(canvas.numpy(), origin="upper")
    ax.set_axis_off()
    ax.set_title(title)
    return figure
