"""Every bijection, every shape, with and without context, through the one property test; and densities have mass one."""

from __future__ import annotations

import copy
from importlib import import_module
from pkgutil import walk_packages

import pytest
import torch

import nf_course
from nf_course import (
    ActNorm,
    Bijection,
    CouplingStack,
    Dequantize,
    Flow,
    Sequential,
    StandardNormal,
    check_bijection,
    models,
    randomise,
)
from tests.package.cases import CASES, two_couplings

DEVICE = nf_course.device()
EXACT = DEVICE if DEVICE.type != "mps" else torch.device("cpu")  # MPS has no float64


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_a_bijection_in_float64(case):
    bijection, x, context = case.make(EXACT)
    check_bijection(bijection, x, context, identity=case.identity, tolerance=case.tolerance)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_round_trip_in_float32(case):
    bijection, x, context = case.make("cpu")
    bijection, x = bijection.float().to(DEVICE), x.float().to(DEVICE)
    context = None if context is None else context.float().to(DEVICE)
    z, ladj = bijection.encode(x, context)
    back, ladj_back = bijection.decode(z, context)
    assert (back - x).abs().max() < 1e-4
    assert (ladj + ladj_back).abs().max() < 1e-4 * max(1.0, ladj.abs().max().item())
    assert ladj.dtype == z.dtype == torch.float32


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_empty_batch(case):
    bijection, x, context = case.make(EXACT)
    z, ladj = bijection.encode(x[:0], None if context is None else context[:0])
    assert len(z) == 0 and ladj.shape == (0,)


def test_every_bijection_of_the_package_is_in_the_table():
    def parts(bijection):
        return {type(m).__name__ for m in bijection.modules() if isinstance(m, Bijection)}

    covered = set().union(*(parts(case.build()) for case in CASES))
    modules = [import_module(info.name) for info in walk_packages(nf_course.__path__, "nf_course.")]
    written = {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Bijection) and not name.startswith("_")
    }
    random = {"Dequantize", "VariationalDequantize"}  # below, and in test_bits.py
    assert written - {"Bijection"} - random <= covered, "add a row to tests/package/cases.py"


def test_stack_is_the_sequential_of_its_couplings():
    couplings = two_couplings()
    stack = randomise(CouplingStack(couplings).double())
    x = torch.randn(7, 5, dtype=torch.float64)
    for direction in ("encode", "decode"):
        got, want = getattr(stack, direction)(x), getattr(Sequential(*couplings), direction)(x)
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("couplings", [1, 2, 5])
def test_density_integrates_to_one(couplings):
    torch.manual_seed(0)
    flow = randomise(models.realnvp(2, couplings, hidden=(8,)).double(), scale=0.2)
    side = torch.linspace(-25, 25, 1001, dtype=torch.float64)
    grid = torch.cartesian_prod(side, side)
    with torch.no_grad():
        mass = sum(flow.log_prob(part).exp().sum().item() for part in grid.split(200_000)) * 0.05**2
    assert abs(mass - 1) < 1e-3


def test_samples_follow_the_density():
    torch.manual_seed(0)
    flow = randomise(models.realnvp(2, 4, hidden=(16,)).double(), scale=0.2)
    x = flow.sample(40_000)
    # E[q(x) / p(x)] = 1 for x ~ p and any density q whose support lies inside: here a narrow normal at the samples' mean.
    centre, width = x.mean(0), 0.5 * x.std(0)
    log_q = StandardNormal(2).log_prob((x - centre) / width) - width.log().sum()
    ratio = (log_q - flow.log_prob(x)).exp()
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / len(x) ** 0.5


def test_lu_of_one_feature_is_a_scale():
    """Its triangles are empty, so the gradient part of the property test cannot apply."""
    layer, x = randomise(nf_course.LULinear(1).double()), torch.randn(5, 1, dtype=torch.float64)
    z, ladj = layer.encode(x)
    torch.testing.assert_close(ladj, (z / x).abs().log()[:, 0])
    torch.testing.assert_close(layer.decode(z)[0], x)


