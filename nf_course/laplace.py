"""StandardLaplace: the base density whose likelihood is the absolute error.

log p(z) = -sum abs(z_i) - D log 2.
Chapter 11.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nf_course.bijection import sum_features
from nf_course.expect import expect_shape

__all__ = ["StandardLaplace"]


class StandardLaplace(nn.Module):
    r"""Independent standard Laplace variables, one for each number of a latent of the given shape.

    .. math:: \log p(z) = -\textstyle\sum_i |z_i| - D \log 2

    The deviation of each number is sqrt(2). Shapes: z `(N, *shape)`, log_prob (N,) in nats. Chapter 11.

    >>> base = StandardLaplace(2)
    >>> round(base.log_prob(torch.zeros(1, 2)).item(), 4)  # 2 log(1/2)
    -1.3863
    """

    def __init__(self, shape: int | tuple[int, ...]) -> None:
        super().__init__()
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.log_normaliser = -math.prod(self.shape) * math.log(2)
        self.register_buffer("like", torch.empty(0), persistent=False)  # remembers dtype and device for `sample`

    def log_prob(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-density in nats: `(N, *shape)` -> (N,)."""
        expect_shape(z, self.shape, "StandardLaplace.log_prob")
        return self.log_normaliser - sum_features(z.abs())

    def sample(self, n: int, context: Tensor | None = None, temperature: float = 1.0) -> Tensor:
        """n draws, `(n, *shape)`, with `temperature` times the deviation: differences of two exponential variables."""
        e = torch.empty(2, n, *self.shape, dtype=self.like.dtype, device=self.like.device).exponential_()
        return temperature * (e[0] - e[1])
