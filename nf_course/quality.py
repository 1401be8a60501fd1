r"""psnr, ssim, texture_distance, diversity: what an enlarged picture is worth, measured in four ways.

PSNR = -10 log10 of the mean squared error;  SSIM compares windows;  texture_distance compares distributions of patches.
Chapter 11.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from nf_course.expect import expect_floating, expect_shape
from nf_course.resize import enlarge, reduce

__all__ = ["brightness", "diversity", "psnr", "ssim", "texture_distance"]

LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue are to the eye (ITU-R BT.601)


def psnr(x: Tensor, truth: Tensor) -> Tensor:
    r"""Peak signal-to-noise ratio of each image in decibels: (N, C, H, W), 0 to 1, -> (N,).

    .. math:: -10 \log_{10} \tfrac1D \|x - x^\star\|^2

    10 dB more is an error a tenth as large in the square; equal images give infinity.

    >>> psnr(torch.full((1, 3, 4, 4), 0.6), torch.full((1, 3, 4, 4), 0.5)).round(decimals=3).tolist()
    [20.0]
    """
    _expect_pair(x, truth, "psnr")
    return -10 * (x - truth).square().flatten(1).mean(1).log10()


def ssim(x: Tensor, truth: Tensor) -> Tensor:
    r"""Structural similarity of each image, of its brightness, at most 1: (N, C, H, W), 0 to 1, -> (N,).

    .. math:: \frac{(2 \mu \mu^\star + c_1)(2 \sigma_{x x^\star} + c_2)}
              {(\mu^2 + \mu^{\star 2} + c_1)(\sigma^2 + \sigma^{\star 2} + c_2)}

    with means, variances and the covariance under a Gaussian window of deviation 1.5 and 11 x 11 pixels, averaged over
    all places where the window fits; c_1 = 0.01^2, c_2 = 0.03^2. Errors: `ValueError` below 11 x 11 pixels.
    Source: Wang, Bovik, Sheikh and Simoncelli, 2004 (doi 10.1109/TIP.2003.819861).

    >>> x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    >>> ssim(x, x).round(decimals=4).tolist(), (ssim(1 - x, x) < 0).tolist()
    ([1.0], [True])
    """
    _expect_pair(x, truth, "ssim")
    if min(x.shape[2:]) < 11:
        raise ValueError(f"ssim: expected images of at least 11 x 11 pixels, got {x.shape[2]} x {x.shape[3]}")
    x, truth = brightness(x), brightness(truth)
    window = torch.exp(-0.5 * ((torch.arange(11, dtype=x.dtype, device=x.device) - 5) / 1.5).square())
    window = window / window.sum()

    def mean(y: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(y, window.view(1, 1, 11, 1)), window.view(1, 1, 1, 11))

    a, b = mean(x), mean(truth)
    var_a, var_b, cov = mean(x * x) - a * a, mean(truth * truth) - b * b, mean(x * truth) - a * b
    c1, c2 = 0.01**2, 0.03**2
    map_ = (2 * a * b + c1) * (2 * cov + c2) / ((a * a + b * b + c1) * (var_a + var_b + c2))
    return map_.flatten(1).mean(1)


def texture_distance(x: Tensor, truth: Tensor, levels: int = 3, patches: int = 4096, seed: int = 0) -> Tensor:
    r"""How far the small patches of each image are, as a crowd, from those of the true one: (N,), 0 is best.

    Both images are cut into bands of detail (a Laplacian pyramid: what each halving loses); in each band, patches of
    7 x 7 pixels are points in R^{49 C}, in units of the true band's deviation. Between the two clouds of points

    .. math:: \mathrm{SW}(P, Q) = \mathbb{E}_{v} \int_0^1 |F_{v \cdot P}^{-1}(u) - F_{v \cdot Q}^{-1}(u)|\, du

    is the sliced Wasserstein distance, here over 128 directions v; the mean over the bands is returned. No patch is
    compared with its own counterpart: a texture at the wrong place costs nothing, a missing one does. That makes it a
    measure of perception as Blau and Michaeli define it, a distance between distributions. It needs no trained
    network, and so nothing to download; what a face or a letter should be, it does not know.

    Shapes: (N, C, H, W), 0 to 1, at least 7 * 2^(levels - 1) pixels each way, both multiples of 2^(levels - 1).
    Source: the measure of Karras et al., 2018 (arXiv 1710.10196), 5; here between two pictures.

    >>> x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> texture_distance(x, x).item(), texture_distance(x.roll(8, 3), x).item() < texture_distance(x / 2, x).item() / 2
    (0.0, True)
    """
    _expect_pair(x, truth, "texture_distance")
    unit = 2 ** (levels - 1)
    if any(side % unit or side < 7 * unit for side in x.shape[2:]):
        raise ValueError(
            f"texture_distance: expected sides that are multiples of {unit} and at least {7 * unit} pixels for "
            f"{levels} levels, got {x.shape[2]} x {x.shape[3]}"
        )
    chance = torch.Generator().manual_seed(seed)
    total = x.new_zeros(len(x))
    for band, true_band in zip(_bands(x, levels), _bands(truth, levels), strict=True):
        deviation = true_band.flatten(1).std(1).clamp(min=1e-6)[:, None, None, None]
        height, width = band.shape[2] - 6, band.shape[3] - 6  # places of a patch's corner
        places = torch.randperm(height * width, generator=chance)[:patches].to(x.device)
        rows, columns = places // width, places % width
        directions = F.normalize(torch.randn(49 * x.shape[1], 128, generator=chance), dim=0).to(x)
        sorted_ = [
            (_patches(b / deviation, rows, columns) @ directions).sort(1).values  # (N, patches, 128)
            for b in (band, true_band)
        ]
        total = total + (sorted_[0] - sorted_[1]).abs().mean((1, 2)) / levels
    return total


def diversity(samples: Tensor) -> Tensor:
    """How much the samples of one picture differ: the deviation of a pixel over them, (S, N, C, H, W) -> (N,).

    >>> diversity(torch.stack((torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2))))  # sqrt(1/2)
    tensor([0.7071])
    """
    expect_shape(samples, (None, None, None, None), "diversity")
    if len(samples) < 2:
        raise ValueError(f"diversity: expected at least 2 samples of each picture, got {len(samples)}")
    return samples.var(0).flatten(1).mean(1).sqrt()


def _bands(x: Tensor, levels: int) -> list[Tensor]:
    """What each halving loses, finest first, and what is left after the last one, without its mean."""
    bands = []
    for _ in range(levels - 1):
        small = reduce(x, 2)
        bands.append(x - enlarge(small, 2))
        x = small
    return [*bands, x]


def _patches(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The 7 x 7 pixels from each of these corners on: (N, C, H, W) -> (N, patches, 49 C)."""
    cut = x.unfold(2, 7, 1).unfold(3, 7, 1)[:, :, rows, columns]  # (N, C, patches, 7, 7)
    return cut.transpose(1, 2).flatten(2)


def brightness(x: Tensor) -> Tensor:
    """How bright each pixel is: (N, 3, H, W) or (N, C, H, W) -> (N, 1, H, W)."""
    if x.shape[1] != 3:
        return x.mean(1, keepdim=True)
    return (x * torch.tensor(LUMA, dtype=x.dtype, device=x.device).view(1, 3, 1, 1)).sum(1, keepdim=True)


def _expect_pair(x: Tensor, truth: Tensor, who: str) -> None:
    expect_floating(x, who)
    expect_shape(x, (None, None, None), who)
    if not isinstance(truth, Tensor) or truth.shape != x.shape or truth.dtype != x.dtype:
        got = f"{tuple(truth.shape)} {truth.dtype}" if isinstance(truth, Tensor) else type(truth).__name__
        raise ValueError(f"{who}: expected the truth as the picture, {tuple(x.shape)} {x.dtype}, got {got}")
    low, high = min(x.min().item(), truth.min().item()), max(x.max().item(), truth.max().item())
    if not (math.isfinite(low + high) and -0.5 <= low and high <= 1.5):
        raise ValueError(f"{who}: expected values from 0 to 1, got {low:.3g} to {high:.3g}; divide uint8 by 255")
