"""Bits per dimension: published figures, mistakes in the constant, and dequantization noise that is what it says."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from nf_course import (
    AffineCoupling,
    Checkerboard,
    ConvNet,
    Flow,
    Logit,
    Sequential,
    StandardLogistic,
    StandardNormal,
    VariationalDequantize,
    bits_per_dim,
    check_dequantized,
    density_bits_per_dim,
    explain_bits_per_dim,
    randomise,
)


@pytest.mark.parametrize(
    ("nats", "dims", "bins", "width", "bits"),
    [
        (1980.50, 784, 256, 1, 4.3555),  # NICE on MNIST
        (0.0, 784, 256, 1, 8.0),  # uniform over the unit cube
        (-64 * math.log(2), 64, 17, 2, math.log2(17)),  # uniform over [-1, 1]
        (-10 * math.log(256), 10, 256, 256, 8.0),  # uniform over the grey levels themselves
        (0.0, 5, 1, 1, 0.0),  # one bin: nothing to say
    ],
)
def test_nats_of_a_density_to_bits(nats, dims, bins, width, bits):
    assert abs(density_bits_per_dim(nats, dims, bins, width) - bits) < 5e-5
    got = density_bits_per_dim(torch.tensor([nats], dtype=torch.float64), dims, bins, width)
    assert abs(got.item() - bits) < 5e-5


def test_a_density_of_counts_is_the_special_case():
    log_prob = torch.tensor([-100.0, -50.0])
    torch.testing.assert_close(density_bits_per_dim(log_prob, 8, bins=4, width=4), bits_per_dim(log_prob, 8))


@pytest.mark.parametrize(
    "bad", [{"dims": 0}, {"dims": 5, "bins": 0}, {"dims": 5, "width": 0}, {"dims": 5, "width": math.nan}]
)
def test_sizes_that_are_none(bad):
    with pytest.raises(ValueError, match="expected dims and bins of at least 1 and width > 0"):
        density_bits_per_dim(1.0, **bad)


RIGHT = density_bits_per_dim(100.0, 64, 17)
CLAIMS = {
    "is right": RIGHT,
    "leaves out the width of a bin": -100 / (64 * math.log(2)),
    "counts 16 bins": density_bits_per_dim(100.0, 64, 16),
    "twice as long": RIGHT - 1,
    "half as long": RIGHT + 1,
    "in nats": RIGHT * math.log(2),
    "other sign": -RIGHT,
    "none of the usual mistakes": RIGHT + 0.37,
}


@pytest.mark.parametrize(("words", "claimed"), CLAIMS.items(), ids=CLAIMS)
def test_the_mistake_behind_a_figure(words, claimed):
    assert words in explain_bits_per_dim(claimed, 100.0, 64, bins=17)


def noisy(counts, how):
    u = torch.rand(counts.shape, dtype=torch.float64)
    return {
        "right": (counts + u) / 17,
        "scaled by 16": (counts + u) / 16,
        r"stand in \[-1, 1\]": 2 * (counts + u) / 17 - 1,
        "noise is centred": (counts + u - 0.5) / 17,
        "counted in bins": counts + u,
        "fills 0 to 0.5 of each bin.*1 bits/dim": (counts + u / 2) / 17,
        "fills 0 to 0.25 of each bin.*2 bits/dim": (counts + u / 4) / 17,
        "expected uniform noise": (counts + u.square()) / 17,
        "expected uniform noise in": counts / 17 + 0 * u,
    }[how]


@pytest.mark.parametrize(
    "how",
    ["scaled by 16", r"stand in \[-1, 1\]", "noise is centred", "counted in bins", "fills 0 to 0.5 of each bin.*1 bits/dim",
     "fills 0 to 0.25 of each bin.*2 bits/dim", "expected uniform noise", "expected uniform noise in"],
)  # fmt: skip
def test_noise_that_is_not_what_it_should_be(how):
    torch.manual_seed(0)
    counts = torch.randint(0, 17, (60, 1, 8, 8))
    with pytest.raises(ValueError, match=how):
        check_dequantized(noisy(counts, how), counts, 17)


@pytest.mark.parametrize("seed", range(20))
def test_right_noise_is_never_refused(seed):
    torch.manual_seed(seed)
    counts = torch.randint(0, 17, (60, 1, 8, 8))
    check_dequantized(noisy(counts, "right"), counts, 17)
    check_dequantized(noisy(counts, "right").float(), counts, 17)


def test_too_few_numbers_to_judge():
    with pytest.raises(ValueError, match="1000 numbers or more"):
        check_dequantized(torch.rand(3, 3), torch.zeros(3, 3), 4)


def noise_flow(channels=1, base=StandardNormal):
    """q(u | x): a logit and two checkerboard couplings that see the squeezed image."""
    nets = [ConvNet(2 * channels, 4 * channels, 6, context_features=4 * channels) for _ in range(2)]
    couplings = [AffineCoupling(nets[0], Checkerboard()), AffineCoupling(nets[1], Checkerboard().flipped())]
    return Flow(Sequential(Logit(0.0), *couplings), base((channels, 2, 2)))


class TestVariationalDequantize:
    def layer(self, bins=2, base=StandardNormal):
        torch.manual_seed(0)
        return VariationalDequantize(randomise(noise_flow(base=base), scale=0.3), bins).double()

    def test_it_stays_in_its_bin_and_both_directions_agree(self):
        layer, x = self.layer(17), torch.randint(0, 17, (500, 1, 2, 2))
        z, ladj = layer.encode(x.double())
        back, ladj_back = layer.decode(z)
        assert torch.equal(back, x.double()) and 0 < z.min() and z.max() < 1
        torch.testing.assert_close(ladj_back, -ladj, rtol=1e-6, atol=1e-6)

    def test_the_probabilities_of_all_images_add_up_to_one(self):
        """E_{u ~ q}[p(x + u) / q(u | x)] = P(x) for each of the 16 images of 2 x 2 pixels and 2 levels."""
        model = randomise(Flow(Sequential(Logit(0.0)), StandardNormal((1, 2, 2))).double())
        flow = Flow(Sequential(self.layer(base=StandardLogistic), *model.bijection.bijections), model.base)
        images = torch.tensor(list(itertools.product((0, 1), repeat=4)), dtype=torch.float64).view(16, 1, 2, 2)
        p = flow.log_prob(images.repeat_interleave(20_000, 0)).exp().view(16, -1)
        error = (p.var(1) / p.shape[1]).sum().sqrt()
        assert error < 0.01 and abs(p.mean(1).sum() - 1) < 5 * error

    def test_gradients_reach_the_noise(self):
        layer = self.layer(17)
        flow = Flow(Sequential(layer, Logit(0.0)), StandardNormal((1, 2, 2))).double()
        (-flow.log_prob(torch.randint(0, 17, (8, 1, 2, 2)).double()).mean()).backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layer.parameters())

    def test_a_flow_of_uniform_noise_is_dequantize(self):
        """A logit and a logistic base: q(u | x) = 1."""
        layer = VariationalDequantize(Flow(Logit(0.0), StandardLogistic((1, 2, 2))), 17).double()
        layer.noise.context_features = 4  # it needs none, and is told of the image all the same
        _, ladj = layer.encode(torch.randint(0, 17, (50, 1, 2, 2)).double())
        torch.testing.assert_close(ladj, torch.full((50,), -4 * math.log(17), dtype=torch.float64))

    def test_what_is_no_count_is_refused(self):
        with pytest.raises(ValueError, match=r"VariationalDequantize.encode: expected integers 0 to 16"):
            self.layer(17).encode(torch.full((1, 1, 2, 2), 20.0).double())
