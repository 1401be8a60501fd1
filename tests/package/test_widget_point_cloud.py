"""PointCloud: what travels is what was given, and its script turns, projects, colours and moves it as numpy does."""

import base64
import io
import json
import math

import numpy as np
import pytest
import torch
import traitlets
from matplotlib.colors import to_rgb
from PIL import Image

from nf_course.plotting import VALUES
from nf_course.widgets._space import ground_of, rotation
from nf_course.widgets.point_cloud import PointCloud
from tests.package import javascript

VIEWS = [(0, 0), (-60, 20), (137, -35), (180, 89), (-90, -90)]


def cloud(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape) * [1.0, 0.5, 2.0] + [3.0, -1.0, 0.2])


def evaluate(expression, figure=None):
    """The value of an expression that uses the script's functions, and `get`, which reads the figure's state."""
    before = []
    if figure is not None:
        state = {k: v for k, v in figure.get_state().items() if k[0] != "_" and k != "layout"}
        data = {k: list(v) if isinstance(v, bytes) else v for k, v in state.items()}
        before = [
            f"const state = {json.dumps(data)};",
            "for (const k of ['points', 'values']) state[k] = new DataView(new Uint8Array(state[k]).buffer);",
            "const get = (k) => state[k], frames = unpack(get('points'), get('frames'), get('unit'));",
        ]
    return javascript.evaluate("point_cloud.js", expression, *before)


def rows(value):
    """Positions as JSON gives typed arrays, (..., N, 3)."""
    lists = [list(v.values()) if isinstance(v, dict) else v for v in value]
    return np.array(lists, dtype=float).reshape(len(lists), -1, 3)


def seen_from(points, azimuth, elevation, up):
    """Where straight lines from the eye, 4 away, through the points meet the plane through 0 across the view."""
    a, e = math.radians(azimuth), math.radians(elevation)
    level, across, upright = {"z": np.eye(3), "y": np.eye(3)[[2, 0, 1]]}[up]
    towards = math.cos(e) * (math.cos(a) * level + math.sin(a) * across) + math.sin(e) * upright
    right = math.cos(a) * across - math.sin(a) * level
    above = np.cross(towards, right)
    eye = 4 * towards
    t = 4 / (4 - points @ towards)
    met = eye + t[:, None] * (points - eye)
    assert np.allclose(met @ towards, 0)
    return np.column_stack([met @ right, met @ above, points @ towards])


@pytest.mark.parametrize("shape", [(50, 3), (3, 40, 3)])
def test_points_travel_with_an_error_of_half_a_unit(shape):
    given = cloud(*shape)
    figure = PointCloud.of(given)
    got = rows(evaluate("frames", figure)) + figure.centre
    want = given.numpy().reshape(-1, *shape[-2:])
    assert figure.unit < 2e-4 and np.abs(got - want).max() <= 0.501 * figure.unit
    assert np.abs(np.stack([figure.positions(k) for k in range(len(want))]) - want).max() <= 0.501 * figure.unit
    radius = np.linalg.norm(want - figure.centre, axis=-1).max()
    assert radius - 1e-9 <= figure.reach <= 1.5 * radius


@pytest.mark.parametrize("up", ["z", "y"])
@pytest.mark.parametrize("view", VIEWS)
def test_the_rotation_is_one(up, view):
    R = np.array(evaluate(f"rotation({view[0]}, {view[1]}, '{up}')"))
    assert np.allclose(R @ R.T, np.eye(3)) and np.linalg.det(R) == pytest.approx(1)
    assert np.allclose(R, rotation(*view, up))


