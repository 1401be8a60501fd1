"""Data terms and priors of chapter 16: against loops, matrices and closed forms; the table that compares them."""

import math

import pytest
import torch

from nf_course import map_estimate
from nf_course.prior_table import PriorRow, prior_table
from nf_course.prior_tasks import restoration_task, whole_pose
from nf_course.restoration import L2Prior, TotalVariation, blur, blurred, masked, noisy, total_variation
from nf_course.restorer import Restorer, prior_flow, restore
from nf_course.wiener import NormalPrior


def pictures(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def normal(d, seed=0):
    """A mean and a covariance."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(d, d, generator=generator, dtype=torch.float64)
    mean = torch.randn(d, generator=generator, dtype=torch.float64)
    return mean, root @ root.T + 0.1 * torch.eye(d, dtype=torch.float64)


# Data terms


@pytest.mark.parametrize("what", ["noise", "holes", "blur"])
def test_at_the_truth_a_data_term_is_half_a_chi_square(what):
    task = restoration_task(f"digits: {what}", "valid", 100)
    n = 48 if what == "holes" else 64
    assert abs(task.data_term()(task.truth).mean() - n / 2) < 5 * math.sqrt(n / 2 / 100)


def test_noisy_is_the_log_density_of_the_noise():
    x, y = pictures(3, 2, 4, 5), pictures(3, 2, 4, 5, seed=1)
    want = -torch.distributions.Normal(x, 0.3).log_prob(y).flatten(1).sum(1)
    constant = 40 * (math.log(0.3) + 0.5 * math.log(2 * math.pi))
    torch.testing.assert_close(noisy(y, 0.3)(x), want - constant)


def test_what_a_mask_hides_has_no_say():
    x, y = pictures(2, 1, 3, 4).requires_grad_(), pictures(2, 1, 3, 4, seed=1)
    mask = torch.ones(1, 1, 3, 4)
    mask[..., 1:3] = 0
    hidden = torch.where(mask.bool(), y, torch.nan)
    term = masked(hidden, mask, 0.5)(x)
    torch.testing.assert_close(term, 2 * (mask * (x - y).square()).sum((1, 2, 3)))
    (gradient,) = torch.autograd.grad(term.sum(), x)
    torch.testing.assert_close(gradient, 4 * mask * (x - y))
    torch.testing.assert_close(masked(hidden, mask.bool(), 0.5)(x), term)  # booleans are as good


def test_the_gradient_of_a_blur_is_its_transpose():
    x, y = pictures(2, 1, 5, 6).requires_grad_(), pictures(2, 1, 5, 6, seed=1)
    B = blur(torch.eye(30, dtype=torch.float64).view(30, 1, 5, 6), 0.7).flatten(1).T
    (gradient,) = torch.autograd.grad(blurred(y, 0.7, 0.2)(x).sum(), x)
    want = (x.flatten(1) @ B.T - y.flatten(1)) @ B / 0.2**2
    torch.testing.assert_close(gradient.flatten(1), want.detach())


def test_blur_is_linear_keeps_constants_and_has_its_width():
    x, y = pictures(2, 3, 9, 7), pictures(2, 3, 9, 7, seed=1)
    torch.testing.assert_close(blur(2 * x - y, 1.2), 2 * blur(x, 1.2) - blur(y, 1.2))
    torch.testing.assert_close(blur(torch.full_like(x, 0.3), 1.2), torch.full_like(x, 0.3))
    torch.testing.assert_close(blur(x.transpose(2, 3), 1.2), blur(x, 1.2).transpose(2, 3))
    point = torch.zeros(1, 1, 41, 41, dtype=torch.float64)
    point[..., 20, 20] = 1
    spread = blur(point, 2.0)[0, 0]
    at = torch.arange(41, dtype=torch.float64) - 20
    assert abs(spread.sum() - 1) < 1e-9
    assert abs((spread.sum(0) * at.square()).sum().sqrt() - 2.0) < 0.05  # cut off at three deviations


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: noisy(torch.zeros(2, 3), 0.0), "deviation above 0, got sigma 0.0"),
        (lambda: noisy(torch.zeros(2, 3), 1.0)(torch.zeros(4, 3)), r"shape of what was seen, \(2, 3\), got \(4, 3\)"),
        (lambda: masked(torch.zeros(2, 3), torch.ones(4), 1.0), r"mask that fits y, \(2, 3\), got \(4,\)"),
        (lambda: masked(torch.zeros(2, 3), torch.full((3,), 0.5), 1.0), "mask of 0 and 1"),
        (lambda: blur(torch.zeros(1, 1, 4, 4), 0.0), "width in pixels above 0"),
        (lambda: blurred(torch.zeros(2, 3), 1.0, 1.0), "expected shape"),
        (lambda: total_variation(torch.zeros(1, 1, 2, 2), -1.0), "smoothing from 0 on"),
        (lambda: NormalPrior(torch.zeros(2), torch.eye(3)), r"covariance \(2, 2\), got \(3, 3\)"),
        (lambda: NormalPrior(torch.zeros(2), -torch.eye(2)), "positive definite"),
        (lambda: NormalPrior(torch.zeros(2), torch.eye(2)).restore(lambda x: x, torch.zeros(1, 2), 0.0), "above 0"),
        (lambda: restoration_task("digits: rain", "test", 2), "expected one of digits: noise"),
        (lambda: prior_flow("faces"), "expected one of digits, mnist"),
    ],
)
def test_bad_input_is_refused_with_what_was_expected(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# Priors


def test_total_variation_by_a_loop():
    x = pictures(2, 2, 4, 5)
    want = torch.zeros(2, dtype=torch.float64)
    for n in range(2):
        for c in range(2):
            for i in range(4):
                for j in range(5):
                    right = x[n, c, i, j + 1] - x[n, c, i, j] if j < 4 else 0.0
                    down = x[n, c, i + 1, j] - x[n, c, i, j] if i < 3 else 0.0
                    want[n] += math.sqrt(right**2 + down**2 + 0.05**2) - 0.05
    torch.testing.assert_close(total_variation(x, 0.05), want)
    torch.testing.assert_close(TotalVariation(0.05).log_prob(x), -want)


def test_a_flat_picture_has_no_variation_and_a_gradient():
    x = torch.full((1, 1, 5, 5), 0.4, requires_grad=True)
    value = total_variation(x)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    assert value.item() == 0 and bool((gradient == 0).all())


def test_l2_is_a_normal_density_up_to_a_constant():
    mean, x = pictures(1, 2, 3), pictures(4, 1, 2, 3, seed=1)
    exact = torch.distributions.Normal(mean, 1.0).log_prob(x).flatten(1).sum(1)
    difference = L2Prior(mean).log_prob(x) - exact
    torch.testing.assert_close(difference, difference[:1].expand(4))


def test_the_normal_prior_is_the_multivariate_normal():
    mean, S = normal(6)
    x = pictures(5, 2, 3)
    exact = torch.distributions.MultivariateNormal(mean, S).log_prob(x.flatten(1))
    torch.testing.assert_close(NormalPrior(mean.view(2, 3), S).log_prob(x), exact)


@pytest.mark.parametrize("weight", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("seen", [2, 4])
def test_restore_solves_the_normal_equations_and_is_what_the_search_finds(weight, seen):
    mean, S = normal(4)
    A, y = pictures(seen, 4, seed=2), pictures(3, seen, seed=3)
    prior, sigma = NormalPrior(mean, S), 0.6
    found = prior.restore(lambda x: x @ A.T, y, sigma, weight)
    precision = torch.linalg.inv(S)
    H = A.T @ A / sigma**2 + weight * precision
    want = torch.linalg.solve(H, ((y @ A) / sigma**2 + weight * precision @ mean).T).T
    torch.testing.assert_close(found, want)
    search = map_estimate(prior, lambda x: noisy(y, sigma)(x @ A.T), weight, want + 0.5, steps=600, lr=0.1)
    torch.testing.assert_close(search.x, want, atol=5e-3, rtol=0)
    torch.testing.assert_close(prior.restore(lambda x: x @ A.T, y, sigma * math.sqrt(weight)), found)  # the same thing


def test_moments_of_examples():
    x = pictures(50, 2, 2)
    prior = NormalPrior.of(x, ridge=0.1)
    rows = x.flatten(1)
    torch.testing.assert_close(prior.mean, x.mean(0))
    torch.testing.assert_close(prior.covariance, rows.T.cov(correction=0) + 0.1 * torch.eye(4, dtype=torch.float64))


# Tasks, and the table


def test_tasks_are_the_same_for_the_same_seed_and_start_inside():
    first, again, other = (restoration_task("digits: blur", "valid", 3, seed) for seed in (0, 0, 1))
    assert torch.equal(first.seen, again.seen) and not torch.equal(first.seen, other.seen)
    assert bool((first.start >= 0).all()) and bool((first.start <= 1).all())
    holes = restoration_task("digits: holes", "test", 3)
    torch.testing.assert_close(holes.start[:, :, 2:6, 2:6], holes.mean[:, 2:6, 2:6].expand(3, -1, -1, -1))
    assert holes.rows([1]).seen.shape == (1, 1, 8, 8)


def test_five_joints_of_a_pose_are_seen():
    task = restoration_task("poses: joints", "test", 4)
    assert task.mask.sum() == 15 and task.unit == "mm" and task.sign == -1
    assert whole_pose(task.truth).shape == (4, 16, 3)
    assert bool((task.score(task.truth) == 0).all())


def test_many_weights_in_one_run_are_many_runs():
    task = restoration_task("digits: noise", "valid", 2)
    together, objective = restore(task, TotalVariation(), [0.5, 2.0], task.start, steps=20)
    for k, weight in enumerate((0.5, 2.0)):
        alone, its = restore(task, TotalVariation(), [weight], task.start, steps=20)
        torch.testing.assert_close(together[k], alone[0])
        torch.testing.assert_close(objective[k], its[0])


def test_tune_takes_the_best_weight_and_never_looks_elsewhere():
    task = restoration_task("digits: noise", "valid", 6)
    restorer = Restorer("digits")
    grid = {"L2": (0.1, 10.0), "TV": (2.0, 32.0), "normal": (1.0, 30.0), "flow": (0.3, 1000.0)}
    scores = restorer.tune(task, grid)
    assert restorer.weight == {"L2": 10.0, "TV": 2.0, "normal": 1.0, "flow": 0.3}
    assert scores["none"].shape == (1,) and all(scores[prior].shape == (2,) for prior in grid)
    again = task.score(restorer(task, "flow")[0]).mean()
    torch.testing.assert_close(again, scores["flow"][0], atol=1e-3, rtol=0)


def test_the_table_has_a_row_for_each_prior():
    grid = {"L2": (1.0,), "normal": (1.0,), "flow": (1.0,)}
    rows = prior_table(["poses: joints"], poses=6, grid=grid)
    assert [row.prior for row in rows] == ["none", "L2", "normal", "flow"]
    assert all(isinstance(row, PriorRow) and row.unit == "mm" and row.test > 0 for row in rows)
    error = {row.prior: row.test for row in rows}
    assert error["flow"] < 0.6 * error["L2"] and error["normal"] < 0.6 * error["L2"]
    assert rows[0].weight is None and rows[-1].start == "mean"
