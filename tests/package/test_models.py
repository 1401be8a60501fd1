"""The models of the image chapters: their lists of parts, sizes that are refused, what the parts mean for the density."""

from __future__ import annotations

import math

import pytest
import torch

from nf_course import (
    ActNorm,
    AffineCoupling,
    ConvNet,
    Dequantize,
    Flatten,
    Flow,
    Logit,
    Sequential,
    Split,
    StandardLogistic,
    StandardNormal,
    mixed_precision,
    models,
    randomise,
    summary,
)
from nf_course.models.sizes import expect_levels

DIGIT = (1, 8, 8)
FLOWS = {
    "nice": lambda **more: models.nice(DIGIT, hidden=(32,), **more),
    "realnvp": lambda **more: models.realnvp_images(DIGIT, levels=2, hidden=8, **more),
    "glow": lambda **more: models.glow(DIGIT, levels=2, steps=2, hidden=8, **more),
}


@pytest.fixture(params=FLOWS)
def build(request):
    torch.manual_seed(0)
    return FLOWS[request.param]


def test_pixels_in_flat_latent_and_pixels_out(build):
    flow = build(prepare=[Dequantize(17), Logit()])
    x = torch.randint(0, 17, (32, *DIGIT), dtype=torch.uint8)
    flow.train().log_prob(x)  # ActNorm sees its first batch
    flow = flow.eval()
    z, ladj = flow.bijection.encode(x)
    assert z.shape == (32, 64) and ladj.shape == (32,) and z.isfinite().all()
    assert torch.equal(flow.bijection.decode(z)[0], x.float())
    assert flow.sample(3).shape == (3, *DIGIT)


