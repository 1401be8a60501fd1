r"""NormalPrior: a normal density with a full covariance, and the most probable x under it in closed form.

x* = m + S A' (A S A' + lambda sigma^2 I)^-1 (y - A m)  minimises  ||A x - y||^2 / (2 sigma^2) - lambda log N(x; m, S).
Chapter 16.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from nf_course.expect import expect_floating, expect_shape

__all__ = ["NormalPrior"]


class NormalPrior(nn.Module):
    r"""N(m, S) over x of any shape, where `map_estimate` expects a flow, with the minimum that needs no search.

    .. math:: \log p(x) = -\tfrac12 (x - m)^\top S^{-1} (x - m) - \tfrac12 \log\det S - \tfrac D2 \log 2\pi

    It is the flow of one linear layer, z = R^{-1} (x - m) with S = R R^T, whose maximum-likelihood fit is known:
    :meth:`of`. Shapes: the mean has that of one x; the covariance is (D, D), D the numbers in it, positive definite.
    Errors: `ValueError` where the two do not fit, or S is not positive definite. Cost: D^3 once, D^2 for each log_prob.

    >>> prior = NormalPrior(torch.zeros(2), torch.tensor([[1.0, 0.8], [0.8, 1.0]]))
    >>> half = prior.restore(lambda x: x[:, :1], torch.tensor([[1.0]]), sigma=1e-3)  # only the first number was seen
    >>> [round(v, 2) for v in half[0].tolist()]
    [1.0, 0.8]
    """

    def __init__(self, mean: Tensor, covariance: Tensor) -> None:
        super().__init__()
        D = mean.numel()
        if covariance.shape != (D, D):
            raise ValueError(f"NormalPrior: expected a covariance ({D}, {D}), got {tuple(covariance.shape)}")
        root, failed = torch.linalg.cholesky_ex(covariance)
        if failed:
            raise ValueError("NormalPrior: expected a positive definite covariance; add a ridge to its diagonal")
        self.register_buffer("mean", mean)
        self.register_buffer("covariance", covariance)
        self.register_buffer("root", root)

    @classmethod
    def of(cls, x: Tensor, ridge: float) -> NormalPrior:
        """Mean and covariance of rows x (N, ...), with `ridge` added to each variance: noise of that variance on x.

        >>> NormalPrior.of(torch.tensor([[0.0, 1.0], [2.0, 3.0]]), ridge=0.5).covariance.tolist()
        [[1.5, 1.0], [1.0, 1.5]]
        """
        expect_floating(x, "NormalPrior.of")
        rows = x.flatten(1)
        about = rows - rows.mean(0)
        return cls(x.mean(0), about.T @ about / len(rows) + ridge * torch.eye(rows.shape[1]).to(x))

    def log_prob(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Log-density in nats, (N, ...) -> (N,)."""
        expect_shape(x, tuple(self.mean.shape), "NormalPrior.log_prob")
        z = torch.linalg.solve_triangular(self.root, (x - self.mean).flatten(1).T, upper=False)  # (D, N)
        return -0.5 * (z.square().sum(0) + len(z) * math.log(2 * math.pi)) - self.root.diagonal().log().sum()

    def restore(self, forward: Callable[[Tensor], Tensor], y: Tensor, sigma: float, weight: float = 1.0) -> Tensor:
        r"""The x of least ||A x - y||^2 / (2 sigma^2) - weight log p(x), for a linear A: y (N, ...) -> (N, ...).

        .. math:: x^* = m + S A^\top \bigl(A S A^\top + \lambda \sigma^2 I\bigr)^{-1} (y - A m)

        With weight 1 it is also the mean of x given y. `forward` computes A x for rows x, such as a mask or a blur.
        Errors: `ValueError` for a sigma or a weight that is not above 0. Cost: A on D rows, and a solve of its size.
        """
        if not (math.isfinite(sigma * weight) and sigma > 0 and weight > 0):
            raise ValueError(f"NormalPrior.restore: expected sigma and weight above 0, got {sigma} and {weight}")
        D = self.mean.numel()
        columns = torch.eye(D).to(self.mean).view(D, *self.mean.shape)
        A = forward(columns).flatten(1).T  # (number of y, D)
        SA = self.covariance @ A.T
        noise = weight * sigma**2 * torch.eye(len(A)).to(A)
        missing = (y - forward(self.mean[None])).flatten(1)  # (N, number of y)
        return self.mean + (SA @ torch.linalg.solve(A @ SA + noise, missing.T)).T.unflatten(1, self.mean.shape)
