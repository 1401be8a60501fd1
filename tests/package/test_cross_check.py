"""Other libraries, given the same weights, must give the same log_prob and the same samples, in float64.

Each peer keeps its own arithmetic. Where its scale is another function of the network's output than our 2 tanh(a/2),
the network is wrapped so that its output, seen through the peer's function, means the same log-scale.
"""

from __future__ import annotations

import copy
import math

import normflows as nf
import pytest
import torch
import zuko
from torch import nn
from zuko.flows.coupling import GeneralCouplingTransform
from zuko.lazy import UnconditionalDistribution

from nf_course import (
    ActNorm,
    AffineCoupling,
    Flow,
    LULinear,
    Sequential,
    Split,
    Squeeze,
    StandardNormal,
    models,
    randomise,
)

TOLERANCE = {"atol": 1e-9, "rtol": 1e-9}


@pytest.fixture(autouse=True)
def float64():
    """The peers build their constants in torch's default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def realnvp(features, context=0):
    """Five couplings with random weights: an odd number, so that the two halves differ in their history."""
    flow = models.realnvp(features, couplings=5, hidden=(16, 16), context_features=context)
    x = torch.randn(50, features)
    return randomise(flow), x, torch.randn(50, context) if context else None


def agree(flow, x, context, log_prob, decode):
    """log_prob at x, and decode taken at the same numbers as if they were latents."""
    torch.testing.assert_close(log_prob(x), flow.log_prob(x, context), **TOLERANCE)
    torch.testing.assert_close(decode(x), flow.bijection.decode(x, context)[0], **TOLERANCE)


def networks(flow):
    """(is the first half kept, network) for each coupling."""
    nets = [copy.deepcopy(nn.Sequential(*coupling.conditioner)) for coupling in flow.bijection.couplings]
    return [(k % 2 == 0, net) for k, net in enumerate(nets)]


class ForPeer(nn.Module):
    """Our network with its outputs arranged for a peer: shift_1, scale_1, shift_2, scale_2, ...

    `unscale` turns a log-scale into what the peer's own scale function maps back to it.
    """

    def __init__(self, net, unscale=lambda log_scale: log_scale) -> None:
        super().__init__()
        self.net, self.unscale = net, unscale

    def forward(self, kept):
        a, shift = self.net(kept).chunk(2, 1)
        return torch.stack((shift, self.unscale(2 * torch.tanh(a / 2))), 2).flatten(1)


def zuko_unscale(log_scale):
    """zuko: log_scale = a / (1 + |a| / m) with m = -log(0.001), hence a = log_scale / (1 - |log_scale| / m)."""
    return log_scale / (1 - log_scale.abs() / math.log(1e3))


@pytest.mark.parametrize("features", [2, 5])
@pytest.mark.parametrize("context", [0, 3])
def test_couplings_in_zuko(features, context):
    flow, x, c = realnvp(features, context)
    first = torch.arange(features) < features // 2
    transforms = []
    for keeps_first, net in networks(flow):
        transform = GeneralCouplingTransform(features, context, mask=first if keeps_first else ~first)
        transform.hyper = ForPeer(net, zuko_unscale)
        transforms.append(transform)
    base = UnconditionalDistribution(zuko.distributions.DiagNormal, torch.zeros(features), torch.ones(features))
    peer = zuko.lazy.Flow(transforms, base)
    agree(flow, x, c, peer(c).log_prob, peer.transform(c).inv)


def test_couplings_in_normflows():
    flow, x, _ = realnvp(features=6)  # normflows cuts an odd number the other way
    blocks = []  # listed from latent to data, and each block's `forward` goes that way: hence both reversals
    for keeps_first, net in networks(flow)[::-1]:
        mode = "channel" if keeps_first else "channel_inv"
        blocks.append(nf.flows.Reverse(nf.flows.AffineCouplingBlock(ForPeer(net), split_mode=mode)))
    peer = nf.NormalizingFlow(nf.distributions.DiagGaussian(6, trainable=False), blocks)
    agree(flow, x, None, peer.log_prob, peer)


@pytest.mark.parametrize("context", [0, 3])
def test_couplings_in_freia(context):
    """FrEIA's block moves the first half and then the second, so it sees the halves of x exchanged."""
    modules, frameworks = pytest.importorskip("FrEIA.modules"), pytest.importorskip("FrEIA.framework")
    flow = randomise(models.realnvp(6, couplings=4, hidden=(16, 16), context_features=context))
    x, c = torch.randn(50, 6), torch.randn(50, context) if context else None
    nets = iter([net for _, net in networks(flow)])
    peer = frameworks.SequenceINN(6)
    for _ in range(2):
        peer.append(
            modules.GLOWCouplingBlock,
            cond=0 if context else None,
            cond_shape=(context,),
            subnet_constructor=lambda n_in, n_out: None,
            clamp=2.0,
            clamp_activation=lambda a: torch.tanh(a / 2),
        )
        peer[len(peer) - 1].subnet2, peer[len(peer) - 1].subnet1 = next(nets), next(nets)

    def log_prob(x):
        z, ladj = peer(x.roll(3, 1), c=[c])
        return StandardNormal(6).log_prob(z) + ladj

    agree(flow, x, c, log_prob, lambda z: peer(z.roll(3, 1), c=[c], rev=True)[0].roll(3, 1))


