"""The floor: the same networks' forward and backward, with no flow arithmetic around them.

Each network maps its own fixed input, already joined with its context, and receives a fixed gradient, so what is
left is what any library has to pay for these networks. The gradient with respect to the input is computed too.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from benchmarks.peers.peer import Peer
from benchmarks.workloads import networks


class Floor(Peer):
    """`log_prob` and `sample` are the networks' forward; `backward` takes the place of loss.backward()."""

    def __init__(self, workload, flow) -> None:
        super().__init__(nn.ModuleList(copy.deepcopy(networks(flow))))
        self.inputs = [torch.randn(workload.batch, net[0].in_features) for net in self.model]
        for x in self.inputs[1:]:  # the first network reads the data, whose gradient nobody asks for
            x.requires_grad_()
        self.gradients = [torch.randn(workload.batch, net[-1].out_features) / workload.batch for net in self.model]

    def log_prob(self, x, context):
        return [net(x) for net, x in zip(self.model, self.inputs)]

    def sample(self, n, context):
        return self.log_prob(None, None)

    def backward(self):
        for x in self.inputs:
            x.grad = None
        torch.autograd.backward(self.log_prob(None, None), self.gradients)


def build(workload, flow):
    return Floor(workload, flow)
