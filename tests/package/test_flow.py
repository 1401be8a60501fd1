"""Flow and StandardNormal: densities against torch.distributions, samples, temperature, context, dtypes."""

from __future__ import annotations

import copy

import pytest
import torch

import nf_course
from nf_course import MLP, AffineCoupling, Flow, IndexMask, LULinear, StandardNormal, models, randomise

DEVICE = nf_course.device()


def test_standard_normal_is_that_of_torch():
    z = torch.randn(6, 3, 2, dtype=torch.float64)
    want = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum((1, 2))
    torch.testing.assert_close(StandardNormal((3, 2)).log_prob(z), want)


def test_a_linear_flow_is_a_multivariate_normal():
    torch.manual_seed(0)
    flow = Flow(randomise(LULinear(4).double()), StandardNormal(4))
    W = flow.bijection.weight().detach()
    want = torch.distributions.MultivariateNormal(torch.zeros(4).double(), precision_matrix=W.T @ W)
    x = torch.randn(10, 4, dtype=torch.float64)
    torch.testing.assert_close(flow.log_prob(x), want.log_prob(x))


def test_samples_of_a_linear_flow_have_its_covariance():
    torch.manual_seed(0)
    flow = Flow(LULinear(2), StandardNormal(2)).double()
    with torch.no_grad():
        flow.bijection.log_abs_s += torch.tensor([0.7, -0.4])
    W_inv = torch.linalg.inv(flow.bijection.weight().detach())
    assert (torch.cov(flow.sample(100_000).T) / (W_inv @ W_inv.T) - 1).abs().max() < 0.1


@pytest.mark.parametrize("temperature", [0.0, 0.5, 2.0])
def test_temperature_scales_the_base(temperature):
    torch.manual_seed(0)
    assert abs(StandardNormal(3).sample(20_000, temperature=temperature).std() - temperature) < 0.02 * max(
        1, temperature
    )


def test_one_context_row_is_shared_and_many_are_not():
    torch.manual_seed(0)
    flow = randomise(models.realnvp(2, 4, hidden=(8,), context_features=1), scale=1.0)
    assert flow.sample(5, torch.zeros(1, 1)).shape == flow.sample(5, torch.zeros(5, 1)).shape == (5, 2)
    x = torch.randn(5, 2)
    assert not torch.allclose(flow.log_prob(x, torch.zeros(5, 1)), flow.log_prob(x, torch.ones(5, 1)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_device_are_those_of_the_flow(dtype):
    if DEVICE.type == "mps" and dtype == torch.float64:
        pytest.skip("MPS has no float64")
    flow = models.realnvp(3, 2).to(DEVICE, dtype)
    x = flow.sample(4)
    assert x.dtype == dtype and x.device.type == DEVICE.type
    assert flow(x).dtype == dtype and flow(x).device.type == DEVICE.type


def test_a_fresh_realnvp_is_the_base_itself():
    x = torch.randn(5, 3)
    torch.testing.assert_close(models.realnvp(3).log_prob(x), StandardNormal(3).log_prob(x))


def test_state_dict_and_deepcopy_keep_the_density():
    torch.manual_seed(0)
    flow, x = randomise(models.realnvp(3, 4)), torch.randn(5, 3)
    other = models.realnvp(3, 4)
    other.load_state_dict(flow.state_dict())
    for twin in (other, copy.deepcopy(flow)):
        assert torch.equal(twin.log_prob(x), flow.log_prob(x))


def test_more_couplings_do_not_lose_accuracy():
    """64 couplings with random weights: still finite, and still inverted in float32."""
    torch.manual_seed(0)
    flow = randomise(models.realnvp(2, 64, hidden=(16,)), scale=0.05)
    x = torch.randn(100, 2)
    z, _ = flow.bijection.encode(x)
    assert torch.isfinite(z).all() and (flow.bijection.decode(z)[0] - x).abs().max() < 1e-3


def test_indices_first_met_in_inference_mode_serve_in_training():
    mask, x = IndexMask([1, 0, 1, 0, 0, 1, 1]), torch.randn(3, 7)
    layer = AffineCoupling(MLP(4, 6, (4,)), mask)
    with torch.inference_mode():
        layer.encode(x)
    layer.encode(x)[1].sum().backward()
