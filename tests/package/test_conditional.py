"""The conditional base: its density against torch's, its samples, its place in a flow, and errors that name what is asked."""

import re

import pytest
import torch
from torch.distributions import Independent, Normal

from nf_course import MLP, ConditionalNormal, Flow, LULinear, Sequential, Split, Squeeze, StandardNormal, fit, randomise

SHAPES = [1, 2, 5, (2, 3), (1, 4, 4)]


def count(shape):
    return torch.empty(shape).numel()


def base_of(shape, context_features=3):
    torch.manual_seed(0)
    return randomise(ConditionalNormal(shape, MLP(context_features, 2 * count(shape), (8,)))).double()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_density_is_that_of_torch(shape):
    base = base_of(shape)
    z, c = torch.randn(4, *base.shape).double(), torch.randn(4, 3).double()
    mean, log_scale = base.mean_and_log_scale(c, 4)
    wanted = Independent(Normal(mean, log_scale.exp()), z.ndim - 1).log_prob(z)
    torch.testing.assert_close(base.log_prob(z, c), wanted, rtol=0, atol=1e-9)
    assert (log_scale.abs() > 0.01).any() and (log_scale.abs() <= 2).all()


def test_it_integrates_to_one_for_each_context():
    base, line = base_of(1), torch.linspace(-60, 60, 20_001).double()
    for c in torch.randn(3, 1, 3).double():
        mass = torch.trapezoid(base.log_prob(line[:, None], c.expand(len(line), -1)).exp(), line)
        assert abs(mass.item() - 1) < 1e-6


def test_samples_have_the_mean_and_deviation_of_their_own_row():
    base = base_of(2)
    c = torch.randn(3, 3).double()
    mean, log_scale = base.mean_and_log_scale(c, 3)
    for temperature in (1.0, 0.5):
        torch.manual_seed(1)
        z = base.sample(60_000, c.repeat(20_000, 1), temperature).view(20_000, 3, 2)
        scale = temperature * log_scale.exp()
        assert ((z.mean(0) - mean).abs() < 5 * scale / 20_000**0.5).all()
        assert ((z.std(0) / scale - 1).abs() < 0.03).all()


def test_it_starts_as_the_standard_normal():
    base, z = ConditionalNormal(3, MLP(2, 6)), torch.randn(5, 3)
    assert torch.equal(base.log_prob(z, torch.randn(5, 2)), StandardNormal(3).log_prob(z))


def test_row_i_does_not_change_row_j_and_every_weight_learns():
    base = base_of(2)
    z, c = torch.randn(4, 2).double(), torch.randn(4, 3).double()
    before, other = base.log_prob(z, c), c.clone()
    other[1] += 1
    changed = base.log_prob(z, other) != before
    assert changed.tolist() == [False, True, False, False]
    base.log_prob(z, c).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in base.parameters())


def test_a_flow_asks_for_the_context_of_its_base():
    flow = Flow(LULinear(2), ConditionalNormal(2, MLP(3, 4)))
    assert flow.context_features == 3
    assert flow.sample(5, torch.zeros(1, 3)).shape == (5, 2)
    with pytest.raises(ValueError, match=r"expected a context of shape \(4, 3\)"):
        flow.log_prob(torch.zeros(4, 2))


def test_latents_of_images():
    shape = (4, 2, 2)
    flow = Flow(Sequential(Squeeze(), Split(Sequential(), shape)), ConditionalNormal(16, MLP(3, 32)))
    assert flow.log_prob(torch.zeros(2, 1, 4, 4), torch.zeros(2, 3)).shape == (2,)


def test_it_learns_a_mean_and_a_deviation_that_follow_the_context():
    torch.manual_seed(0)
    c = 2 * torch.rand(4000, 1) - 1
    x = 2 * c + torch.exp(c) * torch.randn(4000, 1) * 0.5
    flow = Flow(Sequential(), ConditionalNormal(1, MLP(1, 2, (32,))))
    fit(flow, x, context=c, steps=400, lr=1e-2, progress=False)
    mean, log_scale = flow.base.mean_and_log_scale(torch.tensor([[-0.8], [0.0], [0.8]]), 3)
    torch.testing.assert_close(mean[:, 0], torch.tensor([-1.6, 0.0, 1.6]), rtol=0, atol=0.15)
    torch.testing.assert_close(
        log_scale[:, 0], torch.tensor([-0.8, 0.0, 0.8]) + torch.tensor(0.5).log(), rtol=0, atol=0.15
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ConditionalNormal(2, torch.nn.Tanh()), TypeError, "in_features"),
        (lambda: base_of(2).log_prob(torch.zeros(1, 3).double(), torch.zeros(1, 3).double()), ValueError, "(N, 2)"),
        (lambda: base_of(2).log_prob(torch.zeros(1, 2).double()), ValueError, "got none"),
        (lambda: base_of(2).log_prob(torch.zeros(1, 2).double(), torch.zeros(2, 3).double()), ValueError, "2 contexts"),
        (lambda: base_of(2).sample(3, torch.zeros(3, 4).double()), ValueError, "got (3, 4)"),
        (lambda: ConditionalNormal(2, MLP(3, 5)).sample(1, torch.zeros(1, 3)), ValueError, "(1, 4), a mean and a log-s"),
    ],
)  # fmt: skip
def test_errors_say_what_was_expected(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
