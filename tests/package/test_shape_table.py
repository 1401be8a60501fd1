"""shape_table: what its rows say, in cases with a known answer."""

import math

import pytest
import torch

from nf_course import data, models, randomise
from nf_course.clouds import chamfer, earth_mover, pairwise
from nf_course.models.pointflow import continuous_pointflow
from nf_course.shape_table import (
    SEEN,
    _kernel_log_prob,
    _within,
    drawn_points,
    generation_table,
    normals_of,
    reconstruction_table,
)

FEW = {"points": 48, "paired": 24, "rated": 16}


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(0)
    return {"untrained": models.pointflow(code=4, couplings=2, hidden=(8,)).eval()}


@pytest.fixture(scope="module")
def known(untrained):
    return {row["way"]: row for row in reconstruction_table(untrained, **FEW)}


def test_the_floor_is_lowest_and_the_order_as_it_must_be(known):
    assert list(known) == [
        "normal of each shape",
        "nearest training shape",
        "untrained",
        "kernels on the points seen",
        "more of the shape itself",
    ]
    for what in ("chamfer", "earth mover"):
        floor, kernels, normal, untrained = (
            known[way][what]
            for way in ("more of the shape itself", "kernels on the points seen", "normal of each shape", "untrained")
        )
        assert floor < kernels < normal < untrained


def test_nats_are_those_of_the_points_that_were_not_seen(known, untrained):
    test, model = data.furniture("test").points, untrained["untrained"]
    seen, rated = test[:, :SEEN], test[:, SEEN : SEEN + FEW["rated"]]
    with torch.no_grad():
        nats = -(model.log_prob_given(rated, model.code(seen)) / FEW["rated"]).mean().item()
    assert known["untrained"]["nats"] == pytest.approx(nats, rel=1e-5)
    one = torch.distributions.MultivariateNormal(seen[3].mean(0), seen[3].T.cov())
    torch.testing.assert_close(normals_of(seen[3:4]).log_prob(rated[3]), one.log_prob(rated[3]), atol=0.05, rtol=1e-3)
    assert math.isnan(known["nearest training shape"]["nats"]) and known["untrained"]["kept"] == 4


def test_kernels_are_a_density():
    centres = torch.rand(1, 5, 3, dtype=torch.float64) - 0.5
    ticks = torch.linspace(-1, 1, 81, dtype=torch.float64)
    grid = torch.cartesian_prod(ticks, ticks, ticks)[None]
    assert (_kernel_log_prob(grid, centres).exp().sum() * 0.025**3).item() == pytest.approx(1, abs=0.01)


def test_new_shapes_of_an_untrained_flow_are_told_apart_and_training_shapes_are_not(untrained):
    rows = {row["way"]: row for row in generation_table(untrained, points=16, draws=1)}
    for what in ("chamfer", "earth mover"):
        assert rows["untrained"][what] > max(0.7, rows["training shapes"][what] + 0.05)
        assert 0.2 < rows["training shapes, kinds as in the test set"][what] < 0.75


def test_the_same_each_time_and_nobodys_random_state_moves(untrained):
    torch.manual_seed(5)
    want = torch.rand(3)
    torch.manual_seed(5)
    one = reconstruction_table(untrained, **FEW)
    torch.testing.assert_close(torch.rand(3), want)
    assert str(one) == str(reconstruction_table(untrained, **FEW))


@pytest.mark.parametrize("distance", [chamfer, earth_mover])
def test_within_is_pairwise(distance):
    x = torch.randn(5, 12, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(_within(distance, x), pairwise(distance, x, x), atol=1e-5, rtol=1e-4)


def test_points_drawn_without_a_trace_are_those_drawn_with_it():
    torch.manual_seed(0)
    model = randomise(continuous_pointflow(code=4, hidden=(16,)), scale=0.2).eval()
    code = torch.randn(2, 4)
    drawn = []
    for draw in (drawn_points, lambda model, code, points: model.decode(code, points)):
        torch.manual_seed(1)
        drawn.append(draw(model, code, 7))
    torch.testing.assert_close(*drawn)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: reconstruction_table(m, points=769), "points from 1 to 768"),
        (lambda m: reconstruction_table(m, points=10, paired=11, rated=1), "paired=11"),
        (lambda m: reconstruction_table(m, points=10, paired=1, rated=0), "rated=0"),
        (lambda m: generation_table(m, draws=0), "draws of 1 or more"),
        (lambda m: generation_table({}), "a model"),
    ],
)
def test_bad_input(call, words, untrained):
    with pytest.raises(ValueError, match=words):
        call(untrained)