class TestActNorm:
    def test_first_training_batch_is_normalised_and_only_the_first(self):
        layer, x = ActNorm(3), 5 + 2 * torch.randn(64, 3, 4, 2)
        z, _ = layer.encode(x)
        assert z.mean((0, 2, 3)).abs().max() < 1e-5 and (z.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-5
        weights = copy.deepcopy(layer.state_dict())
        layer.encode(x * 100)
        assert all(torch.equal(weights[k], v) for k, v in layer.state_dict().items())

    @pytest.mark.parametrize("use", [lambda m, x: m.decode(x), lambda m, x: m.eval().encode(x)])
    def test_never_in_decode_nor_in_evaluation(self, use):
        layer = ActNorm(3)
        use(layer, torch.randn(8, 3))
        assert not layer.initialised

    def test_a_loaded_model_does_not_initialise_again(self):
        trained, x = ActNorm(3), torch.randn(8, 3)
        trained.encode(x)
        loaded = ActNorm(3)
        loaded.load_state_dict(trained.state_dict())
        torch.testing.assert_close(loaded.train().encode(50 * x), trained.encode(50 * x))

    def test_loading_before_initialisation_leaves_it_to_do(self):
        layer = ActNorm(3)
        layer.load_state_dict(ActNorm(3).state_dict())
        layer.encode(torch.randn(8, 3) + 4)
        assert layer.initialised


class TestDequantize:
    def test_integers_come_back_and_the_volume_is_that_of_the_bins(self):
        layer, x = Dequantize(17), torch.randint(0, 17, (50, 1, 8, 8))
        z, ladj = layer.encode(x)
        assert z.min() >= 0 and z.max() <= 1
        back, ladj_back = layer.decode(z)
        assert torch.equal(back, x.float())
        torch.testing.assert_close(ladj, torch.full((50,), -64 * torch.tensor(17.0).log()))
        torch.testing.assert_close(ladj_back, -ladj)

    @pytest.mark.parametrize("u", [0.0, 2**-24, 1 - 2**-24])
    @pytest.mark.parametrize("bins", [2, 17, 256, 1000, 65536])
    def test_noise_at_the_edge_of_a_bin_stays_in_it(self, monkeypatch, bins, u):
        """In float32, 255 + 0.9999999 rounds to 256: the next bin, and a z of 1, whose logit is infinite."""
        monkeypatch.setattr(torch, "rand_like", lambda x: torch.full_like(x, u))
        x = torch.arange(bins)[:, None]
        z, _ = Dequantize(bins).encode(x)
        assert 0 < z.min() and z.max() < 1
        assert torch.equal(Dequantize(bins).decode(z)[0], x.float())

    def test_the_noise_fills_each_bin_evenly(self):
        torch.manual_seed(0)
        z, _ = Dequantize(4).encode(torch.ones(20_000, 1))
        counts = torch.histc(z, bins=10, min=0.25, max=0.5)
        assert counts.sum() == 20_000 and (counts / 2_000 - 1).abs().max() < 0.1


def test_logit_far_out_has_a_finite_volume():
    """At z = 200 the sigmoid is 1 in floating point, and log(1 - y) would be minus infinity."""
    z = torch.tensor([[200.0, -200.0]])
    _, ladj = nf_course.Logit(0.0).decode(z)
    torch.testing.assert_close(ladj, torch.tensor([-400.0]))


def test_no_rows_have_no_jacobians():
    assert nf_course.log_abs_det_jacobian(lambda x: 2 * x, torch.zeros(0, 3)).shape == (0,)


def test_flow_of_integers_is_normalised_over_the_integers():
    """sum_x E_u p(x, u) = 1: a flow that starts with Dequantize is a density of the counts themselves."""
    torch.manual_seed(0)
    flow = Flow(Sequential(Dequantize(4), nf_course.Logit(0.0)), StandardNormal(1)).double()
    counts = torch.arange(4.0, dtype=torch.float64)[:, None].repeat_interleave(20_000, 0)
    assert abs(flow.log_prob(counts).exp().sum() / 20_000 - 1) < 0.02
