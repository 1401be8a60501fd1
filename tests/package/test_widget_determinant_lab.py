"""DeterminantLab: its matrices are those of LULinear, the areas that it draws are the determinant."""

import json
import math
from functools import partial

import numpy as np
import pytest
import torch
import traitlets

from nf_course import LULinear
from nf_course.widgets import DeterminantLab
from tests.package import javascript

evaluate = partial(javascript.evaluate, "determinant_lab.js")


def layer_with(lower, upper, log_abs_s, sign_s, swap) -> LULinear:
    layer = LULinear(2).double()
    with torch.no_grad():
        layer.lower[1, 0], layer.upper[0, 1] = lower, upper
        layer.log_abs_s.copy_(torch.tensor(log_abs_s, dtype=torch.float64))
        layer.sign_s.copy_(torch.tensor(sign_s))
        layer.permutation.copy_(torch.tensor([1, 0] if swap else [0, 1]))
    return layer


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("sign_s", [(1, 1), (-1, 1), (-1, -1)])
def test_matrix_area_and_sign_are_those_of_the_package(sign_s, swap):
    lower, upper, log_abs_s = -0.7, 1.3, [0.42, -1.1]
    state = {"lower": lower, "upper": upper, "log_abs_s": log_abs_s, "sign_s": sign_s, "swap": swap}
    got = evaluate(f"lab({json.dumps(state)})")
    layer = layer_with(lower, upper, log_abs_s, sign_s, swap)
    W = layer.weight().detach()
    sign, log_abs_det = torch.linalg.slogdet(W)
    assert torch.allclose(torch.tensor(got["matrices"][3], dtype=torch.float64), W, atol=1e-12)
    assert got["areas"][3] == pytest.approx((sign * log_abs_det.exp()).item(), abs=1e-12)
    assert got["logAbsDet"] == pytest.approx(layer.encode(torch.ones(1, 2).double())[1].item(), abs=1e-12)
    # the shears leave the area alone, P turns it over at most
    assert got["areas"][:3] == pytest.approx([1, *[sign_s[0] * sign_s[1] * math.exp(sum(log_abs_s))] * 2])


def test_the_rotation_is_one():
    got = evaluate("lab({ ...rotation(Math.PI / 3) })")
    c, s = math.cos(math.pi / 3), math.sin(math.pi / 3)
    assert torch.allclose(torch.tensor(got["matrices"][3]), torch.tensor([[c, -s], [s, c]]), atol=1e-7)
    assert (got["areas"][3], got["logAbsDet"]) == pytest.approx((1, 0), abs=1e-12)


def test_numbers_are_written_with_a_minus_and_never_as_minus_zero():
    assert evaluate("[num(-1.234), num(-0.001), num(0.5, 1)]") == ["\u22121.23", "0.00", "0.5"]


def test_s_has_two_entries():
    with pytest.raises(traitlets.TraitError, match="two numbers"):
        DeterminantLab(log_abs_s=[0.1, 0.2, 0.3])


STATES = [
    {},
    {"step": 0},
    {"step": 2, "lower": -1.3, "upper": -2.0, "log_abs_s": [1.2, -0.5]},
    {"step": 3, "sign_s": [-1.0, 1.0], "swap": True},
    {"step": 3, "sign_s": [-1.0, 1.0]},
]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_script_and_python_say_and_measure_the_same(state):
    figure = DeterminantLab(**state)
    names = ("lower", "upper", "log_abs_s", "sign_s", "swap", "step")
    code = json.dumps({name: getattr(figure, name) for name in names})
    assert evaluate(f"words({code})") == figure.describe()
    product, area = figure.applied()
    got = evaluate(f"lab({code})")
    assert np.allclose(got["matrices"][figure.step], product)
    assert (
        area
        == pytest.approx(got["areas"][figure.step])
        == pytest.approx(torch.linalg.det(torch.tensor(product)).item())
    )


def test_the_still_picture_says_what_is_applied():
    titles = [ax.get_title() for ax in DeterminantLab(step=2).still().axes]
    assert titles[0].endswith("after U + diag(s) and L")
    assert titles[1:] == ["U + diag(s)", "L", "P, not yet", "W, not yet"]
