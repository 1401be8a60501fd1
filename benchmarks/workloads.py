"""What is measured: the models, their data, and the weights that every library receives.

Every workload gives one nf_course flow; each module of `benchmarks.peers` rebuilds it in another library.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nf_course import AffineCoupling, Bijection, Flow, LULinear, Split, models

__all__ = ["WORKLOADS", "Glow", "RealNVP", "Workload", "interleaved", "levels", "networks"]


@dataclass(frozen=True)
class RealNVP:
    """Affine couplings over two halves that take turns, one multilayer perceptron each."""

    name: str
    features: int
    couplings: int
    hidden: tuple[int, ...]
    batch: int
    context: int = 0
    kind = "realnvp"  # the function of each peer's module that builds it
    images = False

    def flow(self, seed: int = 0) -> Flow:
        """The nf_course model, moved off the identity so that agreement between libraries means something."""
        torch.manual_seed(seed)
        flow = models.realnvp(self.features, self.couplings, self.hidden, self.context)
        off_the_identity(flow)
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


@dataclass(frozen=True)
class Glow:
    """Glow over images: levels of ActNorm, 1x1 convolution and affine coupling, a learned prior where half leaves.

    The matrices are L (U + diag(s)) with s > 0 and no permutation: what all of the libraries can hold.
    """

    name: str
    shape: tuple[int, int, int]
    levels: int
    steps: int
    hidden: int
    batch: int
    kind = "glow"
    images = True

    def flow(self, seed: int = 0) -> Flow:
        """The nf_course model, off the identity, its ActNorms initialised by the data."""
        torch.manual_seed(seed)
        flow = models.glow(self.shape, self.levels, self.steps, self.hidden)
        off_the_identity(flow)
        for layer in flow.modules():
            if isinstance(layer, LULinear):
                layer.sign_s.fill_(1)
                layer.permutation.copy_(torch.arange(layer.features))
                for factor in (layer.lower, layer.upper, layer.log_abs_s):
                    nn.init.normal_(factor, std=0.25 * layer.features**-0.5)
        with torch.no_grad():
            flow.log_prob(self.data()[0])
        return flow

    def data(self, seed: int = 1) -> tuple[Tensor, None]:
        """A batch of images x, (N, C, H, W), and no context."""
        generator = torch.Generator().manual_seed(seed)
        return torch.rand(self.batch, *self.shape, generator=generator), None

    def __str__(self) -> str:
        size = "x".join(str(n) for n in self.shape)
        return f"Glow {size}, {self.levels} levels of {self.steps} steps, {self.hidden} channels, batch {self.batch}"


Workload = RealNVP | Glow


def off_the_identity(flow: Flow) -> None:
    """Last layers start at zero: draw them anew."""
    for net in networks(flow):
        nn.init.normal_(net[-1].weight, std=0.5 * net[-1].weight[0].numel() ** -0.5)
        nn.init.normal_(net[-1].bias, std=0.1)


def networks(flow: Flow) -> list[nn.Sequential]:
    """Each coupling's network, (N, kept + context, ...) -> (N, 2 moved, ...): first the a's, then the shifts."""
    return [nn.Sequential(*layer.conditioner) for layer in flow.modules() if isinstance(layer, AffineCoupling)]


def levels(flow: Flow) -> Iterator[tuple[list[Bijection], tuple[int, ...]]]:
    """The parts of each level of a Glow, data first, and the shape of what leaves for the latent at its end."""
    last = flow.bijection
    while hasattr(last, "bijections"):
        *parts, last = last.bijections
        yield parts, last.leave_shape if isinstance(last, Split) else last.shape
        last = getattr(last, "rest", last)


def interleaved(net: nn.Sequential) -> nn.Sequential:
    """The same network with outputs in the order shift_1, a_1, shift_2, a_2, ... that some libraries expect."""
    net = copy.deepcopy(net)
    last = net[-1]
    a, shift = torch.arange(len(last.bias)).chunk(2)
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
        Glow("W3", shape=(3, 32, 32), levels=3, steps=8, hidden=128, batch=16),
        RealNVP("W5", features=16, couplings=8, hidden=(128, 128), batch=1024, context=16),
    )
}
