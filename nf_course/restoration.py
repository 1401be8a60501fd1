r"""noisy, masked, blurred: what was seen, as data terms; total_variation and L2: what is assumed, as priors to compare.

-log p(y | x) = ||A x - y||^2 / (2 sigma^2) + const, A = 1, a mask, or a blur;  TV(x) = sum sqrt(dx^2 + dy^2 + eps^2).
Chapter 16.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nf_course.bijection import sum_features
from nf_course.expect import expect_floating, expect_shape

__all__ = ["L2Prior", "TotalVariation", "blur", "blurred", "masked", "noisy", "total_variation"]

SMOOTHING = 0.01  # of the corner of TV at zero, in units of x: a hundredth of the range of a pixel


def noisy(y: Tensor, sigma: float) -> Callable[[Tensor], Tensor]:
    r"""The data term of y = x + noise: x (N, ...) -> (N,), in nats.

    .. math:: \frac{1}{2 \sigma^2} \|x - y\|^2

    It is -log p(y | x) up to a constant, for normal noise of deviation sigma, in units of x, on each number of y.
    Errors: `ValueError` for a sigma that is not above 0, and later for an x of another shape than y.

    >>> noisy(torch.zeros(1, 2), sigma=0.5)(torch.tensor([[1.0, 2.0]])).item()  # (1 + 4) / (2 / 4)
    10.0
    """
    return masked(y, torch.ones((), dtype=y.dtype, device=y.device), sigma)


def masked(y: Tensor, mask: Tensor, sigma: float) -> Callable[[Tensor], Tensor]:
    r"""The data term of a picture with holes, y = m (x + noise): what the mask hides has no say.

    .. math:: \frac{1}{2 \sigma^2} \sum_i m_i\, (x_i - y_i)^2

    Shapes: y (N, ...); the mask, 1 where y was seen and 0 elsewhere, fits y by broadcasting. Errors: `ValueError` for a
    mask of other numbers or another shape, or a sigma that is not above 0. What y holds in the holes does not matter.

    >>> y, mask = torch.tensor([[1.0, 9.0]]), torch.tensor([[1.0, 0.0]])
    >>> masked(y, mask, sigma=1.0)(torch.zeros(1, 2)).item()  # of the first number only
    0.5
    """
    expect_floating(y, "masked")
    _expect_sigma(sigma)
    mask = torch.as_tensor(mask, device=y.device)
    if mask.ndim > y.ndim or any(m not in (1, n) for m, n in zip(mask.shape[::-1], y.shape[::-1])):
        raise ValueError(f"masked: expected a mask that fits y, {tuple(y.shape)}, got {tuple(mask.shape)}")
    if not bool(((mask == 0) | (mask == 1)).all()):
        raise ValueError("masked: expected a mask of 0 and 1, got other numbers")
    seen = mask.bool()

    def data_term(x: Tensor) -> Tensor:
        _expect_like(x, y, "masked")
        return sum_features(torch.where(seen, x - y, 0.0).square()) / (2 * sigma**2)

    return data_term


def blurred(y: Tensor, width: float, sigma: float) -> Callable[[Tensor], Tensor]:
    r"""The data term of y = blur(x) + noise: images (N, C, H, W) -> (N,), in nats.

    .. math:: \frac{1}{2 \sigma^2} \|B x - y\|^2, \qquad \nabla = \frac{1}{\sigma^2} B^\top (B x - y)

    B is :func:`blur` of a known width. Errors: as for `noisy` and `blur`.

    >>> y = blur(torch.eye(8)[None, None], width=1.0)
    >>> blurred(y, width=1.0, sigma=0.1)(torch.eye(8)[None, None]).item()  # what made y explains it
    0.0
    """
    expect_shape(y, (None, None, None), "blurred")
    _expect_sigma(sigma)

    def data_term(x: Tensor) -> Tensor:
        _expect_like(x, y, "blurred")
        return sum_features((blur(x, width) - y).square()) / (2 * sigma**2)

    return data_term


def blur(x: Tensor, width: float) -> Tensor:
    r"""Convolution with a Gaussian of deviation `width` pixels: (N, C, H, W) -> the same shape, linear in x.

    .. math:: (B x)_{ij} = \sum_{k, l} w_k w_l\, x_{i + k, j + l}, \qquad w_k \propto e^{-k^2 / (2\, \mathrm{width}^2)}

    One pass along each axis; the kernel is cut off at three deviations and sums to 1; beyond the edge the last pixel
    goes on, so that a constant image stays as it is. Errors: `ValueError` for a width that is not above 0.

    >>> blur(torch.full((1, 1, 4, 4), 0.5), width=1.0).allclose(torch.tensor(0.5))
    True
    """
    expect_shape(x, (None, None, None), "blur")
    if not (math.isfinite(width) and width > 0):
        raise ValueError(f"blur: expected a width in pixels above 0, got {width}")
    reach = math.ceil(3 * width)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=x.device) / width).square()).to(x.dtype)
    kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, -1)  # (C, 1, 2 reach + 1): each channel for itself
    padded = F.pad(x, (reach,) * 4, mode="replicate")
    across = F.conv2d(padded, kernel[:, :, None], groups=x.shape[1])
    return F.conv2d(across, kernel[..., None], groups=x.shape[1])


def total_variation(x: Tensor, smoothing: float = SMOOTHING) -> Tensor:
    r"""Isotropic total variation of each image, its corner rounded: (N, C, H, W) -> (N,), in units of x.

    .. math:: \mathrm{TV}_\epsilon(x) = \sum_{c, i, j} \sqrt{(x_{c,i,j+1} - x_{c,i,j})^2 + (x_{c,i+1,j} - x_{c,i,j})^2
              + \epsilon^2} - \epsilon

    A difference that would leave the image is 0. An edge costs its height times its length, however sharp or soft it
    is. epsilon makes the root differentiable at 0; subtracted again, a constant image has TV 0. With epsilon = 0 the
    gradient at a constant image is not defined. Errors: `ValueError` for a negative smoothing.
    Source: Rudin, Osher and Fatemi, 1992 (doi 10.1016/0167-2789(92)90242-F).

    >>> edge = torch.zeros(1, 1, 4, 6)
    >>> edge[..., 3:] = 1.0  # one edge of height 1, four pixels long
    >>> total_variation(edge, smoothing=0.0).item()
    4.0
    """
    expect_shape(x, (None, None, None), "total_variation")
    if not smoothing >= 0:
        raise ValueError(f"total_variation: expected a smoothing from 0 on, got {smoothing}")
    right = F.pad(x[..., 1:] - x[..., :-1], (0, 1))  # (N, C, H, W), the last column 0
    down = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    return sum_features((right.square() + down.square() + smoothing**2).sqrt() - smoothing)


class TotalVariation(nn.Module):
    r"""Total variation where `map_estimate` expects a flow: a log-density up to a constant that nobody knows.

    .. math:: \log p(x) = -\mathrm{TV}_\epsilon(x) + \mathrm{const}

    Over all real images it is improper (a constant can be added for nothing); the constant is the same for all x.

    >>> TotalVariation().log_prob(torch.full((1, 1, 4, 4), 0.3)).item() == 0
    True
    """

    def __init__(self, smoothing: float = SMOOTHING) -> None:
        super().__init__()
        self.smoothing = smoothing

    def log_prob(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """-TV(x), (N, C, H, W) -> (N,)."""
        return -total_variation(x, self.smoothing)


class L2Prior(nn.Module):
    r"""Squared distance from a mean where `map_estimate` expects a flow: log N(mean, I), less a constant.

    .. math:: \log p(x) = -\tfrac12 \|x - m\|^2 + \mathrm{const}

    With a weight lambda it is the prior N(m, I / lambda). Shapes: the mean has that of one x, without the batch.

    >>> L2Prior(torch.tensor([1.0, 1.0])).log_prob(torch.tensor([[1.0, 3.0]])).item()
    -2.0
    """

    def __init__(self, mean: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)

    def log_prob(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """-||x - m||^2 / 2, (N, ...) -> (N,)."""
        expect_shape(x, tuple(self.mean.shape), "L2Prior.log_prob")
        return -0.5 * sum_features((x - self.mean).square())


def _expect_sigma(sigma: float) -> None:
    if not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"expected the noise as a standard deviation above 0, got sigma {sigma}")


def _expect_like(x: Tensor, y: Tensor, who: str) -> None:
    if x.shape != y.shape:
        raise ValueError(f"{who}: expected x of the shape of what was seen, {tuple(y.shape)}, got {tuple(x.shape)}")
