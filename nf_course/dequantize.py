"""Dequantize, VariationalDequantize, Logit: from pixel values to numbers that a density can be fitted to.

(x + u) / bins with u ~ U[0, 1), or u ~ q(u | x), then the logit;  E_u[log p(x + u) - log q(u | x)] <= log P(x).
Chapter 5.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nf_course.bijection import Bijection, sum_features
from nf_course.expect import expect_floating
from nf_course.reshape import pixels_to_channels

__all__ = ["Dequantize", "Logit", "VariationalDequantize"]


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
        x, edge = self._counts(x)
        u = torch.rand_like(x).clamp(edge, 1 - edge)
        return (x + u) / self.bins, -self._log_volume(x)

    def decode(self, z, context=None):
        expect_floating(z, "Dequantize.decode")
        return (z * self.bins).floor().clamp(0, self.bins - 1), self._log_volume(z)

    def _counts(self, x: Tensor) -> tuple[Tensor, float]:
        """The integers as floating-point numbers, and how near to a bin's edge its noise may come."""
        who = f"{type(self).__name__}.encode"
        if not isinstance(x, Tensor) or x.ndim < 2:
            raise ValueError(f"{who}: expected a batch of integers (N, ...), got {getattr(x, 'shape', x)}")
        x = x if x.is_floating_point() else x.to(torch.get_default_dtype())
        compiling = torch.compiler.is_compiling()  # then values cannot be looked at
        if not compiling and x.numel() and (x.min() < 0 or x.max() > self.bins - 1 or (x != x.round()).any()):
            raise ValueError(
                f"{who}: expected integers 0 to {self.bins - 1}, got values from {x.min():g} to {x.max():g}"
            )
        edge = 2 * self.bins * torch.finfo(x.dtype).eps  # nearer to it, rounding may put x + u into the next bin
        if edge > 0.25:
            raise TypeError(f"{who}: {x.dtype} is too coarse for noise in {self.bins} bins; use x.float()")
        return x, edge

    def _log_volume(self, x: Tensor) -> Tensor:
        return x.new_full((len(x),), math.prod(x.shape[1:]) * math.log(self.bins))


class VariationalDequantize(Dequantize):
    r"""Dequantization whose noise is learned: u ~ q(u | x), a conditional flow over the unit cube.

    .. math:: z = (x + u) / \text{bins}, \quad u \sim q(u \mid x), \qquad
              \text{ladj} = -D \log \text{bins} - \log q(u \mid x)

    With it `log_prob` is log p(x + u) - log q(u | x), a random lower bound in expectation over u, and tight where q is
    the flow's own density inside the bin. The uniform noise of `Dequantize` is the case q = 1.

    `noise` is a `Flow` over `(N, C, H, W)` in (0, 1), so it starts with `Logit(0)`, with a context of 4C channels: the
    image, scaled to [-1, 1] and squeezed to half its size, so that each 2 x 2 square is one pixel of it.
    Gradients reach `noise` through its own samples. Shapes: x (N, C, H, W), integers, H and W even; z the same.
    Cost: one decode of `noise` in `encode`, one encode in `decode`. Errors: as for `Dequantize`.
    Source: Ho, Chen, Srinivas, Duan and Abbeel, 2019 (arXiv 1902.00275), 3.1. Chapter 5.

    >>> from nf_course import AffineCoupling, Checkerboard, ConvNet, Flow, Sequential, StandardNormal
    >>> _ = torch.manual_seed(0)
    >>> coupling = AffineCoupling(ConvNet(2, 4, hidden=8, context_features=4), Checkerboard())
    >>> noise = Flow(Sequential(Logit(0.0), coupling), StandardNormal((1, 2, 2)))
    >>> z, ladj = VariationalDequantize(noise, bins=17).encode(torch.tensor([[[[0, 16], [5, 9]]]]))
    >>> (17 * z).floor().flatten().tolist(), ladj.shape
    ([0.0, 16.0, 5.0, 9.0], torch.Size([1]))
    """

    def __init__(self, noise: nn.Module, bins: int = 256) -> None:
        super().__init__(bins)
        self.noise = noise

    def encode(self, x, context=None):
        x, edge = self._counts(x)
        about = self.about(x)
        eps = self.noise.base.sample(len(x))
        u, ladj = self.noise.bijection.decode(eps, about)
        log_q = self.noise.base.log_prob(eps) - ladj  # log q(u | x) from the other side: no encode is needed
        return (x + u.clamp(edge, 1 - edge)) / self.bins, -self._log_volume(x) - log_q

    def decode(self, z, context=None):
        x, log_volume = super().decode(z)
        edge = 2 * self.bins * torch.finfo(z.dtype).eps
        u = (z * self.bins - x).clamp(edge, 1 - edge)
        return x, log_volume + self.noise.log_prob(u, self.about(x))

    def about(self, x: Tensor) -> Tensor:
        """What q(u | x) is told: the image in [-1, 1], (N, 4C, H/2, W/2)."""
        return pixels_to_channels(2 * x / max(self.bins - 1, 1) - 1)


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
        if not torch.compiler.is_compiling() and x.numel() and (x.min() < 0 or x.max() > 1):
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