@pytest.mark.parametrize("context", [0, 3])
def test_couplings_in_nflows(context):
    """nflows' scale cannot exceed 1.001, so its own hook for another scale takes ours."""
    transforms, flows = pytest.importorskip("nflows.transforms"), pytest.importorskip("nflows.flows")
    distributions = pytest.importorskip("nflows.distributions")

    class BoundedCoupling(transforms.AffineCouplingTransform):
        def _scale_and_shift(self, transform_params):
            a, shift = transform_params.chunk(2, 1)
            return torch.exp(2 * torch.tanh(a / 2)), shift

    class WithContext(nn.Module):
        def __init__(self, net) -> None:
            super().__init__()
            self.net = net

        def forward(self, kept, context):
            return self.net(kept if context is None else torch.cat((kept, context), 1))

    flow, x, c = realnvp(5, context)
    moves_second = (torch.arange(5) >= 2).int()
    couplings = [
        BoundedCoupling(moves_second if keeps_first else 1 - moves_second, lambda *_, net=net: WithContext(net))
        for keeps_first, net in networks(flow)
    ]
    transform = transforms.CompositeTransform(couplings)
    peer = flows.Flow(transform, distributions.StandardNormal([5]))
    agree(flow, x, c, lambda x: peer.log_prob(x, c), lambda z: transform.inverse(z, c)[0])


def test_lu_in_zuko():
    """zuko keeps the diagonal in L, and ones in U: L' U' = (L diag(s)) (diag(1/s) (U + diag(s)))."""
    layer, x = randomise(LULinear(5)), torch.randn(50, 5)
    L, U = layer.factors()
    s = U.diagonal()
    linear = zuko.transforms.LULinearTransform((L * s).tril() + (U / s[:, None]).triu(1))
    peer = zuko.transforms.ComposedTransform(linear, zuko.transforms.PermutationTransform(layer.permutation))
    z, ladj = layer.encode(x)
    peer_z, peer_ladj = peer.call_and_ladj(x)
    torch.testing.assert_close(peer_z, z, **TOLERANCE)
    torch.testing.assert_close(peer_ladj, ladj, **TOLERANCE)
    torch.testing.assert_close(peer.inv(x), layer.decode(x)[0], **TOLERANCE)


@pytest.mark.filterwarnings("ignore:torch.lu is deprecated")
@pytest.mark.parametrize("shape", [(6, 1, 1), (6, 4, 3)])
def test_lu_in_normflows(shape):
    """The same factors by name; its `inverse` is our encode. A 1 x 1 image stands for a vector."""
    layer, x = randomise(LULinear(6)), torch.randn(20, *shape)
    peer = nf.flows.Invertible1x1Conv(6, use_lu=True)
    with torch.no_grad():
        peer.P.copy_(torch.eye(6)[layer.permutation])
        peer.sign_S.copy_(layer.sign_s)
        for theirs, ours in ((peer.L, layer.lower), (peer.U, layer.upper), (peer.log_S, layer.log_abs_s)):
            theirs.copy_(ours)
    for ours, theirs in ((layer.encode, peer.inverse), (layer.decode, peer.forward)):
        there, ladj = ours(x)
        peer_there, peer_ladj = theirs(x)
        torch.testing.assert_close(peer_there, there, **TOLERANCE)
        torch.testing.assert_close(peer_ladj.expand(20), ladj, **TOLERANCE)


