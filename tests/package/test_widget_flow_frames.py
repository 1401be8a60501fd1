"""FlowFrames: what travels with the page, and what its script computes from it, is what the flow does."""

import copy
import json
import math

import pytest
import torch

from nf_course import (
    RK4,
    ContinuousFlow,
    Dopri5,
    HutchinsonTrace,
    LULinear,
    MLPField,
    Sequential,
    data,
    models,
    randomise,
)
from nf_course.flow import Flow, StandardNormal
from nf_course.plotting import COLOURS
from nf_course.widgets.flow_frames import CONTINUOUS, FlowFrames, clock
from nf_course.widgets.flow_stops import reach, tone, wheel
from nf_course.widgets.flow_tracks import CELLS, NODES, REACH, times_of
from tests.package import javascript

LAYERS, SIDE = 4, 2 * REACH / (NODES - 1)


@pytest.fixture(scope="module")
def flow():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return randomise(models.realnvp(2, couplings=LAYERS, hidden=(16,)), seed=3, scale=0.25)


@pytest.fixture(scope="module")
def figure(flow):
    return FlowFrames.of(flow, data.moons(40, seed=1), data.moons_labels(40, seed=1), samples=50, seed=5)


def evaluate(figure: FlowFrames, expression: str):
    """The value of an expression that uses the script's functions, and the figure's state as the page has it."""
    state = [f"const slices = {figure.slices};"]
    for name in ("noise", "data", "grid"):
        bytes_of = f"new DataView(new Uint8Array({list(getattr(figure, name))}).buffer)"
        state.append(f"const {name} = unpack({bytes_of}, {figure.layers + 1}, {figure.unit});")
    return javascript.evaluate("flow_frames.js", expression, *state)


def frames(value) -> torch.Tensor:
    """Frames as JSON gives them, (L + 1, n, 2)."""
    return torch.tensor([list(f.values()) for f in value], dtype=torch.float64).unflatten(1, (-1, 2))


def test_the_stops_are_the_flows(flow, figure):
    x, line = data.moons(40, seed=1), torch.linspace(-REACH, REACH, NODES)
    with torch.no_grad():
        starts = {
            "noise": torch.randn(50, 2, generator=torch.Generator().manual_seed(5)),
            "data": flow.bijection.encode(x)[0],
            "grid": torch.cartesian_prod(line, line),
        }
        for name, h in starts.items():
            got = frames(evaluate(figure, name))
            end, _ = flow.bijection.decode(h)
            for k, coupling in enumerate([*reversed(flow.bijection.couplings), None]):
                assert torch.allclose(got[k], h.double(), atol=figure.unit), (name, k)
                h = coupling.decode(h)[0] if coupling else h
            assert torch.allclose(got[-1], end.double(), atol=figure.unit)
            if name == "data":
                assert torch.allclose(got[-1], x.double(), atol=0.51 * figure.unit)


def test_the_way_between_two_stops_is_straight(figure):
    a, b, middle = (frames([f])[0] for f in evaluate(figure, "[noise[1], noise[2], between(noise, 1.25)]"))
    assert torch.allclose(middle, 0.75 * a + 0.25 * b, atol=1e-12)
    ends = evaluate(figure, f"[between(noise, 0) === noise[0], between(noise, {LAYERS}) === noise[{LAYERS}]]")
    assert ends == [True, True]


def test_the_picture_fits_the_grid_and_the_points_at_both_ends(figure):
    # as far as the grid of noise at least; at the ends nearly all points, between them 19 of 20
    assert evaluate(figure, "reach([[[1, -2], [9, 2]]])") == pytest.approx([9.36, 3.15])
    many = "Array.from({length: 200}, (_, i) => (i % 2 ? 0 : i < 8 ? 50 : 4))"
    assert evaluate(figure, f"reach([[[0, 0], {many}, [0, 0]]])") == pytest.approx([4.16, 3.15])
    want = evaluate(figure, "reach([noise, data])")
    assert reach([figure.stops("noise"), figure.stops("data")]) == pytest.approx(want)
    assert figure.still().axes[0].get_xlim()[1] == pytest.approx(want[0])


def test_the_colours_between_the_sides_are_the_explorers():
    for share in (0, 0.2, 0.5, 0.9, 1):
        colours = {name: COLOURS[name] for name in ("x", "z", "moved")}
        got = javascript.evaluate("flow_frames.js", f"rgb(tone({json.dumps(colours)}, {share}))")
        assert tone(share) * 255 == pytest.approx(got, abs=1.1)


