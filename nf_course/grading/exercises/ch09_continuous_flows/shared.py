"""What the exercises of this chapter have in common: velocity fields that bend, the base, other solvers."""

from __future__ import annotations

import math

from torch import Tensor

from nf_course.grading.parts import Field

__all__ = ["by_rk4", "by_two_stages", "draw_field", "log_normal"]


def draw_field(draw, numbers: int, *, name="field", amplitude=1.0, steep=1.0, shape=None) -> Field:
    """A field of rows of so many numbers that bends: in time, in place, and with a divergence that is not small."""
    weight = steep * draw.normal(numbers, numbers) / numbers**0.5
    weight.diagonal().copy_(steep * draw.uniform(0.4, 1.0, numbers))
    pace = draw.uniform(0.8, 1.6, numbers) * draw.signs(numbers)
    return Field(name, weight, pace, 0.5 * draw.normal(numbers), amplitude, shape)


def log_normal(z: Tensor) -> Tensor:
    """log N(z; 0, I), a number for each row."""
    return -0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(1)


def by_rk4(field, x, steps):
    """The log-density of 09.direction by another solver, the one of 09.rk4."""
    ladj, h = 0, 1 / steps
    for k in range(steps):
        place, velocities, divergences = x, [], []
        for t, length in ((k * h, h / 2), ((k + 0.5) * h, h / 2), ((k + 0.5) * h, h), ((k + 1) * h, 0)):
            velocities.append(field(t, place))
            divergences.append(field.divergence(t, place))
            place = x + length * velocities[-1]
        x = x + h / 6 * sum(w * v for w, v in zip((1, 2, 2, 1), velocities, strict=True))
        ladj = ladj + h / 6 * sum(w * d for w, d in zip((1, 2, 2, 1), divergences, strict=True))
    return log_normal(x) + ladj


def by_two_stages(share):
    """The same by a method of second order: the midpoint rule for a share of 1 / 2, Heun's for 1."""

    def answer(field, x, steps):
        ladj, dt, weight = 0, 1 / steps, 1 / (2 * share)
        for k in range(steps):
            t, later = k * dt, (k + share) * dt
            place = x + share * dt * field(t, x)
            ladj = ladj + dt * ((1 - weight) * field.divergence(t, x) + weight * field.divergence(later, place))
            x = x + dt * ((1 - weight) * field(t, x) + weight * field(later, place))
        return log_normal(x) + ladj

    return answer
