"""Stretch: what its script computes is the change of variables that the package computes."""

import json
import math
from functools import partial

import pytest
import torch

from nf_course import ActNorm, Flow, StandardNormal
from nf_course.widgets.stretch import Stretch
from tests.package import javascript

evaluate = partial(javascript.evaluate, "stretch.js")


def knots(heights, sign=1):
    return f"monotone(KNOTS, {list(heights)}, {sign})"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_straight_map_has_the_density_of_the_package(sign):
    slope, xs = 0.8, torch.linspace(-3, 3, 13, dtype=torch.float64)
    heights = [slope * x for x in (-2.4, -1.2, 0.0, 1.2, 2.4)]
    got = evaluate(f"{json.dumps(xs.tolist())}.map(densityX({knots(heights, sign)}))")
    layer = ActNorm(1).double().eval()
    layer.log_scale.data.fill_(math.log(slope))
    want = Flow(layer, StandardNormal(1)).log_prob(xs[:, None]).exp()  # |-0.8| = 0.8: the same for both signs
    assert torch.allclose(torch.tensor(got, dtype=torch.float64), want, atol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("heights", [(-2.2, -1.1, 0.2, 0.8, 2.3), (-3, -0.3, 0, 0.3, 3), (-2.9, -2.8, -2.7, -2.6, 2.9)])
def test_areas_agree_slopes_are_derivatives_and_the_mass_is_one(heights, sign):
    f = knots(heights, sign)
    got = evaluate(
        f"{{slab: measure({f}, 0.37, 0.9), mass: integrate(densityX({f}), -40, 40, 40000),"
        f" points: Array.from({{length: 241}}, (_, i) => -3 + i / 40).map({f}),"
        f" next: Array.from({{length: 241}}, (_, i) => -3 + i / 40 + 1e-6).map({f})}}"
    )
    slab = got["slab"]
    assert slab["areaX"] == pytest.approx(slab["areaZ"], abs=2e-6)
    normal = torch.distributions.Normal(0.0, 1.0)
    exact = normal.cdf(torch.tensor(slab["d"])) - normal.cdf(torch.tensor(slab["c"]))
    assert slab["areaZ"] == pytest.approx(exact.item(), abs=1e-6)
    assert got["mass"] == pytest.approx(1, abs=1e-4)
    for (z, slope), (z_next, _) in zip(got["points"], got["next"]):
        assert sign * slope > 0
        assert (z_next - z) / 1e-6 == pytest.approx(slope, abs=1e-3)


def test_a_handle_cannot_pass_its_neighbours():
    got = evaluate("[[0, -9], [2, 9], [2, -9], [4, 9]].map(([i, v]) => clampHeight([-2, -1, 0, 1, 2], i, v))")
    assert got == pytest.approx([-3, 0.9, -0.9, 3])


@pytest.mark.parametrize("last", [2.0, float("nan"), float("inf")])
def test_heights_must_increase(last):
    with pytest.raises(ValueError, match="increasing"):
        Stretch(heights=[0.0, 0.5, 1.0, 2.0, last])
