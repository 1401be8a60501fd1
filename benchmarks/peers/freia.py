"""FrEIA: GLOWCouplingBlock holds two couplings, one for each half, so half as many blocks are needed."""

from __future__ import annotations

import copy
import math

import FrEIA.framework as Ff
import FrEIA.modules as Fm
import torch

from benchmarks.peers.peer import Peer
from benchmarks.workloads import networks


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


def build(workload, flow):
    nets = iter(copy.deepcopy(networks(flow)))
    model = Ff.SequenceINN(workload.features)
    condition = {"cond": 0, "cond_shape": (workload.context,)} if workload.context else {}
    for _ in range(workload.couplings // 2):
        model.append(
            Fm.GLOWCouplingBlock,
            subnet_constructor=lambda n_in, n_out: None,
            clamp=2.0,
            clamp_activation=lambda a: torch.tanh(a / 2),
            **condition,
        )
        block = model[len(model) - 1]
        block.subnet2, block.subnet1 = next(nets), next(nets)  # subnet2 is read first
    return FrEIA(model, workload.features)
