"""What is measured: the models, their data, and the weights that every library receives.

Every workload gives one nf_course flow; each module of `benchmarks.peers` rebuilds it in another library.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nf_course import Flow, models

__all__ = ["WORKLOADS", "RealNVP", "interleaved"]


@dataclass(frozen=True)
class RealNVP:
    """Affine couplings over two halves that take turns, one multilayer perceptron each; W3, a Glow, will follow."""

    name: str
    features: int
    couplings: int
    hidden: tuple[int, ...]
    batch: int
    context: int = 0

    def flow(self, seed: int = 0) -> Flow:
        """The nf_course model, moved off the identity so that agreement between libraries means something."""
        torch.manual_seed(seed)
        flow = models.realnvp(self.features, self.couplings, self.hidden, self.context)
        for net in networks(flow):
            nn.init.normal_(net[-1].weight, std=0.5 * net[-1].in_features ** -0.5)
            nn.init.normal_(net[-1].bias, std=0.1)
        return flow

    def data(self, seed: int = 1) -> tuple[Tensor, Tensor | None]:
        """A batch x, (N, D), and its context, (N, K) or None."""
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(self.batch, self.features, generator=generator)
        return x, torch.randn(self.batch, self.context, generator=generator) if self.context else None

    def __str__(self) -> str:
        width = "x".join(str(h) for h in self.hidden)
        context = f", context {self.context}" if self.context else ""
        return f"RealNVP D={self.features}{context}, {self.couplings} couplings, {width}, batch {self.batch}"


def networks(flow: Flow) -> list[nn.Sequential]:
    """Each coupling's network, (N, kept + context) -> (N, 2 moved): first the a's, then the shifts."""
    return [nn.Sequential(*coupling.conditioner) for coupling in flow.bijection.couplings]


def interleaved(net: nn.Sequential) -> nn.Sequential:
    """The same network with outputs in the order shift_1, a_1, shift_2, a_2, ... that some libraries expect."""
    net = copy.deepcopy(net)
    last = net[-1]
    a, shift = torch.arange(last.out_features).chunk(2)
    order = torch.stack((shift, a), 1).flatten()
    with torch.no_grad():
        last.weight.copy_(last.weight[order])
        last.bias.copy_(last.bias[order])
    return net


WORKLOADS = {
    w.name: w
    for w in (
        RealNVP("W1", features=2, couplings=8, hidden=(64, 64), batch=512),
        RealNVP("W2", features=64, couplings=16, hidden=(256, 256), batch=1024),
        RealNVP("W5", features=16, couplings=8, hidden=(128, 128), batch=1024, context=16),
    )
}
