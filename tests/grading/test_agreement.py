"""The model answers compute what nf_course computes: exercise and package teach one and the same convention."""

import math

import torch

import nf_course as nf
from nf_course.grading.draw import Draw
from nf_course.grading.registry import find


def references(name):
    return find(name)[1].references


class FromNets(torch.nn.Module):
    """The exercise's two nets as a conditioner of nf_course, with the bounded log-scale undone."""

    def __init__(self, scale_net, shift_net):
        super().__init__()
        self.scale_net, self.shift_net = scale_net, shift_net

    def forward(self, kept, context=None):
        a = 2 * torch.atanh(self.scale_net(kept) / 2)
        return torch.cat((a, self.shift_net(kept)), 1)


def test_affine_coupling():
    encode, decode, log_det = (references(f"03.{name}")[0] for name in ("encode", "decode", "logdet"))
    for case in find("03.encode")[1].cases(Draw(0)):
        x, mask, scale_net, shift_net = case.args
        layer = nf.AffineCoupling(FromNets(scale_net, shift_net), nf.IndexMask(mask.tolist()))
        z, ladj = layer.encode(x)
        torch.testing.assert_close(encode(*case.args), z)
        torch.testing.assert_close(log_det(*case.args), ladj)
        torch.testing.assert_close(decode(z, mask, scale_net, shift_net), x)


def test_two_couplings():
    (encode_two,) = references("03.two_couplings")
    torch.manual_seed(0)
    first = nf.AffineCoupling(nf.MLP(2, 4, context_features=3, zero_init=False))
    second = nf.AffineCoupling(nf.MLP(2, 4, context_features=3, zero_init=False), nf.Halves().flipped())
    x, context = torch.randn(5, 4), torch.randn(5, 3)
    for got, want in zip(encode_two(x, first, second, context), nf.Sequential(first, second).encode(x, context)):
        torch.testing.assert_close(got, want)


def test_composition_and_base():
    (encode_all,), (log_prob,), (affine_mle,) = (references(f"02.{n}") for n in ("compose", "base_swap", "affine_mle"))
    torch.manual_seed(0)
    layers = [nf.randomise(layer) for layer in (nf.LULinear(3), nf.AffineCoupling(nf.MLP(1, 4)), nf.LULinear(3))]
    x, base = torch.randn(50, 3) @ torch.randn(3, 3), nf.StandardNormal(3)
    for got, want in zip(encode_all(x, layers), nf.Sequential(*layers).encode(x)):
        torch.testing.assert_close(got, want)
    flow = nf.Flow(nf.Sequential(*layers), base)
    torch.testing.assert_close(log_prob(x, flow.bijection, base), flow.log_prob(x))

    mu, L, nll = affine_mle(x)
    best = nf.Flow(nf.Inverse(nf.LULinear(3)), base)  # decode is a matrix: give it the one in closed form
    matrix = best.bijection.bijection
    with torch.no_grad():
        matrix.permutation.copy_(torch.arange(3))
        matrix.lower.copy_(L / L.diagonal()), matrix.upper.zero_()
        matrix.sign_s.fill_(1), matrix.log_abs_s.copy_(L.diagonal().log())
    torch.testing.assert_close(torch.tensor(nf.mean_nll(best, x - mu)), nll)


def test_lu_linear():
    build_w, log_det, solve, sign_and_log_det, factor = (
        references(f"07.{name}")[0] for name in ("build_w", "logdet", "solve", "sign", "factor")
    )
    torch.manual_seed(0)
    layer = nf.LULinear(5).double()
    nf.randomise(layer)
    factors = (layer.permutation, layer.lower, layer.upper, layer.sign_s, layer.log_abs_s)
    torch.testing.assert_close(build_w(*factors), layer.weight())
    image = torch.randn(3, 5, 2, 4, dtype=torch.float64)
    torch.testing.assert_close(log_det(image, layer.log_abs_s), layer.encode(image)[1])
    z = torch.randn(6, 5, dtype=torch.float64)
    torch.testing.assert_close(solve(z, *factors), layer.decode(z)[0])
    sign, log_abs_det = sign_and_log_det(layer.permutation, layer.sign_s, layer.log_abs_s)
    torch.testing.assert_close((sign, log_abs_det), tuple(torch.linalg.slogdet(layer.weight())))
    W = layer.weight().detach()
    torch.testing.assert_close(build_w(*factor(W)), W)


def test_base_and_sampling():
    (log_prob,), (sample,) = references("00.setup"), references("00.sample")
    z = torch.randn(4, 3)
    torch.testing.assert_close(log_prob(z), nf.StandardNormal((3,)).log_prob(z))
    decode = nf.AffineCoupling(nf.MLP(1, 2)).decode
    x = sample(decode, 6, 2, torch.Generator().manual_seed(0))
    assert x.shape == (6, 2) and math.isfinite(x.sum().item())


def test_density_through_decode():
    (log_prob_from_decode,) = references("01.sign")
    torch.manual_seed(0)
    flow = nf.Flow(nf.AffineCoupling(nf.MLP(1, 2, zero_init=False)), nf.StandardNormal((2,)))
    z = torch.randn(5, 2)
    x, ladj = flow.bijection.decode(z)
    torch.testing.assert_close(log_prob_from_decode(z, ladj), flow.log_prob(x))
