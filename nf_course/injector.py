"""AffineInjector: every number of x is scaled and shifted by what the context says, and by nothing else.

z = exp(log_scale(c)) * x + shift(c);  ladj = sum log_scale(c).
Chapter 11.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nf_course.bijection import Bijection, sum_features
from nf_course.expect import expect_context, expect_floating

__all__ = ["AffineInjector", "Guess"]


class AffineInjector(Bijection):
    r"""SRFlow's injector: for a given context a diagonal affine map, whose numbers a network of the context gives.

    .. math:: z = s(c) \odot x + t(c), \quad (a, t) = \theta(c), \quad \log s = 2\tanh(a/2), \qquad
              \text{ladj} = \textstyle\sum_i \log s_i(c)

    Nothing is kept back, so one layer reaches all numbers; but x never meets x: it takes couplings beside it for
    numbers that depend on each other.

    Shapes: x and z (N, D) or (N, C, H, W); context (N, K), (N, K, H, W) or what the conditioner takes;
    `conditioner(context)` gives 2 numbers for each of x along dim 1, a then t. Cost: one evaluation of the
    conditioner, in either direction. Errors: `ValueError` for a missing context, or where the conditioner's output
    does not fit x. Source: Lugmayr et al., 2020 (arXiv 2006.14200), eq. 5. Chapter 11.

    >>> from nf_course import MLP
    >>> _ = torch.manual_seed(0)
    >>> layer = AffineInjector(MLP(3, 2 * 2, zero_init=False))  # 3 numbers of context decide about 2 of x
    >>> x, c = torch.randn(4, 2), torch.randn(4, 3)
    >>> z, ladj = layer.encode(x, c)
    >>> torch.allclose(layer.decode(z, c)[0], x, atol=1e-6), ladj.shape
    (True, torch.Size([4]))
    """

    def __init__(self, conditioner: nn.Module) -> None:
        super().__init__()
        self.conditioner = conditioner
        features = getattr(conditioner, "in_features", getattr(conditioner, "in_channels", None))
        if not isinstance(features, int):
            raise TypeError(
                "AffineInjector: expected a conditioner that knows how many features its context has, as "
                f"MLP(K, 2 * D) and ConvNet(K, 2 * C) do, got {type(conditioner).__name__}"
            )
        self.context_features = features

    def encode(self, x, context=None):
        expect_floating(x, "AffineInjector.encode")
        log_scale, shift = self.log_scale_and_shift(x, context)
        return torch.exp(log_scale) * x + shift, sum_features(log_scale)

    def decode(self, z, context=None):
        expect_floating(z, "AffineInjector.decode")
        log_scale, shift = self.log_scale_and_shift(z, context)
        return (z - shift) / torch.exp(log_scale), -sum_features(log_scale)

    def log_scale_and_shift(self, like: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        expect_context(context, self.context_features, len(like), "AffineInjector")
        theta = self.conditioner(context)
        if theta.shape != (len(like), 2 * like.shape[1], *like.shape[2:]):
            raise ValueError(
                f"AffineInjector: expected the conditioner to give {(len(like), 2 * like.shape[1], *like.shape[2:])} "
                f"(2 for each feature), got {tuple(theta.shape)}"
            )
        a, shift = theta.chunk(2, 1)
        return 2 * torch.tanh(a / 2), shift


class Guess(nn.Module):
    """A conditioner that takes a guess off and scales nothing: (a, t) = (0, -g(c)), so that z = x - g(c).

    >>> layer = AffineInjector(Guess(nn.Linear(3, 2)))
    >>> z, ladj = layer.encode(torch.zeros(1, 2), torch.ones(1, 3))
    >>> torch.equal(z, -layer.conditioner.network(torch.ones(1, 3))), ladj.item()
    (True, 0.0)
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.in_features = getattr(network, "in_features", getattr(network, "in_channels", None))

    def forward(self, context: Tensor) -> Tensor:
        guess = self.network(context)
        return torch.cat((torch.zeros_like(guess), -guess), 1)
