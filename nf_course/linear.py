"""LULinear: a learned invertible matrix over features, or over channels at every pixel (a 1x1 convolution).

z = W x with W = P L (U + diag(s));  log|det W| = sum log|s|, once per pixel: ladj = H * W * sum log|s|.
Chapter 7.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nf_course.bijection import Bijection
from nf_course.expect import expect_features

__all__ = ["LULinear"]


class LULinear(Bijection):
    r"""An invertible linear map over dim 1, kept as the factors of its LU decomposition.

    .. math:: z = W x, \qquad W = P\,L\,(U + \operatorname{diag}(s)), \qquad
              \text{ladj} = H W \textstyle\sum_c \log|s_c|

    P is a fixed permutation, L lower triangular with ones on its diagonal, U *strictly* upper triangular. The
    signs of s are fixed and only log|s| is learned, so W can never become singular. W starts as a random rotation
    or reflection (QR of a normal matrix gives det +1 or -1).

    Shapes: x and z (N, C) or (N, C, ...). Cost: encode O(C^2) per position and O(C^3) once to multiply the factors
    (no determinant, no inverse); decode two triangular solves, O(C^2) per position; ladj O(C).
    Source: Kingma and Dhariwal, 2018 (arXiv 1807.03039), 3.2. Chapter 7.

    >>> _ = torch.manual_seed(0)
    >>> layer = LULinear(4)
    >>> z, ladj = layer.encode(torch.randn(2, 4, 3, 3))
    >>> z.shape, torch.allclose(ladj[0], 9 * torch.linalg.slogdet(layer.weight())[1], atol=1e-5)
    (torch.Size([2, 4, 3, 3]), True)
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        rotation, _ = torch.linalg.qr(torch.randn(features, features))
        P, L, U = torch.linalg.lu(rotation)
        s = U.diagonal()
        self.lower = nn.Parameter(L.tril(-1))
        self.upper = nn.Parameter(U.triu(1))
        self.log_abs_s = nn.Parameter(s.abs().log())
        self.register_buffer("sign_s", s.sign())
        self.register_buffer("permutation", P.argmax(1))  # row i of P has its one in this column

    def factors(self) -> tuple[Tensor, Tensor]:
        """(L, U + diag(s)), each (C, C): only the strict triangles of the parameters are used."""
        L = self.lower.tril(-1) + torch.diag(self.lower.new_ones(self.features))
        U = self.upper.triu(1) + torch.diag(self.sign_s * self.log_abs_s.exp())
        return L, U

    def weight(self) -> Tensor:
        """W = P L (U + diag(s)), (C, C)."""
        L, U = self.factors()
        return (L @ U)[self.permutation]

    def encode(self, x, context=None):
        expect_features(x, self.features, "LULinear.encode")
        z = F.linear(x.movedim(1, -1), self.weight()).movedim(-1, 1)  # W x at every position
        return z, self._ladj(x)

    def decode(self, z, context=None):
        expect_features(z, self.features, "LULinear.decode")
        L, U = self.factors()
        y = z.movedim(1, -1)[..., self.permutation.argsort()].flatten(0, -2)  # (N*H*W, C), each row P^T z
        v = torch.linalg.solve_triangular(L.T, y, upper=True, left=False, unitriangular=True)  # L v = y, by rows
        x = torch.linalg.solve_triangular(U.T, v, upper=False, left=False)  # (U + diag(s)) x = v, by rows
        x = x.unflatten(0, (len(z), *z.shape[2:])).movedim(-1, 1)  # (N, C, H, W)
        return x, -self._ladj(z)

    def _ladj(self, x: Tensor) -> Tensor:
        positions = math.prod(x.shape[2:])  # H * W; 1 for vectors
        return (positions * self.log_abs_s.sum()).expand(len(x))
