"""nflows: coupling transforms with an index mask."""

from __future__ import annotations

import copy

import torch
from nflows.distributions import StandardNormal
from nflows.flows import Flow
from nflows.transforms import AffineCouplingTransform, CompositeTransform
from torch import nn

from benchmarks.peers.peer import Peer
from benchmarks.workloads import networks


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


def build(workload, flow):
    moves_second = (torch.arange(workload.features) >= workload.features // 2).int()
    transforms = [
        BoundedCoupling(
            moves_second if k % 2 == 0 else 1 - moves_second,
            lambda n_in, n_out, net=net: JoinContext(copy.deepcopy(net)),
        )
        for k, net in enumerate(networks(flow))
    ]
    return Nflows(Flow(CompositeTransform(transforms), StandardNormal([workload.features])))
