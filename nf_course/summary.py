"""summary: what a flow is made of: for each part the shape that goes in, its parameters, its arithmetic.

FLOPs are twice the multiply-adds of convolutions and matrix products; all else is a few operations a number.
Chapters 6 and 8.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nf_course.bijection import Bijection, Sequential
from nf_course.flow import Flow
from nf_course.reshape import Split

__all__ = ["Summary", "summary"]


class Summary(list):
    """Rows (part, shape in, parameters, FLOPs), printed as a table, with the totals of the flow."""

    def __init__(self, rows: list[tuple[str, tuple[int, ...], int, int]], parameters: int, flops: int) -> None:
        super().__init__(rows)
        self.parameters, self.flops = parameters, flops

    def __repr__(self) -> str:
        cells = [(name, " x ".join(map(str, shape)), f"{p:,}", f"{f / 1e6:,.2f}") for name, shape, p, f in self]
        cells = [("part", "in", "parameters", "MFLOPs"), *cells]
        cells.append(("all", "", f"{self.parameters:,}", f"{self.flops / 1e6:,.2f}"))
        wide = [max(len(row[i]) for row in cells) for i in range(4)]
        lines = [f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c:>{wide[2]}}  {d:>{wide[3]}}".rstrip() for a, b, c, d in cells]
        rule = "-" * (sum(wide) + 6)
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


@torch.no_grad()
def summary(flow: Flow, x: Tensor, context: Tensor | None = None) -> Summary:
    """The parts of `flow` in encode order, measured on one sample: `x` is a batch, of which the first is taken.

    Runs of the same parts over the same shape are one row. Cost: one encode of one sample.
    Errors: whatever `flow.log_prob(x)` refuses.

    >>> from nf_course import models
    >>> table = summary(models.glow((1, 8, 8), levels=2, steps=2, hidden=8), torch.zeros(1, 1, 8, 8))
    >>> table.parameters == sum(p.numel() for p in models.glow((1, 8, 8), levels=2, steps=2, hidden=8).parameters())
    True
    """
    x, context = x[:1], None if context is None else context[:1]
    was_training = flow.training
    flow.eval()
    rows: list[tuple[str, tuple[int, ...], int, int]] = []
    counter = FlopCounterMode(display=False)
    try:
        with counter:
            flow.log_prob(x, context)
        _walk(flow.bijection, x, context, rows)
    finally:
        flow.train(was_training)
    return Summary(_runs(rows), _count(flow), counter.get_total_flops())


def _walk(bijection: Bijection, x: Tensor, context: Tensor | None, rows: list) -> Tensor:
    """Encode part by part, and write down a row for each; the result."""
    if isinstance(bijection, Sequential):
        for part in bijection.bijections:
            x = _walk(part, x, context, rows)
        return x
    if isinstance(bijection, Split):
        rows.append(("Split", tuple(x.shape[1:]), 0, 0))
        return _walk(bijection.rest, x[:, : bijection.on], context, rows)
    counter = FlopCounterMode(display=False)
    with counter:
        z, _ = bijection.encode(x, context)
    rows.append((type(bijection).__name__, tuple(x.shape[1:]), _count(bijection), counter.get_total_flops()))
    return z


def _runs(rows: list) -> list:
    """Repeated groups of up to three parts over one shape as one row: 'ActNorm + LULinear + coupling, 8 times'."""
    out, i = [], 0
    while i < len(rows):
        best = (1, 1)
        for size in (1, 2, 3):
            group, times = [row[:2] for row in rows[i : i + size]], 1
            while [row[:2] for row in rows[i + times * size : i + (times + 1) * size]] == group:
                times += 1
            if times > 1 and size * times > best[0] * best[1]:
                best = (size, times)
        size, times = best
        block = rows[i : i + size * times]
        name = " + ".join(row[0] for row in block[:size]) + (f", {times} times" if times > 1 else "")
        out.append((name, block[0][1], sum(row[2] for row in block), sum(row[3] for row in block)))
        i += size * times
    return out


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