def test_each_coupling_moves_one_axis(flow, figure):
    # decode undoes the last coupling first; one with Halves() moves the second coordinate
    want = [1 if c.mask == flow.bijection.mask else 0 for c in reversed(flow.bijection.couplings)]
    assert evaluate(figure, f"[...Array({LAYERS}).keys()].map((k) => movedAxis(grid, k))") == want


def test_a_squares_probability_over_its_area_is_the_density_of_the_package(flow, figure):
    squares, side = (NODES - 1) // CELLS, CELLS * SIDE
    view = f"new DataView(new Uint8Array({list(figure.areas)}).buffer)"
    got = evaluate(
        figure,
        f"[...Array({squares**2}).keys()].map((i) => [square(grid[0], slices, i).probability,"
        f" areaAt({view}, {LAYERS + 1}, 0, i), areaAt({view}, {LAYERS + 1}, {LAYERS}, i), area(square(grid[0], slices, i).polygon)])",
    )
    assert sum(p for p, *_ in got) == pytest.approx(math.erf(REACH / 2**0.5) ** 2, abs=1e-6)
    line = -REACH + side * (torch.arange(squares, dtype=torch.float64) + 0.5)
    offsets = side * ((torch.arange(40, dtype=torch.float64) + 0.5) / 40 - 0.5)
    double = copy.deepcopy(flow).double()
    for index in range(0, squares**2, 7):
        i, j = divmod(index, squares)
        z = torch.cartesian_prod(line[i] + offsets, line[j] + offsets)
        with torch.no_grad():
            x, ladj = double.bijection.decode(z)
            inverse_density = torch.exp(-double.log_prob(x))
        probability, before, after, drawn = got[index]
        assert before == pytest.approx(side**2, rel=1e-4)
        assert drawn == pytest.approx(side**2, rel=0.02)
        assert after == pytest.approx(ladj.exp().mean().item() * side**2, rel=0.02)
        # over the square, the mean of 1/p(x) under p itself is area / probability
        weight = double.base.log_prob(z).exp()
        assert after / probability == pytest.approx(((weight * inverse_density).sum() / weight.sum()).item(), rel=0.02)


def test_the_chosen_squares_lie_on_a_ring(figure):
    squares = (NODES - 1) // 3
    ring = evaluate(figure, f"ring({squares})")
    assert len(set(ring)) == len(ring) >= 8
    for index in ring:
        i, j = divmod(index, squares)
        assert 0.6 < math.hypot(-REACH + (i + 0.5) / 2, -REACH + (j + 0.5) / 2) < 1.6


def test_a_small_state_and_groups(figure):
    full = FlowFrames.of(models.realnvp(2), data.moons(360), data.moons_labels(360))
    state = full.get_state()
    size = sum(4 * len(v) / 3 if isinstance(v, bytes) else len(json.dumps(v)) for k, v in state.items() if k[0] != "_")
    assert size + len(state["_esm"]) + len(state["_css"]) < 150_000
    assert figure.groups == data.moons_labels(40, seed=1).tolist()


def test_other_flows():
    sequence = Flow(Sequential(LULinear(2), LULinear(2)), StandardNormal(2))
    assert FlowFrames.of(sequence, torch.randn(3, 2)).layers == 2
    with pytest.raises(TypeError, match="LULinear"):
        FlowFrames.of(Flow(LULinear(2), StandardNormal(2)), torch.randn(3, 2))
    with pytest.raises(ValueError, match=r"plane.*StandardNormal\(3,\)"):
        FlowFrames.of(Flow(Sequential(LULinear(3)), StandardNormal(3)), torch.randn(3, 3))
    with pytest.raises(ValueError, match="each of 3 points"):
        FlowFrames.of(sequence, torch.randn(3, 2), torch.tensor([0, 1]))


def test_a_click_finds_the_square_under_it_or_the_nearest(figure):
    squares = (NODES - 1) // CELLS
    places = [
        (-REACH + SIDE * CELLS * (i + 0.5), -REACH + SIDE * CELLS * (j + 0.5)) for i in range(squares) for j in (0, 7)
    ]
    want = [i * squares + j for i in range(squares) for j in (0, 7)]
    places += [(-9, -9), (9, 0.1), (0.1, 9)]
    want += [0, squares * (squares - 1) + 6, 7 * squares - 1]
    assert evaluate(figure, f"{json.dumps(places)}.map(([x, y]) => squareAt(grid[0], slices, x, y))") == want


