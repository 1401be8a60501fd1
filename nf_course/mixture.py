"""NormalMixture: a base density of several islands, for data that a single one cannot reach without a bridge.

log p(z) = logsumexp_k (log w_k + log N(z; m_k, s_k^2)).
Chapter 17.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nf_course.bijection import sum_features
from nf_course.expect import expect_floating, expect_shape

__all__ = ["NormalMixture"]


class NormalMixture(nn.Module):
    r"""A mixture of K normal densities with learned weights, means and deviations, each of independent variables.

    .. math:: \log p(z) = \log \sum_k w_k \prod_i \mathcal N(z_i; m_{ki}, s_{ki}^2), \qquad
              w = \operatorname{softmax}(a), \quad s = e^{b}

    A bijection keeps connected what is connected; a draw from a mixture chooses its component first, by a jump, and
    that is what the islands of the data need. Components start with equal weights, deviation 1, and means at random:
    `spread` times standard normal.

    Shapes: z `(N, *shape)`, log_prob (N,) in nats; `shape` is a number of features or a tuple.
    Errors: `ValueError` for another shape of z, or fewer than one component. Cost: K normal densities.
    Source: Papamakarios, Pavlakou and Murray, 2017 (arXiv 1705.07057), whose MAF MoG has such a base. Chapter 17.

    >>> base = NormalMixture(torch.tensor([[-3.0, 0.0], [3.0, 0.0], [0.0, 3.0]]))
    >>> base.log_prob(torch.zeros(4, 2)).shape, base.sample(5).shape
    (torch.Size([4]), torch.Size([5, 2]))
    >>> alone = NormalMixture(torch.zeros(1, 2))  # one island: the standard normal density
    >>> round(alone.log_prob(torch.zeros(1, 2)).item(), 4)
    -1.8379
    """

    def __init__(self, means: Tensor) -> None:
        super().__init__()
        expect_floating(means, "NormalMixture (means)")
        if means.ndim < 2 or means.numel() == 0:
            raise ValueError(f"NormalMixture: expected means (K, features) or (K, C, H, W), got {tuple(means.shape)}")
        self.shape = tuple(means.shape[1:])
        self.means = nn.Parameter(means.detach().clone())
        self.log_scales = nn.Parameter(torch.zeros_like(means))
        self.logits = nn.Parameter(means.new_zeros(len(means)))
        self.log_normaliser = -0.5 * math.prod(self.shape) * math.log(2 * math.pi)

    def log_prob(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-density in nats: `(N, *shape)` -> (N,)."""
        return torch.logsumexp(self.log_parts(z), 1)

    def log_parts(self, z: Tensor) -> Tensor:
        """log(w_k N_k(z)) for each component, (N, K): normalised over k, the chances that z is of each."""
        expect_shape(z, self.shape, "NormalMixture.log_prob")
        standard = (z[:, None] - self.means) * torch.exp(-self.log_scales)  # (N, K, *shape)
        squares = standard.square().flatten(2).sum(2)  # (N, K)
        log_normal = self.log_normaliser - 0.5 * squares - sum_features(self.log_scales)  # (N, K)
        return torch.log_softmax(self.logits, 0) + log_normal

    def sample(self, n: int, context: Tensor | None = None, temperature: float = 1.0) -> Tensor:
        """n draws, `(n, *shape)`: a component by its weight, then a point of it, of `temperature` times its width."""
        k = torch.multinomial(torch.softmax(self.logits, 0), n, replacement=True)  # (n,)
        noise = torch.randn(n, *self.shape, dtype=self.means.dtype, device=self.means.device)
        return self.means[k] + temperature * torch.exp(self.log_scales[k]) * noise
