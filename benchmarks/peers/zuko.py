"""zuko: lazy coupling transforms over its own networks."""

from __future__ import annotations

import torch
import zuko
from zuko.flows.coupling import GeneralCouplingTransform
from zuko.lazy import Flow, UnconditionalDistribution

from benchmarks.peers.peer import Peer, Unsupported
from benchmarks.workloads import interleaved, networks


class BoundedAffine(zuko.transforms.MonotonicAffineTransform):
    """zuko's affine transform with log-scale 2 tanh(a/2) in place of a / (1 + |a / log(slope)|)."""

    def __init__(self, shift, scale) -> None:
        torch.distributions.Transform.__init__(self)
        self.shift = shift
        self.log_scale = 2 * torch.tanh(scale / 2)
        self.scale = self.log_scale.exp()


class Zuko(Peer):
    def log_prob(self, x, context):
        return self.model(context).log_prob(x)

    def sample(self, n, context):
        return self.model(context).sample((n,) if context is None else ())

    def decode(self, z, context):
        return self.model.transform(context).inv(z)


def realnvp(workload, flow):
    first = torch.arange(workload.features) < workload.features // 2
    transforms = []
    for k, net in enumerate(networks(flow)):
        transform = GeneralCouplingTransform(
            workload.features,
            workload.context,
            mask=first if k % 2 == 0 else ~first,
            univariate=BoundedAffine,
            hidden_features=workload.hidden,
        )
        transform.hyper.load_state_dict(interleaved(net).state_dict())
        transforms.append(transform)
    zeros, ones = torch.zeros(workload.features), torch.ones(workload.features)
    base = UnconditionalDistribution(zuko.distributions.DiagNormal, zeros, ones, buffer=True)
    return Zuko(Flow(transforms, base))


def glow(workload, flow):
    raise Unsupported("zuko has no flows over images")
