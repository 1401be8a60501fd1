"""FlowExplorer: the flow that its script evaluates is the package's, layer by layer, in both directions."""

import base64
import copy
import json
import math
from functools import partial
from itertools import pairwise

import pytest
import torch
import traitlets

from nf_course import (
    MLP,
    ActNorm,
    AdditiveCoupling,
    AffineCoupling,
    Alternating,
    Bijection,
    Checkerboard,
    ConvNet,
    CouplingStack,
    Halves,
    IndexMask,
    Inverse,
    Logit,
    LULinear,
    Sequential,
    data,
    models,
    randomise,
)
from nf_course.flow import Flow, StandardNormal
from nf_course.plotting import density_grid
from nf_course.widgets import flow_explorer
from nf_course.widgets.flow_explorer import FlowExplorer
from tests.package import javascript

MASKS = [
    Halves(),
    Halves().flipped(),
    Alternating(),
    Alternating().flipped(),
    IndexMask((False, True)),
    IndexMask((True, False)),
]


def affine(mask=MASKS[0], hidden=(16, 16)):
    return AffineCoupling(MLP(1, 2, hidden), mask)


def additive(mask=MASKS[0], hidden=(16, 16)):
    return AdditiveCoupling(MLP(1, 1, hidden), mask)


def lu(swap: bool, signs: tuple[float, float]):
    layer = LULinear(2)
    layer.permutation.copy_(torch.tensor([1, 0] if swap else [0, 1]))
    layer.sign_s.copy_(torch.tensor(signs))
    return layer


