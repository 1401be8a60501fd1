"""What the exercises of this chapter have in common: velocity fields that bend, and the base."""

from __future__ import annotations

import math

from torch import Tensor

from nf_course.grading.parts import Field

__all__ = ["draw_field", "log_normal"]


def draw_field(draw, numbers: int, *, name: str = "field", amplitude: float = 1.0, steep: float = 1.0) -> Field:
    """A field of rows of so many numbers that bends: in time, in place, and with a divergence that is not small."""
    weight = steep * draw.normal(numbers, numbers) / numbers**0.5
    weight.diagonal().copy_(steep * draw.uniform(0.4, 1.0, numbers))
    pace = draw.uniform(0.8, 1.6, numbers) * draw.signs(numbers)
    return Field(name, weight, pace, 0.5 * draw.normal(numbers), amplitude)


def log_normal(z: Tensor) -> Tensor:
    """log N(z; 0, I), a number for each row."""
    return -0.5 * (z.square() + math.log(2 * math.pi)).flatten(1).sum(1)
