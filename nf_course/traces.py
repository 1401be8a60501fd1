"""ExactTrace and HutchinsonTrace: how fast a velocity field spreads volume, by D derivatives or estimated from one.

tr(dv/dx) = sum_i dv_i/dx_i = E[e^T (dv/dx) e]  for noise e of mean 0 and covariance I.
Chapter 9.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nf_course.bijection import sum_features

__all__ = ["ExactTrace", "HutchinsonTrace", "rademacher"]


def rademacher(like: Tensor) -> Tensor:
    """Signs, +1 or -1 with equal probability, of the shape, dtype and device of a tensor.

    >>> rademacher(torch.zeros(2, 3)).abs().tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    return 2.0 * torch.randint(2, like.shape, device=like.device).to(like) - 1.0


class ExactTrace:
    r"""The divergence of v at x, one partial derivative after the other.

    .. math:: \operatorname{tr}\frac{\partial v}{\partial x} = \sum_{i=1}^{D} \frac{\partial v_i}{\partial x_i}

    Shapes: v and x (N, ...), the trace (N,). Cost: D backward passes through the field: for few dimensions.

    >>> x = torch.tensor([[1.0, 2.0]], requires_grad=True)
    >>> ExactTrace()(x**2, x, None)  # 2 x_1 + 2 x_2
    tensor([6.])
    """

    def probe(self, x: Tensor) -> None:
        """What is drawn once for a whole solve: nothing."""

    def __call__(self, v: Tensor, x: Tensor, probe: None, keep_graph: bool = False) -> Tensor:
        """The trace for each sample, (N,). v was computed from x, which requires a gradient."""
        parts = v.flatten(1).unbind(1)  # v_i of every sample, (N,) each
        slopes = [_gradient(part.sum(), x, keep_graph).flatten(1)[:, i] for i, part in enumerate(parts)]
        return torch.stack(slopes).sum(0) if slopes else x.new_zeros(len(x))


class HutchinsonTrace:
    r"""An unbiased estimate of the divergence from one derivative, along noise that is drawn once for a whole solve.

    .. math:: \operatorname{tr}\frac{\partial v}{\partial x} \approx e^\top \frac{\partial v}{\partial x}\, e, \qquad
              \mathbb{E}[e] = 0, \quad \mathbb{E}[e e^\top] = I

    `draw` is `rademacher` (signs) or `torch.randn_like` (normal). With S the symmetric part of the Jacobian, the
    variance is 2 sum_{i != j} S_ij^2 for signs, and 2 sum_ij S_ij^2 for normal noise.
    Shapes: as for `ExactTrace`. Cost: one backward pass through the field, for any D.
    Source: Hutchinson, 1990; Grathwohl et al., 2019 (arXiv 1810.01367).

    >>> trace = HutchinsonTrace()
    >>> x = torch.tensor([[1.0, 2.0]], requires_grad=True)
    >>> trace(x**2, x, trace.probe(x))  # a diagonal Jacobian: signs have no variance
    tensor([6.])
    """

    def __init__(self, draw: Callable[[Tensor], Tensor] = rademacher) -> None:
        self.draw = draw

    def probe(self, x: Tensor) -> Tensor:
        """The noise for one solve, of the shape of x."""
        return self.draw(x.detach())

    def __call__(self, v: Tensor, x: Tensor, probe: Tensor, keep_graph: bool = False) -> Tensor:
        """The estimate for each sample, (N,). v was computed from x, which requires a gradient."""
        return sum_features(_gradient((probe * v).sum(), x, keep_graph) * probe)


def _gradient(of: Tensor, x: Tensor, keep_graph: bool) -> Tensor:
    """d of / dx, zeros where `of` does not depend on x; with `keep_graph` it can be differentiated again."""
    if not of.requires_grad:
        return torch.zeros_like(x)
    (gradient,) = torch.autograd.grad(of, x, create_graph=keep_graph, retain_graph=True, materialize_grads=True)
    return gradient
