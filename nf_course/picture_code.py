"""PictureCode: pictures as few numbers, by the directions in which a collection of them varies most.

c = V^T (x - m) / s,  x is about m + V (s c):  principal components, each with deviation 1.
Chapter 13.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nf_course.expect import expect_finite, expect_shape

__all__ = ["PictureCode"]


class PictureCode(nn.Module):
    r"""Principal components of pictures: K numbers for each, and the picture that these numbers tell of.

    .. math:: c = \operatorname{diag}(s)^{-1} V^\top (x - m), \qquad \hat x = m + V \operatorname{diag}(s)\, c

    m is the mean of the pictures that `fit` was given, V their K directions of most variance, s their deviations along
    these. A context network with nothing to learn: what it leaves out, no flow behind it sees.

    Shapes: pictures (N, 1, size, size), codes (N, K). Errors: `ValueError` for other shapes and NaN. Cost: one product
    of matrices; `fit` one singular value decomposition. Source: Pearson, 1901. Chapter 13.

    >>> pictures = torch.rand(50, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> code = PictureCode(16, size=4).fit(pictures)
    >>> torch.allclose(code.decode(code(pictures)), pictures, atol=1e-5)  # 16 numbers for 16 pixels: nothing is lost
    True
    """

    def __init__(self, features: int, size: int = 32) -> None:
        super().__init__()
        if not 1 <= features <= size**2:
            raise ValueError(f"PictureCode: expected 1 to {size**2} features for {size} x {size}, got {features}")
        self.in_channels, self.features, self.size = 1, features, size
        self.register_buffer("mean", torch.zeros(size**2))
        self.register_buffer("directions", torch.zeros(size**2, features))  # columns of length 1
        self.register_buffer("deviation", torch.ones(features))

    def fit(self, pictures: Tensor) -> PictureCode:
        """Mean, directions and deviations of these pictures; itself. It takes more pictures than features."""
        rows = self._rows(pictures)
        if len(rows) <= self.features:
            raise ValueError(f"PictureCode.fit: expected more than {self.features} pictures, got {len(rows)}")
        self.mean.copy_(rows.mean(0))
        _, sizes, directions = torch.linalg.svd(rows - self.mean, full_matrices=False)
        directions = directions[: self.features].T
        signs = directions.gather(0, directions.abs().argmax(0, keepdim=True)).sign()  # of its largest number: +
        self.directions.copy_(directions * signs)
        self.deviation.copy_(sizes[: self.features] / len(rows) ** 0.5)
        return self

    def forward(self, pictures: Tensor) -> Tensor:
        """The code: (N, 1, size, size) -> (N, K)."""
        return (self._rows(pictures) - self.mean) @ self.directions / self.deviation

    def decode(self, code: Tensor) -> Tensor:
        """The picture of a code: (N, K) -> (N, 1, size, size)."""
        expect_shape(code, (self.features,), "PictureCode.decode")
        rows = self.mean + (self.deviation * code) @ self.directions.T
        return rows.view(-1, 1, self.size, self.size)

    def _rows(self, pictures: Tensor) -> Tensor:
        expect_shape(pictures, (1, self.size, self.size), "PictureCode")
        expect_finite(pictures, "PictureCode")
        return pictures.flatten(1)  # (N, size * size)
