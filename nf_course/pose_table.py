"""best_of, coverage, pose_table: are the true depths among the samples, and does the density know how sure it is?

B(N) = E min(e_1, ..., e_N) of errors e in mm;  coverage(level) = P(truth inside the central interval of that level).
Chapter 15.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nf_course import data
from nf_course.expect import expect_finite
from nf_course.flow import Flow
from nf_course.posing import joint_error, random_cameras, seen_by, stood_up
from nf_course.training import mean_nll

__all__ = ["PoseRow", "best_of", "coverage", "pose_table"]

SEEDS = {"train": 0, "valid": 1, "test": 2}  # of the cameras
ROWS = 4000  # decoded at once


def best_of(errors: Tensor, counts: Sequence[int] | None = None) -> Tensor:
    r"""Mean over poses of the expected least error of N samples, for each N, from K samples of each.

    .. math:: \hat B(N) = \sum_{k=1}^{K} \binom{K-k}{N-1} \Big/ \binom KN \; e_{(k)}, \qquad
              e_{(1)} \le \dots \le e_{(K)}

    That is the mean of the least error over all choices of N of the K samples: no luck of the order, and of all
    estimates that have no bias, whatever the law of the errors, the one with the least variance. Shapes: errors (K, P),
    a row for each sample, as `joint_error` gives them -> (K,) for N = 1 ... K, or one for each of `counts`. Errors:
    `ValueError` for another shape, NaN, or a count outside 1 ... K. Cost: a sort of K numbers for each pose, and a sum
    over them for each N.
    Chapter 15.

    >>> errors = torch.tensor([[3.0], [1.0], [2.0]])  # 3 samples of one pose
    >>> [round(v, 3) for v in best_of(errors).tolist()]  # the mean; of the pairs 1, 1 and 2 are the least; the least
    [2.0, 1.333, 1.0]
    """
    if errors.ndim != 2 or errors.numel() == 0 or not errors.is_floating_point():
        raise ValueError(f"best_of: expected errors (K, P), real numbers, got {tuple(errors.shape)}, {errors.dtype}")
    expect_finite(errors, "best_of")
    many = len(errors)
    counts = range(1, many + 1) if counts is None else counts
    if any(not 1 <= n <= many for n in counts):
        raise ValueError(f"best_of: expected counts from 1 to {many}, the number of samples, got {list(counts)}")
    ordered = errors.double().sort(0).values.mean(1)  # (K,): the mean over poses of the k-th least
    n = torch.tensor(list(counts), device=errors.device, dtype=torch.float64)[:, None]  # (C, 1)
    k = torch.arange(1, many + 1, device=errors.device)  # (K,)
    whole = torch.full((), float(many), device=errors.device, dtype=torch.float64)
    log_weights = _log_choose((many - k).double(), n - 1) - _log_choose(whole, n)  # (C, K)
    return (log_weights.exp() @ ordered).to(errors.dtype)


def coverage(samples: Tensor, truth: Tensor, levels: Sequence[float] = (0.5, 0.8, 0.9)) -> Tensor:
    r"""Share of the true numbers that lie inside the central interval of their samples, for each nominal level.

    .. math:: r = \#\{k : d_k < d\}, \qquad \text{inside at level } \ell \iff |2 r - K| \le \ell\, (K + 1)

    If truth and samples come from one density, r is uniform on 0 ... K, and the share is the level, up to 1 / (K + 1);
    exactly so if level (K + 1) / 2 is whole, as for K = 199. Above its level: the samples are too wide.
    Shapes: samples (K, N, D), truth (N, D) -> (levels,), over all N D numbers; give single columns for a joint.
    Errors: `ValueError` for other shapes or a level outside of 0 ... 1. Cost: K N D comparisons. Chapter 15.

    >>> samples, truth = torch.arange(199.0)[:, None, None], torch.tensor([[98.5]])  # between the middle ones
    >>> coverage(samples, truth).tolist(), coverage(samples, truth + 85).tolist()
    ([1.0, 1.0, 1.0], [0.0, 0.0, 1.0])
    """
    if samples.ndim != 3 or samples.shape[1:] != truth.shape or samples.numel() == 0:
        raise ValueError(
            f"coverage: expected samples (K, N, D) and truth (N, D), got {tuple(samples.shape)} and "
            f"{tuple(truth.shape)}"
        )
    if any(not 0 <= level <= 1 for level in levels):
        raise ValueError(f"coverage: expected levels from 0 to 1, got {list(levels)}")
    off_centre = (2 * (samples < truth).sum(0) - len(samples)).abs().double()  # (N, D)
    return torch.stack([(off_centre <= level * (len(samples) + 1)).float().mean() for level in levels])


@dataclass(frozen=True)
class PoseRow:
    """One way to guess depths on one split: means over poses, errors in mm. None where it has no density."""

    split: str
    method: str
    nll: float | None  # nats per pose, of 15 depths in metres
    guess: float  # of its one answer: temperature 0
    best: dict[int, float] | None  # best of N samples
    coverage: dict[float, float] | None


def pose_table(
    splits: Sequence[str] = ("valid", "test"),
    samples: int = 200,
    every: int = 1,
    counts: Sequence[int] = (1, 5, 20, 50, 200),
    levels: Sequence[float] = (0.5, 0.8, 0.9),
    seed: int = 0,
) -> list[PoseRow]:
    """The shipped flow and regression beside the mean depth of training poses and no depth, on held-out clips.

    Each frame, or each `every`-th one, is seen by one random camera. Cost: about 10 s on one core.

    >>> rows = pose_table(["valid"], samples=5, every=60, counts=(1, 5))
    >>> [row.method for row in rows], rows[0].guess < rows[-1].guess
    (['flow', 'regression', 'mean depth', 'zero depth'], True)
    """
    from nf_course.recipes import trained  # here: recipes are made of everything else

    models = {"flow": trained("poseflow")[0], "regression": trained("pose-regression")[0]}
    _, known = _seen("train", 1)
    rows = []
    for split in splits:
        flat, depths = _seen(split, every)
        truth = stood_up(flat, depths)
        for name, model in models.items():
            guess, drawn = _draws(model, flat, samples, seed)
            errors = torch.stack([joint_error(stood_up(flat, one), truth) for one in drawn])  # (K, N)
            row = PoseRow(
                split,
                name,
                mean_nll(model, depths, flat),
                joint_error(stood_up(flat, guess), truth).mean().item(),
                dict(zip(counts, best_of(errors, counts).tolist())),
                dict(zip(levels, coverage(drawn, depths, levels).tolist())),
            )
            rows.append(row)
        for name, guess in (("mean depth", known.mean(0).expand_as(depths)), ("zero depth", 0 * depths)):
            rows.append(PoseRow(split, name, None, joint_error(stood_up(flat, guess), truth).mean().item(), None, None))
    return rows


def _seen(split: str, every: int) -> tuple[Tensor, Tensor]:
    joints = data.poses(split).joints[::every]
    return seen_by(random_cameras(len(joints), seed=SEEDS[split]), joints)


def _draws(model: Flow, flat: Tensor, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """The answer at temperature 0, (N, D), and samples (K, N, D), the same for the same seed."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        told = flat.repeat(samples, 1)
        drawn = torch.cat([model.sample(len(rows), rows) for rows in told.split(ROWS)])
        guess = model.sample(len(flat), flat, temperature=0.0)
    return guess, drawn.unflatten(0, (samples, len(flat)))


def _log_choose(n: Tensor, k: Tensor) -> Tensor:
    """log of the number of ways to choose k of n, minus infinity for k > n."""
    n, k = torch.broadcast_tensors(n, k)
    ways = torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma((n - k).clamp_min(0) + 1)
    return ways.where(k <= n, torch.full_like(ways, -torch.inf))
