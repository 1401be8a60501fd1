"""PictureShapes: a C-Flow between depth pictures and shapes, both as codes, in both directions.

p(s | c) and p(c | s),  c the code of a picture, s the code of a shape, each layer by layer.
Chapter 13.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nf_course.flow import Flow
from nf_course.models.cflow import cflow, cycle_distance
from nf_course.picture_code import PictureCode

__all__ = ["PictureShapes", "picture_shapes"]

SOURCE, CYCLE = 0.1, 0.1  # weights of the source flows' own likelihood and of the cycle, both in nats


class PictureShapes(nn.Module):
    r"""Shapes of a picture, and pictures of a shape.

    .. math:: s \sim p(s \mid c(x)), \qquad c \sim p(c \mid s), \quad \hat x = m + V \operatorname{diag}(\sigma)\, c

    A picture hides the back of a shape, a shape has a picture from each side: either way there are many answers, and
    the C-Flow of that direction gives samples. What turns codes of shapes into clouds is a `PointFlow`, apart.

    Args: `code` of pictures; `to_shape`, a flow over shape codes (N, K) given picture codes (N, L); `to_picture`, the
    other way round. Errors: as for `Flow` and `PictureCode`. Cost: that of the two flows.
    Source: Pumarola et al., 2020 (arXiv 1912.07009), there with flows over images and points themselves. Chapter 13.

    >>> _ = torch.manual_seed(0)
    >>> model = picture_shapes(4, 6, size=8, steps=2, hidden=(16,)).eval()
    >>> pictures = torch.rand(20, 1, 8, 8)
    >>> _ = model.code.fit(pictures)
    >>> model.sample(20, pictures).shape, model.pictures(torch.zeros(2, 6)).shape
    (torch.Size([20, 6]), torch.Size([2, 1, 8, 8]))
    """

    def __init__(self, code: PictureCode, to_shape: Flow, to_picture: Flow) -> None:
        super().__init__()
        self.code, self.to_shape, self.to_picture = code, to_shape, to_picture
        self.context_features = code.in_channels

    def log_prob(self, shape: Tensor, picture: Tensor) -> Tensor:
        """log p(s | c) + log p(c | s) in nats: (N, K), (N, 1, size, size) -> (N,)."""
        c = self.code(picture)
        return self.to_shape.log_prob(shape, c) + self.to_picture.log_prob(c, shape)

    forward = log_prob

    def loss(self, shape: Tensor, picture: Tensor, source: float = SOURCE, cycle: float = CYCLE) -> Tensor:
        """What it is trained on, (N,) in nats: `log_prob`, the source flows' own, and the way to a picture and back.

        The cycle starts at the shape. Started at the picture it would ask for the side from which it was taken, which
        no shape tells.
        """
        c = self.code(picture)
        conditional = self.to_shape.log_prob(shape, c) + self.to_picture.log_prob(c, shape)
        sources = self.to_shape.bijection.source_log_prob(c) + self.to_picture.bijection.source_log_prob(shape)
        return -conditional - source * sources + cycle * cycle_distance(self.to_picture, self.to_shape, shape)

    @torch.no_grad()
    def sample(self, n: int, picture: Tensor, temperature: float = 1.0) -> Tensor:
        """A shape code for each of n pictures: (n, 1, size, size) -> (n, K)."""
        return self.to_shape.sample(n, self.code(picture), temperature)

    @torch.no_grad()
    def pictures(self, shape: Tensor, temperature: float = 1.0) -> Tensor:
        """A picture of each shape code: (N, K) -> (N, 1, size, size), from 0 to 1."""
        return self.code.decode(self.to_picture.sample(len(shape), shape, temperature)).clamp(0, 1)


def picture_shapes(
    picture: int = 32, shape: int = 32, size: int = 32, steps: int = 6, hidden: Sequence[int] = (128, 128)
) -> PictureShapes:
    """A C-Flow of `steps` couplings a side, between `picture` numbers of a picture and `shape` numbers of a shape."""
    to_shape, to_picture = cflow(picture, shape, steps, hidden), cflow(shape, picture, steps, hidden)
    return PictureShapes(PictureCode(picture, size), to_shape, to_picture)
