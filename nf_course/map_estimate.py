"""map_estimate: the most probable x behind what was seen, with a flow's density as the prior.

x* = argmin_x  data_term(x) - weight * log p(x).
Chapter 16.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm.auto import tqdm

from nf_course.expect import expect_finite, expect_floating
from nf_course.flow import Flow

__all__ = ["MapDiverged", "MapEstimate", "map_estimate"]

FARTHER = 1e3  # an objective that has grown by so many times its first size will not come back
EDGE = 1e-4  # of the interval: how near to its ends a start may be


class MapDiverged(FloatingPointError):
    """The search ran away; `.step` says when, `.rows` which rows of the batch, `.x` holds the best that was found."""

    def __init__(self, step: int, rows: list[int], what: str, x: Tensor) -> None:
        where = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
        super().__init__(
            f"map_estimate: the objective of row {where} {what} at step {step}. Try a smaller lr, a smaller weight, "
            "or a start at which the flow has some density"
        )
        self.step, self.rows, self.x = step, rows, x


@dataclass(frozen=True)
class MapEstimate:
    """What the search found: for each row the best x, and the two terms there.

    `objective` is `data_term - weight * log_prob`, (N,) each; `history` the mean objective at each step; `moving` the
    largest change of the best objective over the last tenth of the steps, as a share of its size: near 0 if the search
    had settled.
    """

    x: Tensor
    objective: Tensor
    data_term: Tensor
    log_prob: Tensor
    history: list[float]
    moving: float


def map_estimate(
    flow: Flow,
    data_term: Callable[[Tensor], Tensor],
    weight: float | Tensor,
    start: Tensor,
    *,
    context: Tensor | None = None,
    inside: tuple[float, float] | None = None,
    steps: int = 300,
    lr: float = 0.05,
    progress: bool | None = None,
) -> MapEstimate:
    r"""The x of least `data_term(x) - weight * log p(x)`, by Adam from `start`, each row of the batch for itself.

    .. math:: x^* = \arg\min_x\; \mathrm{data}(x) - \lambda \log p(x)

    With :math:`\mathrm{data}(x) = -\log p(y \mid x)` and :math:`\lambda = 1` it is the maximum of the posterior
    p(x | y), by Bayes; another weight says how far the prior is trusted. The flow's weights stay as they are.

    Args:
        flow: the prior; its first layer must take real numbers: `Flow(flow.bijection[1:], flow.base)` takes a
            `Dequantize` off.
        data_term: x (N, ...) -> (N,), differentiable, finite.
        weight: one number from 0 on, or one for each row, (N,): many weights in one run.
        start: where the search starts, (N, ...), such as what was seen.
        context: for a conditional flow, a row for each x.
        inside: an interval in which all numbers of x lie, such as (0, 1) for pixels. The search then runs over logits;
            the minimum is the same. A start on the edge is moved inside.
        steps, lr: of Adam, with a cosine step size to 0; lr is in the units of x (of the logit, with `inside`).
        progress: a bar; by default where a terminal or a notebook watches, but not with NF_COURSE_PROGRESS=off.

    Returns:
        :class:`MapEstimate`: the best x that each row met, which is never worse than the start.

    Errors: `MapDiverged` where an objective is not finite or has grown a thousandfold: it says at which step and in
    which rows, and keeps the best so far. `ValueError` for a data term of another shape, a start outside of `inside`,
    a negative weight. Cost: a `log_prob` and its gradient for each step. The objective is not convex: another start may
    end elsewhere; one without a lower bound, such as -log p alone where p has spikes, never settles, and `moving` shows
    it. Source: Asim et al., 2020 (arXiv 1905.11672) use flows as priors in this way. Chapter 16.

    >>> from nf_course import LULinear, StandardNormal
    >>> _ = torch.manual_seed(0)
    >>> flow = Flow(LULinear(2), StandardNormal(2))  # a rotation at first: p(x) = N(0, I)
    >>> seen = torch.tensor([[2.0, 0.0]])
    >>> found = map_estimate(flow, lambda x: 0.5 * (x - seen).square().sum(1), 1.0, seen)
    >>> [round(abs(v), 2) for v in found.x[0].tolist()]  # halfway between what was seen and the mean
    [1.0, 0.0]
    """
    expect_floating(start, "map_estimate")
    expect_finite(start, "map_estimate (start)")
    weight = _weights(weight, start)
    if steps < 1 or not lr > 0:
        raise ValueError(f"map_estimate: expected at least 1 step and lr > 0, got {steps} and {lr}")
    to_x, free = _within(start, inside)
    wanted = [p.requires_grad for p in flow.parameters()]
    was_training = flow.training
    flow.eval().requires_grad_(False)
    try:
        return _search(flow, data_term, weight, to_x, free, context, steps, lr, progress)
    finally:
        flow.train(was_training)
        for p, need in zip(flow.parameters(), wanted):
            p.requires_grad_(need)


def _search(flow, data_term, weight, to_x, free, context, steps, lr, progress) -> MapEstimate:
    free = free.clone().requires_grad_()
    optimizer = torch.optim.Adam([free], lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    best: MapEstimate | None = None
    history: list[float] = []
    limit = tenth = None
    if progress is None and os.environ.get("NF_COURSE_PROGRESS", "on") == "off":
        progress = False
    for step in tqdm(range(steps + 1), desc="MAP", disable=None if progress is None else not progress, leave=False):
        x = to_x(free)
        with torch.enable_grad():
            data = data_term(x)
            if not isinstance(data, Tensor) or data.shape != (len(x),):
                got = tuple(data.shape) if isinstance(data, Tensor) else type(data).__name__
                raise ValueError(f"map_estimate: expected data_term(x) of shape ({len(x)},), one a row, got {got}")
            prior = flow.log_prob(x, context)
            objective = data - weight * prior
        kept = x.detach().clone()  # Adam moves `free` in place, which without `inside` is x itself
        now = MapEstimate(kept, objective.detach(), data.detach(), prior.detach(), history, math.nan)
        if limit is None:
            limit = now.objective + FARTHER * (1 + now.objective.abs())
        lost = ~(now.objective <= limit)  # NaN too
        if lost.any():
            finite = bool(now.objective[lost].isfinite().all())
            what = "has grown a thousandfold" if finite else "is not finite"
            rows = lost.nonzero()[:, 0].tolist()
            raise MapDiverged(step, rows, what, (now if best is None else best).x)
        best = now if best is None else _better(best, now)
        history.append(now.objective.mean().item())
        if step == steps - max(1, steps // 10):
            tenth = best.objective
        if step < steps:  # the last turn only looks
            optimizer.zero_grad()
            objective.sum().backward()
            optimizer.step()
            schedule.step()
    change = ((tenth - best.objective) / (1 + best.objective.abs())).max().item()
    return MapEstimate(best.x, best.objective, best.data_term, best.log_prob, history, change)


def _better(best: MapEstimate, now: MapEstimate) -> MapEstimate:
    """Of each row the one with the smaller objective."""
    rows = now.objective < best.objective

    def pick(new: Tensor, old: Tensor) -> Tensor:
        return torch.where(rows.view(-1, *[1] * (new.ndim - 1)), new, old)

    return MapEstimate(
        pick(now.x, best.x),
        pick(now.objective, best.objective),
        pick(now.data_term, best.data_term),
        pick(now.log_prob, best.log_prob),
        best.history,
        math.nan,
    )


def _weights(weight: float | Tensor, start: Tensor) -> Tensor:
    weight = torch.as_tensor(weight, dtype=start.dtype, device=start.device)
    if weight.shape not in ((), (len(start),)) or not bool((weight.isfinite() & (weight >= 0)).all()):
        raise ValueError(
            f"map_estimate: expected a weight from 0 on, one number or ({len(start)},), got {weight.tolist()!r:.60}"
        )
    return weight


def _within(start: Tensor, inside: tuple[float, float] | None) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """How x is made of what Adam moves, and where that starts."""
    if inside is None:
        return (lambda free: free), start.detach()
    low, high = inside
    if not low < high:
        raise ValueError(f"map_estimate: expected inside=(low, high) with low < high, got {inside}")
    if bool((start < low).any()) or bool((start > high).any()):
        least, most = start.min().item(), start.max().item()
        raise ValueError(f"map_estimate: expected a start from {low} to {high}, got {least:.3g} to {most:.3g}")
    share = ((start.detach() - low) / (high - low)).clamp(EDGE, 1 - EDGE)
    return (lambda free: low + (high - low) * torch.sigmoid(free)), torch.logit(share)
