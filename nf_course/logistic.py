"""StandardLogistic: the base density of NICE, a bell with heavier tails than the normal one.

log p(z) = sum (log sigmoid(z) + log sigmoid(-z)).
Chapter 4.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nf_course.bijection import sum_features
from nf_course.expect import expect_shape

__all__ = ["StandardLogistic"]


class StandardLogistic(nn.Module):
    r"""Independent standard logistic variables, one for each number of a latent of the given shape.

    .. math:: \log p(z) = \textstyle\sum_i \bigl(\log\sigma(z_i) + \log\sigma(-z_i)\bigr), \qquad
              \sigma(z) = \frac{1}{1 + e^{-z}}

    Its distribution function is the sigmoid, so z = logit(u) with u uniform is a sample; the deviation of each
    number is pi / sqrt(3) = 1.81. Shapes: z `(N, *shape)`, log_prob (N,) in nats.
    Source: Dinh, Krueger and Bengio, 2014 (arXiv 1410.8516), 3.4. Chapter 4.

    >>> base = StandardLogistic(2)
    >>> round(base.log_prob(torch.zeros(1, 2)).item(), 4)  # 2 log(1/4)
    -2.7726
    """

    def __init__(self, shape: int | tuple[int, ...]) -> None:
        super().__init__()
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.register_buffer("like", torch.empty(0), persistent=False)  # remembers dtype and device for `sample`

    def log_prob(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-density in nats: `(N, *shape)` -> (N,)."""
        expect_shape(z, self.shape, "StandardLogistic.log_prob")
        return sum_features(F.logsigmoid(z) + F.logsigmoid(-z))

    def sample(self, n: int, context: Tensor | None = None, temperature: float = 1.0) -> Tensor:
        """n draws, `(n, *shape)`, with `temperature` times the deviation."""
        u = torch.rand(n, *self.shape, dtype=self.like.dtype, device=self.like.device)
        tiny = torch.finfo(u.dtype).tiny  # rand may give 0, whose logit is infinite; it never gives 1
        return temperature * torch.logit(u.clamp(min=tiny))