BUILD = {
    **{f"affine, {mask}": partial(affine, mask) for mask in MASKS},
    **{f"additive, {mask}": partial(additive, mask) for mask in MASKS},
    **{f"network of {hidden}": partial(affine, hidden=hidden) for hidden in [(), (1,), (64, 64), (8, 8, 8)]},
    "actnorm": lambda: ActNorm(2),
    "lu": lambda: lu(False, (1, 1)),
    "lu, swap": lambda: lu(True, (1, -1)),
    "inverse of a coupling": lambda: Inverse(affine(MASKS[1])),
    "inverse of an additive one": lambda: Inverse(additive()),
    "inverse of actnorm": lambda: Inverse(ActNorm(2)),
    "inverse of lu": lambda: Inverse(lu(True, (-1, 1))),
    "stack": lambda: CouplingStack([affine(MASKS[k % 2]) for k in range(6)]),
    "stack of both kinds": lambda: CouplingStack([affine(), additive(MASKS[1]), affine(), additive(MASKS[1])]),
    "everything": lambda: Sequential(
        ActNorm(2), affine(), Sequential(lu(True, (1, 1)), Sequential(), CouplingStack([additive(MASKS[3])]), affine(MASKS[2])),
        Inverse(Sequential(affine(MASKS[4]), Inverse(affine(MASKS[5])), ActNorm(2), lu(False, (-1, 1)))), affine(MASKS[1]),
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _seeded():
    """Every network starts from the same weights, whatever ran before."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="module", params=BUILD, ids=BUILD)
def flow(request) -> Flow:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Flow(randomise(BUILD[request.param](), seed=2), StandardNormal(2)).eval()


@pytest.fixture(scope="module")
def points() -> torch.Tensor:
    """200 points, every fourth of them far away."""
    generator = torch.Generator().manual_seed(3)
    points = torch.randn(200, 2, generator=generator, dtype=torch.float64)
    points[::4] *= 30
    return points


def evaluate(figure: FlowExplorer, expression: str, **constants):
    """The value of an expression that uses the script's functions, with `layers` unpacked as on the page."""
    held = base64.b64encode(figure.weights).decode()
    before = [
        f'const bytes = Buffer.from("{held}", "base64");',
        f"const layers = unpack({json.dumps(figure.parts)}, new DataView(bytes.buffer, bytes.byteOffset, bytes.length));",
        "const plain = ({ points, ladj }) => [[...points], [...ladj]];",
        *(f"const {name} = {json.dumps(value)};" for name, value in constants.items()),
    ]
    return javascript.evaluate(FlowExplorer.scripts, expression, *before)


def tensors(pair) -> tuple[torch.Tensor, torch.Tensor]:
    positions, ladj = (torch.tensor(numbers, dtype=torch.float64) for numbers in pair)
    return positions.unflatten(0, (-1, 2)), ladj


def one_by_one(bijection: Bijection) -> list[Bijection]:
    """The layers in encode order, by what an inverse means; no code of the figure's."""
    if isinstance(bijection, (Sequential, CouplingStack)):
        return [layer for part in bijection.children() for held in part for layer in one_by_one(held)]
    if isinstance(bijection, Inverse) and isinstance(bijection.bijection, Sequential):
        return [Inverse(layer) for layer in reversed(one_by_one(bijection.bijection))]
    return [bijection]


close = partial(torch.allclose, rtol=1e-9, atol=1e-9)


def test_every_layer_is_the_packages_both_ways(flow, points):
    figure, double = FlowExplorer.of(flow, torch.zeros(1, 2)), copy.deepcopy(flow).double()
    layers = one_by_one(double.bijection)
    assert figure.layers == figure.layer == len(layers)
    flat = points.flatten().tolist()
    got = evaluate(
        figure,
        "[...Array(layers.length + 1).keys()].map((k) => [plain(onward(layers, at, k)), plain(back(layers, at, k))])",
        at=flat,
    )
    with torch.no_grad():
        for k, (onward, back) in enumerate(got):
            applied = Sequential(*layers[len(layers) - k :])
            for (there, ladj), (want, want_ladj), sign in (
                (tensors(onward), applied.decode(points), -1),  # the script always gives the log-det of encode
                (tensors(back), applied.encode(points), 1),
            ):
                assert close(there, want), (k, sign)
                assert close(sign * ladj, want_ladj), (k, sign)
    if len(layers) > 1:  # the points of two neighbouring stops differ, so that a layer left out would be seen
        assert all(not torch.allclose(tensors(a[0])[0], tensors(b[0])[0]) for a, b in pairwise(got))


def test_log_dets_add_up_each_at_its_own_point(flow, points):
    figure, double = FlowExplorer.of(flow, torch.zeros(1, 2)), copy.deepcopy(flow).double()
    layers = one_by_one(double.bijection)
    with torch.no_grad():
        for z, way in zip(points[:8], evaluate(figure, "at.map((z) => journey(layers, z))", at=points[:8].tolist())):
            h = torch.tensor([way["stops"][-1]], dtype=torch.float64)  # x
            total = double.base.log_prob(z[None])
            assert close(torch.tensor(way["base"], dtype=torch.float64), total)
            assert close(double.log_prob(h), total + sum(way["ladjs"]), atol=1e-7)
            for k, layer in enumerate(layers):  # in encode order: the last of the script's first
                h = torch.tensor([way["stops"][len(layers) - k]], dtype=torch.float64)
                after, ladj = layer.encode(h)
                assert close(ladj, torch.tensor(way["ladjs"][len(layers) - 1 - k], dtype=torch.float64), atol=1e-8)
                assert close(after[0], torch.tensor(way["stops"][len(layers) - 1 - k], dtype=torch.float64), atol=1e-7)


def test_and_in_single_precision(points):
    flow = randomise(models.realnvp(2, couplings=8, hidden=(64, 64)), seed=4, scale=0.1)
    x = points[1::4].float()
    back = evaluate(FlowExplorer.of(flow, x), "plain(back(layers, at))", at=x.double().flatten().tolist())
    with torch.no_grad():
        z, ladj = flow.bijection.encode(x)
        for got, want in zip(tensors(back), (z, ladj)):
            assert torch.allclose(got.float(), want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("hidden", [(), (3,), (64, 64), (32, 32, 32)])
def test_the_broken_line_is_the_network(hidden):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = randomise(MLP(1, 2, hidden), seed=1)
    numbers = torch.cat([p.flatten() for p in net.parameters()])
    script = f"""(() => {{
      const all = Float64Array.from({numbers.tolist()}); let used = 0;
      const [kinks, pieces] = brokenLine({[1, *hidden, 2]}, (n) => all.subarray(used, used += n));
      const at = [...kinks, ...Array.from({{ length: 2001 }}, (_, i) => (i - 1000) / 20)];
      return [[...kinks], at, at.map((t) => {{
        const i = kinks.filter((kink) => kink < t).length;
        return [0, 1].map((u) => pieces[i].slope[u] * t + pieces[i].height[u]);
      }})];
    }})()"""
    kinks, at, values = javascript.evaluate(FlowExplorer.scripts, script)
    with torch.no_grad():
        want = net.double()(torch.tensor(at, dtype=torch.float64)[:, None])
    assert torch.allclose(torch.tensor(values, dtype=torch.float64), want, rtol=1e-11, atol=1e-11)
    assert kinks == sorted(kinks) and len(kinks) >= len(hidden)


@pytest.mark.parametrize("name", ["stack", "stack of both kinds", "everything"])
def test_the_shading_integrates_to_one_at_every_stop_and_on_the_way(name):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        flow = Flow(randomise(BUILD[name](), seed=5, scale=0.12), StandardNormal(2)).eval()
    figure = FlowExplorer.of(flow, torch.zeros(1, 2))
    places = [0, *range(1, figure.layers), *([0.3, 1.5, 2.7] if name != "everything" else []), figure.layers]
    script = "places.map((k) => density(layers, k, view, 320).reduce((a, b) => a + b) * (2 * view.half / 320) ** 2)"
    masses = evaluate(figure, script, places=places, view={"x": 0.5, "y": -0.5, "half": 14})
    assert masses == pytest.approx([1.0] * len(places), abs=2e-3)


def test_the_shading_is_the_packages_density_the_right_way_up():
    flow = randomise(models.realnvp(2, couplings=3, hidden=(16,)), seed=6, scale=0.2)
    figure, n = FlowExplorer.of(flow, torch.zeros(1, 2)), 40
    got = evaluate(figure, f"[...density(layers, 3, view, {n})]", view={"x": 0.3, "y": -0.2, "half": 3})
    want, _ = density_grid(copy.deepcopy(flow).double(), (-2.7, 3.3, -3.2, 2.8), n)
    assert torch.tensor(got, dtype=torch.float64).view(n, n).flip(0).numpy() == pytest.approx(want, rel=1e-6, abs=1e-12)
    # a few rows at a time give the same
    again = evaluate(
        figure,
        f"(() => {{ const into = new Float32Array({n * n}); for (let r = 0; r < {n}; r += 7)"
        f" density(layers, 3, view, {n}, into, r, Math.min({n}, r + 7)); return [...into]; }})()",
        view={"x": 0.3, "y": -0.2, "half": 3},
    )
    assert again == got


def test_the_slide_between_two_stops_is_straight_and_has_its_own_inverse(points):
    flow = randomise(Flow(BUILD["stack of both kinds"](), StandardNormal(2)), seed=7)
    figure, flat = FlowExplorer.of(flow, torch.zeros(1, 2)), points.flatten().tolist()
    whole, next_, way, back = evaluate(
        figure,
        "[onward(layers, at, 1), onward(layers, at, 2), onward(layers, at, 1.25),"
        " back(layers, onward(layers, at, 1.25).points, 1.25)].map(plain)",
        at=flat,
    )
    (a, _), (b, _), (c, ladj), (home, ladj_home) = map(tensors, (whole, next_, way, back))
    assert close(c, 0.75 * a + 0.25 * b)
    assert close(home, points) and close(ladj, ladj_home)


def test_the_discs_area_tells_the_log_det():
    flow = randomise(models.realnvp(2, couplings=4, hidden=(16,)), seed=8, scale=0.2)
    z = [[0.4, -0.3], [-1.0, 0.6], [1.5, 1.5]]
    found = evaluate(
        FlowExplorer.of(flow, torch.zeros(1, 2)),
        "z.map((at) => [area(onward(layers, circle(at, 1e-4, 400)).points) / area(circle(at, 1e-4, 400)), area(circle(at, 1, 400))])",
        z=z,
    )
    with torch.no_grad():
        _, ladj = copy.deepcopy(flow).double().bijection.decode(torch.tensor(z, dtype=torch.float64))
    assert [ratio for ratio, _ in found] == pytest.approx(ladj.exp().tolist(), rel=1e-3)
    assert [whole for _, whole in found] == pytest.approx([math.pi] * 3, rel=1e-3)


def test_the_window_holds_the_points_and_keeps_its_size_where_it_can():
    draws = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    near = FlowExplorer.of(randomise(models.realnvp(2, couplings=2, hidden=(8,)), scale=0.1), draws)
    for window in evaluate(near, "windows(layers, z)", z=draws.flatten().tolist()):
        assert (window["x"], window["y"], window["own"]) == (0, 0, False)
        assert 1.06 * 3.5 <= window["half"] < 6
    far = Flow(Sequential(ActNorm(2)), StandardNormal(2))
    with torch.no_grad():
        far.bijection[0].shift.fill_(-50.0)  # x = z + 50
    first, last = evaluate(FlowExplorer.of(far, draws + 50), "windows(layers, z)", z=draws.flatten().tolist())
    assert (first["x"], first["half"], first["own"]) == (0, 1.06 * 3.5, False)
    assert last["own"] and abs(last["x"] - 50) < 1 and 2 < last["half"] < 5


def test_what_travels_with_the_page():
    x, groups = data.moons(900, seed=1), data.moons_labels(900, seed=1)
    figure = FlowExplorer.of(models.realnvp(2, couplings=8, hidden=(32, 32)), x, groups, samples=200, seed=5)
    held = torch.frombuffer(bytearray(figure.data), dtype=torch.float32).view(-1, 2)
    assert len(held) == len(figure.groups) == 200 and len(set(figure.groups)) == 2
    for point, group in zip(held[:20], figure.groups):
        assert groups[(x == point).all(1)].tolist() == [group]
    assert (
        len(figure.samples) == 200 * 2 * 4 and figure.samples != FlowExplorer.of(models.realnvp(2), x, seed=6).samples
    )
    size = sum(
        4 * len(v) / 3 if isinstance(v, bytes) else len(json.dumps(v))
        for k, v in figure.get_state().items()
        if k[0] != "_"
    )
    assert size < 80_000
    assert len(figure._esm) < 60_000


def test_an_uninitialised_actnorm_stays_so():
    flow = Flow(Sequential(ActNorm(2), affine()), StandardNormal(2)).train()
    FlowExplorer.of(flow, torch.randn(20, 2)).still()
    assert not flow.bijection[0].initialised and flow.training


def test_the_still_picture_and_its_words():
    x = data.moons(50, seed=1)
    flow = randomise(models.realnvp(2, couplings=4, hidden=(16,)), scale=0.2)
    for layer, show, word in ((4, "samples", "at data"), (2, "data", "after 2 of 4 layers"), (0, "none", "0 of 4")):
        figure = FlowExplorer.of(flow, x, data.moons_labels(50, seed=1), layer=layer, show=show, z=[0.5, -1.0])
        left, right = figure.still().axes
        assert len(left.lines) == len(right.lines) == 2
        assert word in figure.describe() and "z = (0.50, −1.00)" in figure.describe()
    with torch.no_grad():
        want = flow.double().log_prob(flow.bijection.decode(torch.tensor([[0.5, -1.0]]).double())[0]).item()
    said = FlowExplorer.of(flow.float(), x, z=[0.5, -1.0]).describe().split(": ")[-1]
    assert float(said.rstrip(".").replace("−", "-")) == pytest.approx(want, abs=0.006)


class Louder(AffineCoupling):
    """A coupling that computes something else."""


X = torch.zeros(5, 2)


@pytest.mark.parametrize(
    ("flow", "error", "words"),
    [
        (affine(), TypeError, "expected a Flow.*AffineCoupling"),
        (models.realnvp(3), ValueError, r"plane.*StandardNormal\(3,\)"),
        (Flow(affine(), torch.nn.Identity()), ValueError, "StandardNormal.*Identity"),
        (Flow(Logit(), StandardNormal(2)), TypeError, "layer 0 is a Logit; expected AffineCoupling.*ActNorm and LULinear"),
        (Flow(Sequential(affine(), Louder(MLP(1, 2))), StandardNormal(2)), TypeError, "layer 1 is a Louder"),
        (Flow(AffineCoupling(ConvNet(1, 2)), StandardNormal(2)), TypeError, "conditioner of layer 0 is a ConvNet"),
        (Flow(AffineCoupling(torch.nn.Linear(1, 2)), StandardNormal(2)), TypeError, "conditioner of layer 0 is a Linear"),
        (Flow(AffineCoupling(MLP(2, 2)), StandardNormal(2)), ValueError, r"MLP\(1, 2\); got 2 inputs"),
        (Flow(AdditiveCoupling(MLP(1, 2)), StandardNormal(2)), ValueError, r"MLP\(1, 1\); got 1 inputs and 2 outputs"),
        (Flow(AffineCoupling(MLP(1, 2), Checkerboard()), StandardNormal(2)), ValueError, "mask of layer 0"),
        (Flow(AffineCoupling(MLP(1, 2), IndexMask((1, 0, 1))), StandardNormal(2)), ValueError, "mask of layer 0"),
        (Flow(ActNorm(3), StandardNormal(2)), ValueError, "layer 0 of 3 features"),
        (Flow(Sequential(), StandardNormal(2)), ValueError, "at least one layer"),
        (models.realnvp(2, context_features=3), ValueError, "without context, got one of 3"),
        (models.realnvp(2, couplings=2, hidden=(800, 800)), ValueError, "at most 600000 weights.*got 12"),
    ],
)  # fmt: skip
def test_flows_that_cannot_be_shown(flow, error, words):
    with pytest.raises(error, match=f"FlowExplorer: .*{words}"):
        FlowExplorer.of(flow, X)


def test_bad_numbers():
    flow = models.realnvp(2, couplings=2, hidden=(8,))
    for name, points, groups in (
        ("features", torch.zeros(5, 3), None),
        ("finite", torch.full((5, 2), math.nan), None),
        ("each of 5 points", X, torch.zeros(4, dtype=torch.int64)),
        ("whole numbers", X, torch.zeros(5)),
    ):
        with pytest.raises(ValueError, match="FlowExplorer.*" + (r"\(N, 2\)" if name == "features" else name)):
            FlowExplorer.of(flow, points, groups)
    with pytest.raises(ValueError, match="samples from 2"):
        FlowExplorer.of(flow, X, samples=0)
    figure = FlowExplorer.of(flow, X, layer=1, z=[1, 2])
    for name, value in (
        ("layer", 3),
        ("layer", -1),
        ("z", [1.0]),
        ("z", [0.0, 9.0]),
        ("z", [0.0, math.nan]),
        ("show", "all"),
    ):
        with pytest.raises(traitlets.TraitError, match="expected|must be"):
            setattr(figure, name, value)
        with pytest.raises(traitlets.TraitError, match="expected|must be"):
            FlowExplorer.of(flow, X, **{name: value})
    assert (figure.layer, figure.z, figure.show) == (1, [1.0, 2.0], "samples")
    with torch.no_grad():
        flow.bijection.couplings[1].conditioner[0].weight[0] = math.inf
    with pytest.raises(ValueError, match="finite weights"):
        FlowExplorer.of(flow, X)
    assert flow_explorer.REACH == 3.5 == javascript.evaluate(FlowExplorer.scripts, "REACH")
    assert flow_explorer.DISC == javascript.evaluate(FlowExplorer.scripts, "DISC")
