"""ActNorm: a scale and a shift for each feature or channel, set by the first batch, then learned.

z = exp(log_scale) * x + shift;  ladj = H * W * sum log_scale.
Chapter 8.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nf_course.bijection import Bijection
from nf_course.expect import expect_features, expect_finite

__all__ = ["ActNorm"]


class ActNorm(Bijection):
    r"""Activation normalisation: after the first training batch each channel has mean 0 and deviation 1.

    .. math:: z_{c} = s_c\, x_{c} + b_c, \qquad \text{ladj} = H W \textstyle\sum_c \log s_c

    Shapes: x and z (N, C) or (N, C, ...); the log-scale is shared by all positions of a channel, so each counts.
    The data-dependent initialisation happens in `encode`, in training mode, once; the flag is a buffer, so a
    loaded model never initialises again. (`torch.compile` needs it done: let one batch pass first.) Cost: O(CHW).
    Errors: a constant channel or a batch too small for a deviation is refused at initialisation.
    Source: Kingma and Dhariwal, 2018 (arXiv 1807.03039), 3.1. Chapter 8.

    >>> layer, x = ActNorm(2), torch.tensor([[1.0, 10.0], [3.0, 30.0]])
    >>> z, ladj = layer.encode(x)
    >>> z.round(decimals=5).tolist()  # mean 0, deviation 1 in each column
    [[-1.0, -1.0], [1.0, 1.0]]
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        self.log_scale = nn.Parameter(torch.zeros(features))
        self.shift = nn.Parameter(torch.zeros(features))
        self.register_buffer("initialised", torch.tensor(False))
        self._begun = False  # the flag once more, where it can be read without waiting for a GPU: see _has_begun

    def encode(self, x, context=None):
        expect_features(x, self.features, "ActNorm.encode")
        if self.training and not self._has_begun():
            self._initialise(x)
        log_scale, shift = self._shaped_like(x)
        return torch.addcmul(shift, log_scale.exp(), x), self._ladj(x)

    def decode(self, z, context=None):
        expect_features(z, self.features, "ActNorm.decode")
        log_scale, shift = self._shaped_like(z)
        return (z - shift) * torch.exp(-log_scale), -self._ladj(z)

    def _shaped_like(self, x: Tensor) -> tuple[Tensor, Tensor]:
        shape = (1, self.features) + (1,) * (x.ndim - 2)
        return self.log_scale.view(shape), self.shift.view(shape)  # (1, C, 1, 1)

    def _ladj(self, x: Tensor) -> Tensor:
        positions = math.prod(x.shape[2:])  # H * W; 1 for vectors
        return (positions * self.log_scale.sum()).expand(len(x))

    def _has_begun(self) -> bool:
        """The flag. Once it is up its tensor is read no more: that would cut a compiled graph, and stall a GPU."""
        self._begun = self._begun or bool(self.initialised)
        return self._begun

    def _load_from_state_dict(self, *args) -> None:
        super()._load_from_state_dict(*args)
        self._begun = bool(self.initialised)

    @torch.no_grad()
    def _initialise(self, x: Tensor) -> None:
        expect_finite(x, "ActNorm (initialisation)")
        per_channel = x.transpose(0, 1).flatten(1)  # (C, N*H*W)
        std = per_channel.std(1, correction=0)
        if not (std > 1e-6).all():
            constant = (std <= 1e-6).nonzero()[:, 0].tolist()
            raise ValueError(
                f"ActNorm: expected a first batch that varies in every feature, got {len(x)} sample(s) "
                f"with no variation in feature(s) {constant[:8]}"
            )
        self.log_scale.copy_(-std.log())
        self.shift.copy_(-per_channel.mean(1) / std)
        self.initialised.fill_(True)
        self._begun = True
