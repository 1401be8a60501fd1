"""The plots: palette apart under colour-vision deficiency, densities right, everything drawn without a warning."""

import itertools
import math
import warnings

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

mpl.use("agg")

import matplotlib.pyplot as plt

from nf_course import MLP, ActNorm, AffineCoupling, Flow, LULinear, Sequential, StandardNormal, randomise
from nf_course import plotting as nfp
from nf_course.plotting.palette import contrast
from nf_course.training import History


@pytest.fixture(autouse=True)
def clean():
    """Every test draws with the course's style, may not warn, and leaves no figure behind."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("error")
        nfp.style()
        yield
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()  # layout problems and missing glyphs only warn now
        plt.close("all")


# ---------------------------------------------------------------------------------------------------- palette

# Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency",
# severity 1.0, on linear RGB.
VISION = {
    "ordinary": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = TO_XYZ.sum(axis=1)


def lab(colour, vision):
    """CIELAB of a colour as someone sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    t = TO_XYZ @ np.clip(np.array(VISION[vision]) @ linear, 0, 1) / WHITE
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def delta_e(one, other):
    """CIEDE2000: 1 is just seen side by side, 10 is seen at a glance."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean_c = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean_c**7 / (mean_c**7 + 25**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = math.degrees(math.atan2(b1, a1)) % 360, math.degrees(math.atan2(b2, a2)) % 360
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    l, c, h = (l1 + l2) / 2, (c1 + c2) / 2, h1 + turn / 2 if c1 * c2 else h1 + h2
    cos = [math.cos(math.radians(angle)) for angle in (h - 30, 2 * h, 3 * h + 6, 4 * h - 63)]
    t = 1 - 0.17 * cos[0] + 0.24 * cos[1] + 0.32 * cos[2] - 0.20 * cos[3]
    dl = (l2 - l1) / (1 + 0.015 * (l - 50) ** 2 / math.sqrt(20 + (l - 50) ** 2))
    dc = (c2 - c1) / (1 + 0.045 * c)
    dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * c * t)
    twist = math.sin(math.radians(60 * math.exp(-(((h % 360 - 275) / 25) ** 2))))
    return math.sqrt(dl**2 + dc**2 + dh**2 - 2 * twist * math.sqrt(c**7 / (c**7 + 25**7)) * dc * dh)


@pytest.mark.parametrize(
    ("one", "other", "difference"),  # from Sharma, Wu and Dalal 2005, table 1
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (56, -27, -3), 31.9030),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_delta_e_is_ciede2000(one, other, difference):
    assert delta_e(one, other) == pytest.approx(difference, abs=1e-4)


MEANINGS = ["x", "z", "data", "model", "wrong", "moved"]


@pytest.mark.parametrize("vision", VISION)
def test_colours_stay_apart(vision):
    apart = {
        (one, other): delta_e(lab(nfp.COLOURS[one], vision), lab(nfp.COLOURS[other], vision))
        for one, other in itertools.combinations([*MEANINGS, "muted", "grid"], 2)
    }
    closest = min((d, pair) for pair, d in apart.items() if "muted" not in pair)
    assert closest[0] >= 15, closest
    assert min(apart.values()) >= 10, min((d, pair) for pair, d in apart.items())


def test_colours_stand_out_from_paper():
    for name in [*MEANINGS, "muted", "ink", "base", "kept"]:
        assert contrast(nfp.COLOURS[name]) >= 3, name
        assert contrast(nfp.readable(nfp.COLOURS[name])) >= 4.5, name
    assert contrast("#777777") == pytest.approx(4.48, abs=0.01)  # the textbook value


def test_aliases_and_misspelling():
    assert nfp.COLOURS["base"] == nfp.COLOURS["z"] and nfp.COLOURS["kept"] == nfp.COLOURS["data"]
    with pytest.raises(KeyError):
        nfp.COLOURS["latent"]


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("shades", [nfp.DENSITY["x"], nfp.DENSITY["z"], nfp.VALUES], ids=lambda m: m.name)
def test_shades_run_one_way_in_lightness(shades, vision):
    lightness = [lab(shades(t)[:3], vision)[0] for t in np.linspace(0, 1, 64)]
    steps = np.diff(lightness)
    assert (steps > -0.01).all() or (steps < 0.01).all()
    assert abs(lightness[-1] - lightness[0]) > 50


@pytest.mark.parametrize("vision", VISION)
def test_signs_stay_apart(vision):
    assert delta_e(lab(nfp.SIGNED(0.0)[:3], vision), lab(nfp.SIGNED(1.0)[:3], vision)) > 15
    assert delta_e(lab(nfp.SIGNED(0.3)[:3], vision), lab(nfp.SIGNED(0.7)[:3], vision)) > 8


# ---------------------------------------------------------------------------------------------------- densities


def trained_looking_flow(dtype=torch.float32):
    torch.manual_seed(0)
    flow = Flow(Sequential(LULinear(2), AffineCoupling(MLP(1, 2))), StandardNormal(2)).to(dtype)
    randomise(flow)
    return flow


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_density_grid_integrates_to_one(dtype):
    with torch.no_grad():
        sample = trained_looking_flow(dtype).sample(4000)
    low, high = sample.min(dim=0).values - 3, sample.max(dim=0).values + 3
    extent = (low[0].item(), high[0].item(), low[1].item(), high[1].item())
    density, mass = nfp.density_grid(trained_looking_flow(dtype), extent, n=500)
    assert density.shape == (500, 500) and mass == pytest.approx(1, abs=0.01)


def test_density_grid_places_mass_where_it_is():
    def log_prob(x):  # narrow, about (1, -2)
        return -((x - torch.tensor([1.0, -2.0])) ** 2).sum(1) / 0.02 - math.log(0.02 * math.pi)

    density, mass = nfp.density_grid(log_prob, (-3, 3, -4, 2), n=120)
    row, column = np.unravel_index(density.argmax(), density.shape)
    assert mass == pytest.approx(1, abs=1e-3)
    assert -3 + 6 * (column + 0.5) / 120 == pytest.approx(1, abs=0.05)
    assert -4 + 6 * (row + 0.5) / 120 == pytest.approx(-2, abs=0.05)
    half = nfp.density_grid(log_prob, (1, 3, -4, 2), n=120)[1]
    assert half == pytest.approx(0.5, abs=1e-3)


def test_density2d_draws_its_grid():
    def log_prob(x):
        return -x.pow(2).sum(1) / 2 - math.log(2 * math.pi)

    ax = nfp.density2d(log_prob, (-4, 4, -3, 3), n=50, side="z", mass=True, title="base")
    (image,) = ax.images
    assert np.allclose(image.get_array(), nfp.density_grid(log_prob, (-4, 4, -3, 3), 50)[0])
    assert image.get_extent() == [-4, 4, -3, 3] and image.origin == "lower"
    assert ax.texts[0].get_text() == "mass 0.997" and ax.get_title() == "base"


def test_density2d_shows_what_is_not_a_number():
    ax = nfp.density2d(lambda x: torch.where(x[:, 0] > 0, torch.nan, -x.pow(2).sum(1)), n=40)
    assert ax.images[0].get_array().mask.sum() == 800
    ax = nfp.density2d(lambda x: torch.full((len(x),), torch.nan), n=10)
    assert ax.images[0].get_array().mask.all()


def test_density2d_bad_log_prob():
    with pytest.raises(ValueError, match="one number for each of 100 points"):
        nfp.density2d(lambda x: x, n=10)
    with pytest.raises(ValueError, match="side should be 'x'"):
        nfp.density2d(lambda x: x[:, 0], n=10, side="y")


def test_density1d_curve_and_histogram_have_area_one():
    normal = torch.distributions.Normal(1.0, 0.5)
    torch.manual_seed(0)
    ax = nfp.density1d(normal, -2, 4, samples=normal.sample((20_000,)), label="N")
    (curve,), (stairs,) = ax.lines, [p for p in ax.patches if hasattr(p, "get_data")]
    assert np.trapezoid(curve.get_ydata(), curve.get_xdata()) == pytest.approx(1, abs=1e-3)
    heights, edges, _ = stairs.get_data()
    assert (heights * np.diff(edges)).sum() == pytest.approx(1, abs=1e-3)
    middle = (edges[1:] + edges[:-1]) / 2
    assert np.abs(heights - normal.log_prob(torch.tensor(middle)).exp().numpy()).max() < 0.06
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["samples", "N"]


def test_density1d_counts_samples_outside():
    ax = nfp.density1d(None, 0, 1, samples=torch.tensor([0.5, 0.5, 7.0, 9.0]), bins=10)
    heights, edges, _ = ax.patches[0].get_data()
    assert (heights * np.diff(edges)).sum() == pytest.approx(0.5)


def test_density1d_outside_the_support():
    ax = nfp.density1d(torch.distributions.LogNormal(0.0, 0.5), -2, 8, n=2000)
    curve = ax.lines[0]
    assert (curve.get_ydata()[curve.get_xdata() < 0] == 0).all()
    assert np.trapezoid(curve.get_ydata(), curve.get_xdata()) == pytest.approx(1, abs=1e-3)


def test_density1d_second_curve_fits():
    ax = nfp.density1d(torch.distributions.Normal(0.0, 2.0), side="z", label="wide")
    nfp.density1d(torch.distributions.Normal(0.0, 0.1), ax=ax, label="narrow")
    assert ax.get_ylim()[0] == 0 and ax.get_ylim()[1] > 3.98
    assert ax.get_xlabel() == "$z$ or $x$"


def test_density1d_flow_of_one_feature():
    flow = Flow(ActNorm(1), StandardNormal(1)).eval()
    randomise(flow)
    ax = nfp.density1d(flow, -30, 30, n=4000)
    assert np.trapezoid(ax.lines[0].get_ydata(), ax.lines[0].get_xdata()) == pytest.approx(1, abs=1e-2)


def test_pushforward1d_pieces_hold_equal_probability():
    normal = torch.distributions.Normal(0.0, 1.0)
    ax = nfp.pushforward1d(lambda z: torch.exp(0.5 * z), normal.log_prob, (-4, 4, 0, 8), strips=5)
    below, beside = ax.patches[0::2], ax.patches[1::2]

    def area(patch):
        x, y = patch.get_xy().T
        return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2

    for patches in (below, beside):
        areas = np.array([area(patch) for patch in patches])
        assert areas.max() / areas.min() < 1.06, areas


def test_pushforward1d_agrees_with_the_formula():
    normal = torch.distributions.Normal(0.0, 1.0)
    ax = nfp.pushforward1d(lambda z: torch.exp(0.5 * z), normal.log_prob, (-4, 4, 0, 8))
    _, pushed = [line for line in ax.lines if line.get_linewidth() == 1.6]
    density, x = pushed.get_xdata() - pushed.get_xdata().min(), pushed.get_ydata()
    density = density / np.trapezoid(density, x)
    exact = torch.distributions.LogNormal(0.0, 0.5).log_prob(torch.tensor(x)).exp().numpy()
    assert np.abs(density - exact).max() < 0.01
    with pytest.raises(ValueError, match="monotone"):
        nfp.pushforward1d(lambda z: z**2, normal.log_prob)


# ---------------------------------------------------------------------------------------------------- points, grids


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_scatter_takes_any_dtype(dtype):
    cloud = torch.randn(50, 2, dtype=torch.float32).to(dtype).requires_grad_()
    ax = nfp.scatter(cloud, colour_by=torch.arange(50), side="z", title="base samples")
    offsets = ax.collections[0].get_offsets()
    assert np.allclose(offsets, cloud.detach().float().numpy())
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_aspect()) == ("$z_1$", "$z_2$", 1.0)


def test_scatter_classes_get_the_palette():
    ax = nfp.scatter(torch.zeros(3, 2), colour_by=torch.tensor([4, 5, 4]))
    plt.gcf().canvas.draw()
    colours = ax.collections[0].get_facecolors()
    assert np.allclose(colours[0, :3], to_rgb(nfp.CYCLE[0])) and np.allclose(colours[1, :3], to_rgb(nfp.CYCLE[1]))
    nfp.scatter(torch.randn(200, 2), colour_by=torch.arange(200) % 10)  # more classes than colours


def test_scatter_keeps_a_points_colour_between_panels():
    z = torch.randn(100, 2)
    _, (left, right) = nfp.side_by_side(2)
    for ax, cloud in ((left, z), (right, z.exp())):
        nfp.scatter(cloud, z[:, 0], ax=ax)
    plt.gcf().canvas.draw()
    assert np.array_equal(left.collections[0].get_facecolors(), right.collections[0].get_facecolors())


@pytest.mark.parametrize("shape", [(5,), (5, 3), (2, 5, 2)])
def test_scatter_bad_shape(shape):
    with pytest.raises(ValueError, match=r"expected points of shape \(N, 2\), got"):
        nfp.scatter(torch.zeros(shape))
    with pytest.raises(ValueError, match="one number for each of 4 points"):
        nfp.scatter(torch.zeros(4, 2), colour_by=torch.zeros(shape))


def test_scatter_of_nothing_and_of_infinities():
    nfp.scatter(torch.zeros(0, 2))
    nfp.scatter(torch.tensor([[0.0, 1.0], [math.inf, 0.0], [math.nan, 1.0]]))


def test_warped_grid_follows_the_map():
    turn = torch.tensor([[0.0, -2.0], [1.0, 0.0]])
    ax = nfp.warped_grid(lambda x: (x @ turn.T, None), extent=(-1, 1, -1, 1), lines=5)
    cells, along_2, along_1 = ax.collections
    assert len(cells.get_paths()) == 8 and len(along_1.get_segments()) == len(along_2.get_segments()) == 5
    middle = along_1.get_segments()[2]  # second coordinate 0: goes to (0, x1)
    assert np.allclose(middle[:, 0], 0, atol=1e-6) and np.allclose(middle[[0, -1], 1], [-1, 1])
    for path in cells.get_paths():  # |det| = 2, and a cell was a quarter of a unit square
        x, y = path.vertices.T
        assert abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2 == pytest.approx(2 * 0.25, abs=1e-6)
    assert np.allclose(along_1.get_colors()[0, :3], to_rgb(nfp.COLOURS["z"]))  # it came from the latent side


def test_warped_grid_straight_and_flow():
    ax = nfp.warped_grid(None, side="z")
    assert ax.get_xlabel() == "$z_1$" and np.allclose(ax.collections[1].get_colors()[0, :3], to_rgb(nfp.COLOURS["z"]))
    flow = trained_looking_flow(torch.float64)
    nfp.warped_grid(flow.bijection.decode, limits=(-5, 5, -5, 5))
    nfp.warped_grid(flow.bijection.encode, side="z")


def test_drawing_leaves_the_flow_as_it_was():
    flow = Flow(Sequential(ActNorm(2), LULinear(2)), StandardNormal(2))
    flow.bijection.eval()
    flow.train()
    flow.bijection[1].eval() if hasattr(flow.bijection, "__getitem__") else None
    before = {key: value.clone() for key, value in flow.state_dict().items()}
    modes = [part.training for part in flow.modules()]
    nfp.density2d(flow, n=20)
    nfp.density2d(flow.log_prob, n=20)
    nfp.warped_grid(flow.bijection.encode, lines=3, side="z")
    assert [part.training for part in flow.modules()] == modes
    for key, value in flow.state_dict().items():
        assert torch.equal(value, before[key]), f"drawing changed {key}"
    assert all(p.grad is None for p in flow.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_everything_from_the_gpu():
    flow = trained_looking_flow().cuda()
    nfp.density2d(flow, n=30)
    nfp.warped_grid(flow.bijection.decode, lines=3)
    nfp.scatter(flow.sample(100), colour_by=torch.arange(100, device="cuda"))
    nfp.matrix(torch.eye(3, device="cuda"))


# ---------------------------------------------------------------------------------------------------- matrices, curves


def test_matrix_marks_zeros_and_never_hides_a_number():
    values = torch.tensor([[1.0, 0.0, -0.5], [1e-5, 123.4, -0.0], [0.004, 1.999, 1e-30]])
    ax = nfp.matrix(values, title="W")
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["1", "0", "−0.5", "≈0", "123", "0", "≈0", "2.00", "0"]
    shown = ax.images[0].get_array()
    assert ((shown != 0) == (values.abs().numpy() > 1e-12)).all()


def test_matrix_shapes():
    nfp.matrix(torch.randn(2, 7), rows=["a", "b"], blocks=(1, 5))
    nfp.matrix(torch.randn(40, 40, dtype=torch.bfloat16))
    nfp.matrix(torch.zeros(3, 3))
    nfp.matrix(torch.full((2, 2), torch.nan))
    with pytest.raises(ValueError, match=r"expected a matrix \(R, C\)"):
        nfp.matrix(torch.zeros(3))


def test_jacobian_pattern_names():
    ax = nfp.jacobian_pattern(torch.eye(3), blocks=(1,))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["$z_{1}$", "$z_{2}$", "$z_{3}$"]
    ax = nfp.jacobian_pattern(torch.eye(64))
    assert ax.get_ylabel() == "outputs $z_i$" and len(ax.texts) == 0


def test_cost_curves_fit_the_exponent():
    sizes = np.array([4, 8, 16, 32, 64, 128])
    runs = np.stack([1e-5 + 1e-9 * k * sizes**3.0 for k in (0.9, 1.0, 1.1)])
    ax = nfp.cost_curves(sizes, {"general": runs, "LU": 1e-8 * sizes}, xlabel="C", colours={"LU": nfp.COLOURS["model"]})
    labels = {text.get_text().split("\n")[0]: text.get_text() for text in ax.texts}
    assert labels["LU"].endswith(r"C$^{1.0}$") and "C$^{2." in labels["general"]
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert np.allclose(ax.lines[0].get_ydata(), runs[1])


def test_cost_curves_gap_and_bad_input():
    nfp.cost_curves([1, 2, 4], {"stopped early": [1e-3, 8e-3, math.nan], "never": [math.nan] * 3})
    with pytest.raises(ValueError, match="'short' should have one measurement for each of 3 sizes"):
        nfp.cost_curves([1, 2, 4], {"short": [1.0, 2.0]})


def test_learning_curve():
    steps = list(range(10, 201, 10))
    history = History([10 / s + 2 for s in range(1, 201)], steps, [10 / s + 2.1 for s in steps], 200, 2.15)
    ax = nfp.learning_curve(history, title="moons")
    assert ax.get_xlabel() == "step" and ax.get_ylim()[1] < 5  # the first fall does not squash the rest
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["training", "held out", "kept"]
    nfp.learning_curve(History())


def test_image_grid():
    for images in (torch.rand(7, 8, 8), torch.randint(17, (12, 1, 8, 6), dtype=torch.uint8)):
        nfp.image_grid(images, columns=5)
    with pytest.raises(ValueError, match="expected grey images"):
        nfp.image_grid(torch.rand(3, 3, 8, 8))


def test_side_by_side():
    figure, axes = nfp.side_by_side(5, titles=list("abcde"), columns=3, sharey=True)
    assert axes.shape == (5,) and len(figure.axes) == 5 and [ax.get_title() for ax in axes] == list("abcde")
    with pytest.raises(ValueError, match="expected 2 titles"):
        nfp.side_by_side(2, titles=["one"])


def test_style_uses_fonts_that_ship_with_matplotlib():
    from matplotlib import font_manager

    for family in mpl.rcParams["font.family"]:
        path = font_manager.findfont(family, fallback_to_default=False)
        assert path.startswith(mpl.get_data_path())
    assert mpl.rcParams["figure.facecolor"] == "white"
