r"""Restorer: no prior, L2, total variation, a normal density and a flow for one kind of data, each at its best weight.

x* = argmin_x  data_term(x) - weight * log p(x),  from a cheaper prior's answer;  weight and start by validation data.
Chapter 16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor, nn

from nf_course import data
from nf_course.data.poses import facing
from nf_course.devices import device
from nf_course.flow import Flow
from nf_course.map_estimate import map_estimate
from nf_course.pose_variations import varied
from nf_course.prior_tasks import BINS, RestorationTask
from nf_course.recipes import trained
from nf_course.restoration import L2Prior, TotalVariation
from nf_course.wiener import NormalPrior

__all__ = ["Restorer", "prior_flow", "restore"]

FLOWS = {"digits": "glow-digits", "mnist": "realnvp-mnist", "photos": "glow-photos", "poses": "pose-prior"}
PRIORS = {  # in an order in which each needs only those before it to start from
    "digits": ("none", "L2", "TV", "normal", "flow"),
    "mnist": ("none", "L2", "TV", "normal", "flow"),
    "photos": ("none", "L2", "TV", "flow"),  # the normal: by a gradient, in chapter 16
    "poses": ("none", "L2", "normal", "flow"),  # joints are no picture
}
STARTS = {"digits": ("normal",), "mnist": ("TV", "normal"), "photos": ("TV",), "poses": ("mean",)}
WEIGHTS = {
    "L2": (0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
    "TV": (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    "normal": (0.1, 0.3, 1.0, 3.0),
    "flow": (0.1, 0.3, 1.0, 3.0),
}
STEPS = {"digits": 30, "mnist": 60, "photos": 40, "poses": 150}  # of the search with the flow
RATE = {"digits": 0.2, "mnist": 0.3, "photos": 0.02, "poses": 0.02}


@dataclass
class Restorer:
    """The priors for one kind of data, with their weights, and where the flow starts: both chosen by :meth:`tune`.

    >>> from nf_course.prior_tasks import restoration_task
    >>> restorer = Restorer("digits", weight={"L2": 3.0})
    >>> restorer(restoration_task("digits: noise", "test", 4), "L2").shape
    torch.Size([1, 4, 1, 8, 8])
    """

    kind: str
    weight: dict[str, float] = field(default_factory=dict)
    start: str = "mean"

    def __post_init__(self) -> None:
        self.flow, self.priors = prior_flow(self.kind), PRIORS[self.kind]
        self.normal = _normal(self.kind) if "normal" in self.priors else None

    def __call__(
        self, task: RestorationTask, prior: str, weights: Sequence[float] | None = None, start: str = ""
    ) -> Tensor:
        """Answers (W, N, ...) for W weights, by default for the one that was chosen.

        The search with a flow begins at the answer of the prior `start`, by default of the one that was chosen.
        """
        if prior == "none":
            return task.start[None]
        weights = [self.weight[prior]] if weights is None else weights
        if prior == "L2":
            return restore(task, L2Prior(task.mean), weights, task.start, lr=0.2 if task.inside else 0.02)[0]
        if prior == "TV":
            return restore(task, TotalVariation(), weights, task.start)[0]
        if prior == "normal":
            return torch.stack([self.normal.restore(task.forward, task.seen, task.sigma, w) for w in weights])
        start = start or self.start
        begin = task.mean.expand_as(task.seen) if start == "mean" else self(task, start)[0]
        begin = begin if task.inside is None else begin.clamp(*task.inside)
        return restore(task, self.flow, weights, begin, STEPS[self.kind], RATE[self.kind])[0]

    def tune(self, task: RestorationTask, grid: Mapping[str, Sequence[float]] = WEIGHTS) -> dict[str, Tensor]:
        """Choose each prior's weight, and the flow's start, on a validation task; mean scores, (W,) for each prior."""
        scores = {}
        for prior in self.priors:
            weights = grid.get(prior, (0.0,))
            tries = STARTS[self.kind] if prior == "flow" else ("",)
            found = {start: self._scores(task, prior, weights, start) for start in tries}
            best_start = max(found, key=lambda start: (task.sign * found[start]).max().item())
            scores[prior] = found[best_start]
            if prior == "flow":
                self.start = best_start
            if prior != "none":
                self.weight[prior] = weights[int((task.sign * scores[prior]).argmax())]
        return scores

    def _scores(self, task: RestorationTask, prior: str, weights: Sequence[float], start: str) -> Tensor:
        return torch.stack([task.score(x).mean() for x in self(task, prior, weights, start)])


def restore(
    task: RestorationTask, prior: nn.Module, weights: Sequence[float], start: Tensor, steps: int = 100, lr: float = 0.2
) -> tuple[Tensor, Tensor]:
    """`map_estimate` for several weights in one run: the answers (W, N, ...) and their objectives (W, N)."""
    many, n = len(weights), len(task.seen)
    found = map_estimate(
        prior,
        task.data_term(many),
        torch.tensor(weights).to(task.seen).repeat_interleave(n),
        start.repeat(many, *[1] * (start.ndim - 1)),
        inside=task.inside,
        steps=steps,
        lr=lr,
    )
    return found.x.unflatten(0, (many, n)), found.objective.view(many, n)


def prior_flow(kind: str) -> Flow:
    """The shipped density of digits, mnist, photos (all of pixels from 0 to 1) or poses, ready for `map_estimate`.

    Of images the first layer, `Dequantize`, is taken off: what is left is a density of real numbers.
    Errors: `ValueError` for another kind.

    >>> prior_flow("digits").log_prob(torch.rand(2, 1, 8, 8).to(device())).shape
    torch.Size([2])
    """
    if kind not in FLOWS:
        raise ValueError(f"prior_flow: expected one of {', '.join(FLOWS)}, got {kind!r}")
    flow, _ = trained(FLOWS[kind])
    flow = flow if kind == "poses" else Flow(flow.bijection[1:], flow.base)
    return flow.to(device()).eval()


@lru_cache
def _normal(kind: str) -> NormalPrior:
    """Mean and covariance of the training data; of poses, with the variations and the noise that the flow has seen."""
    if kind == "poses":
        frames = data.poses("train")
        joints = torch.cat([varied(f, 3, 0, lean=lean) for lean in (0.0, 30.0) for f in (frames, frames.mirrored())])
        return NormalPrior.of(facing(joints, frames.names)[:, 1:].flatten(1), ridge=0.01**2).to(device())
    images = (data.digits if kind == "digits" else data.mnist5k)("train").images
    return NormalPrior.of((images.float() + 0.5) / BINS[kind], ridge=0.03**2).to(device())
