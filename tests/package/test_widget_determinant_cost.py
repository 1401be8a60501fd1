"""DeterminantCost: what it reads off are the measurements, straight lines between them on logarithmic axes."""

import json
from functools import partial

import pytest
import traitlets

from nf_course.widgets import DeterminantCost
from tests.package import javascript

SIZES = [4, 16, 256]
SECONDS = {
    "slogdet": [1e-5, 8e-5, 0.3],
    "sum": [2e-6, 2e-6, 2e-6],
    "multiply": [1e-6, 6e-5, 0.2],
    "product": [4e-6, 3e-5, 5e-3],
}
DATA = json.dumps({"sizes": SIZES, "rows": 64, **SECONDS})


evaluate = partial(javascript.evaluate, "determinant_cost.js")


@pytest.mark.parametrize("place", range(3))
def test_at_a_measured_size_it_shows_the_measurement(place):
    got = evaluate(f"costs({DATA}, {SIZES[place]}, 64)")
    want = {name: seconds[place] for name, seconds in SECONDS.items()}
    assert {name: got[name] for name in want} == pytest.approx(want)
    assert got["withSlogdet"] == pytest.approx(want["slogdet"] + want["product"])
    assert got["withFactors"] == pytest.approx(want["sum"] + want["multiply"] + want["product"])


def test_between_two_sizes_a_power_of_c_stays_that_power():
    got = evaluate("[5, 6, 11].map((C) => readOff([4, 8, 16], [2 * 4 ** 3, 2 * 8 ** 3, 2 * 16 ** 3], C))")
    assert got == pytest.approx([2 * C**3 for C in (5, 6, 11)])


def test_the_product_scales_with_the_positions_down_to_the_overhead():
    got = evaluate(f"[64, 640, 1].map((positions) => costs({DATA}, 256, positions).product)")
    assert got == pytest.approx([5e-3, 5e-2, 5e-3 / 64])
    assert evaluate(f"costs({DATA}, 4, 1).product") == pytest.approx(SECONDS["product"][0])


def test_durations_have_units():
    assert evaluate("[2.34e-6, 4.5e-4, 0.0321, 1.5].map(duration)") == ["2.3 µs", "450 µs", "32 ms", "1.5 s"]


@pytest.mark.parametrize(
    "wrong", [{"sizes": [4, 16]}, {"sizes": [16, 4, 256]}, {"sum": [1e-6]}, {"sum": [1e-6, 0.0, 1e-6]}]
)
def test_sizes_and_seconds_must_fit(wrong):
    with pytest.raises(traitlets.TraitError, match="DeterminantCost"):
        DeterminantCost(**{"sizes": SIZES, **SECONDS, **wrong})


def test_measurements_are_needed():
    with pytest.raises(traitlets.TraitError, match="at least two increasing sizes"):
        DeterminantCost()


@pytest.mark.parametrize(("C", "positions"), [(4, 1), (16, 64), (100, 5000), (256, 2**20)])
def test_script_and_python_read_off_and_say_the_same(C, positions):
    figure = DeterminantCost(sizes=SIZES, rows=64, **SECONDS, C=C, positions=positions)
    got = evaluate(f"costs({DATA}, {C}, {positions})")
    assert {name: got[name] for name in SECONDS} == pytest.approx(figure.costs())
    assert evaluate(f"words({DATA}, {json.dumps({'C': C, 'positions': positions})})") == figure.describe()


def test_fewer_sizes_move_c_into_them():
    figure = DeterminantCost(sizes=SIZES, **SECONDS, C=256)
    with figure.hold_trait_notifications():
        figure.sizes = [4, 16]
        for name, seconds in SECONDS.items():
            setattr(figure, name, seconds[:2])
        figure.C = 16
    assert figure.C == 16


def test_the_still_picture_adds_up_the_layer():
    figure = DeterminantCost(sizes=SIZES, rows=64, **SECONDS, C=16, positions=64)
    curves, bars = figure.still().axes
    assert len(curves.lines) == 5 and [text.get_text() for text in bars.texts] == [" 110 µs", " 92 µs"]
