"""Stretch: what its script computes is the change of variables that the package computes."""

import json
import math
from functools import partial

import numpy as np
import pytest
import torch
import traitlets

from nf_course import ActNorm, Flow, StandardNormal
from nf_course.widgets.stretch import KNOTS, Stretch, measure, monotone
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
    with pytest.raises(traitlets.TraitError, match="increasing"):
        Stretch(heights=[0.0, 0.5, 1.0, 2.0, last])


def test_each_preset_and_every_place_of_a_handle_is_a_state_that_python_takes():
    figure = Stretch()
    for heights in evaluate("Object.values(PRESETS)"):
        figure.heights = heights
    for i in range(5):
        for value in (-9, 9):
            heights = [-2.2, -1.1, 0.2, 0.8, 2.3]
            heights[i] = evaluate(f"Math.round(1e4 * clampHeight({heights}, {i}, {value})) / 1e4")
            figure.heights = heights


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("heights", [(-2.2, -1.1, 0.2, 0.8, 2.3), (-3, -0.3, 0, 0.3, 3)])
def test_the_still_picture_has_the_curve_of_the_script(heights, sign):
    xs = np.linspace(-3.2, 3.2, 65)
    z, slope = monotone(KNOTS, heights, sign)(xs)
    got = np.array(evaluate(f"{xs.tolist()}.map({knots(heights, sign)})"))
    assert np.allclose(got, np.column_stack([z, slope]), atol=1e-12)


STATES = [
    {},
    {"heights": [-3.0, -0.3, 0.0, 0.3, 3.0], "slab": 1.234, "width": 1.6, "handle": 4},
    {"decreasing": True, "slab": -2.6, "width": 0.04, "handle": 0},
]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_script_and_python_say_the_same(state):
    figure = Stretch(**state)
    names = ("heights", "handle", "slab", "width", "decreasing")
    assert evaluate(f"words({json.dumps({name: getattr(figure, name) for name in names})})") == figure.describe()


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_stretch_is_the_ratio_of_the_mean_heights(state):
    figure = Stretch(**state)
    m = measure(figure.map, figure.slab, figure.width)
    mean_x, mean_z = m["area_x"] / (m["b"] - m["a"]), m["area_z"] / (m["d"] - m["c"])
    assert m["stretch"] == pytest.approx(mean_x / mean_z, rel=1e-3)
    assert abs(m["dz"]) == pytest.approx(m["stretch"] * m["dx"])
    assert (m["dz"] < 0) == figure.decreasing


def test_the_still_picture_shows_the_numbers_of_the_state():
    figure = Stretch(slab=-0.5, width=0.6)
    texts = " ".join(text.get_text() for text in figure.still().findobj(match=lambda a: hasattr(a, "get_text")))
    assert "area 0.2557" in texts and "1.14" in texts and "0.60" in texts and "0.68" in texts
