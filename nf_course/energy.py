"""EnergyPenalty: likelihood training of a continuous flow that also asks for slow, straight paths.

-log p(x) + weight * int_0^1 || f(t, x(t)) ||^2 dt.
Chapter 9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from nf_course.continuous import ContinuousFlow
from nf_course.flow import Flow

__all__ = ["EnergyPenalty"]


@dataclass(frozen=True)
class EnergyPenalty:
    r"""The negative log-likelihood of each sample, and `weight` times the kinetic energy of its path.

    .. math:: -\log p(x) + \lambda \int_0^1 \|f(t, x(t), c)\|^2\, dt

    Of all fields that carry data to the base in the same way, the slowest is the one that is left: its paths are
    straighter, and a solver that chooses its steps takes fewer. `fit(..., loss=EnergyPenalty(0.01))` trains with it.

    Shapes: x (N, ...) -> (N,). Errors: `TypeError` if the flow is no `ContinuousFlow`, `ValueError` for a weight
    that is no number from 0 on. Cost: one solve. Source: Finlay et al., 2020 (arXiv 2002.02798), eq. 9. Chapter 9.

    >>> from nf_course import models
    >>> import torch
    >>> EnergyPenalty(0.01)(models.ffjord(2), torch.zeros(3, 2)).shape
    torch.Size([3])
    """

    weight: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"EnergyPenalty: expected a weight from 0 on, got {self.weight}")

    def __call__(self, flow: Flow, x: Tensor, context: Tensor | None = None) -> Tensor:
        """The loss of each sample, for `fit`."""
        if not isinstance(flow.bijection, ContinuousFlow):
            raise TypeError(f"EnergyPenalty: expected a ContinuousFlow, got {type(flow.bijection).__name__}")
        z, ladj, energy = flow.bijection.encode_with_energy(x, context)
        return self.weight * energy - (flow.base.log_prob(z, context) + ladj)
