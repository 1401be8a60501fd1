"""flow_matching_loss: the second way to train a continuous flow, by regression on straight lines, with no solver.

|| f(t, (1 - t) x + t z, c) - (z - x) ||^2,  z ~ base,  t ~ U(0, 1).
Chapter 9.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nf_course.bijection import sum_features
from nf_course.continuous import ContinuousFlow
from nf_course.expect import expect_floating
from nf_course.flow import Flow

__all__ = ["flow_matching_loss"]


def flow_matching_loss(flow: Flow, x: Tensor, context: Tensor | None = None) -> Tensor:
    r"""How far the field is from the velocity of straight lines between data and draws of the base, (N,).

    .. math:: \| f(t, (1 - t)\,x + t z, c) - (z - x) \|^2, \qquad z \sim p_Z, \quad t \sim U(0, 1)

    Its minimum over f is the mean velocity of all lines through a point, and moves the data to the base as the lines do
    together: no equation is solved in training. `fit(..., loss=flow_matching_loss)` trains with it.
    Errors: `TypeError` if the flow is no `ContinuousFlow`, `ValueError` if it covers a part of the time only.
    Cost: one evaluation of the field, and its gradient.
    Source: Lipman et al., 2023 (arXiv 2210.02747), there with noise at time 0. Chapter 9.

    >>> from nf_course import MLPField, StandardNormal
    >>> flow = Flow(ContinuousFlow(MLPField(2)), StandardNormal(2))
    >>> flow_matching_loss(flow, torch.zeros(4, 2)).shape
    torch.Size([4])
    """
    if not isinstance(flow.bijection, ContinuousFlow):
        raise TypeError(f"flow_matching_loss: expected a ContinuousFlow, got {type(flow.bijection).__name__}")
    if flow.bijection.span != (0.0, 1.0):
        raise ValueError(f"flow_matching_loss: expected a flow over the times 0 to 1, got span {flow.bijection.span}")
    expect_floating(x, "flow_matching_loss")
    with torch.no_grad():
        z = flow.base.sample(len(x), context)
    t = torch.rand(len(x), dtype=x.dtype, device=x.device)
    place = t.view(-1, *[1] * (x.ndim - 1))  # (N, 1, ..., 1)
    return sum_features((flow.bijection.field(t, (1 - place) * x + place * z, context) - (z - x)).square())
