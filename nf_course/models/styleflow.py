"""StyleFlow: a continuous flow over the latents of a generator, given the attributes of what it draws.

dw/dt = f(t, w, a) from the latent w, t = 0, to a standard normal base, t = 1.
Chapter 12.
"""

from __future__ import annotations

from collections.abc import Sequence

from nf_course.continuous import ContinuousFlow
from nf_course.fields import ConcatSquashField
from nf_course.flow import Flow, StandardNormal
from nf_course.solvers import RK4, Dopri5
from nf_course.traces import ExactTrace, HutchinsonTrace

__all__ = ["styleflow"]


def styleflow(
    features: int = 100,
    context_features: int = 5,
    hidden: Sequence[int] = (256, 256),
    solver: RK4 | Dopri5 | None = None,
    trace: ExactTrace | HutchinsonTrace | None = None,
) -> Flow:
    """p(w | a): latents (N, features) given attributes (N, context_features), standard normal base.

    Trained by likelihood on pairs (w, a), a = A(G(w)) in deviations from the mean; `StyleEditor` edits with it. By
    default 2 steps of RK4, enough to learn by; `FlowEdit` takes finer ones; and Hutchinson's trace.
    Source: Abdal et al., 2021 (arXiv 2008.02401), there with w of StyleGAN, 512 numbers, and 17 attributes.

    >>> flow = styleflow(features=10, context_features=2, hidden=(16, 16))
    >>> import torch
    >>> flow.sample(2, torch.zeros(2, 2)).shape
    torch.Size([2, 10])
    """
    return Flow(
        ContinuousFlow(
            ConcatSquashField(features, hidden, context_features),
            RK4(steps=2) if solver is None else solver,
            HutchinsonTrace() if trace is None else trace,
        ),
        StandardNormal(features),
    )
