"""Bits per dimension: the number by which image models are compared, and the mistakes in its constant.

bits/dim = -log P(x) / (D log 2),  log P(x) ~ log p(x) + D log(width of one bin).
Chapters 4 (published figures) and 5 (derivation).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["bits_per_dim", "check_dequantized", "density_bits_per_dim", "explain_bits_per_dim"]


def bits_per_dim(log_prob: Tensor, dims: int) -> Tensor:
    r"""Negative log-likelihood in bits for each dimension: -log_prob / (dims log 2), of any shape.

    `log_prob` is in nats, of data counted in bins (steps of 1), as a flow that starts with `Dequantize` gives it.
    For a density over data that were scaled first, see `density_bits_per_dim`.

    >>> uniform = torch.tensor(-784 * math.log(256))  # 256 values, all equally likely
    >>> round(bits_per_dim(uniform, 784).item(), 6)
    8.0
    """
    return -log_prob / (dims * math.log(2))


def density_bits_per_dim(log_density: float | Tensor, dims: int, bins: int = 256, width: float = 1.0) -> float | Tensor:
    r"""Nats of a density over scaled data to bits per dimension.

    .. math:: \text{bits/dim} = -\frac{\log p(x) + D \log(\text{width} / \text{bins})}{D \log 2}

    `bins` grey levels fill an interval of length `width`: 1 for data in [0, 1], 2 for [-1, 1], 256 for grey levels
    as they are. Only a density of *dequantized* data, (x + u) / bins with u ~ U[0, 1), gives a bound this way.
    Errors: `ValueError` for sizes that are not positive.

    >>> round(density_bits_per_dim(1980.50, dims=784), 2)  # NICE on MNIST, as published
    4.36
    """
    if dims < 1 or bins < 1 or not width > 0:
        raise ValueError(
            f"density_bits_per_dim: expected dims and bins of at least 1 and width > 0, got {dims}, {bins}, {width}"
        )
    return -(log_density + dims * math.log(width / bins)) / (dims * math.log(2))


def explain_bits_per_dim(
    claimed: float, log_density: float, dims: int, bins: int = 256, width: float = 1.0, tolerance: float = 0.002
) -> str:
    """Whether a claimed figure is the bits per dimension of a log-density in nats, and if not, which mistake it fits.

    Looked for: a constant that is left out, bins - 1 for bins, an interval twice or half as long as the data's, nats
    that were not turned into bits, and the wrong sign. (bins - 1 for 256 moves the figure by 0.0056 only.)

    >>> explain_bits_per_dim(4.36, 1980.50, dims=784, tolerance=0.005)
    '4.36 is right: 4.3555 bits per dimension'
    >>> explain_bits_per_dim(-3.6444, 1980.50, dims=784)
    '-3.6444 should be 4.3555: it leaves out the width of a bin, D log(width / bins)'
    """
    right = density_bits_per_dim(log_density, dims, bins, width)
    mistakes = {
        "it leaves out the width of a bin, D log(width / bins)": -log_density / (dims * math.log(2)),
        f"it counts {bins - 1} bins, the steps between the levels, for {bins}": density_bits_per_dim(
            log_density, dims, max(bins - 1, 1), width
        ),
        "it takes an interval twice as long as the data's, as if [0, 1] were [-1, 1]": right - 1,
        "it takes an interval half as long as the data's, as if [-1, 1] were [0, 1]": right + 1,
        "it is in nats: divide by log 2": right * math.log(2),
        "it has the other sign": -right,
    }
    if abs(claimed - right) <= tolerance:
        return f"{claimed:g} is right: {right:.4f} bits per dimension"
    nearest = min(mistakes, key=lambda words: abs(mistakes[words] - claimed))
    if abs(mistakes[nearest] - claimed) <= tolerance:
        return f"{claimed:g} should be {right:.4f}: {nearest}"
    return f"{claimed:g} should be {right:.4f}: none of the usual mistakes gives it; is dims={dims} all of C H W?"


def check_dequantized(values: Tensor, counts: Tensor, bins: int) -> None:
    """Raise `ValueError` unless values = (counts + u) / bins with u uniform over [0, 1); it says what was done instead.

    `values` and `counts` have one shape, at least 1000 numbers. It looks at u = bins * values - counts: its range, and
    by a Kolmogorov-Smirnov distance (level 1e-6) whether it is uniform.

    >>> _ = torch.manual_seed(0)
    >>> counts = torch.randint(0, 17, (100, 64))
    >>> check_dequantized((counts + torch.rand(100, 64)) / 17, counts, bins=17)
    >>> check_dequantized((counts + torch.rand(100, 64) / 2) / 17, counts, bins=17)
    Traceback (most recent call last):
        ...
    ValueError: check_dequantized: the noise fills 0 to 0.5 of each bin, expected 0 to 1; ...1 bits/dim too good
    """
    if values.shape != counts.shape or values.numel() < 1000:
        raise ValueError(
            "check_dequantized: expected values and counts of one shape, 1000 numbers or more, "
            f"got {tuple(values.shape)} and {tuple(counts.shape)}"
        )
    who, counts = "check_dequantized", counts.double()
    u = (bins * values.double() - counts).flatten()

    def spread(noise: Tensor) -> bool:
        """Uniform over [0, 1), as far as the number of samples can tell."""
        ordered = noise.sort().values
        ranks = torch.arange(1, len(ordered) + 1, dtype=torch.float64, device=ordered.device) / len(ordered)
        distance = torch.maximum((ranks - ordered).max(), (ordered - ranks + 1 / len(ordered)).max())
        return distance.item() < 2.7 / math.sqrt(len(ordered))

    if u.min() >= -1e-3 and u.max() <= 1 + 1e-3 and spread(u):
        return
    others = {
        f"values were scaled by {bins - 1}, expected {bins}": (bins - 1) * values.double() - counts,
        "values stand in [-1, 1], expected [0, 1]; or use width=2 in density_bits_per_dim": bins
        * (values.double() + 1)
        / 2
        - counts,
        "the noise is centred, u - 1/2, expected u in [0, 1): values fall outside 0 to 1": u + 0.5,
        "values are counted in bins, expected them divided by bins; or use width=bins": values.double() - counts,
    }
    for words, noise in others.items():
        noise = noise.flatten()
        if noise.min() >= -1e-3 and noise.max() <= 1 + 1e-3 and spread(noise):
            raise ValueError(f"{who}: {words}")
    low, high = u.min().item(), u.max().item()
    if low >= -1e-3 and 1e-3 < high < 0.999 and spread((u / high).clamp(0, 1)):
        wins = f"the density looks {-math.log2(high):.2g} bits/dim too good"
        raise ValueError(f"{who}: the noise fills 0 to {high:.2g} of each bin, expected 0 to 1; {wins}")
    raise ValueError(
        f"{who}: bins * values - counts runs from {low:.3g} to {high:.3g}, expected uniform noise in [0, 1)"
    )