def test_the_axes_are_where_the_docstring_says():
    right, above, towards = rotation(0, 0, "z")
    assert np.allclose([right, above, towards], [[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    right, above, towards = rotation(0, 0, "y")
    assert np.allclose([right, above, towards], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert np.allclose(rotation(17, 90, "y")[2], [0, 1, 0]), "elevation 90 looks down from above"


@pytest.mark.parametrize("up", ["z", "y"])
@pytest.mark.parametrize("view", VIEWS)
def test_points_land_where_lines_from_the_eye_meet_the_picture(up, view):
    figure = PointCloud.of(cloud(30, 3), up=up, azimuth=view[0], elevation=view[1])
    got = rows([evaluate(f"project(frames[0], rotation({view[0]}, {view[1]}, '{up}'), get('reach'))", figure)])[0]
    want = seen_from((figure.positions() - figure.centre) / figure.reach, *view, up)
    assert np.allclose(got, want, atol=1e-5)
    assert np.allclose(figure.project(figure.positions()), want, atol=1e-9)


def test_frames_slide_straight_and_keep_their_colours():
    given = cloud(3, 20, 3)
    figure = PointCloud.of(given, given[0, :, 0], names=["a", "b", "c"])
    got = rows(evaluate("[between(frames, 0), between(frames, 1.25), between(frames, 2)]", figure)) + figure.centre
    first, second, third = given.numpy()
    assert np.allclose(got, [first, 0.75 * second + 0.25 * third, third], atol=figure.unit)
    assert np.allclose(figure.positions(1.25), got[1], atol=1e-5)
    assert len(figure.values) == 20, "one colour for a point, whatever the frame"
    more = PointCloud.of(given[0], frames=given[1:])
    assert more.points == figure.points and more.names == ["1", "2", "3"]


def test_far_points_are_drawn_first():
    depth = np.random.default_rng(1).uniform(-1.6, 1.6, 300)
    seen = np.column_stack([depth * 0, depth * 0, depth]).ravel().tolist()
    order = list(evaluate(f"farFirst({seen}, new Uint32Array(300))").values())
    assert sorted(order) == list(range(300))
    assert np.diff(depth.clip(-1.5, 1.5)[order]).min() >= -3 / 256 - 1e-9
    near = evaluate("[-2, -0.8, 0, 0.8, 2].map(nearness)")
    assert near == pytest.approx([0, 0, 0.5, 1, 1])


def test_a_ball_is_round_and_stays_in_the_picture():
    def drawn(x, y):
        code = f"(() => {{ const p = new Uint32Array(240); stamp(p, 20, 12, {x}, {y}, disc(3.4), 7); return p; }})()"
        return np.array(list(evaluate(code).values())).reshape(12, 20) == 7

    y, x = np.mgrid[:12, :20]
    for at in ((9, 6), (0, 0), (19, 11), (1, 5), (18, 10)):
        assert np.array_equal(drawn(*at), (x - at[0]) ** 2 + (y - at[1]) ** 2 <= 3.4**2), at
    assert not drawn(-9, 5).any() and not drawn(28, 5).any() and not drawn(5, -9).any()


def test_numbers_become_the_colours_of_the_package():
    got = evaluate("Array.from({ length: 256 }, (_, v) => viridis(v / 255))")
    assert np.abs(np.array([to_rgb(c) for c in got]) - VALUES(np.arange(256))[:, :3]).max() < 6 / 255
    on_dark = evaluate("Array.from({ length: 256 }, (_, v) => viridis(v / 255, true))")
    light = np.array([to_rgb(c) for c in on_dark]) @ [0.2126, 0.7152, 0.0722]
    assert light.min() > 0.25 and np.diff(light).min() > -0.01, "no colour sinks into black paper"


def test_values_travel_in_256_steps():
    given = torch.linspace(-3, 5, 40).double() ** 3
    figure = PointCloud.of(cloud(40, 3), given, value_name="price")
    assert figure.paint == "values" and (figure.low, figure.high) == (-27, 125)
    back = figure.low + np.frombuffer(figure.values, np.uint8) / 255 * (figure.high - figure.low)
    assert np.abs(back - given.numpy()).max() <= 152 / 510 + 1e-9
    cut = PointCloud.of(cloud(40, 3), given, low=0, high=100)
    assert (cut.low, cut.high) == (0, 100) and cut.values[0] == 0 and cut.values[-1] == 255
    assert set(PointCloud.of(cloud(5, 3), torch.ones(5)).values) == {0}


def test_classes_and_rgb():
    kinds = torch.tensor([4, 7, 7, -1, 4])
    figure = PointCloud.of(cloud(5, 3), kinds)
    assert figure.paint == "classes" and list(figure.values) == [1, 2, 2, 0, 1] and figure.classes == ["-1", "4", "7"]
    named = PointCloud.of(cloud(5, 3), kinds, classes=["a", "b", "c"])
    assert named.classes == ["a", "b", "c"] and named.describe().endswith("Colours: a, b, c.")
    paint = np.random.default_rng(2).integers(0, 256, (5, 3), dtype=np.uint8)
    for values in (paint, torch.from_numpy(paint) / 255):
        figure = PointCloud.of(cloud(5, 3), values)
        assert figure.paint == "rgb" and np.array_equal(np.frombuffer(figure.values, np.uint8).reshape(5, 3), paint)
        assert np.allclose(figure._colours(), paint / 255)


@pytest.mark.parametrize("up", ["z", "y"])
@pytest.mark.parametrize("size", [0.03, 1.0, 700.0])
def test_the_ground_lies_under_the_points(up, size):
    figure = PointCloud.of(size * cloud(60, 3), up=up)
    got = evaluate(f"groundOf(frames, get('centre'), get('reach'), '{up}')", figure)
    positions = figure.positions()
    want = ground_of(positions.min(0), positions.max(0), up)
    for lines, mine in ((got["alongU"], want.along_u), (got["alongV"], want.along_v)):
        assert np.allclose(np.array(lines) + figure.centre, mine, atol=1e-5 * size)
        assert 3 <= len(mine) <= 11
    upright = "xyz".index(up)
    assert tuple(got["axes"]) == want.axes and want.axes[2] == upright
    assert np.allclose(want.along_u[..., upright], positions[:, upright].min())
    inner = want.along_u[1:-1, 0, want.axes[1]] / got["step"]
    assert np.allclose(inner, inner.round(), atol=1e-6), "lines at round numbers"
    spread = np.delete(np.stack([want.corners.min(0), want.corners.max(0)]), upright, axis=1)
    box = np.delete(np.stack([positions.min(0), positions.max(0)]), upright, axis=1)
    assert np.allclose(spread, box)


def test_words_follow_view_frame_and_colours():
    points = cloud(2, 9, 3)
    looks = {"values": points[0, :, 0], "classes": torch.arange(9) % 2, "none": None}
    for values in looks.values():
        figure = PointCloud.of(points, values, names=["data", "latent"], about="Diamonds.", value_name="price")
        for azimuth, elevation, frame in [(-60, 20, 0), (12.6, -0.2, 1), (180, 90, 0.25)]:
            figure.azimuth, figure.elevation, figure.frame = azimuth, elevation, frame
            told = evaluate(f"inWords(get, {frame}, {azimuth}, {elevation})", figure)
            assert told == figure.describe()
        assert "between “data” and “latent”" in told and "azimuth 180°, elevation 90°" in told
        assert told.startswith("Diamonds. 9 points")
    assert evaluate("[190, -181, 180, -180, 725].map(turned)") == [-170, 179, 180, -180, 5]


def test_the_state_is_heard_and_checked():
    figure, heard = PointCloud.of(cloud(2, 9, 3)), []
    figure.observe(lambda change: heard.append((change["name"], change["new"])), ["azimuth", "elevation", "frame"])
    figure.azimuth, figure.elevation, figure.frame = 10, -5, 0.5
    assert heard == [("azimuth", 10), ("elevation", -5), ("frame", 0.5)]
    for name, wrong, text in [("azimuth", 181, "-180 to 180"), ("elevation", -91, "-90 to 90"), ("frame", 1.5, "0 to 1"),
                              ("azimuth", math.nan, "-180 to 180")]:  # fmt: skip
        with pytest.raises(traitlets.TraitError, match=f"{name} from {text}, got"):
            setattr(figure, name, wrong)
    with pytest.raises(traitlets.TraitError, match="frame from 0 to 0"):
        PointCloud.of(cloud(9, 3), frame=1)
    assert (
        PointCloud.of(cloud(9, 3), up="y").azimuth == 30 and PointCloud.of(cloud(9, 3), up="y", azimuth=7).azimuth == 7
    )


def test_a_small_state():
    state = PointCloud.of(cloud(2048, 3), cloud(2048, 3)[:, 0]).get_state()
    assert len(state["points"]) + len(state["values"]) == 7 * 2048
    assert len(state["_esm"]) + len(state["_css"]) < 60_000


@pytest.mark.parametrize("paint", ["side", "values", "classes", "rgb"])
def test_a_still_picture(paint):
    points = cloud(2, 30, 3)
    values = {"side": None, "values": points[0, :, 0], "classes": torch.arange(30) % 8, "rgb": torch.rand(30, 3)}[paint]
    figure = PointCloud.of(points, values, names=["data", "latent"], frame=1, edges=[(0, 1)], labels=["p", "q", "r"])
    data, _ = figure._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 600
    ax = figure.still().axes[0]
    assert ax.get_title() == "latent" and {"p", "q", "r"} <= {text.get_text() for text in ax.texts}
    drawn = np.asarray(ax.collections[0].get_offsets())
    seen = figure.project(figure.positions())
    assert np.allclose(drawn, seen[seen[:, 2].argsort(), :2])
    assert (ax.get_legend() is not None) == (paint == "classes") and len(figure.still().axes) == 1 + (paint == "values")


@pytest.mark.parametrize(
    ("points", "more", "message"),
    [
        (cloud(3, 3)[:, :2], {}, r"\(N, 3\).* got \(3, 2\)"),
        (cloud(3), {}, r"got \(3,\)"),
        (cloud(0, 3), {}, r"got \(0, 3\)"),
        (cloud(0, 4, 3), {}, "no frame"),
        (cloud(3, 3) * math.nan, {}, "finite points"),
        (cloud(4, 3), {"frames": [cloud(5, 3)]}, r"same points, got \(4, 3\), \(5, 3\)"),
        (cloud(2, 4, 3), {"frames": [cloud(4, 3)]}, "got both"),
        (cloud(2, 4, 3), {"names": ["a"]}, "each of 2 frames, got 1"),
        (cloud(4, 3), {"values": torch.ones(5)}, r"\(4,\) or rgb \(4, 3\), got \(5,\)"),
        (cloud(4, 3), {"values": torch.tensor([0, 1, math.inf, 2])}, "finite values"),
        (cloud(4, 3), {"values": torch.full((4, 3), 1.5)}, "rgb from 0 to 1"),
        (cloud(40, 3), {"values": torch.arange(40)}, "at most 12.* got 40.*floats"),
        (cloud(4, 3), {"values": torch.arange(4), "classes": ["a"]}, "4 and 1 names"),
        (cloud(4, 3), {"values": torch.rand(4), "low": 2, "high": 1}, "low below high"),
        (cloud(4, 3), {"edges": [(0, 4)]}, "points 0 to 3"),
        (cloud(4, 3), {"reach": 0.0}, "reach above 0"),
        (cloud(10_001, 3), {}, "at most 10000 points, got 10001"),
        (cloud(60, 5000, 3), {}, "60 frames.*1.8 MB.*fewer frames"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_errors(points, more, message):
    with pytest.raises(ValueError, match=message):
        PointCloud.of(points, more.pop("values", None), **more)


def test_wrong_traits():
    for wrong in ({"up": "x"}, {"labels": ["a", "b"]}, {"side": "y"}):
        with pytest.raises(traitlets.TraitError):
            PointCloud.of(cloud(4, 3), **wrong)
