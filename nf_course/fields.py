"""MLPField, ConcatSquashField, ConvField, PointField: networks that say how fast each point moves, and where to.

v = f(t, x, c), of the shape of x; smooth, so that a solver can take long steps.
Chapters 9 and 12 (ConcatSquashField).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nf_course.expect import expect_context, expect_shape

__all__ = ["ConcatSquashField", "ConvField", "MLPField", "PointField"]


class MLPField(nn.Module):
    """A velocity field over vectors: a multilayer perceptron of x, t and the context, with tanh between its layers.

    Shapes: x (N, features), t a number or (N,), context (N, context_features); the velocity as x. It starts at zero,
    so that a fresh flow is the identity. Errors: `ValueError` for another shape, a missing or mis-sized context.

    >>> field = MLPField(2, hidden=(16,))
    >>> field(0.5, torch.ones(3, 2)).tolist()
    [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    """

    def __init__(self, features: int, hidden: Sequence[int] = (64, 64), context_features: int = 0) -> None:
        super().__init__()
        self.net = _perceptron([features + 1 + context_features, *hidden, features])
        self.features, self.context_features = features, context_features

    def forward(self, t: float | Tensor, x: Tensor, context: Tensor | None = None) -> Tensor:
        expect_shape(x, (self.features,), "MLPField")
        parts = [x, _times(t, x)[:, None]]  # (N, features), (N, 1)
        if self.context_features:
            expect_context(context, self.context_features, len(x), "MLPField")
            if context.ndim != 2:
                raise ValueError(
                    f"MLPField: expected a context (N, {self.context_features}), got {tuple(context.shape)}"
                )
            parts.append(context)
        return self.net(torch.cat(parts, 1))


class ConcatSquashField(nn.Module):
    r"""A velocity field over vectors whose layers are gated and shifted by time and context, with tanh between them.

    .. math:: h \leftarrow (W h + b) \odot \sigma(U c_t + u) + V c_t, \qquad c_t = (t, c)

    Time and context can switch units off and on, in each layer; in an `MLPField` they only shift those of the first.
    Shapes, errors, and the start at zero: as for `MLPField`.
    Source: Grathwohl et al., 2019 (arXiv 1810.01367), in whose code the layer has this name; StyleFlow is made of it.

    >>> field = ConcatSquashField(2, hidden=(16,), context_features=3)
    >>> field(0.5, torch.ones(3, 2), torch.ones(3, 3)).tolist()
    [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    """

    def __init__(self, features: int, hidden: Sequence[int] = (64, 64), context_features: int = 0) -> None:
        super().__init__()
        widths, given = [features, *hidden, features], 1 + context_features
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))
        self.gates = nn.ModuleList(nn.Linear(given, width) for width in widths[1:])
        self.shifts = nn.ModuleList(nn.Linear(given, width, bias=False) for width in widths[1:])
        _zero(self.layers[-1])
        nn.init.zeros_(self.shifts[-1].weight)
        self.features, self.context_features = features, context_features

    def forward(self, t: float | Tensor, x: Tensor, context: Tensor | None = None) -> Tensor:
        expect_shape(x, (self.features,), "ConcatSquashField")
        given = _times(t, x)[:, None]  # (N, 1)
        if self.context_features:
            expect_context(context, self.context_features, len(x), "ConcatSquashField")
            if context.ndim != 2:
                raise ValueError(
                    f"ConcatSquashField: expected a context (N, {self.context_features}), got {tuple(context.shape)}"
                )
            given = torch.cat((given, context), 1)  # (N, 1 + context_features)
        last = len(self.layers) - 1
        for i, (layer, gate, shift) in enumerate(zip(self.layers, self.gates, self.shifts, strict=True)):
            x = layer(x) * torch.sigmoid(gate(given)) + shift(given)
            x = x if i == last else torch.tanh(x)
        return x


class ConvField(nn.Module):
    """A velocity field over images: three convolutions of 3x3 pixels, with tanh between; time is one channel more.

    Shapes: x (N, channels, H, W), t a number or (N,); context (N, K), repeated over the pixels, or (N, K, h, w),
    resized to H, W. Errors: as for `MLPField`.

    >>> ConvField(1, hidden=8)(0.5, torch.ones(3, 1, 4, 4)).shape
    torch.Size([3, 1, 4, 4])
    """

    def __init__(self, channels: int, hidden: int = 32, context_features: int = 0) -> None:
        super().__init__()
        last = nn.Conv2d(hidden, channels, 3, padding=1)
        self.net = nn.Sequential(
            nn.Conv2d(channels + 1 + context_features, hidden, 3, padding=1),
            nn.Tanh(),
            nn.Conv2d(hidden, hidden, 3, padding=1),
            nn.Tanh(),
            _zero(last),
        )
        self.channels, self.context_features = channels, context_features

    def forward(self, t: float | Tensor, x: Tensor, context: Tensor | None = None) -> Tensor:
        expect_shape(x, (self.channels, None, None), "ConvField")
        size = x.shape[2:]
        parts = [x, _times(t, x)[:, None, None, None].expand(-1, 1, *size)]  # (N, 1, H, W)
        if self.context_features:
            expect_context(context, self.context_features, len(x), "ConvField")
            if context.ndim == 2:
                context = context[:, :, None, None].expand(-1, -1, *size)  # (N, K, H, W)
            elif context.shape[2:] != size:
                context = F.interpolate(context, size, mode="bilinear", antialias=True)
            parts.append(context)
        return self.net(torch.cat(parts, 1))


class PointField(nn.Module):
    """A velocity field over sets of points: each point moves by where it is, and by the mean of a feature of all.

    Shapes: x (N, P, features) for any number P of points, t a number or (N,), context (N, K), shared by the points of
    a set. Points in another order move the same, in that order. Errors: as for `MLPField`.

    >>> PointField(3, hidden=8)(0.5, torch.ones(2, 5, 3)).shape
    torch.Size([2, 5, 3])
    """

    def __init__(self, features: int = 3, hidden: int = 64, context_features: int = 0) -> None:
        super().__init__()
        self.of_point = nn.Sequential(nn.Linear(features + 1 + context_features, hidden), nn.Tanh())
        self.net = _perceptron([2 * hidden, hidden, features])
        self.features, self.context_features = features, context_features

    def forward(self, t: float | Tensor, x: Tensor, context: Tensor | None = None) -> Tensor:
        expect_shape(x, (None, self.features), "PointField")
        points = x.shape[1]
        parts = [x, _times(t, x)[:, None, None].expand(-1, points, 1)]  # (N, P, features), (N, P, 1)
        if self.context_features:
            expect_context(context, self.context_features, len(x), "PointField")
            if context.ndim != 2:
                raise ValueError(
                    f"PointField: expected a context (N, {self.context_features}), got {tuple(context.shape)}"
                )
            parts.append(context[:, None].expand(-1, points, -1))  # (N, P, K)
        each = self.of_point(torch.cat(parts, 2))  # (N, P, hidden)
        return self.net(torch.cat((each, each.mean(1, keepdim=True).expand_as(each)), 2))


def _times(t: float | Tensor, x: Tensor) -> Tensor:
    """The time of each sample, (N,)."""
    return torch.as_tensor(t, dtype=x.dtype, device=x.device).expand(len(x))


def _perceptron(widths: Sequence[int]) -> nn.Sequential:
    """Linear layers with tanh between them, the last one zero."""
    layers: list[nn.Module] = []
    for width_in, width_out in pairwise(widths):
        layers += [nn.Linear(width_in, width_out), nn.Tanh()]
    _zero(layers[-2])
    return nn.Sequential(*layers[:-1])


def _zero(layer: nn.Linear | nn.Conv2d) -> nn.Module:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
