"""Bijection, Sequential, Inverse: maps between data x and latent z that know how they change volume.

z, ladj = encode(x) with ladj = log|det dz/dx|;  x, ladj = decode(z) with ladj = log|det dx/dz|.
Chapters 1 (one map) and 2 (composition).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Bijection", "Inverse", "Sequential", "sum_features"]


def sum_features(values: Tensor) -> Tensor:
    """Sum over everything but the batch: (N, ...) -> (N,)."""
    return values.flatten(1).sum(1)


class Bijection(nn.Module):
    r"""A differentiable map with a differentiable inverse, and the log-determinant of each direction.

    .. math:: z = f(x), \quad \text{ladj} = \log|\det \partial z/\partial x|
              \qquad\text{and}\qquad x = f^{-1}(z), \quad \text{ladj} = \log|\det \partial x/\partial z|

    Shapes: x is (N, D), (N, C, H, W) or any (N, ...); z holds as many numbers per sample; ladj is (N,), in nats,
    on the dtype and device of the input. Each `ladj` belongs to the map that was just computed, so at matching
    points the two are negatives of each other. `context`, where a layer uses it, is (N, K) or (N, K, H, W).

    A subclass writes `encode` and `decode`. There is no `forward`: the field uses that word for either direction.

    >>> class Double(Bijection):
    ...     def encode(self, x, context=None):
    ...         return 2 * x, x.new_full((len(x),), x[0].numel() * math.log(2))
    ...     def decode(self, z, context=None):
    ...         return z / 2, z.new_full((len(z),), -z[0].numel() * math.log(2))
    >>> import math
    >>> z, ladj = Double().encode(torch.ones(1, 3))
    >>> z.tolist(), round(ladj.item(), 4)
    ([[2.0, 2.0, 2.0]], 2.0794)
    """

    def encode(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Data to latent: (z, log|det dz/dx|)."""
        raise NotImplementedError(f"{type(self).__name__} does not define encode(x, context)")

    def decode(self, z: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Latent to data: (x, log|det dx/dz|)."""
        raise NotImplementedError(f"{type(self).__name__} does not define decode(z, context)")

    def forward(self, *args, **kwargs):
        raise TypeError(
            f"{type(self).__name__} has two directions: .encode(x), data to latent, and .decode(z), latent to data"
        )


class Sequential(Bijection):
    r"""Bijections one after the other, listed in encode order, data first. Log-determinants add.

    .. math:: x = h_0, \quad h_k = f_k(h_{k-1}), \quad z = h_L, \qquad
              \log|\det \partial z/\partial x| = \sum_{k=1}^{L} \log|\det \partial f_k/\partial h_{k-1}|

    Each Jacobian is taken at the point h_{k-1} that its own layer receives. Cost: that of the layers.

    >>> from nf_course import ActNorm, LULinear
    >>> _ = torch.manual_seed(0)
    >>> flow = Sequential(LULinear(3), ActNorm(3).eval())
    >>> x = torch.randn(5, 3)
    >>> z, ladj = flow.encode(x)
    >>> back, ladj_back = flow.decode(z)
    >>> torch.allclose(back, x, atol=1e-5), torch.allclose(ladj + ladj_back, torch.zeros(5), atol=1e-5)
    (True, True)
    """

    def __init__(self, *bijections: Bijection) -> None:
        super().__init__()
        for position, bijection in enumerate(bijections):
            if not isinstance(bijection, Bijection):
                raise TypeError(f"Sequential: part {position} is a {type(bijection).__name__}, expected a Bijection")
        self.bijections = nn.ModuleList(bijections)

    def encode(self, x, context=None):
        ladjs = []
        for bijection in self.bijections:
            x, ladj = bijection.encode(x, context)
            ladjs.append(ladj)
        return x, _total(ladjs, x)

    def decode(self, z, context=None):
        ladjs = []
        for bijection in reversed(self.bijections):
            z, ladj = bijection.decode(z, context)
            ladjs.append(ladj)
        return z, _total(ladjs, z)

    def __len__(self) -> int:
        return len(self.bijections)

    def __getitem__(self, index):
        part = self.bijections[index]
        return Sequential(*part) if isinstance(index, slice) else part


def _total(ladjs: list[Tensor], like: Tensor) -> Tensor:
    return torch.stack(ladjs).sum(0) if ladjs else like.new_zeros(len(like))  # L x (N,) -> (N,)


class Inverse(Bijection):
    r"""The same map read backwards: `encode` and `decode` change places, each with its own log-determinant.

    >>> from nf_course import LULinear
    >>> _ = torch.manual_seed(0)
    >>> layer, x = LULinear(2), torch.randn(4, 2)
    >>> torch.equal(Inverse(layer).encode(x)[0], layer.decode(x)[0])
    True
    """

    def __init__(self, bijection: Bijection) -> None:
        super().__init__()
        self.bijection = bijection

    def encode(self, x, context=None):
        return self.bijection.decode(x, context)

    def decode(self, z, context=None):
        return self.bijection.encode(z, context)
