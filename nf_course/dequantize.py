"""Dequantize, Logit, bits_per_dim: from pixel values to numbers that a density can be fitted to.

(x + u) / bins with u ~ U[0, 1), then the logit;  bits/dim = -log p(x) / (D log 2), x counted in bins.
Chapter 5.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from nf_course.bijection import Bijection, sum_features
from nf_course.expect import expect_floating

__all__ = ["Dequantize", "Logit", "bits_per_dim"]


class Dequantize(Bijection):
    r"""Spreads each integer over its bin: counts 0 .. bins-1 become real numbers in [0, 1).

    .. math:: z = (x + u) / \text{bins}, \quad u \sim U[0, 1)^D, \qquad \text{ladj} = -D \log \text{bins}

    The noise makes `log_prob` a random lower bound, in expectation over u, on the log-probability of the integers.
    It is the one part that is random in `encode`; `decode` gives the integers back (as floating-point numbers).

    Shapes: x (N, ...), of integers in any dtype; z the same shape, in the default floating dtype if x was integer.
    Errors: `ValueError` for values outside 0 .. bins-1 or between integers. Cost: O(D).
    Source: Theis, van den Oord and Bethge, 2016 (arXiv 1511.01844), 3.1. Chapter 5.

    >>> layer, x = Dequantize(bins=17), torch.tensor([[0, 16, 5]])
    >>> z, ladj = layer.encode(x)
    >>> layer.decode(z)[0].tolist(), round(ladj.item(), 4)  # -3 log 17
    ([[0.0, 16.0, 5.0]], -8.4996)
    """

    def __init__(self, bins: int = 256) -> None:
        super().__init__()
        if not isinstance(bins, int) or bins < 1:
            raise ValueError(f"Dequantize: expected a whole number of bins, at least 1, got {bins}")
        self.bins = bins

    def encode(self, x, context=None):
        if not isinstance(x, Tensor) or x.ndim < 2:
            raise ValueError(f"Dequantize.encode: expected a batch of integers (N, ...), got {getattr(x, 'shape', x)}")
        x = x if x.is_floating_point() else x.to(torch.get_default_dtype())
        if x.numel() and (x.min() < 0 or x.max() > self.bins - 1 or (x != x.round()).any()):
            raise ValueError(
                f"Dequantize.encode: expected integers 0 to {self.bins - 1}, got values from {x.min():g} to {x.max():g}"
            )
        edge = 2 * self.bins * torch.finfo(x.dtype).eps  # nearer to it, rounding may put x + u into the next bin
        if edge > 0.25:
            raise TypeError(f"Dequantize.encode: {x.dtype} is too coarse for noise in {self.bins} bins; use x.float()")
        u = torch.rand_like(x).clamp(edge, 1 - edge)
        return (x + u) / self.bins, -self._log_volume(x)

    def decode(self, z, context=None):
        expect_floating(z, "Dequantize.decode")
        return (z * self.bins).floor().clamp(0, self.bins - 1), self._log_volume(z)

    def _log_volume(self, x: Tensor) -> Tensor:
        return x.new_full((len(x),), math.prod(x.shape[1:]) * math.log(self.bins))


class Logit(Bijection):
    r"""Opens the unit interval to the real line, after shrinking it a little so that its ends stay finite.

    .. math:: y = \alpha + (1 - 2\alpha)\,x, \quad z = \log y - \log(1 - y), \qquad
              \text{ladj} = \textstyle\sum_i \log(1 - 2\alpha) - \log y_i - \log(1 - y_i)

    Shapes: x in [0, 1], (N, ...), and z the same. Cost: O(D). Errors: `ValueError` for x outside [0, 1].
    Source: Dinh, Sohl-Dickstein and Bengio, 2017 (arXiv 1605.08803), 4.1 (there alpha + (1 - alpha) x). Chapter 5.

    >>> z, ladj = Logit(alpha=0.0).encode(torch.tensor([[0.5]], dtype=torch.float64))
    >>> z.item(), round(ladj.exp().item(), 6)  # slope 1 / (x (1 - x)) = 4
    (0.0, 4.0)
    """

    def __init__(self, alpha: float = 0.05) -> None:
        super().__init__()
        if not 0 <= alpha < 0.5:
            raise ValueError(f"Logit: expected 0 <= alpha < 0.5, got {alpha}")
        self.alpha = alpha

    def encode(self, x, context=None):
        expect_floating(x, "Logit.encode")
        if x.numel() and (x.min() < 0 or x.max() > 1):
            raise ValueError(f"Logit.encode: expected values in [0, 1], got {x.min():g} to {x.max():g}; divide by bins")
        y = self.alpha + (1 - 2 * self.alpha) * x
        z = torch.logit(y)
        return z, self._ladj(z)

    def decode(self, z, context=None):
        expect_floating(z, "Logit.decode")
        y = torch.sigmoid(z)
        return (y - self.alpha) / (1 - 2 * self.alpha), -self._ladj(z)

    def _ladj(self, z: Tensor) -> Tensor:
        log_y, log_1_y = F.logsigmoid(z), F.logsigmoid(-z)  # log y, log(1 - y): finite where y rounds to 0 or 1
        return sum_features(math.log(1 - 2 * self.alpha) - log_y - log_1_y)


def bits_per_dim(log_prob: Tensor, dims: int) -> Tensor:
    r"""Negative log-likelihood in bits for each dimension: -log_prob / (dims log 2), of any shape.

    `log_prob` is in nats, of data counted in bins (steps of 1), as a flow that starts with `Dequantize` gives it.
    A density over data that were scaled by 1/bins first needs dims * log(bins) subtracted before.

    >>> uniform = torch.tensor(-784 * math.log(256))  # 256 values, all equally likely
    >>> round(bits_per_dim(uniform, 784).item(), 6)
    8.0
    """
    return -log_prob / (dims * math.log(2))