def test_the_square_marked_at_first_is_on_the_ring_and_is_not_torn(flow):
    figure, squares = FlowFrames.of(flow, data.moons(40), samples=5), (NODES - 1) // CELLS
    around = evaluate(figure, f"ring({squares})")
    border = "(f, i) => square(f, slices, i).polygon.map((v, k, p) => Math.abs(v - p[(k + 2) % p.length]))"
    # in the maximum norm a border's pieces can be compared without square roots
    longest = evaluate(figure, f"{around}.map((i) => Math.max(...grid.map((f) => ({border})(f, i)).flat()))")
    assert figure.marked in around
    assert longest[around.index(figure.marked)] < 2 * min(longest)
    assert FlowFrames.of(flow, data.moons(40), samples=5, marked=7).marked == 7


@pytest.mark.parametrize(("way", "place"), [("decode", 0), ("decode", 3), ("encode", 1), ("encode", LAYERS)])
def test_script_and_python_say_the_same(figure, way, place):
    frame = place if way == "decode" else LAYERS - place
    for marked in (0, 42, 70, 143):
        figure.way, figure.place, figure.marked = way, place, marked
        view = f"new DataView(new Uint8Array({list(figure.areas)}).buffer)"
        got = evaluate(
            figure,
            f"words({{ points: {50 if way == 'decode' else 40}, way: {way!r}, place: {place}, layers: {LAYERS}, times: [], marked: {marked},"
            f" squares: {(NODES - 1) // CELLS} }},"
            f" square(grid[0], slices, {marked}).probability,"
            f" [0, {frame}].map((k) => areaAt({view}, {LAYERS + 1}, k, {marked})))",
        )
        assert figure.describe().startswith(f"{got} Still pictures, left to right: ")


def test_the_still_picture_shows_both_ends_and_where_the_points_are(flow):
    figure = FlowFrames.of(flow, data.moons(40, seed=1), samples=50, place=1, way="encode")
    axes = figure.still().axes
    assert [ax.get_title() for ax in axes] == ["data, $x$", f"after 1 of {LAYERS} layers (here)", "noise, $z$"]
    drawn = torch.tensor(axes[0].collections[-1].get_offsets().data)
    assert torch.allclose(drawn, data.moons(40, seed=1).double(), atol=figure.unit)


def test_points_have_the_colours_of_the_script(figure):
    points = figure.stops("noise")[0]
    got = evaluate(figure, f"{points.tolist()}.map(([x, y]) => rgb(wheel(Math.atan2(y, x))))")
    assert torch.allclose(
        torch.tensor(got) / 255, torch.tensor(wheel(points), dtype=torch.float32), atol=0.05
    )  # one of 48


def test_one_layer():
    figure = FlowFrames.of(Flow(Sequential(LULinear(2)), StandardNormal(2)), torch.randn(3, 2), samples=5, place=1)
    assert figure.describe() and figure.still().axes


# -- a continuous flow: its stops are times ------------------------------------------------------------------------


def continuous(**kwargs) -> ContinuousFlow:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return randomise(ContinuousFlow(MLPField(2, hidden=(16,)), **{"solver": RK4(2)} | kwargs), scale=0.4)


@pytest.fixture(scope="module")
def timed():
    pieces = continuous().pieces(LAYERS)
    return FlowFrames.of(Flow(pieces, StandardNormal(2)), data.moons(40, seed=1), samples=50, seed=5)


def test_the_stops_of_a_continuous_flow_are_times_on_its_paths(timed):
    whole, x = continuous(solver=RK4(8)), data.moons(40, seed=1)  # the steps of four pieces
    assert timed.times == [1.0, 0.75, 0.5, 0.25, 0.0] and timed.layers == LAYERS
    z = torch.randn(50, 2, generator=torch.Generator().manual_seed(5))
    for name, path in (("noise", whole.path(z, [1.0, 0.0])), ("data", whole.path(x, [0.0, 1.0]).flip(0))):
        stops = torch.tensor(timed.stops(name))
        assert torch.allclose(stops[[0, -1]], path.double(), atol=1e-3)
    middle = continuous(solver=RK4(4)).path(z, [1.0, 0.5, 0.0])[1]
    assert torch.allclose(torch.tensor(timed.stops("noise"))[2], middle.double(), atol=1e-3)


