"""ContinuousFlow: points drift along a velocity field from data to latent; ladj is the divergence met on the way.

dx/dt = f(t, x, c) from t = 0 (data) to t = 1 (latent);  ladj = int_0^1 tr(df/dx) dt along the path.
Chapter 9.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from nf_course.bijection import Bijection, Sequential, sum_features
from nf_course.expect import expect_floating
from nf_course.solvers import RK4, Dopri5
from nf_course.traces import ExactTrace, HutchinsonTrace

__all__ = ["ContinuousFlow"]


class ContinuousFlow(Bijection):
    r"""The map from time 0 to time 1 of an ordinary differential equation, and back.

    .. math:: \frac{dx}{dt} = f(t, x, c), \quad z = x(1), \qquad
              \text{ladj} = \int_0^1 \operatorname{tr} \frac{\partial f}{\partial x}\bigl(t, x(t), c\bigr)\, dt

    `field(t, x, context)` is any network that gives a velocity of the shape of x and is smooth enough for its paths
    to be unique: none has to be inverted. `solver` is `RK4` or `Dopri5`, `trace` is `ExactTrace` or
    `HutchinsonTrace`, whose noise is drawn anew for each solve and makes ladj random. `evaluations` counts those of
    the field in the last solve. `span` is the stretch of time that the flow runs over, data first: (0, 1) or a part.

    Shapes: x and z (N, D), (N, C, H, W), (N, P, D): whatever the field takes; ladj (N,). Both directions are as exact
    as the solver: with steps chosen by the error, those of one sample depend a little on its companions.
    Cost: `evaluations` of the field, each with the derivatives of the trace. Errors: `SolverError` says at which time.
    Source: Chen et al., 2018 (arXiv 1806.07366); Grathwohl et al., 2019 (arXiv 1810.01367).

    >>> from nf_course import MLPField, randomise
    >>> layer = randomise(ContinuousFlow(MLPField(2, hidden=(8,)), RK4(steps=10)))
    >>> x = torch.ones(3, 2)
    >>> z, ladj = layer.encode(x)
    >>> torch.allclose(layer.decode(z)[0], x, atol=1e-4), ladj.shape, layer.evaluations
    (True, torch.Size([3]), 40)
    """

    def __init__(
        self,
        field: nn.Module,
        solver: RK4 | Dopri5 | None = None,
        trace: ExactTrace | HutchinsonTrace | None = None,
        span: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        super().__init__()
        if not (len(span) == 2 and all(math.isfinite(t) for t in span) and span[0] < span[1]):
            raise ValueError(f"ContinuousFlow: expected a span (t_data, t_latent) with t_data < t_latent, got {span}")
        self.field = field
        self.solver = RK4() if solver is None else solver
        self.trace = ExactTrace() if trace is None else trace
        self.span = (float(span[0]), float(span[1]))
        self.evaluations = 0

    def encode(self, x, context=None):
        expect_floating(x, "ContinuousFlow.encode")
        z, ladj = self._solve((x, x.new_zeros(len(x))), context, *self.span)
        return z, ladj

    def decode(self, z, context=None):
        expect_floating(z, "ContinuousFlow.decode")
        x, ladj = self._solve((z, z.new_zeros(len(z))), context, *reversed(self.span))
        return x, ladj

    def encode_with_energy(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        r"""(z, ladj, energy), the last one the kinetic energy of each path, (N,).

        .. math:: \text{energy} = \int_0^1 \|f(t, x(t), c)\|^2\, dt

        A penalty on it, `EnergyPenalty`, keeps paths straight and the solver quick.
        Source: Finlay et al., 2020 (arXiv 2002.02798).
        """
        expect_floating(x, "ContinuousFlow.encode_with_energy")
        return self._solve((x, x.new_zeros(len(x)), x.new_zeros(len(x))), context, *self.span)

    def path(self, x: Tensor, times: Sequence[float], context: Tensor | None = None) -> Tensor:
        """Where points that are at x at times[0] are at each of the times, (len(times), N, ...), without a gradient."""
        expect_floating(x, "ContinuousFlow.path")
        places = [x]
        with torch.no_grad():
            for t0, t1 in pairwise(times):
                places += self._solve((places[-1],), context, t0, t1)
        return torch.stack(places)

    def pieces(self, count: int) -> Sequential:
        """The same map as `count` continuous flows, each over an equal part of the time: one can stop between them.

        The field is shared, not copied. A solver of fixed steps takes all of its steps in each piece.
        """
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"ContinuousFlow.pieces: expected a whole number, at least 1, got {count!r}")
        t0, t1 = self.span
        stops = [t0 + (t1 - t0) * k / count for k in range(count)] + [t1]
        return Sequential(*(ContinuousFlow(self.field, self.solver, self.trace, part) for part in pairwise(stops)))

    def _solve(self, state: tuple[Tensor, ...], context: Tensor | None, t0: float, t1: float) -> tuple[Tensor, ...]:
        """x and, as far as the state has a second and a third part, the integrals of trace and |f|^2, from t0 to t1."""
        self.evaluations = 0
        if len(state[0]) == 0:
            return state
        probe, keep_graph = self.trace.probe(state[0]), torch.is_grad_enabled()

        def rate(t: float | Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            self.evaluations += 1
            with torch.enable_grad():  # the trace is a derivative, also where nobody asks for gradients
                x = state[0] if state[0].requires_grad else state[0].detach().requires_grad_()
                v = self.field(t, x, context)
                if v.shape != x.shape:
                    raise ValueError(
                        f"ContinuousFlow: expected a velocity {tuple(x.shape)} from the field, got {tuple(v.shape)}"
                    )
                rates = [v]
                if len(state) > 1:
                    rates.append(self.trace(v, x, probe, keep_graph))
                if len(state) > 2:
                    rates.append(sum_features(v.square()))
            return tuple(rates) if keep_graph else tuple(part.detach() for part in rates)

        weights = [p for p in self.field.parameters() if p.requires_grad]
        if context is not None and context.requires_grad:
            weights.append(context)  # of an encoder: gradients reach it through the adjoint, too
        return self.solver(rate, state, t0, t1, weights)
