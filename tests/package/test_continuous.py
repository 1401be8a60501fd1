"""Continuous flows: solvers against known solutions, traces against their mean, paths that end where they should."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
import zuko
from torch import nn

from nf_course import (
    RK4,
    ContinuousFlow,
    ConvField,
    Dopri5,
    EnergyPenalty,
    ExactTrace,
    Flow,
    HutchinsonTrace,
    LULinear,
    MLPField,
    PointField,
    SolverError,
    StandardNormal,
    data,
    fit,
    flow_matching_loss,
    log_abs_det_jacobian,
    mean_nll,
    rademacher,
    randomise,
)

SOLVERS = [RK4(40), Dopri5(1e-9, 1e-9), Dopri5(1e-9, 1e-9, adjoint=True)]


class Linear(nn.Module):
    """v = A x, whose paths are x(t) = e^{tA} x."""

    def __init__(self, A):
        super().__init__()
        self.A = nn.Parameter(A)

    def forward(self, t, x, context=None):
        return x @ self.A.T


class Blowing(nn.Module):
    """v = x^2: from 2 the path runs away to infinity at t = 1/2."""

    def forward(self, t, x, context=None):
        return x**2


def a_flow(solver=None, trace=None, features=3, context_features=0):
    torch.manual_seed(0)
    field = randomise(MLPField(features, (16,), context_features).double(), scale=0.4)
    return ContinuousFlow(field, solver, trace)


@pytest.mark.parametrize("solver", SOLVERS, ids=["RK4", "Dopri5", "adjoint"])
class TestSolvers:
    def test_a_linear_field_is_the_matrix_exponential(self, solver):
        torch.manual_seed(0)
        A, x = torch.randn(3, 3).double(), torch.randn(5, 3).double()
        z, ladj = ContinuousFlow(Linear(A), solver).encode(x)
        torch.testing.assert_close(z, x @ torch.linalg.matrix_exp(A).T, atol=1e-6, rtol=1e-6)
        torch.testing.assert_close(ladj, A.trace().expand(5), atol=1e-6, rtol=0)

    def test_ladj_is_that_of_the_map_of_the_flow(self, solver):
        layer, x = a_flow(solver), torch.randn(4, 3).double()
        plain = ContinuousFlow(layer.field, RK4(40))  # the Jacobian asks for derivatives of derivatives
        exact = log_abs_det_jacobian(lambda x: plain.encode(x)[0], x)
        torch.testing.assert_close(layer.encode(x)[1], exact, atol=1e-5, rtol=0)

    def test_gradients_are_those_of_a_fine_solution(self, solver):
        layer, x = a_flow(solver, context_features=2), torch.randn(4, 3).double()
        context = torch.randn(4, 2).double().requires_grad_()

        def gradients(layer):
            z, ladj = layer.encode(x, context)
            return torch.autograd.grad(z.square().sum() + ladj.sum(), [*layer.parameters(), context])

        fine = ContinuousFlow(layer.field, RK4(100))
        for got, want in zip(gradients(layer), gradients(fine), strict=True):
            torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)

    def test_a_path_that_runs_away_is_an_error_that_names_the_time(self, solver):
        x = torch.full((1, 1), 2.0, dtype=torch.float64)
        with pytest.raises(SolverError, match=r"at t = 0\.[45].*Try .*slower field") as caught:
            ContinuousFlow(Blowing(), solver).encode(x)
        assert 0.4 < caught.value.time < 0.6


def test_rk4_is_of_fourth_order():
    layer, x = a_flow(), torch.randn(4, 3).double()
    fine = ContinuousFlow(layer.field, RK4(200)).encode(x)[0]
    errors = [(ContinuousFlow(layer.field, RK4(n)).encode(x)[0] - fine).abs().max().item() for n in (5, 10, 20)]
    assert all(12 < a / b < 20 for a, b in pairwise(errors)), errors  # 2^4 = 16


def test_a_tighter_tolerance_costs_evaluations_and_buys_accuracy():
    layer, x, found = a_flow(), torch.randn(16, 3).double(), []
    fine = ContinuousFlow(layer.field, RK4(200)).encode(x)[0]
    for tolerance in (1e-3, 1e-5, 1e-7):
        layer.solver = Dopri5(tolerance, tolerance)
        found.append((layer.evaluations, (layer.encode(x)[0] - fine).abs().max().item()))
        found[-1] = (layer.evaluations, found[-1][1])
    assert found == sorted(found, key=lambda pair: pair[0]) == sorted(found, key=lambda pair: -pair[1]), found


def test_too_many_steps_are_an_error():
    with pytest.raises(SolverError, match="3 steps have been taken.*larger most_steps"):
        a_flow(Dopri5(1e-10, 1e-10, most_steps=3)).encode(torch.randn(4, 3).double())


def test_evaluations_are_those_of_the_last_solve():
    layer, x = a_flow(RK4(7)), torch.randn(2, 3).double()
    layer.encode(x), layer.decode(x)
    assert layer.evaluations == 28


@pytest.mark.parametrize("draw", [rademacher, torch.randn_like])
class TestHutchinson:
    def test_its_mean_is_the_trace(self, draw):
        layer, x = a_flow(RK4(10)), torch.randn(1, 3).double().expand(4000, 3)
        exact = layer.encode(x[:1])[1].item()
        torch.manual_seed(0)
        with torch.no_grad():
            drawn = ContinuousFlow(layer.field, layer.solver, HutchinsonTrace(draw)).encode(x)[1]
        assert abs(drawn.mean().item() - exact) < 5 * drawn.std().item() / math.sqrt(4000) and drawn.std() > 0.01

    def test_its_variance_is_the_one_of_the_docstring(self, draw):
        torch.manual_seed(0)
        A = torch.randn(4, 4).double()
        x = torch.zeros(40_000, 4).double().requires_grad_()
        trace, S = HutchinsonTrace(draw), (A + A.T) / 2
        with torch.enable_grad():
            values = trace(x @ A.T, x, trace.probe(x))
        squares = S.square().sum() - (S.diagonal().square().sum() if draw is rademacher else 0)
        assert abs(values.var().item() / (2 * squares.item()) - 1) < 0.05

    def test_the_noise_stays_the_same_within_a_solve(self, draw):
        drawn = []

        def counted(like):
            drawn.append(1)
            return draw(like)

        a_flow(RK4(5), HutchinsonTrace(counted)).encode(torch.randn(2, 3).double())
        assert len(drawn) == 1


def test_energy_is_the_length_of_straight_paths_squared():
    class Steady(nn.Module):
        def forward(self, t, x, context=None):
            return torch.ones_like(x) * torch.tensor([3.0, 4.0])

    z, ladj, energy = ContinuousFlow(Steady()).encode_with_energy(torch.zeros(2, 2))
    torch.testing.assert_close(
        (z, ladj, energy), (torch.tensor([[3.0, 4.0]] * 2), torch.zeros(2), torch.full((2,), 25.0))
    )


def test_a_penalty_on_the_energy_reaches_the_weights():
    layer = a_flow()
    *_, energy = layer.encode_with_energy(torch.randn(4, 3).double())
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(energy.sum(), [*layer.parameters()]))


def test_a_path_passes_through_its_ends():
    layer, x = a_flow(RK4(20)), torch.randn(5, 3).double()
    path = layer.path(x, [0.0, 0.25, 0.5, 1.0])
    assert path.shape == (4, 5, 3) and torch.equal(path[0], x) and not path.requires_grad
    torch.testing.assert_close(path[-1], layer.encode(x)[0], atol=1e-6, rtol=0)


def test_paths_on_a_line_keep_their_order():
    layer, x = a_flow(features=1), torch.linspace(-3, 3, 50).double()[:, None]
    assert (layer.encode(x)[0].diff(dim=0) > 0).all()


def test_the_order_of_points_does_not_matter():
    layer = ContinuousFlow(randomise(PointField(3, 8).double()), RK4(10))
    x, order = torch.randn(2, 6, 3).double(), torch.randperm(6)
    (z, ladj), (z_other, ladj_other) = layer.encode(x), layer.encode(x[:, order])
    torch.testing.assert_close(z[:, order], z_other)
    torch.testing.assert_close(ladj, ladj_other)


def test_ladj_in_zuko():
    layer, x = a_flow(RK4(60)), torch.randn(5, 3).double()
    peer = zuko.transforms.FreeFormJacobianTransform(lambda t, x: layer.field(t, x), atol=1e-9, rtol=1e-9, exact=True)
    z, ladj = peer.call_and_ladj(x)
    got, got_ladj = layer.encode(x)
    torch.testing.assert_close(got, z, atol=1e-5, rtol=0)
    torch.testing.assert_close(got_ladj, ladj, atol=1e-5, rtol=0)


def test_flow_matching_trains_the_same_field():
    torch.manual_seed(0)
    flow = Flow(ContinuousFlow(MLPField(2, (32, 32)), RK4(10)), StandardNormal(2))
    x, held_out = data.moons(2000, seed=0), data.moons(400, seed=1)
    before = mean_nll(flow, held_out)
    history = fit(flow, x, held_out, steps=400, lr=1e-2, loss=flow_matching_loss, evaluate_every=200, progress=False)
    assert mean_nll(flow, held_out) < before - 0.3 and history.train_nll[-1] < history.train_nll[0]


def test_likelihood_trains_it_too():
    torch.manual_seed(0)
    flow = Flow(ContinuousFlow(MLPField(2, (32,)), RK4(5)), StandardNormal(2))
    history = fit(flow, data.moons(500, seed=0), steps=60, lr=2e-2, progress=False)
    assert history.valid_nll[-1] < history.train_nll[0] - 0.1


def test_a_solver_that_fails_in_training_leaves_the_best_weights():
    class Failing(RK4):
        def __call__(self, rate, state, t0, t1, weights=()):
            solved.append(1)
            if len(solved) > 12:
                raise SolverError(0.5, "the test has come", "again")
            return super().__call__(rate, state, t0, t1, weights)

    torch.manual_seed(0)
    solved, flow = [], Flow(ContinuousFlow(MLPField(2, (8,)), Failing(2)), StandardNormal(2))
    before = {name: value.clone() for name, value in flow.state_dict().items()}
    with pytest.raises(SolverError, match=r"at t = 0\.5 the test has come. Try again"):
        fit(flow, data.moons(64, seed=0), steps=20, batch_size=32, evaluate_every=20, progress=False)
    assert all(torch.equal(value, before[name]) for name, value in flow.state_dict().items())


def test_a_context_is_asked_for_by_name():
    flow = Flow(a_flow(context_features=2), StandardNormal(3)).double()
    assert flow.context_features == 2
    with pytest.raises(ValueError, match="expected a context of shape"):
        flow.log_prob(torch.zeros(2, 3).double())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RK4(0), "whole number of steps, at least 1, got 0"),
        (lambda: Dopri5(rtol=0), "tolerances above 0"),
        (lambda: MLPField(2)(0.0, torch.zeros(3, 3)), r"expected shape \(N, 2\)"),
        (lambda: ConvField(2)(0.0, torch.zeros(3, 2)), r"expected shape \(N, 2, any, any\)"),
        (lambda: PointField(3)(0.0, torch.zeros(3, 3)), r"expected shape \(N, any, 3\)"),
        (lambda: MLPField(2, context_features=3)(0.0, torch.zeros(1, 2)), "pass context="),
        (lambda: ContinuousFlow(lambda_field(3)).encode(torch.zeros(2, 2)), r"expected a velocity \(2, 2\)"),
        (lambda: flow_matching_loss(Flow(LULinear(2), StandardNormal(2)), torch.zeros(1, 2)), "expected a Contin"),
        (lambda: flow_matching_loss(Flow(half(), StandardNormal(2)), torch.zeros(1, 2)), r"got span \(0.0, 0.5\)"),
        (lambda: EnergyPenalty(-1.0), "a weight from 0 on, got -1.0"),
        (lambda: EnergyPenalty(1.0)(Flow(LULinear(2), StandardNormal(2)), torch.zeros(1, 2)), "expected a Contin"),
        (lambda: ContinuousFlow(MLPField(2), span=(1.0, 0.0)), r"t_data < t_latent, got \(1.0, 0.0\)"),
        (lambda: ContinuousFlow(MLPField(2)).pieces(0), "whole number, at least 1, got 0"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def half():
    return ContinuousFlow(MLPField(2), span=(0.0, 0.5))


def lambda_field(features):
    class Field(nn.Module):
        def forward(self, t, x, context=None):
            return x.new_zeros(len(x), features)

    return Field()


def test_exact_and_estimated_trace_of_images():
    field = randomise(ConvField(2, 4).double())
    x = torch.randn(3, 2, 3, 4).double()
    exact = ContinuousFlow(field, RK4(5), ExactTrace()).encode(x)[1]
    torch.manual_seed(0)
    with torch.no_grad():
        estimates = [ContinuousFlow(field, RK4(5), HutchinsonTrace()).encode(x)[1] for _ in range(300)]
    mean, error = torch.stack(estimates).mean(0), torch.stack(estimates).std(0) / math.sqrt(300)
    assert ((mean - exact).abs() < 5 * error).all()


def test_pieces_are_the_same_map_with_stops():
    layer = randomise(ContinuousFlow(MLPField(2, (8,)), RK4(24))).double()
    x = torch.randn(5, 2).double()
    z, ladj = layer.encode(x)
    parts = ContinuousFlow(layer.field, RK4(6)).pieces(4)
    assert [part.span for part in parts] == [(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)]
    torch.testing.assert_close(parts.encode(x), (z, ladj), rtol=0, atol=1e-12)  # the same 24 steps
    torch.testing.assert_close(parts.decode(z), layer.decode(z), rtol=0, atol=1e-12)
    torch.testing.assert_close(parts[:2].encode(x)[0], layer.path(x, [0.0, 0.5])[1], rtol=0, atol=1e-6)
    assert len(list(parts.parameters())) == len(list(layer.parameters()))  # one field, shared


def test_two_halves_of_a_span_make_it_whole():
    field = randomise(MLPField(2, (8,))).double()
    whole = ContinuousFlow(field, RK4(40), span=(0.25, 0.75))
    first, second = (ContinuousFlow(field, RK4(40), span=part) for part in ((0.25, 0.5), (0.5, 0.75)))
    x = torch.randn(3, 2).double()
    h, a = first.encode(x)
    z, b = second.encode(h)
    torch.testing.assert_close((z, a + b), whole.encode(x), rtol=0, atol=1e-8)
    assert not torch.allclose(z, ContinuousFlow(field, RK4(40)).encode(x)[0])


def test_the_energy_penalty_slows_the_paths_and_is_minus_log_p_at_weight_0():
    torch.manual_seed(0)
    x, flow = data.moons(300, seed=0), Flow(ContinuousFlow(MLPField(2, (16,)), RK4(5)), StandardNormal(2))
    randomise(flow)
    torch.testing.assert_close(EnergyPenalty(0.0)(flow, x), -flow.log_prob(x))
    energies = []
    for weight in (0.0, 0.3):
        torch.manual_seed(0)
        flow = Flow(ContinuousFlow(MLPField(2, (16,)), RK4(5)), StandardNormal(2))
        fit(flow, x, steps=60, lr=1e-2, loss=EnergyPenalty(weight), progress=False)
        energies.append(flow.bijection.encode_with_energy(x)[2].mean().item())
    assert energies[1] < 0.8 * energies[0]
