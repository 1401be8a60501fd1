"""FrEIA: GLOWCouplingBlock holds two couplings, one for each half, so half as many blocks are needed.

Glow is a graph of its ActNorm, its 1x1 convolution, which is fixed, and its one-sided coupling.
"""

from __future__ import annotations

import copy
import math

import FrEIA.framework as Ff
import FrEIA.modules as Fm
import torch
from torch import nn

from benchmarks.peers.peer import Peer
from benchmarks.workloads import levels, networks
from nf_course import ActNorm, LULinear, Squeeze

BOUNDED = {"clamp": 2.0, "clamp_activation": lambda a: torch.tanh(a / 2)}


class FrEIA(Peer):
    """FrEIA has no densities: the standard normal is added here."""

    def __init__(self, model, features) -> None:
        super().__init__(model)
        self.features = features
        self.log_normaliser = -0.5 * features * math.log(2 * math.pi)

    def log_prob(self, x, context):
        z, ladj = self.model(x, c=None if context is None else [context])
        return self.log_normaliser - 0.5 * z.square().sum(1) + ladj

    def sample(self, n, context):
        return self.decode(torch.randn(n, self.features), context)

    def decode(self, z, context):
        x, _ = self.model(z, c=None if context is None else [context], rev=True)
        return x

    def arrange(self, x):
        # FrEIA's block moves the first half first, nf_course's model the second one: swap the halves.
        return x.roll(self.features // 2, 1)


class FrEIAGlow(Peer):
    """Its latent is a list, one part for each level, finest first."""

    def __init__(self, model) -> None:
        super().__init__(model)
        self.shapes = [node.input_dims[0] for node in model.out_nodes]
        self.features = sum(math.prod(shape) for shape in self.shapes)
        self.log_normaliser = -0.5 * self.features * math.log(2 * math.pi)

    def log_prob(self, x, context):
        z, ladj = self.model(x)
        return self.log_normaliser - 0.5 * sum(part.square().sum((1, 2, 3)) for part in z) + ladj

    def sample(self, n, context):
        return self.model([torch.randn(n, *shape) for shape in self.shapes], rev=True)[0]

    def decode(self, z, context):
        parts = z.split([math.prod(shape) for shape in self.shapes[::-1]], 1)[::-1]
        return self.model([part.unflatten(1, shape) for part, shape in zip(parts, self.shapes)], rev=True)[0]


@torch.no_grad()
def part_of_glow(part):
    """The class of one part of our Glow, its arguments, and its weights where they are no arguments."""
    if isinstance(part, Squeeze):
        return Fm.IRevNetDownsampling, {}, {}
    if isinstance(part, ActNorm):
        weights = {"scale": part.log_scale.view(1, -1, 1, 1), "bias": part.shift.view(1, -1, 1, 1)}
        return Fm.ActNorm, {}, weights
    if isinstance(part, LULinear):
        return Fm.Fixed1x1Conv, {"M": part.weight().T}, {}  # it multiplies by the transpose
    net = nn.Sequential(*copy.deepcopy(part.conditioner))
    return Fm.AffineCouplingOneSided, {"subnet_constructor": lambda n_in, n_out: net, **BOUNDED}, {}


def glow(workload, flow):
    node = Ff.InputNode(*workload.shape)
    nodes, weights_of = [node], {}
    for parts, _ in levels(flow):
        if len(nodes) > 1:
            split = Ff.Node(node, Fm.Split, {})
            nodes += [split, Ff.OutputNode(split.out1)]
            node = split.out0
        for part in parts:
            module, arguments, weights = part_of_glow(part)
            node = Ff.Node(node, module, arguments)
            nodes.append(node)
            weights_of[node] = weights
    model = Ff.GraphINN([*nodes, Ff.OutputNode(node)])
    for node, weights in weights_of.items():
        if weights:
            node.module.load_state_dict(weights)  # which also says that ActNorm is initialised
    peer = FrEIAGlow(model)
    peer.fewer = sum(p.numel() for m in flow.modules() if isinstance(m, LULinear) for p in m.parameters())
    peer.difference = "its 1x1 convolutions are fixed, not learned: the same matrices, and no gradient for them"
    return peer


def realnvp(workload, flow):
    nets = iter(copy.deepcopy(networks(flow)))
    model = Ff.SequenceINN(workload.features)
    condition = {"cond": 0, "cond_shape": (workload.context,)} if workload.context else {}
    for _ in range(workload.couplings // 2):
        model.append(
            Fm.GLOWCouplingBlock,
            subnet_constructor=lambda n_in, n_out: None,
            **BOUNDED,
            **condition,
        )
        block = model[len(model) - 1]
        block.subnet2, block.subnet1 = next(nets), next(nets)  # subnet2 is read first
    return FrEIA(model, workload.features)
