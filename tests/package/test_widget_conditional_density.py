"""ConditionalDensity: quantiles, shares of the data and bars are the distributions', here and in its script."""

import json
import math

import numpy as np
import pytest
import torch
import traitlets
from torch.distributions import LogNormal, Normal

from nf_course.widgets.conditional_density import LEVELS, ConditionalDensity, round_ticks, written
from tests.package import javascript

LINE = torch.linspace(-6, 8, 281, dtype=torch.float64)
MEANS = torch.tensor([-1.0, 0.0, 2.5], dtype=torch.float64)
SCALES = torch.tensor([0.7, 1.0, 1.3], dtype=torch.float64)
NAMES = ["I1", "SI1", "IF"]


def normal(data=None, groups=None, **kwargs) -> ConditionalDensity:
    density = Normal(MEANS[:, None], SCALES[:, None]).log_prob(LINE).exp()
    return ConditionalDensity.of(density, LINE, NAMES, data, groups, **kwargs)


def prices(**kwargs) -> tuple[ConditionalDensity, torch.Tensor, torch.Tensor]:
    """Log-normal prices on a logarithmic axis, with data that were drawn from the curves themselves."""
    generator = torch.Generator().manual_seed(1)
    grid = torch.exp(torch.linspace(math.log(40), math.log(2e5), 400, dtype=torch.float64))
    middle, spread = torch.tensor([7.0, 7.5, 8.5]).double(), torch.tensor([0.5, 0.8, 0.6]).double()
    density = LogNormal(middle[:, None], spread[:, None]).log_prob(grid).exp()
    groups = torch.arange(4000) % 3
    data = torch.exp(middle[groups] + spread[groups] * torch.randn(4000, generator=generator, dtype=torch.float64))
    options = {"axis": "price", "context": "clarity", "units": "dollars", "things": "diamonds", "log_axis": True}
    return ConditionalDensity.of(density, grid, NAMES, data, groups, **options, **kwargs), data, groups


def evaluate(figure: ConditionalDensity, expression: str):
    """The value of an expression that uses the script's functions and the figure's state as the page has it."""
    view = "new DataView(new Uint8Array({}).buffer)"
    names = ("labels", "tall", "log", "digits", "axis", "context", "units", "things", "inside")
    return javascript.evaluate(
        "conditional_density.js",
        expression,
        f"const given = {json.dumps({name: getattr(figure, name) for name in names})};",
        f"const grid = unpackGrid({view.format(list(figure.grid))});",
        f"const curves = unpackCurves({view.format(list(figure.density))}, given.tall);",
        "const ends = curves.map((heights) => endsOf(grid, heights));",
    )


def test_intervals_and_medians_are_those_of_the_distribution():
    figure = normal()
    for k, (mean, scale) in enumerate(zip(MEANS, SCALES)):
        exact = Normal(mean, scale)
        for level in LEVELS:
            want = [exact.icdf(torch.tensor((1 + side * level) / 2)).item() for side in (-1, 1)]
            assert figure.interval(k, level) == pytest.approx(want, abs=2e-3)
        for share in (0.01, 0.5, 0.99):
            assert figure.quantile(k, share) == pytest.approx(exact.icdf(torch.tensor(share)).item(), abs=4e-3)


def test_a_logarithmic_axis_has_the_same_quantiles_and_the_density_of_the_logarithm():
    figure, _, _ = prices()
    for k, (middle, spread) in enumerate(((7.0, 0.5), (7.5, 0.8), (8.5, 0.6))):
        exact = LogNormal(middle, spread)
        for level in LEVELS:
            want = [exact.icdf(torch.tensor((1 + side * level) / 2)).item() for side in (-1, 1)]
            assert figure.interval(k, level) == pytest.approx(want, rel=2e-3)
        assert figure.curves()[k].max() == pytest.approx(1 / (spread * math.sqrt(2 * math.pi)), rel=1e-3)
    assert np.trapezoid(figure.curves(), figure.places(), axis=1) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("make", [normal, lambda: prices()[0]], ids=["linear", "logarithmic"])
def test_script_and_python_find_the_same_quantiles_and_heights(make):
    figure = make()
    assert np.allclose(evaluate(figure, "grid"), figure.places(), atol=0)
    assert np.allclose(evaluate(figure, "curves"), figure.curves(), rtol=1e-12)
    shares = (0.05, 0.25, 0.5, 0.75, 0.95)
    want = [[figure._quantile(k, share) for share in shares] for k in range(3)]
    assert np.allclose(evaluate(figure, "ends"), want, rtol=1e-12)
    places = np.linspace(*figure.places()[[0, -1]], 57)
    got = evaluate(figure, f"{places.tolist()}.map((x) => heightAt(grid, curves[1], x))")
    assert np.allclose(got, np.interp(places, figure.places(), figure.curves()[1]), atol=1e-12)


