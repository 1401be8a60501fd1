"""map_estimate: against the closed form of normal priors, in its limits, and where it must stop."""

import io
import sys

import pytest
import torch

from nf_course import ActNorm, Flow, LULinear, MapDiverged, Sequential, StandardNormal, map_estimate, models, randomise


def normal_prior(d=3):
    """A flow that is N(m, S), and its m and S."""
    torch.manual_seed(0)
    flow = Flow(Sequential(LULinear(d), ActNorm(d)), StandardNormal(d)).double()
    randomise(flow, scale=0.3)
    origin, _ = flow.bijection.decode(torch.zeros(1, d, dtype=torch.float64))
    columns, _ = flow.bijection.decode(torch.eye(d, dtype=torch.float64))
    root = (columns - origin).T.detach()
    return flow, origin[0].detach(), root @ root.T


@pytest.mark.parametrize("weight", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("seen", [3, 2, 1])
def test_a_normal_prior_has_a_closed_form(weight, seen):
    """argmin |A x - y|^2 / 2 + weight/2 (x - m)' S^-1 (x - m), by its normal equations."""
    flow, m, S = normal_prior()
    A, y = torch.randn(seen, 3, dtype=torch.float64), torch.randn(4, seen, dtype=torch.float64)
    precision = torch.linalg.inv(S)
    want = torch.linalg.solve(A.T @ A + weight * precision, (y @ A + weight * precision @ m).T).T
    found = map_estimate(
        flow, lambda x: 0.5 * (x @ A.T - y).square().sum(1), weight, torch.zeros_like(want), steps=500, lr=0.1
    )
    torch.testing.assert_close(found.x, want, atol=1e-3, rtol=1e-3)
    assert found.moving < 1e-4 and found.history[-1] < found.history[0]
    torch.testing.assert_close(found.objective, found.data_term - weight * found.log_prob)


def test_each_row_has_its_weight():
    flow, _, _ = normal_prior()
    y = torch.ones(3, 3, dtype=torch.float64)
    weights = torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64)
    together = map_estimate(flow, lambda x: (x - y).square().sum(1), weights, y)
    for row, weight in enumerate(weights.tolist()):
        alone = map_estimate(flow, lambda x: (x - y[:1]).square().sum(1), weight, y[:1])
        torch.testing.assert_close(together.x[row], alone.x[0])
    assert bool(((together.x - y).norm(dim=1).diff() > 0).all()), (
        "the heavier the prior, the farther from what was seen"
    )


def test_without_weight_the_data_alone_decide():
    flow, _, _ = normal_prior()
    y = torch.randn(2, 3, dtype=torch.float64)
    found = map_estimate(flow, lambda x: (x - y).square().sum(1), 0.0, torch.zeros_like(y), steps=800)
    torch.testing.assert_close(found.x, y, atol=1e-3, rtol=1e-3)


def test_an_interval_is_kept():
    flow, _, _ = normal_prior()
    y = torch.tensor([[0.0, 1.0, 0.5]], dtype=torch.float64)
    found = map_estimate(flow, lambda x: 50 * (x - 4 * y).square().sum(1), 1.0, y, inside=(0, 1), steps=50)
    assert bool((found.x > 0).all()) and bool((found.x < 1).all())


def test_the_best_is_never_worse_than_the_start():
    torch.manual_seed(1)
    flow = randomise(models.realnvp(2, couplings=4, hidden=(16,)))
    start = 3 * torch.randn(8, 2)
    data = lambda x: (x - start).square().sum(1)  # noqa: E731
    found = map_estimate(flow, data, 1.0, start, steps=30, lr=2.0)  # far too bold
    at_start = data(start) - flow.log_prob(start)
    assert bool((found.objective <= at_start + 1e-5).all())


@pytest.mark.parametrize("inside", [None, (-5, 5)])
def test_a_row_that_only_gets_worse_keeps_its_start(inside):
    """The objective grows with every step away from the start, in whichever direction Adam goes."""
    flow = models.realnvp(2, couplings=2, hidden=(8,))
    start = torch.tensor([[1.0, -2.0], [0.5, 0.0]])
    steps = iter(range(100))
    found = map_estimate(flow, lambda x: x.sum(1) + 100 * next(steps), 0.0, start, inside=inside, steps=5, lr=0.1)
    torch.testing.assert_close(found.x, start)
    torch.testing.assert_close(found.objective, start.sum(1))


class Terminal(io.StringIO):
    """A place to write to that says that somebody watches, without which tqdm draws no bar by itself."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("asked", "setting", "bar"), [(None, "on", True), (None, "off", False), (True, "off", True), (False, "on", False)]
)
def test_the_bar_obeys_the_setting(asked, setting, bar, monkeypatch):
    monkeypatch.setenv("NF_COURSE_PROGRESS", setting)
    monkeypatch.setattr("sys.stderr", Terminal())
    flow = models.realnvp(2, couplings=2, hidden=(8,))
    map_estimate(flow, lambda x: x.square().sum(1), 1.0, torch.zeros(1, 2), steps=2, progress=asked)
    assert ("MAP" in sys.stderr.getvalue()) == bar


def test_the_flow_is_left_as_it_was():
    flow = models.realnvp(2, couplings=2, hidden=(8,)).train()
    flow.bijection.couplings[0].requires_grad_(False)
    before = [p.requires_grad for p in flow.parameters()]
    state = {name: value.clone() for name, value in flow.state_dict().items()}
    map_estimate(flow, lambda x: x.square().sum(1), 1.0, torch.zeros(1, 2), steps=3)
    assert flow.training and [p.requires_grad for p in flow.parameters()] == before
    assert all(torch.equal(value, state[name]) for name, value in flow.state_dict().items())
    assert all(p.grad is None for p in flow.parameters())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda x: x.sum(1) / 0 * torch.tensor([1.0, 0.0]), r"row 1 is not finite at step 0|row 0, 1"),
        (lambda x: x.square().sum(1) * torch.where(x[:, 0].abs() < 0.8, torch.nan, 1.0), "is not finite at step"),
        (lambda x: -(x**4).sum(1) + 2e6 * (x.detach().abs() > 3).sum(1), "has grown a thousandfold at step"),
    ],
)
def test_a_search_that_runs_away_says_so(data, words):
    flow = models.realnvp(2, couplings=2, hidden=(8,))
    with pytest.raises(MapDiverged, match=words) as caught:
        map_estimate(flow, data, 0.0, torch.ones(2, 2), steps=400, lr=0.3)
    assert caught.value.x.shape == (2, 2) and caught.value.rows


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weight": -1.0}, "weight from 0 on"),
        ({"weight": torch.ones(3)}, r"one number or \(2,\)"),
        ({"data_term": lambda x: x.square().sum()}, r"shape \(2,\), one a row, got \(\)"),
        ({"start": torch.zeros(2)}, r"expected a batch"),
        ({"start": torch.full((2, 2), torch.nan)}, "start"),
        ({"inside": (1, 0)}, "low < high"),
        ({"start": torch.full((2, 2), 2.0), "inside": (0, 1)}, "start from 0 to 1, got 2 to 2"),
        ({"steps": 0}, "at least 1 step"),
        ({"context": torch.zeros(2, 1)}, "expected no context"),
    ],
)
def test_bad_input_is_refused_with_what_was_expected(change, words):
    flow = models.realnvp(2, couplings=2, hidden=(8,))
    call = {"data_term": lambda x: x.square().sum(1), "weight": 1.0, "start": torch.zeros(2, 2)} | change
    with pytest.raises(ValueError, match=words):
        map_estimate(flow, **call)
