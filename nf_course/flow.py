"""StandardNormal and Flow: a base density and the bijection that carries data to it.

log p(x) = log p_base(z) + log|det dz/dx|,  z = encode(x);   x = decode(z),  z ~ base, is a sample.
Chapters 1 and 2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nf_course.bijection import Bijection, sum_features
from nf_course.expect import expect_context, expect_finite, expect_shape

__all__ = ["Flow", "StandardNormal"]


class StandardNormal(nn.Module):
    r"""Independent standard normal variables, one for each number of a latent of the given shape.

    .. math:: \log p(z) = -\tfrac12 \|z\|^2 - \tfrac D2 \log 2\pi

    Shapes: z `(N, *shape)`, log_prob (N,) in nats; `shape` is a number of features or a tuple.

    >>> base = StandardNormal(2)
    >>> round(base.log_prob(torch.zeros(1, 2)).item(), 4)  # -log(2 pi)
    -1.8379
    """

    def __init__(self, shape: int | tuple[int, ...]) -> None:
        super().__init__()
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.log_normaliser = -0.5 * math.prod(self.shape) * math.log(2 * math.pi)
        self.register_buffer("like", torch.empty(0), persistent=False)  # remembers dtype and device for `sample`

    def log_prob(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-density in nats: `(N, *shape)` -> (N,)."""
        expect_shape(z, self.shape, "StandardNormal.log_prob")
        return self.log_normaliser - 0.5 * sum_features(z.square())

    def sample(self, n: int, context: Tensor | None = None, temperature: float = 1.0) -> Tensor:
        """n draws, `(n, *shape)`, with standard deviation `temperature`."""
        return temperature * torch.randn(n, *self.shape, dtype=self.like.dtype, device=self.like.device)


class Flow(nn.Module):
    r"""A density made of a bijection and a base: exact log-likelihood, exact sampling.

    .. math:: \log p_X(x) = \log p_Z(z) + \log\left|\det \frac{\partial z}{\partial x}\right|, \qquad z = f(x)

    Shapes: x (N, ...), log_prob (N,) in nats; context (N, K) or (N, K, H, W), asked for if a layer uses it.
    Errors: a shape, dtype or context that does not fit, and NaN, are refused with what was expected.
    Cost: `log_prob` is one `encode`, `sample` one `decode`. Source: Papamakarios et al., 2021 (arXiv 1912.02762).

    >>> from nf_course import LULinear
    >>> _ = torch.manual_seed(0)
    >>> flow = Flow(LULinear(2), StandardNormal(2))
    >>> flow.log_prob(torch.zeros(3, 2)).shape, flow.sample(5).shape
    (torch.Size([3]), torch.Size([5, 2]))
    """

    def __init__(self, bijection: Bijection, base: nn.Module) -> None:
        super().__init__()
        self.bijection = bijection
        self.base = base
        self.context_features = max(_context_features(bijection), _context_features(base))

    def log_prob(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-density of each sample in nats: (N, ...) -> (N,)."""
        if isinstance(x, Tensor) and x.ndim:  # what is no batch at all is refused by the first layer
            self._check_type(x, "Flow.log_prob")
            self._check_context(context, len(x), "Flow.log_prob")
            expect_finite(x, "Flow.log_prob")
        z, ladj = self.bijection.encode(x, context)
        return self.base.log_prob(z, context) + ladj

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """`flow(x)` is `flow.log_prob(x)`: what torch.compile and hooks see."""
        return self.log_prob(x, context)

    @torch.no_grad()
    def sample(self, n: int, context: Tensor | None = None, temperature: float = 1.0) -> Tensor:
        """n samples, (n, ...). One context row is shared by all; otherwise there is one row for each sample.

        `temperature` scales the base's standard deviation: below 1 it stays nearer to the mode, at the price of
        variety. For gradients through samples, call `bijection.decode` on your own base samples.
        """
        if isinstance(context, Tensor) and context.ndim >= 2 and len(context) == 1:
            context = context.expand(n, *context.shape[1:])
        self._check_context(context, n, "Flow.sample")
        x, _ = self.bijection.decode(self.base.sample(n, context, temperature), context)
        return x

    def _check_type(self, x: Tensor, who: str) -> None:
        weight = next(self.parameters(), x)
        if x.is_floating_point() and x.dtype != weight.dtype and not torch.is_autocast_enabled(x.device.type):
            raise TypeError(
                f"{who}: expected {weight.dtype}, as the weights are, got {x.dtype}; use x.to({weight.dtype})"
            )

    def _check_context(self, context: Tensor | None, batch: int, who: str) -> None:
        if self.context_features:
            expect_context(context, self.context_features, batch, who)
            self._check_type(context, f"{who} (context)")
            expect_finite(context, f"{who} (context)")
        elif context is not None:
            raise ValueError(f"{who}: expected no context, since no layer of this flow uses one; got one")


def _context_features(module: nn.Module) -> int:
    """What the layers ask for; a module that says it itself speaks for what it holds, as `Encoded` does.

    A flow inside a layer (`VariationalDequantize`) gets its context from that layer.
    """
    own = getattr(module, "context_features", None)
    if own is not None:
        return own
    return max([0, *(_context_features(child) for child in module.children() if not isinstance(child, Flow))])
