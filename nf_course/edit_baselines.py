"""LinearEdit, RegressionEdit, GradientEdit: what a flow's edits are measured against. Each is edit(w, source, target).

w' = w + B (a_target - a_source);  w' = w + m(a_target) - m(a_source), m(a) = E[w | a];  and a search by gradients.
Chapter 12.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nf_course.conditioners import MLP

__all__ = ["GradientEdit", "LinearEdit", "RegressionEdit"]


class LinearEdit:
    r"""A step along a fixed direction for each attribute, as long as a linear model says.

    .. math:: a \approx L w + \text{const}, \qquad w' = w + B\,(a_\text{target} - a_\text{source})

    Without `keep`, column k of B is l_k / ||l_k||^2, l_k the k-th row of L: the shortest step to the new a_k, whatever
    it does to the others, as in InterFaceGAN. With `keep` B = L^T (L L^T)^{-1}: the shortest step that changes none of
    the other predictions. L is found by least squares.

    Shapes: w (N, D), a (N, K), N > D. Cost: one least-squares problem, then nothing.
    Source: Shen et al., 2020 (arXiv 1907.10786), there with the normals of linear classifiers.

    >>> w = torch.eye(4, dtype=torch.float64).repeat(2, 1)[:7]
    >>> edit = LinearEdit(w, w @ torch.tensor([[1.0, 1], [0, 1], [0, 0], [0, 0]], dtype=torch.float64), keep=True)
    >>> edit(w[:1], torch.zeros(1, 2).double(), torch.tensor([[1.0, 0.0]]).double()).round(decimals=3).abs().tolist()
    [[2.0, 1.0, 0.0, 0.0]]
    """

    def __init__(self, w: Tensor, attributes: Tensor, keep: bool = False) -> None:
        design = torch.cat((w, torch.ones_like(w[:, :1])), 1)
        rows = torch.linalg.lstsq(design, attributes).solution[:-1].T  # the slopes, (K, D)
        if keep:
            self.directions = torch.linalg.pinv(rows).T  # (K, D), the transpose of B
        else:
            self.directions = rows / rows.square().sum(1, keepdim=True)

    def __call__(self, w: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """w', (N, D)."""
        return w + (target - source) @ self.directions.to(w)


class RegressionEdit:
    r"""A step from the mean latent of the source attributes to that of the target ones.

    .. math:: w' = w + m(a_\text{target}) - m(a_\text{source}), \qquad m = \arg\min \mathbb{E}\,\|w - m(a)\|^2

    The minimum is m(a) = E[w | a], here a multilayer perceptron. Means over what else a face may be: it moves w less
    than it takes to reach the target, the less so the less the attributes say of w.

    Shapes: w (N, D), a (N, K). Cost: `steps` steps of Adam on batches of 256, some 2 s for the default.

    >>> _ = torch.manual_seed(0)
    >>> a = torch.randn(512, 1)
    >>> edit = RegressionEdit(torch.cat((2 * a, -a), 1), a, steps=300)
    >>> edit(torch.zeros(1, 2), torch.zeros(1, 1), torch.ones(1, 1)).round(decimals=0).tolist()
    [[2.0, -1.0]]
    """

    def __init__(
        self, w: Tensor, attributes: Tensor, hidden: tuple[int, ...] = (64,), steps: int = 1500, seed: int = 0
    ) -> None:
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            self.mean = MLP(attributes.shape[1], w.shape[1], hidden).to(w)
        batches = torch.Generator().manual_seed(seed)
        optimizer = torch.optim.Adam(self.mean.parameters(), lr=3e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))
        for _ in range(steps):
            rows = torch.randint(len(w), (256,), generator=batches, device="cpu")
            loss = (w[rows] - self.mean(attributes[rows])).square().sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()

    @torch.no_grad()
    def __call__(self, w: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """w', (N, D)."""
        return w + self.mean(target) - self.mean(source)


class GradientEdit:
    r"""The nearest latent with the target attributes, searched through generator and measures by Adam.

    .. math:: w' = \arg\min_v\; \|A(G(v)) - a_\text{target}\|^2 + \lambda \|v - w\|^2

    It looks at the picture at every step, which none of the others does, and is what they might reach at best; `source`
    is not used. Shapes: w (N, D). Cost: `steps` forward and backward passes of the generator for each face, about a
    second a face on one core for the default.
    """

    def __init__(
        self,
        generator: Callable[[Tensor], Tensor],
        attributes: Callable[[Tensor], Tensor],
        penalty: float = 0.005,
        steps: int = 60,
        lr: float = 0.05,
    ) -> None:
        self.generator, self.attributes = generator, attributes
        self.penalty, self.steps, self.lr = penalty, steps, lr

    @torch.enable_grad()
    def __call__(self, w: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """w', (N, D)."""
        v = w.detach().clone().requires_grad_()
        optimizer = torch.optim.Adam([v], lr=self.lr)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
        for _ in range(self.steps):
            miss = (self.attributes(self.generator(v)) - target.detach()).square().sum()
            loss = miss + self.penalty * (v - w.detach()).square().sum()
            (v.grad,) = torch.autograd.grad(loss, v)
            optimizer.step()
            schedule.step()
        return v.detach()
