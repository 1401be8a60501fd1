"""The floor: the same networks' forward and backward, with no flow arithmetic around them.

Each network maps its own fixed input, already joined with its context, and receives a fixed gradient, so what is
left is what any library has to pay for these networks. The gradient with respect to the input is computed too, where
the flow needs it. Tensors lie in memory in PyTorch's usual order: convolutions in channels_last can be below the floor.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from benchmarks.peers.peer import Peer
from benchmarks.workloads import networks
from nf_course import ActNorm, LULinear


class Floor(Peer):
    """`log_prob` and `sample` are the networks' forward; `backward` takes the place of loss.backward()."""

    def __init__(self, workload, flow) -> None:
        nets = networks(flow)
        super().__init__(nn.ModuleList(copy.deepcopy(nets)))
        self.inputs, self.gradients = [], []
        for net in nets:
            net[0].register_forward_pre_hook(self._input_like)
            net[-1].register_forward_hook(self._gradient_like)
        flow.log_prob(*workload.data())
        layers = [layer for layer in flow.modules() if isinstance(layer, ActNorm | LULinear)]
        self.fewer = sum(p.numel() for layer in layers for p in layer.parameters())
        self.difference = "no ActNorm, no 1x1 convolution" if layers else ""

    def _input_like(self, layer, args):
        wanted = args[0].requires_grad  # not where a network reads the data itself
        self.inputs.append(torch.randn(args[0].shape, requires_grad=wanted))

    def _gradient_like(self, layer, args, out):
        self.gradients.append(torch.randn(out.shape) / len(out))

    def log_prob(self, x, context):
        return [net(x) for net, x in zip(self.model, self.inputs)]

    def sample(self, n, context):
        return self.log_prob(None, None)

    def backward(self):
        for x in self.inputs:
            x.grad = None
        torch.autograd.backward(self.log_prob(None, None), self.gradients)


def realnvp(workload, flow):
    return Floor(workload, flow)


glow = realnvp
