"""normflows: its affine coupling block, without context. Its `forward` goes from latent to data, hence `Reverse`.

Its ActNorm and its 1x1 convolution have the latent-to-data map as `forward` too, with our encode as their `inverse`.
"""

from __future__ import annotations

import math

import normflows as nf
import torch
from torch import nn

from benchmarks.peers.peer import Peer, Unsupported
from benchmarks.workloads import interleaved, levels, networks
from nf_course import ActNorm, LULinear, Squeeze


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


class NormflowsGlow(Peer):
    """`log_prob` joins the pieces: `MultiscaleFlow.log_prob` fails on the log-determinant of its own ActNorm (0-d)."""

    def log_prob(self, x, context):
        z, ladj = self.model.inverse_and_log_det(x)
        return sum(base.log_prob(part) for base, part in zip(self.model.q0, z)) + ladj

    def sample(self, n, context):
        return self.model.sample(n)[0]

    def decode(self, z, context):
        sizes = [math.prod(base.shape) for base in self.model.q0]
        z = [part.unflatten(1, base.shape) for base, part in zip(self.model.q0, z.split(sizes, 1))]
        return self.model.forward_and_log_det(z)[0]


def coupling(net, mode="channel"):
    block = nf.flows.AffineCouplingBlock(interleaved(net), split_mode=mode)
    block.flows[1] = BoundedCoupling(block.flows[1].param_map)
    return nf.flows.Reverse(block)


@torch.no_grad()
def part_of_glow(part):
    """One part of our Glow, with its weights."""
    if isinstance(part, Squeeze):
        return nf.flows.Squeeze()
    if isinstance(part, ActNorm):
        peer = nf.flows.ActNorm((part.features, 1, 1))
        peer.data_dep_init_done.fill_(1)
        peer.s.copy_(-part.log_scale.view_as(peer.s))
        peer.t.copy_(-(part.shift * torch.exp(-part.log_scale)).view_as(peer.t))
        return peer
    if isinstance(part, LULinear):
        peer = nf.flows.Invertible1x1Conv(part.features, use_lu=True)
        peer.P.copy_(torch.eye(part.features)[part.permutation])
        peer.sign_S.copy_(part.sign_s)
        for theirs, ours in ((peer.L, part.lower), (peer.U, part.upper), (peer.log_S, part.log_abs_s)):
            theirs.copy_(ours)
        return peer
    return coupling(nn.Sequential(*part.conditioner))


def glow(workload, flow):
    parts, shapes = zip(*levels(flow))
    flows = [[part_of_glow(part) for part in reversed(level)] for level in reversed(parts)]  # from latent to data
    bases = [nf.distributions.DiagGaussian(shape, trainable=False) for shape in reversed(shapes)]
    merges = [nf.flows.Merge() for _ in bases[1:]]
    return NormflowsGlow(nf.MultiscaleFlow(bases, flows, merges, class_cond=False))


def realnvp(workload, flow):
    if workload.context:
        raise Unsupported("normflows' affine couplings take no context")
    blocks = [coupling(net, "channel" if k % 2 == 0 else "channel_inv") for k, net in enumerate(networks(flow))]
    base = nf.distributions.DiagGaussian(workload.features, trainable=False)
    return Normflows(nf.NormalizingFlow(base, blocks[::-1]))  # listed from latent to data