@pytest.mark.parametrize("shape", [[0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0], [1] * 11, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]])
def test_curves_with_gaps_and_edges(shape):
    grid = torch.linspace(0, 1, len(shape))
    row = torch.tensor(shape).double()
    row = row / torch.trapezoid(row, grid)
    figure = ConditionalDensity.of(torch.stack([row, row]), grid, "ab")
    below = [0.0, *torch.cumulative_trapezoid(row, grid).tolist()]
    for share in (0.0, 0.1, 0.4, 0.6, 0.9, 1.0):
        here = figure.quantile(0, share)
        assert evaluate(figure, f"placeOf(grid, curves[0], {share})") == pytest.approx(here)
        if 0 < share < 1:
            assert here == pytest.approx(np.interp(share, below, grid), abs=1e-4)


def test_data_drawn_from_the_curves_lie_inside_as_often_as_the_levels_say():
    figure, data, groups = prices()
    for k, (n, half, most, beyond) in enumerate(figure.inside):
        here = data[groups == k]
        assert n == len(here) and beyond == 0
        for count, level in zip((half, most), LEVELS):
            low, high = figure.interval(k, level)
            assert count == ((low <= here) & (here <= high)).sum()
            assert count / n == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) / n))


def test_the_bars_are_a_density_and_the_strip_holds_data():
    figure, data, groups = prices()
    low, high = figure.places()[[0, -1]]
    for k in range(3):
        here = data[groups == k].log().numpy()
        bars = figure._bars(k)
        assert bars.sum() * (high - low) / len(bars) == pytest.approx(1)
        got = evaluate(figure, f"barsOf({figure.bins[k]}, {figure.inside[k][0]}, {low}, {high})")
        assert got == pytest.approx(bars.tolist())
        middles = low + (high - low) * (np.arange(len(bars)) + 0.5) / len(bars)
        assert np.abs(bars - np.interp(middles, figure.places(), figure.curves()[k])).mean() < 0.03
        strip = low + (high - low) * figure._strip(k) / 65535
        assert len(strip) == figure.drawn[k] > 100
        assert max(np.abs(here - x).min() for x in strip) <= (high - low) / 65535
    bars = [figure._bars(k).tolist() for k in range(3)]
    assert evaluate(figure, f"topOf(given.tall, {bars})") == pytest.approx(figure._top())


def test_data_beyond_the_grid_few_data_and_none():
    figure = normal([0.0, 0.1, 99.0, 50.0, 2.5], [1, 1, 1, 1, 2])
    assert figure.inside == [[0, 0, 0, 0], [4, 2, 2, 2], [1, 1, 1, 0]] and figure.drawn == [0, 2, 1]
    assert figure.bins == [[], [], []]
    assert figure.words(0).endswith("There are no points here in the data.")
    assert figure.words(1).endswith("4 points, 50 % in the first, 50 % in the second interval; 2 beyond the picture.")
    assert "one of the points, 100 %" in figure.words(2)
    assert figure.still().axes
    assert "In the data" not in normal().words() and normal().inside == []


