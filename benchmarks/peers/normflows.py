"""normflows: its affine coupling block, without context. Its `forward` goes from latent to data, hence `Reverse`."""

from __future__ import annotations

import normflows as nf
import torch

from benchmarks.peers.peer import Peer, Unsupported
from benchmarks.workloads import interleaved, networks


class BoundedCoupling(nf.flows.AffineCoupling):
    """normflows' coupling with one more scale map, 2 tanh(a/2); otherwise its "exp" branch line for line."""

    def forward(self, z):
        z1, z2 = z
        param = self.param_map(z1)
        shift = param[:, 0::2, ...]
        scale_ = 2 * torch.tanh(param[:, 1::2, ...] / 2)
        z2 = z2 * torch.exp(scale_) + shift
        return [z1, z2], torch.sum(scale_, dim=list(range(1, shift.dim())))

    def inverse(self, z):
        z1, z2 = z
        param = self.param_map(z1)
        shift = param[:, 0::2, ...]
        scale_ = 2 * torch.tanh(param[:, 1::2, ...] / 2)
        z2 = (z2 - shift) * torch.exp(-scale_)
        return [z1, z2], -torch.sum(scale_, dim=list(range(1, shift.dim())))


class Normflows(Peer):
    def log_prob(self, x, context):
        return self.model.log_prob(x)

    def sample(self, n, context):
        return self.model.sample(n)[0]  # draws and their log-density; it has no way to leave the latter out

    def decode(self, z, context):
        return self.model(z)


def build(workload, flow):
    if workload.context:
        raise Unsupported("normflows' affine couplings take no context")
    blocks = []
    for k, net in enumerate(networks(flow)):
        block = nf.flows.AffineCouplingBlock(interleaved(net), split_mode="channel" if k % 2 == 0 else "channel_inv")
        block.flows[1] = BoundedCoupling(block.flows[1].param_map)
        blocks.append(nf.flows.Reverse(block))
    base = nf.distributions.DiagGaussian(workload.features, trainable=False)
    return Normflows(nf.NormalizingFlow(base, blocks[::-1]))  # listed from latent to data
