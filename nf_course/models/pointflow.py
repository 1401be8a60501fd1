"""PointFlow: shapes as densities. A flow over codes, and given a code a flow over single points in space.

log p(X) >= E_q[ sum_i log p(x_i | s) + log p(s) - log q(s | X) ],  s = m(X) + sigma(X) e.
Chapter 14.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nf_course.actnorm import ActNorm
from nf_course.bijection import Bijection, Sequential
from nf_course.conditioners import MLP
from nf_course.continuous import ContinuousFlow
from nf_course.coupling import AffineCoupling
from nf_course.expect import expect_context, expect_finite, expect_shape
from nf_course.fields import ConcatSquashField
from nf_course.flow import Flow, StandardNormal
from nf_course.linear import LULinear
from nf_course.matching import flow_matching_loss
from nf_course.models.realnvp import realnvp
from nf_course.solvers import RK4, Dopri5
from nf_course.traces import ExactTrace, HutchinsonTrace

__all__ = [
    "PointFlow",
    "PointNet",
    "continuous_pointflow",
    "matching_loss",
    "pointflow",
    "stretched",
    "stretched_nll",
]

SMALLEST = 0.01  # least deviation of a code: a shape is not told apart more finely than that


class PointNet(nn.Module):
    r"""A network of a set, whatever its order and its size: features of each point, their maximum and their mean.

    .. math:: g(X) = \rho\bigl(\max_i \phi(x_i),\ \tfrac1P \textstyle\sum_i \phi(x_i)\bigr)

    Shapes: X (N, P, 3) -> (N, out_features). Errors: as for every layer. Cost: P evaluations of phi.
    Source: Qi et al., 2017 (arXiv 1612.00593), there with the maximum alone. Chapter 14.

    >>> _ = torch.manual_seed(0)
    >>> net, cloud = PointNet(4), torch.randn(2, 50, 3)
    >>> torch.allclose(net(cloud), net(cloud.flip(1)), atol=1e-6)
    True
    """

    def __init__(self, out_features: int, hidden: int = 128) -> None:
        super().__init__()
        self.of_point = nn.Sequential(nn.Linear(3, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.of_set = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.ReLU(), nn.Linear(hidden, out_features))

    def forward(self, points: Tensor) -> Tensor:
        expect_shape(points, (None, 3), "PointNet")
        each = self.of_point(points)  # (N, P, hidden)
        return self.of_set(torch.cat((each.amax(1), each.mean(1)), 1))


class PointFlow(nn.Module):
    r"""p(X) of sets of points: a code from a flow, and its points independent of each other given the code.

    .. math:: p(X) = \int p(s) \prod_{i=1}^{P} p(x_i \mid s)\, ds

    `log_prob` is a draw of the lower bound in the header, as for dequantization. Given a code nothing is bounded:
    `log_prob_given` is exact, a sum over points, each counted once.

    Args: `encoder`, X -> (N, 2 K): mean and log-deviation of the code; `prior`, a flow over codes (N, K); `points`, a
    flow over single points (M, 3) with a code as context. Shapes: X (N, P, 3) with any P; log-densities (N,) in nats.
    Errors: a shape or dtype that does not fit, and NaN. Cost: N P evaluations of the point flow.
    Source: Yang et al., 2019 (arXiv 1906.12347). Chapter 14.

    >>> _ = torch.manual_seed(0)
    >>> model, cloud = pointflow(code=4, couplings=2, hidden=(16,)), torch.randn(3, 20, 3)
    >>> model.log_prob(cloud).shape, model.sample(2, points=7).shape
    (torch.Size([3]), torch.Size([2, 7, 3]))
    """

    def __init__(self, encoder: nn.Module, prior: Flow, points: Flow) -> None:
        super().__init__()
        self.encoder, self.prior, self.points = encoder, prior, points
        self.context_features = 0  # of the whole: a code is no context that a caller gives

    def log_prob(self, points: Tensor, context: None = None) -> Tensor:
        """A draw of the lower bound of log p(X): (N, P, 3) -> (N,)."""
        mean, deviation = self.posterior(points)
        noise = torch.randn_like(mean)
        code = mean + deviation * noise
        log_q = (-0.5 * noise.square() - deviation.log() - 0.5 * math.log(2 * math.pi)).sum(1)
        return self.log_prob_given(points, code) + self.prior.log_prob(code) - log_q

    forward = log_prob

    def log_prob_given(self, points: Tensor, code: Tensor) -> Tensor:
        r"""\sum_i log p(x_i | s), exact: (N, P, 3), (N, K) -> (N,)."""
        expect_shape(points, (None, 3), "PointFlow")
        expect_context(code, self.points.context_features, len(points), "PointFlow (code)")
        n, p, _ = points.shape
        each = self.points.log_prob(points.reshape(n * p, 3), code.repeat_interleave(p, 0))  # (N P,)
        return each.view(n, p).sum(1)

    def posterior(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the code of each set: (N, P, 3) -> (N, K), (N, K)."""
        expect_shape(points, (None, 3), "PointFlow")
        expect_finite(points, "PointFlow")
        mean, raw = self.encoder(points).chunk(2, 1)
        return mean, SMALLEST + nn.functional.softplus(raw)

    def code(self, points: Tensor) -> Tensor:
        """The mean code of each set: (N, P, 3) -> (N, K)."""
        return self.posterior(points)[0]

    @torch.no_grad()
    def decode(self, code: Tensor, points: int, temperature: float = 1.0) -> Tensor:
        """So many points of each code's shape: (N, K) -> (N, points, 3)."""
        rows = self.points.sample(len(code) * points, code.repeat_interleave(points, 0), temperature)
        return rows.view(len(code), points, 3)

    @torch.no_grad()
    def sample(self, n: int, context: None = None, temperature: float = 1.0, *, points: int = 2048) -> Tensor:
        """n new shapes of so many points each: (n, points, 3). `temperature` is that of the codes."""
        return self.decode(self.prior.sample(n, temperature=temperature), points)


