"""NormalMixture: against torch.distributions, its samples, its shapes, and a bridge that it has no need of."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

import nf_course
from nf_course import Flow, LULinear, NormalMixture, StandardNormal, fit, models

DEVICE = nf_course.device()


def uneven(*shape, components=3):
    """A mixture whose weights, means and deviations are all different, in float64."""
    generator = torch.Generator().manual_seed(0)
    base = NormalMixture(torch.randn(components, *shape, generator=generator, dtype=torch.float64))
    with torch.no_grad():
        base.logits += torch.randn(components, generator=generator)
        base.log_scales += 0.5 * torch.randn(components, *shape, generator=generator)
    return base


@pytest.mark.parametrize("shape", [(1,), (4,), (2, 3, 2)])
def test_density_is_that_of_torch(shape):
    base = uneven(*shape)
    parts = Independent(Normal(base.means, base.log_scales.exp()), len(shape))
    want = MixtureSameFamily(Categorical(logits=base.logits), parts)
    z = 2 * torch.randn(7, *shape, dtype=torch.float64)
    torch.testing.assert_close(base.log_prob(z), want.log_prob(z))


def test_one_component_at_zero_is_the_standard_normal():
    z = torch.randn(5, 3)
    torch.testing.assert_close(NormalMixture(torch.zeros(1, 3)).log_prob(z), StandardNormal(3).log_prob(z))


def test_density_far_away_is_finite_and_has_a_gradient():
    base = NormalMixture(torch.tensor([[-3.0], [3.0]]))
    z = torch.tensor([[200.0], [-200.0]], requires_grad=True)
    value = base.log_prob(z)
    value.sum().backward()
    assert torch.isfinite(value).all() and torch.isfinite(z.grad).all()


def test_parts_are_the_chances_of_the_components():
    base, z = uneven(2), torch.randn(6, 2, dtype=torch.float64)
    chances = torch.softmax(base.log_parts(z), 1)
    torch.testing.assert_close(chances.sum(1), torch.ones(6, dtype=torch.float64))
    torch.testing.assert_close(base.log_parts(z) - base.log_prob(z)[:, None], chances.log())


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0])
def test_samples_have_the_weights_means_and_deviations(temperature):
    torch.manual_seed(0)
    base = NormalMixture(torch.tensor([[-20.0, 0.0], [20.0, 5.0]]))
    with torch.no_grad():
        base.logits[1] += 1.0
        base.log_scales[0, 1] += 0.7
    z = base.sample(20_000, temperature=temperature)
    right = z[:, 0] > 0
    assert abs(right.double().mean().item() - torch.sigmoid(torch.tensor(1.0)).item()) < 0.02
    for k, points in ((0, z[~right]), (1, z[right])):
        torch.testing.assert_close(points.mean(0), base.means[k].detach(), atol=0.06, rtol=0)
        want = temperature * base.log_scales[k].exp().detach()
        torch.testing.assert_close(points.std(0), want, atol=0.06, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_device_follow_the_flow(dtype):
    if DEVICE.type == "mps" and dtype == torch.float64:
        pytest.skip("MPS has no float64")
    torch.manual_seed(0)
    flow = Flow(LULinear(2), NormalMixture(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))).to(DEVICE, dtype)
    x = flow.sample(4)
    assert x.dtype == dtype and x.device.type == DEVICE.type and not x.requires_grad
    assert flow.log_prob(x).dtype == dtype


def test_the_given_means_are_copied():
    means = torch.zeros(2, 2)
    base = NormalMixture(means)
    with torch.no_grad():
        base.means += 1
    assert (means == 0).all()


def test_errors_teach():
    with pytest.raises(ValueError, match=r"expected means \(K, features\)"):
        NormalMixture(torch.zeros(0, 2))
    with pytest.raises(TypeError, match="floating-point"):
        NormalMixture(torch.zeros(2, 2, dtype=torch.long))
    with pytest.raises(ValueError, match=r"NormalMixture\.log_prob"):
        NormalMixture(torch.zeros(2, 2)).log_prob(torch.zeros(3, 5))


def test_two_islands_need_no_bridge():
    """Two islands at a distance: one normal base leaves points between them, a mixture next to none."""
    generator = torch.Generator().manual_seed(0)
    side = torch.randint(2, (4000,), generator=generator) * 2.0 - 1
    x = torch.stack((4 * side, torch.zeros(4000)), 1) + 0.5 * torch.randn(4000, 2, generator=generator)
    between = {}
    for name, base in (("one", StandardNormal(2)), ("two", NormalMixture(torch.tensor([[-2.0, 0.0], [2.0, 0.0]])))):
        torch.manual_seed(0)
        flow = Flow(models.realnvp(2, couplings=2, hidden=(16,)).bijection, base)
        fit(flow, x, steps=200, lr=1e-2, progress=False)
        torch.manual_seed(0)
        between[name] = (flow.sample(4000)[:, 0].abs() < 1.5).double().mean().item()
    assert between["one"] > 0.02 and between["two"] < 0.005
