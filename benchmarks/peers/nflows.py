"""nflows: coupling transforms with an index mask; for images its multiscale transform and its 1x1 convolution.

The first half of the channels leaves at each level, hence a permutation that swaps the halves before it.
"""

from __future__ import annotations

import copy
import math

import torch
from nflows.distributions import StandardNormal
from nflows.flows import Flow
from nflows.transforms import (
    ActNorm,
    AffineCouplingTransform,
    CompositeTransform,
    MultiscaleCompositeTransform,
    OneByOneConvolution,
    Permutation,
    SqueezeTransform,
)
from torch import nn

import nf_course
from benchmarks.peers.peer import Peer
from benchmarks.workloads import levels, networks


class BoundedCoupling(AffineCouplingTransform):
    """nflows' coupling with scale exp(2 tanh(a/2)) in place of sigmoid(a + 2) + 0.001."""

    def _scale_and_shift(self, transform_params):
        a, shift = transform_params.chunk(2, 1)
        return torch.exp(2 * torch.tanh(a / 2)), shift


class JoinContext(nn.Module):
    """nflows calls its networks with (kept, context)."""

    def __init__(self, net) -> None:
        super().__init__()
        self.net = net

    def forward(self, kept, context=None):
        return self.net(kept if context is None else torch.cat((kept, context), 1))


class Nflows(Peer):
    def log_prob(self, x, context):
        return self.model.log_prob(x, context)

    def sample(self, n, context):
        return self.model.sample(n) if context is None else self.model.sample(1, context)[:, 0]

    def decode(self, z, context):
        return self.model._transform.inverse(z, context)[0]


class NflowsGlow(Nflows):
    """Its flat latent begins with what leaves first, nf_course's with what leaves last."""

    def __init__(self, model, sizes) -> None:
        super().__init__(model)
        self.sizes = sizes

    def decode(self, z, context):
        return super().decode(torch.cat(z.split(self.sizes[::-1], 1)[::-1], 1), context)


def coupling(net, features, second=True):
    """The coupling that moves the second half of the features, or the first."""
    moved = (torch.arange(features) >= features // 2).int()
    return BoundedCoupling(moved if second else 1 - moved, lambda n_in, n_out: JoinContext(copy.deepcopy(net)))


@torch.no_grad()
def part_of_glow(part):
    """One part of our Glow, with its weights."""
    if isinstance(part, nf_course.Squeeze):
        return SqueezeTransform()
    if isinstance(part, nf_course.ActNorm):
        peer = ActNorm(part.features)
        peer.initialized.fill_(True)
        peer.log_scale.copy_(part.log_scale)
        peer.shift.copy_(part.shift)
        return peer
    if isinstance(part, nf_course.LULinear):
        peer = OneByOneConvolution(part.features)
        L, U = part.factors()
        peer.permutation._permutation.copy_(part.permutation)  # of its input where ours is of the output: both none
        peer.lower_entries.copy_(L[peer.lower_indices])
        peer.upper_entries.copy_(U[peer.upper_indices])
        peer.unconstrained_upper_diag.copy_(torch.log(torch.expm1(U.diagonal() - peer.eps)))  # softplus, inverted
        return peer
    return coupling(nn.Sequential(*part.conditioner), 2 * part.conditioner.in_channels)


def glow(workload, flow):
    parts, shapes = zip(*levels(flow))
    multiscale = MultiscaleCompositeTransform(len(shapes))
    for level, (channels, *size) in zip(parts, shapes):
        transforms = [part_of_glow(part) for part in level]
        if level is not parts[-1]:
            transforms.append(Permutation(torch.arange(2 * channels).roll(channels)))
            channels = 2 * channels
        multiscale.add_transform(CompositeTransform(transforms), (channels, *size))
    peer = NflowsGlow(Flow(multiscale, StandardNormal([math.prod(workload.shape)])), [math.prod(s) for s in shapes])
    peer.fewer = sum(m.features**2 for m in flow.modules() if isinstance(m, nf_course.LULinear))
    peer.difference = "its 1x1 convolutions store the triangles only, with a positive diagonal, and have a bias"
    return peer


def realnvp(workload, flow):
    transforms = [coupling(net, workload.features, second=k % 2 == 0) for k, net in enumerate(networks(flow))]
    return Nflows(Flow(CompositeTransform(transforms), StandardNormal([workload.features])))
