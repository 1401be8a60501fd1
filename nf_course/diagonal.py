"""DiagonalScaling: one learned scale for each feature, the last part of NICE.

z = exp(log_scale) * x;  ladj = sum log_scale.
Chapter 4.
"""

from __future__ import annotations

import torch
from torch import nn

from nf_course.bijection import Bijection
from nf_course.expect import expect_features

__all__ = ["DiagonalScaling"]


class DiagonalScaling(Bijection):
    r"""A diagonal matrix with positive entries: it lets a volume-preserving flow weigh its features.

    .. math:: z_i = S_{ii}\, x_i, \quad S_{ii} = e^{a_i}, \qquad \text{ladj} = \textstyle\sum_i a_i

    A large S_ii says that feature i varies little: 1 / S_ii is its spread, as the eigenvalues are in a principal
    component analysis. Shapes: x and z (N, D). Cost: O(D). Errors: `ValueError` for another number of features.
    Source: Dinh, Krueger and Bengio, 2014 (arXiv 1410.8516), 3.3. Chapter 4.

    >>> layer = DiagonalScaling(2)
    >>> _ = layer.log_scale.data.copy_(torch.tensor([0.0, 1.0]))
    >>> z, ladj = layer.encode(torch.ones(1, 2))
    >>> z, ladj
    (tensor([[1.0000, 2.7183]], grad_fn=...), tensor([1.], grad_fn=...))
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        self.log_scale = nn.Parameter(torch.zeros(features))

    def encode(self, x, context=None):
        expect_features(x, self.features, "DiagonalScaling.encode")
        return self.log_scale.exp() * x, self.log_scale.sum().expand(len(x))

    def decode(self, z, context=None):
        expect_features(z, self.features, "DiagonalScaling.decode")
        return torch.exp(-self.log_scale) * z, -self.log_scale.sum().expand(len(z))
