"""MLP and ConvNet: the networks that give a coupling its parameters. They need not be invertible.

theta = net(kept, context); the last layer starts at zero, so that a fresh coupling is the identity.
Chapters 3 (MLP), 6 (ConvNet) and 10 (context).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nf_course.expect import expect_context

__all__ = ["MLP", "ConvNet"]


class MLP(nn.Sequential):
    """A multilayer perceptron with ReLU between its layers; context is joined to the input.

    Shapes: kept (N, in_features), context (N, context_features), output (N, out_features).
    `zero_init=False` leaves the last layer at PyTorch's default. Errors: `ValueError` for another feature count,
    a missing or mis-sized context. Cost: O(sum of products of neighbouring widths) per sample.

    >>> net = MLP(2, 4, hidden=(8,), context_features=3)
    >>> net(torch.ones(5, 2), torch.ones(5, 3)).abs().max().item()  # zero at the start
    0.0
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        hidden: Sequence[int] = (64, 64),
        context_features: int = 0,
        zero_init: bool = True,
    ) -> None:
        widths = [in_features + context_features, *hidden]
        layers: list[nn.Module] = []
        for width_in, width_out in pairwise(widths):
            layers += [nn.Linear(width_in, width_out), _relu()]
        last = nn.Linear(widths[-1], out_features)
        if zero_init:
            _zero(last)
        super().__init__(*layers, last)
        self.in_features, self.context_features = in_features, context_features

    def forward(self, kept: Tensor, context: Tensor | None = None) -> Tensor:
        if kept.ndim != 2 or kept.shape[1] != self.in_features:
            raise ValueError(f"MLP: expected (N, {self.in_features}) to condition on, got {tuple(kept.shape)}")
        if self.context_features:
            expect_context(context, self.context_features, len(kept), "MLP")
            if context.ndim != 2:
                wanted = f"(N, {self.context_features})"
                raise ValueError(f"MLP: expected a context of shape {wanted}, got {tuple(context.shape)}")
            kept = torch.cat((kept, context), 1)  # (N, in_features + context_features)
        return super().forward(kept)


class ConvNet(nn.Sequential):
    """Three convolutions (3x3, 1x1, 3x3), the network of Glow's couplings; context is joined as channels.

    Shapes: kept (N, in_channels, H, W), output (N, out_channels, H, W); context (N, K) is repeated over the
    pixels, (N, K, h, w) is resized to H, W. Errors: `ValueError` for another channel count, a missing or mis-sized
    context. Cost: O(hidden (9 in + hidden + 9 out) H W) per sample.

    >>> net = ConvNet(2, 4, hidden=8, context_features=3)
    >>> net(torch.ones(5, 2, 4, 4), torch.ones(5, 3)).shape
    torch.Size([5, 4, 4, 4])
    """

    def __init__(
        self, in_channels: int, out_channels: int, hidden: int = 64, context_features: int = 0, zero_init: bool = True
    ) -> None:
        last = nn.Conv2d(hidden, out_channels, 3, padding=1)
        if zero_init:
            _zero(last)
        super().__init__(
            nn.Conv2d(in_channels + context_features, hidden, 3, padding=1),
            _relu(),
            nn.Conv2d(hidden, hidden, 1),
            _relu(),
            last,
        )
        self.in_channels, self.context_features = in_channels, context_features

    def forward(self, kept: Tensor, context: Tensor | None = None) -> Tensor:
        if kept.ndim != 4 or kept.shape[1] != self.in_channels:
            raise ValueError(f"ConvNet: expected (N, {self.in_channels}, H, W), got {tuple(kept.shape)}")
        if self.context_features:
            expect_context(context, self.context_features, len(kept), "ConvNet")
            if context.ndim == 2:
                context = context[:, :, None, None].expand(-1, -1, *kept.shape[2:])  # (N, K, H, W)
            elif context.shape[2:] != kept.shape[2:]:
                context = F.interpolate(context, kept.shape[2:], mode="bilinear", antialias=True)
            kept = torch.cat((kept, context), 1)
        return super().forward(kept)


def _relu() -> nn.ReLU:
    """In place, which saves a tensor as large as the widest layer: no layer needs its own output to learn."""
    return nn.ReLU(inplace=True)


def _zero(layer: nn.Linear | nn.Conv2d) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
