"""Best of N without bias, coverage by ranks, and the table of chapter 15."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch

from nf_course.pose_table import best_of, coverage, pose_table


def test_best_of_is_the_mean_over_all_choices():
    torch.manual_seed(0)
    errors = torch.rand(7, 5, dtype=torch.float64)
    for n, found in enumerate(best_of(errors), start=1):
        chosen = torch.stack([errors[list(rows)].min(0).values.mean() for rows in combinations(range(7), n)])
        assert torch.allclose(found, chosen.mean())
    assert torch.allclose(best_of(errors, [7, 1]), torch.stack((errors.min(0).values.mean(), errors.mean())))


def test_best_of_has_no_bias():
    """Of uniform errors the expected least of N is 1 / (N + 1)."""
    generator = torch.Generator().manual_seed(0)
    errors = torch.rand(40, 20_000, generator=generator)
    expected = 1 / (torch.arange(40.0) + 2)
    assert torch.allclose(best_of(errors), expected, atol=3e-3)


def test_best_of_many_samples_stays_finite():
    errors = torch.arange(1, 32_769, dtype=torch.float64)[:, None]
    found = best_of(errors, [1, 2, 200, 32_768])  # of 1 ... K the expected least of N is (K + 1) / (N + 1)
    assert torch.allclose(found, 32_769 / (torch.tensor([1.0, 2, 200, 32_768]).double() + 1), rtol=1e-6)


@pytest.mark.parametrize(
    "errors, counts, words",
    [
        (torch.rand(4), None, r"\(K, P\)"),
        (torch.ones(4, 2, dtype=torch.long), None, "real numbers"),
        (torch.rand(4, 2), [5], "from 1 to 4"),
        (torch.rand(4, 2), [0], "from 1 to 4"),
        (torch.full((4, 2), torch.nan), None, "finite"),
    ],
)
def test_best_of_says_what_it_expected(errors, counts, words):
    with pytest.raises(ValueError, match=words):
        best_of(errors, counts)


def test_coverage_is_exact_where_every_rank_is_met_once():
    samples = torch.arange(199.0)[:, None, None].expand(-1, 200, 1)
    truth = torch.arange(200.0)[:, None] - 0.5  # one for each rank, 0 to 199
    assert torch.allclose(coverage(samples, truth), torch.tensor([0.5, 0.8, 0.9]))
    assert coverage(samples, truth, [0.0, 1.0]).tolist() == [0.0, 1.0]


def test_coverage_tells_too_wide_from_too_narrow():
    generator = torch.Generator().manual_seed(0)
    samples, truth = torch.randn(200, 4000, 3, generator=generator), torch.randn(4000, 3, generator=generator)
    level = torch.tensor([0.5, 0.8, 0.9])
    assert torch.allclose(coverage(samples, truth), level, atol=0.02)
    assert (coverage(1.5 * samples, truth) > level + 0.05).all()
    assert (coverage(0.7 * samples, truth) < level - 0.05).all()


def test_coverage_says_what_it_expected():
    with pytest.raises(ValueError, match=r"\(K, N, D\)"):
        coverage(torch.zeros(5, 4, 3), torch.zeros(4, 2))
    with pytest.raises(ValueError, match="levels from 0 to 1"):
        coverage(torch.zeros(5, 4, 3), torch.zeros(4, 3), [90])


def test_the_table_of_poses():
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    rows = pose_table(samples=30, every=12, counts=(1, 5, 30))
    assert torch.equal(state, torch.random.get_rng_state())
    assert rows == pose_table(samples=30, every=12, counts=(1, 5, 30))
    assert [(row.split, row.method) for row in rows] == [
        (split, method) for split in ("valid", "test") for method in ("flow", "regression", "mean depth", "zero depth")
    ]
    for flow, regression, mean, zero in (rows[:4], rows[4:]):
        assert flow.nll < regression.nll and mean.nll is zero.nll is None
        assert flow.best[1] > flow.best[5] > flow.best[30]
        assert flow.guess < 0.8 * zero.guess and regression.guess < 0.8 * mean.guess
        assert flow.best[30] < regression.best[30]
        assert 0 < flow.coverage[0.5] < flow.coverage[0.8] < flow.coverage[0.9] < 1