def test_a_fresh_model_is_not_far_from_its_base(build):
    """Zero-initialised networks: nothing but permutations, rotations and scales of one stands between x and z."""
    flow, x = build().eval(), torch.randn(5, *DIGIT)
    z, ladj = flow.bijection.encode(x)
    torch.testing.assert_close(z.square().sum(1), x.flatten(1).square().sum(1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ladj, torch.zeros(5), atol=1e-4, rtol=0)


def test_every_parameter_learns_from_the_first_steps(build):
    """With zero-initialised last layers the first step reaches these only; after it, every other one."""
    flow, x = build(), torch.randn(64, *DIGIT)
    optimizer = torch.optim.Adam(flow.parameters(), 1e-2)
    for _ in range(2):
        optimizer.zero_grad()
        (-flow.log_prob(x).mean()).backward()
        optimizer.step()
    assert all(p.grad.abs().sum() > 0 for name, p in flow.named_parameters())


def test_context_of_a_class_is_asked_for_and_matters(build):
    flow = randomise(build(context_features=3), scale=0.3).eval()
    x, c = torch.randn(4, *DIGIT), torch.eye(3)[[0, 1, 2, 0]]
    assert not torch.allclose(flow.log_prob(x, c), flow.log_prob(x, c.roll(1, 0)), atol=1e-3)
    with pytest.raises(ValueError, match=r"expected a context of shape \(4, 3\)"):
        flow.log_prob(x)


@pytest.mark.parametrize(
    ("shape", "levels", "words"),
    [
        ((1, 28, 28), 3, "multiples of 8 for 3 levels, got 28 x 28; 24 x 24 or 32 x 32 would do, or 2 levels"),
        ((3, 32, 30), 2, "multiples of 4 for 2 levels, got 32 x 30; 32 x 28 or 32 x 32 would do, or 1 level$"),
        ((1, 3, 4), 2, "got 3 x 4; 4 x 4 would do$"),
        ((1, 7, 7), 1, "multiples of 2 for 1 level, got 7 x 7; 6 x 6 or 8 x 8 would do$"),
        ((28, 28), 2, r"\(C, H, W\), got \(28, 28\)"),
        ((1, 0, 8), 1, r"\(C, H, W\)"),
        ((1, 8, 8), 0, "whole number of levels, at least 1, got 0"),
        ((1, 8, 8), 1.5, "whole number of levels"),
    ],
)
@pytest.mark.parametrize("build", [models.glow, models.realnvp_images], ids=["glow", "realnvp"])
def test_sizes_that_do_not_divide_are_refused(build, shape, levels, words):
    with pytest.raises(ValueError, match=words):
        build(shape, levels)


@pytest.mark.parametrize(("shape", "levels"), [((1, 28, 28), 2), ((3, 32, 32), 5), ((2, 6, 10), 1)])
def test_sizes_that_divide(shape, levels):
    assert expect_levels(shape, levels, "glow") == shape


def test_nice_needs_two_parts():
    with pytest.raises(ValueError, match="at least 2 features"):
        models.nice(1)


def test_nice_keeps_the_volume_but_for_its_scaling():
    flow = randomise(models.nice(5, hidden=(8,)).double())
    x = torch.randn(6, 5, dtype=torch.float64)
    scaling = flow.bijection.bijections[-1]
    _, ladj = flow.bijection.encode(x)
    torch.testing.assert_close(ladj, scaling.log_scale.sum().expand(6))


class TestLogistic:
    def test_it_integrates_to_one(self):
        z = torch.linspace(-60, 60, 200_001, dtype=torch.float64)[:, None]
        mass = torch.trapezoid(StandardLogistic(1).log_prob(z).exp(), z[:, 0])
        assert abs(mass - 1) < 1e-9

    def test_far_out_it_is_finite_and_falls_by_one_nat_a_unit(self):
        p = StandardLogistic(1).log_prob(torch.tensor([[500.0], [501.0], [-500.0]]))
        torch.testing.assert_close(p, torch.tensor([-500.0, -501.0, -500.0]))

    @pytest.mark.parametrize("temperature", [0.5, 1.0])
    def test_samples_have_its_deviation(self, temperature):
        torch.manual_seed(0)
        z = StandardLogistic(2).sample(50_000, temperature=temperature)
        assert z.isfinite().all() and abs(z.std() / temperature - math.pi / 3**0.5) < 0.02

    def test_uniform_zero_is_no_infinite_sample(self, monkeypatch):
        monkeypatch.setattr(torch, "rand", lambda *shape, **kw: torch.zeros(*shape, **kw))
        assert StandardLogistic(3).sample(2).isfinite().all()


def test_the_coupling_before_split_is_glows_learned_prior():
    """log p(leave | on) of a normal with a mean and scale that a network reads off the half that goes on."""
    torch.manual_seed(0)
    shape, half = (4, 2, 2), (2, 2, 2)
    network = ConvNet(2, 4, hidden=5)
    flow = Flow(Sequential(AffineCoupling(network), Split(Flatten(half), shape)), StandardNormal(16)).double()
    randomise(flow)
    x = torch.randn(7, *shape, dtype=torch.float64)
    on, leave = x.chunk(2, 1)
    a, shift = network(on).chunk(2, 1)
    scale = torch.exp(-2 * torch.tanh(a / 2))  # z = leave / scale + shift: mean -shift * scale, deviation scale
    prior = torch.distributions.Normal(-shift * scale, scale).log_prob(leave).flatten(1).sum(1)
    rest = torch.distributions.Normal(0, 1).log_prob(on).flatten(1).sum(1)
    torch.testing.assert_close(flow.log_prob(x), prior + rest, rtol=1e-9, atol=1e-9)


def test_actnorms_of_a_model_start_at_mean_0_and_deviation_1():
    torch.manual_seed(0)
    flow = models.glow((1, 8, 8), levels=2, steps=2, hidden=8)
    seen = []
    for part in flow.modules():
        if isinstance(part, ActNorm):
            encode = part.encode
            part.encode = lambda x, context=None, encode=encode: (seen.append(encode(x, context)), seen[-1])[1]
    flow.log_prob(3 + 2 * torch.randn(256, *DIGIT))
    assert len(seen) == 4
    for z, _ in seen:
        assert z.mean((0, 2, 3)).abs().max() < 1e-4 and (z.std((0, 2, 3)) - 1).abs().max() < 1e-2


class TestSummary:
    def test_parts_add_up(self, build):
        flow = build(prepare=[Dequantize(17)])
        table = summary(flow, torch.zeros(3, *DIGIT, dtype=torch.uint8))
        assert table.parameters == sum(p.numel() for p in flow.parameters()) == sum(row[2] for row in table)
        assert table.flops == sum(row[3] for row in table) > 0
        assert str(table).splitlines()[-1].split()[:2] == ["all", f"{table.parameters:,}"]

    def test_flops_of_one_convolution_by_hand(self):
        flow = Flow(Sequential(AffineCoupling(ConvNet(1, 2, hidden=3)), Flatten((2, 4, 4))), StandardNormal(32))
        multiply_adds = 16 * (9 * 1 * 3 + 3 * 3 + 9 * 3 * 2)
        assert summary(flow, torch.zeros(1, 2, 4, 4)).flops == 2 * multiply_adds

    def test_repeats_are_one_row_and_training_goes_on(self):
        flow = models.glow((1, 8, 8), levels=2, steps=3, hidden=8).train()
        table = summary(flow, torch.zeros(1, *DIGIT))
        assert [row[0] for row in table if "times" in row[0]] == ["ActNorm + LULinear + AffineCoupling, 3 times"] * 2
        assert flow.training and not any(m.initialised for m in flow.modules() if isinstance(m, ActNorm))


class TestMixedPrecision:
    def test_only_networks_are_rounded_and_only_inside(self):
        flow, x = randomise(FLOWS["glow"](), scale=0.1).eval(), torch.randn(4, *DIGIT)
        before = flow.log_prob(x)
        with mixed_precision(flow):
            z, ladj = flow.bijection.encode(x)
            back, _ = flow.bijection.decode(z)
            inside = flow.log_prob(x)
        assert z.dtype == ladj.dtype == inside.dtype == torch.float32
        torch.testing.assert_close(back, x, atol=1e-4, rtol=1e-4)  # invertible all the same
        assert not torch.equal(inside, before)
        torch.testing.assert_close(inside, before, rtol=0.02, atol=0.5)
        assert torch.equal(flow.log_prob(x), before)

    def test_one_block_inside_another(self):
        flow, x = randomise(FLOWS["glow"](), scale=0.1).eval(), torch.randn(4, *DIGIT)
        whole = flow.log_prob(x)
        with mixed_precision(flow):
            once = flow.log_prob(x)
            with mixed_precision(flow):
                flow.log_prob(x)
            assert torch.equal(flow.log_prob(x), once)
        assert torch.equal(flow.log_prob(x), whole)

    def test_it_is_undone_after_an_error(self):
        flow = FLOWS["glow"]()
        with pytest.raises(ValueError, match="expected"), mixed_precision(flow):
            flow.log_prob(torch.zeros(2, 3, 8, 8))
        assert not any("forward" in vars(module) for module in flow.modules())

    def test_gradients_reach_the_float32_weights(self):
        flow, x = FLOWS["glow"](), torch.randn(4, *DIGIT)
        with mixed_precision(flow):
            (-flow.log_prob(x).mean()).backward()
        grads = [p.grad for p in flow.parameters() if p.grad is not None]
        assert grads and all(g.dtype == torch.float32 for g in grads)

    def test_other_dtypes_are_refused(self):
        with (
            pytest.raises(TypeError, match="bfloat16 or torch.float16, got torch.float32"),
            mixed_precision(FLOWS["glow"](), torch.float32),
        ):
            pass