def pointflow(code: int = 32, couplings: int = 8, hidden: Sequence[int] = (64, 64), prior: int = 6) -> PointFlow:
    """PointFlow of couplings: each step is ActNorm, a learned 3 x 3 matrix, and a coupling of one coordinate and two.

    Over codes a RealNVP of `prior` couplings. Source: as for `PointFlow`; couplings in place of the paper's continuous
    flows, as in Klokov, Boyer and Verbeek, 2020 (arXiv 2006.10151).
    """
    steps: list[Bijection] = []
    for _ in range(couplings):
        steps += [ActNorm(3), LULinear(3), AffineCoupling(MLP(1, 2 * 2, hidden, code))]  # keeps 1 coordinate, moves 2
    return _model(code, Sequential(*steps), prior)


def continuous_pointflow(
    code: int = 32,
    hidden: Sequence[int] = (128, 128, 128),
    solver: RK4 | Dopri5 | None = None,
    trace: ExactTrace | HutchinsonTrace | None = None,
    prior: int = 6,
) -> PointFlow:
    """PointFlow as published: a continuous flow moves the points, all of a shape by one field. By default RK4(8).

    An equation solved for every point, with its trace and all their gradients, is dear in training: `matching_loss`
    trains the field without solving any.
    """
    field = ConcatSquashField(3, hidden, code)
    return _model(code, ContinuousFlow(field, RK4(8) if solver is None else solver, trace), prior)


def stretched(clouds: Tensor, most: float = 0.2) -> Tensor:
    """Other shapes from few: each axis of each cloud times a number from 1 - most to 1 + most, half of them mirrored.

    What was level and what was symmetric still is, so that a chair stays a chair. (N, P, 3) -> the same.
    """
    factors = 1 + most * (2 * torch.rand(len(clouds), 1, 3, dtype=clouds.dtype, device=clouds.device) - 1)
    factors[:, :, 0] *= torch.randint(0, 2, (len(clouds), 1), device=clouds.device) * 2 - 1
    return clouds * factors


def stretched_nll(model: PointFlow, clouds: Tensor, context: None = None) -> Tensor:
    """A draw of the upper bound of -log p of stretched clouds, (N,) in nats: what `fit(..., loss=)` takes."""
    return -model.log_prob(stretched(clouds))


def matching_loss(model: PointFlow, clouds: Tensor, context: None = None) -> Tensor:
    r"""Flow matching of the points of stretched clouds, given codes of the encoder as it is: (N,).

    .. math:: \tfrac1P \sum_i \bigl\| f(t_i, (1 - t_i)\, x_i + t_i z_i, s) - (z_i - x_i) \bigr\|^2,
              \qquad s \sim q(s \mid X)

    It trains the field of `model.points`, nothing else: the encoder and the density of codes come from elsewhere, such
    as a PointFlow of couplings. Source: as for `flow_matching_loss`.
    """
    clouds = stretched(clouds)
    with torch.no_grad():
        mean, deviation = model.posterior(clouds)
        code = mean + deviation * torch.randn_like(mean)
    n, p, _ = clouds.shape
    each = flow_matching_loss(model.points, clouds.reshape(n * p, 3), code.repeat_interleave(p, 0))  # (N P,)
    return each.view(n, p).mean(1)


def _model(code: int, points: Bijection, prior: int) -> PointFlow:
    codes = realnvp(code, couplings=prior) if prior else Flow(Sequential(), StandardNormal(code))
    return PointFlow(PointNet(2 * code), codes, Flow(points, StandardNormal(3)))
