"""RK4 and Dopri5: two ways along an ordinary differential equation, from a time t0 to a time t1.

dh/dt = f(t, h);  RK4: h += dt/6 (k1 + 2 k2 + 2 k3 + k4), equal steps;  Dopri5: steps chosen by their error.
Chapter 9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["RK4", "Dopri5", "SolverError"]

State = tuple[Tensor, ...]
Rate = Callable[[float | Tensor, State], State]  # (t, h) -> dh/dt, one tensor for each of h


class SolverError(FloatingPointError):
    """The solver could not go on; `.time` says where."""

    def __init__(self, time: float, what: str, advice: str) -> None:
        super().__init__(f"at t = {time:.4g} {what}. Try {advice}")
        self.time = time


class RK4:
    r"""The classical method of Runge and Kutta, of fourth order, in `steps` equal steps.

    .. math:: h \leftarrow h + \tfrac{dt}{6}\,(k_1 + 2 k_2 + 2 k_3 + k_4), \qquad
              k_1 = f(t, h),\; k_2 = f(t + \tfrac{dt}{2}, h + \tfrac{dt}{2} k_1),\; \dots

    The error falls like dt^4, and nobody estimates it: halve dt, and see what changes.
    Cost: 4 evaluations of f a step; gradients go back through all of them, whose memory is kept.
    Errors: `SolverError` where the state becomes NaN or infinite. Source: Hairer, Norsett and Wanner, 1993, II.1.

    >>> growth = lambda t, h: (h[0],)
    >>> (h,) = RK4(steps=10)(growth, (torch.ones(1),), 0.0, 1.0)
    >>> round(h.item(), 4)  # e
    2.7183
    """

    def __init__(self, steps: int = 20) -> None:
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise ValueError(f"RK4: expected a whole number of steps, at least 1, got {steps!r}")
        self.steps = steps

    def __call__(self, rate: Rate, state: State, t0: float, t1: float, weights: Sequence[Tensor] = ()) -> State:
        """The state at t1, from the state at t0. `weights` is for solvers with a backward pass of their own."""
        dt = (t1 - t0) / self.steps
        for k in range(self.steps):
            t = t0 + k * dt
            k1 = rate(t, state)
            k2 = rate(t + dt / 2, _along(state, dt / 2, k1))
            k3 = rate(t + dt / 2, _along(state, dt / 2, k2))
            k4 = rate(t + dt, _along(state, dt, k3))
            mean = tuple((a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(k1, k2, k3, k4, strict=True))
            state = _along(state, dt, mean)
            if not all(bool(torch.isfinite(h.detach()).all()) for h in state):
                raise SolverError(t + dt, "the state is NaN or infinite", f"more than {self.steps} steps, or {SLOWER}")
        return state


class Dopri5:
    r"""The method of Dormand and Prince, of fifth order, whose steps keep the estimated error within
    `atol + rtol |h|`; it is torchdiffeq's.

    With `adjoint` the gradient is the solution of a second equation, backwards in time, and no step is kept in memory:
    it costs a second solve, and is as exact as the tolerance.
    Cost: 6 evaluations of f a step, accepted or not, as many steps as it takes, at most `most_steps`.
    Errors: `SolverError` where the step becomes too short to move on, the state NaN or infinite, or there are too many
    steps. Source: Chen, Rubanova, Bettencourt and Duvenaud, 2018 (arXiv 1806.07366); torchdiffeq 0.2.5.

    >>> growth = lambda t, h: (h[0],)
    >>> (h,) = Dopri5()(growth, (torch.ones(1),), 0.0, 1.0)
    >>> round(h.item(), 4)
    2.7183
    """

    def __init__(self, rtol: float = 1e-5, atol: float = 1e-5, adjoint: bool = False, most_steps: int = 1000) -> None:
        if not (rtol > 0 and atol > 0):
            raise ValueError(f"Dopri5: expected tolerances above 0, got rtol={rtol}, atol={atol}")
        self.rtol, self.atol, self.adjoint, self.most_steps = rtol, atol, adjoint, most_steps

    def __call__(self, rate: Rate, state: State, t0: float, t1: float, weights: Sequence[Tensor] = ()) -> State:
        """The state at t1, from the state at t0; with `adjoint`, gradients reach `weights` and the state at t0."""
        from torchdiffeq import odeint, odeint_adjoint  # here: it loads scipy, which nothing else needs

        reached = t0

        def watched(t: Tensor, h: State) -> State:
            nonlocal reached
            reached = t.item() if torch.isfinite(t) else reached
            return rate(t, h)

        times = torch.tensor([t0, t1], dtype=state[0].dtype, device=state[0].device)
        tolerances = {"rtol": self.rtol, "atol": self.atol, "options": {"max_num_steps": self.most_steps}}
        try:
            if self.adjoint:
                path = odeint_adjoint(
                    watched, state, times, method="dopri5", adjoint_params=tuple(weights), **tolerances
                )
            else:
                path = odeint(watched, state, times, method="dopri5", **tolerances)
        except AssertionError as error:  # torchdiffeq's: underflow in dt, non-finite values, max_num_steps exceeded
            what = str(error)
            if "underflow" in what:
                raise SolverError(
                    reached, "the step has become too short to move on", f"tolerances above {self.rtol:g}, or {SLOWER}"
                ) from error
            if "max_num_steps" in what:
                raise SolverError(
                    reached,
                    f"{self.most_steps} steps have been taken",
                    f"tolerances above {self.rtol:g}, a larger most_steps, or {SLOWER}",
                ) from error
            if "non-finite" in what:
                raise SolverError(reached, "the state is NaN or infinite", SLOWER) from error
            raise
        return tuple(h[1] for h in path)


SLOWER = "a slower field: smaller weights, a smaller lr, a penalty on the kinetic energy"


def _along(state: State, dt: float, rate: State) -> State:
    return tuple(h + dt * k for h, k in zip(state, rate, strict=True))