def test_a_whole_flow_in_normflows():
    """LU map and couplings in one flow: the order of layers and the base agree too."""
    flow, x, _ = realnvp(features=6)
    layer = randomise(LULinear(6), seed=1)
    whole = Flow(Sequential(layer, flow.bijection), StandardNormal(6))
    linear = nf.flows.InvertibleAffine(6, use_lu=False)  # z = x W, row vectors: W is our matrix transposed
    with torch.no_grad():
        linear.W.copy_(layer.weight().T)
    blocks = [linear]
    for keeps_first, net in networks(flow):
        mode = "channel" if keeps_first else "channel_inv"
        blocks.append(nf.flows.Reverse(nf.flows.AffineCouplingBlock(ForPeer(net), split_mode=mode)))
    peer = nf.NormalizingFlow(nf.distributions.DiagGaussian(6, trainable=False), blocks[::-1])
    agree(whole, x, None, peer.log_prob, peer)


class ForImages(ForPeer):
    """The same for networks over images: (N, 2c, H, W), shift_1, scale_1, shift_2, ... along the channels."""

    def forward(self, kept):
        a, shift = self.net(kept).chunk(2, 1)
        return torch.stack((shift, 2 * torch.tanh(a / 2)), 2).flatten(1, 2)


def normflows_part(part):
    """One part of our Glow in normflows, with our weights; its `inverse` is our encode."""
    if isinstance(part, Squeeze):
        return nf.flows.Squeeze()
    if isinstance(part, AffineCoupling):
        return nf.flows.Reverse(nf.flows.AffineCouplingBlock(ForImages(part.conditioner)))
    if isinstance(part, ActNorm):
        peer = nf.flows.ActNorm((part.features, 1, 1))
        peer.data_dep_init_done = torch.tensor(1.0)
        with torch.no_grad():
            peer.s.copy_(-part.log_scale.view(1, -1, 1, 1))
            peer.t.copy_((-part.shift * torch.exp(-part.log_scale)).view(1, -1, 1, 1))
        return peer
    peer = nf.flows.Invertible1x1Conv(part.features, use_lu=True)
    with torch.no_grad():
        peer.P.copy_(torch.eye(part.features)[part.permutation])
        peer.sign_S.copy_(part.sign_s)
        for theirs, ours in ((peer.L, part.lower), (peer.U, part.upper), (peer.log_S, part.log_abs_s)):
            theirs.copy_(ours)
    return peer


@pytest.mark.filterwarnings("ignore:torch.lu is deprecated")
@pytest.mark.parametrize(("shape", "levels", "steps"), [((1, 4, 8), 1, 2), ((3, 8, 8), 2, 2), ((1, 16, 8), 3, 1)])
def test_glow_in_normflows(shape, levels, steps):
    """All levels: the splits, what leaves at each, the learned priors before them, and the order of the flat latent."""
    flow = randomise(models.glow(shape, levels, steps, hidden=6), scale=0.1).eval()
    x = torch.randn(9, *shape)
    scales, bases, parts = [], [], list(flow.bijection.bijections)
    while True:
        *encode, last = parts
        scales.append([normflows_part(part) for part in encode][::-1])  # listed from latent to data
        leaves = last.leave_shape if isinstance(last, Split) else last.shape
        bases.append(nf.distributions.DiagGaussian(leaves, trainable=False))
        if not isinstance(last, Split):
            break
        parts = list(last.rest.bijections)
    merges = [nf.flows.Merge() for _ in scales[1:]]
    peer = nf.MultiscaleFlow(bases[::-1], scales[::-1], merges, class_cond=False)  # the coarsest first
    z, ladj = flow.bijection.encode(x)
    peer_z, peer_ladj = peer.inverse_and_log_det(x)
    log_prob = sum(base.log_prob(part) for base, part in zip(peer.q0, peer_z)) + peer_ladj
    torch.testing.assert_close(log_prob, flow.log_prob(x), **TOLERANCE)  # its own log_prob fails on a 0-d log-det
    torch.testing.assert_close(torch.cat([part.flatten(1) for part in peer_z], 1), z, **TOLERANCE)
    torch.testing.assert_close(peer_ladj, ladj, **TOLERANCE)
    torch.testing.assert_close(peer.forward_and_log_det(peer_z)[0], flow.bijection.decode(z)[0], **TOLERANCE)