FIGURES = {
    "without data": normal,
    "few data": lambda: normal([0.0, 0.1, 99.0, 2.5], [1, 1, 1, 2], things="cats", axis="weight", units="kg"),
    "prices": lambda: prices()[0],
    "three digits": lambda: normal(digits=3, context="grade"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_script_and_python_say_the_same(name):
    figure = FIGURES[name]()
    got = evaluate(figure, "[0, 1, 2].map((k) => [numbersOf(given, ends[k], k), words(given, ends[k], k)])")
    for k, (numbers, words) in enumerate(got):
        figure.place = k
        assert numbers == figure.words() == figure.words(k)
        assert figure.describe().startswith(f"{words} Still pictures, left to right: ")


def test_numbers_have_commas_here_and_in_the_script():
    values = [0.0, 12.0, 999.5, 1000.0, 1234567.891, -1234.5, -0.001]
    for digits in (0, 2):
        got = javascript.evaluate("conditional_density.js", f"{values}.map((v) => written(v, {digits}))")
        assert got == [written(v, digits) for v in values]


def test_ticks_are_round_numbers_or_the_callers():
    assert [text for _, text in round_ticks(-4.0, 6.0, False)] == ["−4", "−2", "0", "2", "4", "6"]
    assert [text for _, text in round_ticks(0.0, 1.2, False)] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0", "1.2"]
    log = round_ticks(300.0, 20_000.0, True)
    assert [text for _, text in log] == ["500", "1,000", "2,000", "5,000", "10,000", "20,000"]
    assert log[0][0] == pytest.approx(math.log(500))
    assert [text for _, text in round_ticks(0.2, 5.0, True)] == ["0.2", "0.5", "1", "2", "5"]
    figure, _, _ = prices(ticks=[(100, "a hundred"), (1e4, "10k")])
    assert figure.ticks == [(math.log(100), "a hundred"), (math.log(1e4), "10k")]


def test_a_small_state():
    figure, _, _ = prices()
    state = figure.get_state()
    size = sum(4 * len(v) / 3 if isinstance(v, bytes) else len(json.dumps(v)) for k, v in state.items() if k[0] != "_")
    assert size < 12_000


def test_the_still_picture_has_both_ends_and_the_present_context():
    figure = normal()
    assert [ax.get_title() for ax in figure.still().axes] == ["I1", "SI1 (here)", "IF"]
    figure.place = 2
    assert [ax.get_title() for ax in figure.still().axes] == ["I1", "SI1", "IF (here)"]


GOOD = Normal(MEANS[:, None], SCALES[:, None]).log_prob(LINE).exp()
REFUSED = {
    "twice too high": (lambda: ConditionalDensity.of(2 * GOOD, LINE, NAMES), "within 2 % of 1, got 2 for 'I1'"),
    "cut off": (lambda: ConditionalDensity.of(GOOD[:, :160], LINE[:160], NAMES), "within 2 % of 1, got .* for 'IF'"),
    "per unit of log x": (
        lambda: ConditionalDensity.of(GOOD, LINE.exp(), NAMES, log_axis=True),
        "is it a density per unit of x",
    ),
    "negative": (lambda: ConditionalDensity.of(GOOD - 0.001, LINE, NAMES), "finite and not negative, got -0.001"),
    "NaN": (lambda: ConditionalDensity.of(GOOD * math.nan, LINE, NAMES), "finite and not negative, got NaN"),
    "transposed": (lambda: ConditionalDensity.of(GOOD.T, LINE, NAMES), r"density \(K, G\).*got shape \(281, 3\)"),
    "one label": (lambda: ConditionalDensity.of(GOOD[:1], LINE, ["a"]), "2 or more labels"),
    "labels": (lambda: ConditionalDensity.of(GOOD, LINE, ["a", "b"]), "and 2 labels"),
    "grid falls": (lambda: ConditionalDensity.of(GOOD, LINE.flip(0), NAMES), "increasing"),
    "grid below 0": (lambda: ConditionalDensity.of(GOOD, LINE, NAMES, log_axis=True), "above 0 for a logarithmic axis"),
    "grid too fine": (lambda: ConditionalDensity.of(GOOD, LINE + 1e9, NAMES), "differ as float32"),
    "too many": (lambda: ConditionalDensity.of(torch.ones(3, 50_000), torch.linspace(0, 1, 50_000), NAMES), "at most"),
    "groups alone": (lambda: normal(None, [1]), "expected data for the data_groups"),
    "data alone": (lambda: normal([1.0]), "for each of 1 data"),
    "groups of floats": (lambda: normal([1.0], [1.0]), "whole numbers"),
    "groups too high": (lambda: normal([1.0, 2.0], [0, 3]), "from 0 to 2.*got 0 to 3"),
    "data NaN": (lambda: normal([math.nan], [0]), "expected data .*finite"),
    "data table": (lambda: normal([[1.0]], [[0]]), "expected data"),
    "a misspelling": (lambda: normal(plaec=1), "there is no 'plaec'; is 'place' meant?"),
    "place": (lambda: normal(place=3), "expected the number of a context, 0 to 2"),
    "by hand": (ConditionalDensity, r"made by ConditionalDensity.of\("),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    make, message = REFUSED[name]
    with pytest.raises((TypeError, ValueError, traitlets.TraitError), match=f"ConditionalDensity.*{message}"):
        make()


@pytest.mark.parametrize("kind", [torch.Tensor.float, torch.Tensor.numpy, torch.Tensor.tolist], ids=range(3))
def test_inputs_of_any_kind(kind):
    data, groups = torch.randn(50).double(), torch.arange(50) % 3
    figure = ConditionalDensity.of(kind(GOOD), kind(LINE), [1, 0.5, -2], kind(data), groups.numpy())
    assert figure.labels == ["1", "0.5", "−2"] and figure.describe() and figure.still().axes