def test_the_squares_of_a_continuous_flow_have_the_density_of_the_package(timed):
    squares, side = (NODES - 1) // CELLS, CELLS * SIDE
    line = -REACH + side * (torch.arange(squares, dtype=torch.float64) + 0.5)
    offsets = side * ((torch.arange(20, dtype=torch.float64) + 0.5) / 20 - 0.5)
    whole = continuous(solver=RK4(8)).double()
    for marked in (30, 65, 77):
        timed.marked = marked
        i, j = divmod(marked, squares)
        with torch.no_grad():
            _, ladj = whole.decode(torch.cartesian_prod(line[i] + offsets, line[j] + offsets))
        assert timed.square(LAYERS)[1] == pytest.approx(ladj.exp().mean().item() * side**2, rel=0.01)


@pytest.mark.parametrize(("way", "place"), [("decode", 0), ("decode", 3), ("encode", 1), ("encode", LAYERS)])
def test_script_and_python_speak_of_time(timed, way, place):
    frame = place if way == "decode" else LAYERS - place
    timed.way, timed.place, timed.marked = way, place, 65
    view = f"new DataView(new Uint8Array({list(timed.areas)}).buffer)"
    got = evaluate(
        timed,
        f"words({{ points: {50 if way == 'decode' else 40}, way: {way!r}, place: {place}, layers: {LAYERS},"
        f" times: {timed.times}, marked: 65, squares: {(NODES - 1) // CELLS} }}, square(grid[0], slices, 65).probability,"
        f" [0, {frame}].map((k) => areaAt({view}, {LAYERS + 1}, k, 65)))",
    )
    journey = "noise (t = 1) to data (t = 0)" if way == "decode" else "data (t = 0) to noise (t = 1)"
    assert got.startswith(
        f"{50 if way == 'decode' else 40} points on their way from {journey}, at t = {timed.times[frame]:g}"
    )
    assert timed.describe().startswith(f"{got} Still pictures, left to right: ") and "layer" not in timed.describe()


def test_the_still_picture_of_a_continuous_flow_says_when(timed):
    timed.way, timed.place = "decode", 3
    titles = [ax.get_title() for ax in timed.still().axes]
    assert titles == ["noise, $t$ = 1", "$t$ = 0.25 (here)", "data, $t$ = 0"]
    assert timed.describe().endswith("Still pictures, left to right: noise, t = 1; t = 0.25; data, t = 0.")
    assert timed.caption == CONTINUOUS and "layer" not in timed.caption and "coupling" not in timed.caption


def test_times_of_the_script_are_pythons():
    times = [1.0, 0.0, 0.25, 1 / 3, 0.125, 10.0, -0.5, 0.0001]
    assert javascript.evaluate("flow_frames.js", f"{times}.map(clock)") == [clock(t) for t in times]
    got = javascript.evaluate(
        "flow_frames.js", "[[1, true], [1.5, false], [0.2, false]].map(([k, r]) => timeAt([1, 0.5, 0], k, r))"
    )
    assert got == ["0.5", "0.25", "0.90"]


def test_only_a_flow_in_pieces_has_times(flow):
    layer = continuous()
    assert times_of(list(layer.pieces(2))) == [1.0, 0.5, 0.0]
    assert times_of([layer, continuous()]) == [] == times_of(list(flow.bijection.couplings)) == times_of([])
    assert times_of([layer, LULinear(2)]) == []
    two = FlowFrames.of(Flow(Sequential(layer, continuous()), StandardNormal(2)), torch.randn(3, 2), samples=5)
    assert two.times == [] and "after 0 of 2 layers" in two.describe() and two.caption != CONTINUOUS
    with pytest.raises(TypeError, match=r"ContinuousFlow; take flow\.pieces\(k\), which has stops"):
        FlowFrames.of(Flow(layer, StandardNormal(2)), torch.randn(3, 2))


@pytest.mark.parametrize("solver", [RK4(2), Dopri5()], ids=["RK4", "Dopri5"])
def test_an_estimated_trace_changes_nothing_and_draws_from_no_generator_of_the_reader(timed, solver):
    pieces = continuous(solver=solver, trace=HutchinsonTrace()).pieces(LAYERS)
    before = torch.get_rng_state()
    figure = FlowFrames.of(Flow(pieces, StandardNormal(2)), data.moons(40, seed=1), samples=50, seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    for name in ("noise", "data", "grid"):
        assert abs(figure.stops(name) - timed.stops(name)).max() < 5e-3
