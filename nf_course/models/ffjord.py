"""FFJORD: one continuous flow over vectors, whose field is a multilayer perceptron.

dx/dt = f(t, x, c) from data, t = 0, to a standard normal base, t = 1.
Chapter 9.
"""

from __future__ import annotations

from collections.abc import Sequence

from nf_course.continuous import ContinuousFlow
from nf_course.fields import MLPField
from nf_course.flow import Flow, StandardNormal
from nf_course.solvers import RK4, Dopri5
from nf_course.traces import ExactTrace, HutchinsonTrace

__all__ = ["ffjord"]


def ffjord(
    features: int,
    hidden: Sequence[int] = (64, 64),
    solver: RK4 | Dopri5 | None = None,
    trace: ExactTrace | HutchinsonTrace | None = None,
    context_features: int = 0,
) -> Flow:
    """A continuous flow over (N, features), standard normal base; any number of features, one as well.

    By default 20 steps of RK4 and the exact trace, for few features; `HutchinsonTrace()` is for many. It can be trained
    by likelihood, as in the paper, or with `fit(..., loss=flow_matching_loss)`.
    Source: Grathwohl et al., 2019 (arXiv 1810.01367).

    >>> flow = ffjord(features=3, hidden=(32, 32))
    >>> flow.sample(2).shape
    torch.Size([2, 3])
    """
    return Flow(
        ContinuousFlow(MLPField(features, hidden, context_features), solver, trace),
        StandardNormal(features),
    )
