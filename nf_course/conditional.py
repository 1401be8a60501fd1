"""ConditionalNormal: a base density that a context moves and widens.

p(z | c) = prod_i N(z_i; m_i(c), s_i(c)^2),  (m, log s) a network of c.
Chapter 10.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nf_course.bijection import sum_features
from nf_course.expect import expect_context, expect_shape

__all__ = ["ConditionalNormal"]


class ConditionalNormal(nn.Module):
    r"""Independent normal variables whose means and deviations depend on a context.

    .. math:: \log p(z \mid c) = -\tfrac12 \Bigl\| \frac{z - m(c)}{s(c)} \Bigr\|^2 - \sum_i \log s_i(c)
              - \tfrac D2 \log 2\pi, \qquad \log s = 2\tanh(a/2), \quad (m, a) = \theta(c)

    The same density as a standard normal base behind one more layer, z -> (z - m(c)) / s(c). At m = a = 0, where the
    last layer of an `MLP` starts, it is the standard normal one.

    Shapes: z `(N, *shape)`, context (N, K), log_prob (N,) in nats; `shape` is a number of features or a tuple;
    `conditioner(context)` gives 2 numbers for each of a latent, all the means first, (N, 2 D).
    Errors: `ValueError` for another shape of z, a missing or mis-sized context, a conditioner that gives another
    number; `TypeError` for a conditioner without `in_features`, by which the base knows what to ask for.
    Cost: one evaluation of the conditioner. Source: Winkler et al., 2019 (arXiv 1912.00042), eq. 3. Chapter 10.

    >>> from nf_course import MLP
    >>> base = ConditionalNormal(2, MLP(3, 2 * 2))
    >>> round(base.log_prob(torch.zeros(1, 2), torch.ones(1, 3)).item(), 4)  # -log(2 pi), as long as nothing is learned
    -1.8379
    """

    def __init__(self, shape: int | tuple[int, ...], conditioner: nn.Module) -> None:
        super().__init__()
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if not isinstance(getattr(conditioner, "in_features", None), int):
            raise TypeError(
                "ConditionalNormal: expected a conditioner that knows the number of its `in_features`, those of the "
                f"context, as MLP(K, 2 * D) does, got {type(conditioner).__name__}"
            )
        self.conditioner = conditioner
        self.context_features = conditioner.in_features
        self.log_normaliser = -0.5 * math.prod(self.shape) * math.log(2 * math.pi)

    def log_prob(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-density in nats: `(N, *shape)`, (N, K) -> (N,)."""
        expect_shape(z, self.shape, "ConditionalNormal.log_prob")
        mean, log_scale = self.mean_and_log_scale(context, len(z))
        standard = (z - mean) / torch.exp(log_scale)
        return self.log_normaliser - 0.5 * sum_features(standard.square()) - sum_features(log_scale)

    def sample(self, n: int, context: Tensor | None = None, temperature: float = 1.0) -> Tensor:
        """n draws, `(n, *shape)`, one for each row of the context; the deviations are multiplied by `temperature`."""
        mean, log_scale = self.mean_and_log_scale(context, n)
        return mean + temperature * torch.exp(log_scale) * torch.randn_like(mean)

    def mean_and_log_scale(self, context: Tensor | None, n: int) -> tuple[Tensor, Tensor]:
        """m and log s for each row of the context, `(n, *shape)` each."""
        expect_context(context, self.context_features, n, "ConditionalNormal")
        theta, features = self.conditioner(context), math.prod(self.shape)
        if theta.shape != (n, 2 * features):
            raise ValueError(
                f"ConditionalNormal: expected the conditioner to give {(n, 2 * features)}, a mean and a log-scale for "
                f"each number of a latent, got {tuple(theta.shape)}"
            )
        mean, a = (half.view(n, *self.shape) for half in theta.chunk(2, 1))  # (n, D) -> (n, *shape)
        return mean, 2 * torch.tanh(a / 2)
