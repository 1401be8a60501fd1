"""What the figures that move are given: odd but honest inputs are taken, others refused with what was expected."""

import copy
import math
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import traitlets

from nf_course import (
    MLP,
    ActNorm,
    AffineCoupling,
    CouplingStack,
    Flow,
    Halves,
    LULinear,
    Sequential,
    StandardNormal,
    data,
    models,
    randomise,
)
from nf_course.widgets import (
    DeterminantCost,
    DeterminantLab,
    FlowExplorer,
    FlowFrames,
    ImageSliders,
    MaskEditor,
    PointCloud,
    Stretch,
)
from nf_course.widgets.live import live_layers, live_stretch, live_temperature
from nf_course.widgets.words import number

X, LABELS = data.moons(30, seed=1), data.moons_labels(30, seed=1)
PICTURES, PLACES = torch.rand(3, 1, 4, 4), {"t": [0, 1, 2]}
CLOUD = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
OF_FLOWS = [FlowFrames.of, FlowExplorer.of, live_layers]
MOVING = {"FlowFrames": FlowFrames.of, "FlowExplorer": FlowExplorer.of}


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def flow():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return randomise(models.realnvp(2, couplings=2, hidden=(8,)), seed=3, scale=0.25)


def untouched():
    """A flow whose ActNorm has seen no batch yet, with its parts in different modes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        coupling = AffineCoupling(MLP(1, 2, hidden=(8,)), Halves())
        flow = Flow(Sequential(ActNorm(2), coupling, LULinear(2)), StandardNormal(2)).train()
    coupling.eval()
    return flow


def drawn(figure) -> str:
    """Draw it, and give its words."""
    if isinstance(figure, (FlowFrames, FlowExplorer, ImageSliders, PointCloud)):
        assert figure.still().axes
        return figure.describe()
    figure.result.canvas.draw()
    return ""


# -- the flow is left as it was ------------------------------------------------------------------------------------


def state(flow):
    held = [*flow.named_parameters(), *flow.named_buffers()]
    return {name: (t.clone(), t.dtype, t.device, t.requires_grad, t.grad) for name, t in held}


@pytest.mark.parametrize("make", [*OF_FLOWS, lambda flow, x: live_temperature(flow, 10)], ids=range(4))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_flow_the_data_and_the_random_numbers_stay_as_they_were(make, dtype):
    flow, x = untouched().to(dtype), X.clone().to(dtype).requires_grad_()
    before, modes, generator = state(flow), [m.training for m in flow.modules()], torch.get_rng_state()
    drawn(make(flow, x))
    assert not flow.bijection[0].initialised and [m.training for m in flow.modules()] == modes
    for name, (value, *rest) in state(flow).items():
        assert torch.equal(value, before[name][0]) and rest == list(before[name][1:]), name
    assert torch.equal(x, X.to(dtype)) and x.grad is None
    assert torch.equal(torch.get_rng_state(), generator) and torch.is_grad_enabled()


# -- honest oddities -----------------------------------------------------------------------------------------------

KINDS = {
    "double": X.double(),
    "half": X.half(),
    "bfloat16": X.bfloat16(),
    "one point": X[:1],
    "not contiguous": X.T.contiguous().T,
    "every other one": X[::2],
    "with gradient": X.clone().requires_grad_(),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", OF_FLOWS, ids=range(3))
def test_points_of_any_kind(make, kind, flow):
    drawn(make(flow, KINDS[kind]))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("make", OF_FLOWS, ids=range(3))
def test_flows_of_any_dtype(make, dtype, flow):
    drawn(make(copy.deepcopy(flow).to(dtype), X))


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.Tensor.bool, torch.Tensor.byte], ids=range(5))
@pytest.mark.parametrize("make", OF_FLOWS, ids=range(3))
def test_classes_of_any_kind(make, kind, flow):
    given = kind(LABELS.tolist()) if kind in (list, tuple, np.array) else kind(LABELS)
    figure = make(flow, X, given)
    if isinstance(figure, FlowFrames):
        assert figure.groups == LABELS.tolist() and all(type(group) is int for group in figure.groups)
        figure.way = "encode"
    drawn(figure)


@pytest.mark.parametrize(
    "pictures",
    [PICTURES.numpy()[:, :, ::-1], PICTURES.tolist(), PICTURES.bfloat16(), PICTURES.permute(0, 1, 3, 2),
     PICTURES.clone().requires_grad_(), torch.zeros(3, 1, 4, 4, dtype=torch.uint8)],
    ids=["numpy, upside down", "list", "bfloat16", "not contiguous", "with gradient", "all black"],
)  # fmt: skip
def test_pictures_of_any_kind(pictures):
    assert drawn(ImageSliders.of(pictures, PLACES, place=np.array([2]))).startswith("t 2")


@pytest.mark.parametrize(
    "points",
    [CLOUD.numpy()[::-1], CLOUD.tolist(), CLOUD.half(), CLOUD.T.contiguous().T, CLOUD.clone().requires_grad_(),
     CLOUD[:1], CLOUD[:1].expand(5, 3), 1e29 * CLOUD / CLOUD.abs().max(), 1e-30 * CLOUD, [CLOUD, 2 * CLOUD]],
    ids=["numpy, reversed", "list", "half", "not contiguous", "with gradient", "one", "all the same", "huge", "tiny",
         "two frames in a list"],
)  # fmt: skip
def test_clouds_of_any_kind(points):
    assert "point" in drawn(PointCloud.of(points))


def test_labels_in_any_script():
    figure = ImageSliders.of(PICTURES, {"温度": ["ä", "Ω", "ж"]})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # of the still picture's font, where it has none
        assert figure._png()
    assert figure.describe() == "温度 Ω: one picture, beside those at ä and ж."
    drawn(PointCloud.of(CLOUD, labels=["ä", "Ω", "$x_1$"], about="Größe"))
    assert ImageSliders.of(PICTURES, {1: [torch.tensor(0.0), 1, np.float32(2)]}).names == ["1"]


def test_numbers_of_any_size_in_words():
    assert [number(v) for v in (math.inf, -math.inf, 1e300, -1e22, 1e20)] == [
        "Infinity",
        "−Infinity",
        "1e+300",
        "−1e+22",
        "100000000000000000000.00",
    ]
    assert drawn(PointCloud.of(CLOUD, CLOUD[:, 0].double() * 1e299))


# -- refused -------------------------------------------------------------------------------------------------------

WRONG_POINTS = [
    (X.numpy(), "expected a torch.Tensor, got ndarray"),
    (None, "expected a torch.Tensor, got NoneType"),
    (X.long(), "floating-point"),
    (X[0], r"expected a batch.*got shape \(2,\)"),
    (torch.zeros(5, 3), r"expected shape \(N, 2\), got \(5, 3\)"),
    (X[:0], r"at least one point.*got shape \(0, 2\)"),
    (X * math.nan, "expected finite numbers, got 60"),
    (X.double() * 1e300, "expected finite numbers"),
]


@pytest.mark.parametrize(("points", "message"), WRONG_POINTS, ids=range(len(WRONG_POINTS)))
@pytest.mark.parametrize("name", MOVING)
def test_points_refused(name, points, message, flow):
    with pytest.raises((TypeError, ValueError), match=f"^{name}.*{message}"):
        MOVING[name](flow, points)


@pytest.mark.parametrize(
    "groups", [LABELS[:4], LABELS.float(), LABELS[:, None], -1 - LABELS, ["a"] * 30, LABELS.float() * math.nan]
)
@pytest.mark.parametrize("name", MOVING)
def test_classes_refused(name, groups, flow):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected a class for each"):
        MOVING[name](flow, X, groups)


@pytest.mark.parametrize("samples", [0, -1, 1.5, 10_001, "many", None, True])
@pytest.mark.parametrize("name", MOVING)
def test_samples_refused(name, samples, flow):
    with pytest.raises(ValueError, match=f"^{name}: expected samples from"):
        MOVING[name](flow, X, samples=samples)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (None, "expected a Flow.*got NoneType"),
        (CouplingStack([AffineCoupling(MLP(1, 2), Halves())]), "expected a Flow.*got CouplingStack"),
        (models.realnvp(3), "of the plane"),
        (models.realnvp(2, context_features=2), "without context"),
        (Flow(Sequential(LULinear(2)), torch.nn.Identity()), "StandardNormal"),
        (Flow(Sequential(), StandardNormal(2)), "at least one layer"),
    ],
    ids=range(6),
)
@pytest.mark.parametrize("name", MOVING)
def test_flows_refused(name, wrong, message):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: .*{message}"):
        MOVING[name](wrong, X)


@pytest.mark.parametrize("factor", [math.nan, 1e4])
def test_a_flow_that_runs_away(factor, flow):
    wild = copy.deepcopy(flow)
    with torch.no_grad():
        for weight in wild.parameters():
            weight.mul_(factor)
    with pytest.raises(ValueError, match="^FlowFrames: expected (finite latents|points that stay within 1000)"):
        FlowFrames.of(wild, X)
    with pytest.raises(ValueError, match="points that stay within 1000 of 0"):
        FlowFrames.of(flow, 1e5 * X)


REFUSED = {
    "pictures: None": (lambda: ImageSliders.of(None, PLACES), "ImageSliders: expected pictures.*got NoneType"),
    "pictures: complex": (lambda: ImageSliders.of(PICTURES * 1j, PLACES), "ImageSliders: expected pictures"),
    "labels: None": (lambda: ImageSliders.of(PICTURES, {"t": None}), "labels of 't' as a list"),
    "labels: a number": (lambda: ImageSliders.of(PICTURES, {"t": 3}), "labels of 't' as a list"),
    "labels: None among": (lambda: ImageSliders.of(PICTURES, {"t": [None, 1, 2]}), "labels of 't' as a list"),
    "labels: infinity": (lambda: ImageSliders.of(PICTURES, {"t": [math.inf, 1, 2]}), "finite numbers or texts"),
    "size: NaN": (lambda: ImageSliders.of(PICTURES, PLACES, size=math.nan), "a size in pixels from 1 to 4096"),
    "size: a word": (lambda: ImageSliders.of(PICTURES, PLACES, size="big"), "a size in pixels from 1 to 4096"),
    "across: negative": (lambda: ImageSliders.of(PICTURES, PLACES, across=-1), "expected across, 0 or more"),
    "place: a number": (lambda: ImageSliders.of(PICTURES, PLACES, place=1), "expected place, an index for each"),
    "points: None": (lambda: PointCloud.of(None), r"PointCloud: expected points \(N, 3\).*got NoneType"),
    "points: ragged": (lambda: PointCloud.of([[1, 2, 3], [1, 2]]), r"PointCloud: expected points \(N, 3\)"),
    "points: complex": (lambda: PointCloud.of(CLOUD * 1j), r"PointCloud: expected points \(N, 3\)"),
    "points: 1e300": (lambda: PointCloud.of(CLOUD.double() * 1e300), r"within 1e\+30 of 0"),
    "values: texts": (lambda: PointCloud.of(CLOUD, ["a"] * 20), r"expected values \(20,\)"),
    "low: a word": (lambda: PointCloud.of(CLOUD, CLOUD[:, 0], low="a"), "expected low and high"),
    "low: NaN": (lambda: PointCloud.of(CLOUD, CLOUD[:, 0], low=math.nan), "expected low and high"),
    "reach: a word": (lambda: PointCloud.of(CLOUD, reach="far"), "a reach above 0"),
    "edges: of three": (lambda: PointCloud.of(CLOUD, edges=[(0, 1, 2)]), r"pairs.*got shape \(1, 3\)"),
    "edges: halves": (lambda: PointCloud.of(CLOUD, edges=[(0.5, 1)]), "pairs of numbers of points"),
    "masks: None": (lambda: MaskEditor(masks=None), "MaskEditor.masks: expected a list of masks"),
    "masks: one": (lambda: MaskEditor(masks=[True, False]), "MaskEditor.masks: expected a list of masks"),
    "heights: array": (lambda: Stretch(heights=np.arange(5.0)), "expected a list"),
    "a misspelling": (lambda: Stretch(hight=3), "Stretch: there is no 'hight'; is 'heights' meant?"),
    "another": (lambda: DeterminantLab(sings=[1.0, 1.0]), "DeterminantLab: there is no 'sings'"),
    "in `of`": (lambda: ImageSliders.of(PICTURES, PLACES, plaec=[1]), "there is no 'plaec'; is 'place' meant?"),
    "no measurements": (lambda: DeterminantCost(sizes=None), "expected a list"),
    **{
        f"{kind.__name__} by hand": (kind, rf"{kind.__name__}: expected a figure made by {kind.__name__}.of\(")
        for kind in (FlowFrames, FlowExplorer, ImageSliders, PointCloud)
    },
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    make, message = REFUSED[name]
    with pytest.raises((TypeError, ValueError, traitlets.TraitError), match=message):
        make()


@pytest.mark.parametrize(
    ("trait", "values"),
    [("reach", [0.0, -1.0, math.nan]), ("edges", [[[0, 20]], [[0, -1]]]), ("names", [[], ["a", "b"]])],
)
def test_a_cloud_stays_whole_after_it_was_made(trait, values):
    cloud = PointCloud.of(CLOUD, edges=[(0, 1)])
    before = getattr(cloud, trait)
    for value in values:
        with pytest.raises(traitlets.TraitError, match="PointCloud: expected"):
            setattr(cloud, trait, value)
    assert getattr(cloud, trait) == before


LIVE = {
    "no flow": (lambda flow: live_layers(None, X), "live_layers: expected a Flow"),
    "a bijection": (lambda flow: live_temperature(flow.bijection), "live_temperature: expected a Flow"),
    "no points": (lambda flow: live_layers(flow, X[:0]), r"points of the plane, \(N, 2\), got shape \(0, 2\)"),
    "NaN": (lambda flow: live_layers(flow, X * math.nan), r"live_layers \(data\): expected finite"),
    "None": (lambda flow: live_layers(flow, None), "live_layers: expected points of the plane"),
    "classes (30, 1)": (lambda flow: live_layers(flow, X, LABELS[:, None]), r"each of 30 points, got shape \(30, 1\)"),
    "a context too many": (lambda flow: live_layers(flow, X, context=torch.zeros(1, 2)), "expected no context"),
    "extent": (lambda flow: live_layers(flow, X, extent=-1), "live_layers: expected extent from"),
    "n": (lambda flow: live_temperature(flow, 0), "live_temperature: expected n from 1"),
    "most": (lambda flow: live_temperature(flow, most=math.nan), "expected most from"),
    "high": (lambda flow: live_temperature(flow, high=0), "expected high from"),
    "shape": (lambda flow: live_temperature(flow, shape=(1, -1, -2)), r"expected a shape \(C, H, W\)"),
    "slab": (lambda flow: live_stretch(lambda x: 2 * x, slab=math.nan), "expected slab from"),
    "width": (lambda flow: live_stretch(lambda x: 2 * x, width=0), "expected width from"),
    "NumPy": (lambda flow: live_stretch(np.sinh), "expected a function of torch operations.*numpy"),
    "no function": (lambda flow: live_stretch(None), "expected a function of torch operations"),
}


@pytest.mark.parametrize("name", LIVE)
def test_live_figures_refuse(name, flow):
    make, message = LIVE[name]
    with pytest.raises((TypeError, ValueError), match=message):
        make(flow)


@pytest.mark.parametrize("rows", [torch.zeros(2), torch.zeros(30, 2), torch.zeros(1, 3), np.zeros((1, 2)), None])
def test_one_row_of_context_for_all(rows):
    conditional = models.realnvp(2, couplings=2, hidden=(8,), context_features=2)
    with pytest.raises((TypeError, ValueError), match=r"one row for all points: expected a context of shape \(1, 2\)"):
        live_layers(conditional, X, context=rows)


def test_displayed_twice_copied_and_closed():
    figure = Stretch()
    first, second = (figure._repr_mimebundle_()[0] for _ in range(2))
    assert first == second
    with pytest.raises(NotImplementedError, match="cannot be copied"):
        copy.deepcopy(figure)
    figure.close()
    figure.slab = 1.0  # nobody listens, nothing breaks
    assert "x = 0.70" in figure.describe() and figure.still().axes
