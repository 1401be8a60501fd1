"""ImageSliders: the tile that its script shows is the picture that was given; sheets, labels, words, errors."""

import base64
import io
import itertools
import json

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

from nf_course.data import digits
from nf_course.widgets import _sprites
from nf_course.widgets.image_sliders import ImageSliders
from tests.package import javascript

NAMES = ("a", "b", "c", "d")


def noise(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def axes(*counts):
    return {name: list(range(n)) for name, n in zip(NAMES, counts)}


def smooth(states=6, side=40):
    """Pictures without sharp edges, in colour, as a photograph has them: (states, 3, side, side), 0 to 1."""
    y, x = np.mgrid[:side, :side] / side
    waves = [[np.sin(3 * x + k) * np.cos(2 * y - c + 0.3 * k) for c in range(3)] for k in range(states)]
    return torch.tensor(np.array(waves) * 0.4 + 0.5)


def evaluate(*expressions):
    return javascript.evaluate("image_sliders.js", f"[{', '.join(expressions)}]")


@pytest.mark.parametrize("counts", [(7,), (3, 5), (2, 3, 4), (2, 3, 2, 3)])
@pytest.mark.parametrize("samples", [None, 5])
@pytest.mark.parametrize("lossless", [True, False])
def test_the_tile_that_the_script_cuts_is_the_picture_given(counts, samples, lossless):
    pictures = noise(*counts, *([samples] if samples else []), 3, 1, 1).expand(
        *[-1] * (len(counts) + bool(samples) + 1), 6, 9
    )
    figure = ImageSliders.of(pictures, axes(*counts), lossless=lossless)
    sheet = np.asarray(Image.open(io.BytesIO(figure.sheet)).convert("RGB")).astype(int)
    places = list(itertools.product(*map(range, counts)))
    assert figure.samples == (samples or 1)
    corners = evaluate(
        f"...{json.dumps(places)}.map((place) => Array.from({{ length: {figure.samples} }}, (_, s) => "
        f"corner(tileOf(place, {list(counts)}, {figure.samples}, s), {figure.columns}, {figure.cell}, {figure.margin})))"
    )
    for place, found in zip(places, corners):
        given = pictures[place].numpy().reshape(figure.samples, 3, 6, 9)
        for (x, y), picture in zip(found, given):
            assert np.abs(sheet[y : y + 6, x : x + 9].transpose(2, 0, 1) - picture).max() <= (0 if lossless else 16), (
                place
            )
        assert np.abs(figure.shown(list(place)).astype(int) - given).max() <= (0 if lossless else 16)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_lossless_sheet_holds_exactly_the_given_numbers(channels):
    pictures = noise(4, channels, 8, 8)
    figure = ImageSliders.of(pictures, axes(4))
    assert figure.mime == "image/png" and figure.error == 0
    assert all(np.array_equal(figure.shown([i])[0], pictures[i].numpy()) for i in range(4))
    same = ImageSliders.of(pictures.double() / 255, axes(4))
    assert same.sheet == figure.sheet
    middle = ImageSliders.of(torch.full((1, 1, 2, 2), 0.4999), {"a": [0]})  # 127.47: rounded, not cut off
    assert (middle.shown() == 127).all()
    assert (ImageSliders.of(torch.full((1, 1, 2, 2), 0.4995 + 0.002), {"a": [0]}).shown() == 128).all()


@pytest.mark.parametrize("side", [40, 48])
def test_a_lossy_sheet_is_small_and_says_its_error(side):
    pictures = smooth(side=side)
    exact, lossy = (ImageSliders.of(pictures, axes(6), lossless=lossless) for lossless in (True, False))
    assert lossy.mime in ("image/webp", "image/jpeg") and len(lossy.sheet) < 0.5 * len(exact.sheet)
    assert Image.open(io.BytesIO(lossy.sheet)).format.lower() == lossy.mime.removeprefix("image/")
    off = np.array([lossy.shown([i])[0] - 255 * pictures[i].numpy().round(8) for i in range(6)])
    rounding = np.array([exact.shown([i])[0] - 255 * pictures[i].numpy() for i in range(6)])
    assert 0 < lossy.error <= 5.0
    assert np.sqrt((off**2).mean()) == pytest.approx(lossy.error, abs=0.01 + np.sqrt((rounding**2).mean()))


def test_nothing_bleeds_from_one_lossy_tile_into_the_next():
    pictures = torch.zeros(9, 1, 20, 20)
    pictures[::2] = 1
    figure = ImageSliders.of(pictures, axes(9), lossless=False)
    for i in range(9):
        assert np.abs(figure.shown([i]).astype(int) - 255 * pictures[i].numpy()).max() <= 8


def test_the_smaller_of_two_formats_is_taken(monkeypatch):
    encoded, sizes = _sprites._encoded, {}
    for kind in ("WEBP", "JPEG"):

        def other_one_is_huge(sheet, which, kind=kind, **options):
            return encoded(sheet, which, **options) + b"\0" * (100_000 if which != kind else 0)

        monkeypatch.setattr(_sprites, "_encoded", other_one_is_huge)
        figure = ImageSliders.of(smooth(), axes(6), lossless=False)
        assert figure.mime == f"image/{kind.lower()}" and figure.error <= 5.0
        sizes[kind] = len(figure.sheet)
    monkeypatch.undo()
    assert len(ImageSliders.of(smooth(), axes(6), lossless=False).sheet) == min(sizes.values())


def test_the_quality_is_the_lowest_that_keeps_the_error_small(monkeypatch):
    grain = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 1, 40, 40)))
    pictures = (0.8 * smooth() + 0.1 + 0.04 * grain).clamp(0, 1)  # a texture that a low quality loses
    figure = ImageSliders.of(pictures, axes(6), lossless=False)
    assert figure.error <= _sprites.ERROR
    below = []
    for quality in _sprites.QUALITIES:
        monkeypatch.setattr(_sprites, "QUALITIES", (quality,))
        one = ImageSliders.of(pictures, axes(6), lossless=False)
        below.append((len(one.sheet), one.error))
    good = [size for size, error in below if error <= _sprites.ERROR]
    assert below[0][1] > _sprites.ERROR and len(figure.sheet) == min(good)


def test_the_pad_has_the_first_axis_to_the_right_and_the_second_upwards():
    box, counts = [24, 4, 224, 204], [5, 4]
    got = evaluate(*(f"padPlace({x}, {y}, {box}, {counts})" for x, y in [(25, 203), (223, 203), (25, 5), (0, 900)]))
    assert got == [[0, 0], [4, 0], [0, 3], [0, 0]]
    places = [[i, j] for i in range(5) for j in range(4)]
    assert evaluate(*(f"padPlace(...padCentre({p}, {box}, {counts}), {box}, {counts})" for p in places)) == places


def test_pictures_fit_and_crisp_ones_have_whole_pixels():
    side = [f"sideFor({size}, {width}, {shape}, {crisp})" for size, width, shape, crisp in [
        (160, 600, [8, 8], "true"), (160, 100, [8, 8], "true"), (160, 100, [8, 8], "false"), (5, 600, [8, 8], "true"),
        (300, 100, [60, 20], "false"), (300, 100, [20, 60], "false"),
    ]]  # fmt: skip
    assert evaluate(*side) == [160, 96, 100, 5, 300, 100]
    columns = [f"columnsFor({n}, {width}, 64, 6, {across})" for n, width, across in [
        (12, 686, 0), (12, 300, 0), (3, 686, 0), (12, 20, 0), (12, 686, 3), (12, 140, 3), (11, 686, 0),
    ]]  # fmt: skip
    assert evaluate(*columns) == [6, 4, 3, 1, 3, 2, 6]


def test_words_follow_the_state():
    words = [[f"{a}{b}" for b in "xyz"] for a in "pq"]
    figure = ImageSliders.of(noise(2, 3, 4, 1, 8, 8), {"t": [0.25, -1], "label": list("xyz")}, words=words)
    for place in itertools.product(range(2), range(3)):
        figure.place = list(place)
        told = evaluate(f"inWords({figure.names}, {figure.labels}, {figure.place}, 4, {figure.words})")[0]
        start, end = told.split("4 pictures.")
        assert figure.describe().startswith(f"{start}4 pictures") and figure.describe().endswith(f".{end}")
        assert (
            end == f" {words[place[0]][place[1]]}"
            and start == f"t {['0.25', '−1.00'][place[0]]}, label {'xyz'[place[1]]}: "
        )


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ([0, 1, 10], ["0", "1", "10"]),
        (torch.linspace(-1, 1, 3), ["−1", "0", "1"]),
        (np.array([0.0, 0.35, 0.7]), ["0.00", "0.35", "0.70"]),
        ([1 / 3, -0.0001], ["0.333", "0.000"]),
        (("dark", 1), ["dark", "1"]),
    ],
)
def test_labels_as_text(given, written):
    assert ImageSliders.of(noise(len(given), 1, 4, 4), {"a": given}).labels == [written]


def test_small_pictures_are_crisp_and_grey_ones_ink():
    assert ImageSliders.of(noise(2, 1, 8, 8), axes(2)).crisp and not ImageSliders.of(noise(2, 1, 64, 64), axes(2)).crisp
    assert ImageSliders.of(noise(2, 1, 8, 8), axes(2)).ink and not ImageSliders.of(noise(2, 3, 8, 8), axes(2)).ink
    assert ImageSliders.of(noise(2, 1, 8, 8), axes(2), size=100).size == 96
    assert ImageSliders.of(noise(2, 1, 8, 8), axes(2), size=100, crisp=False).size == 100


def test_a_small_state():
    images = digits("train").images[: 7 * 12].reshape(7, 12, 1, 8, 8) / 16
    state = ImageSliders.of(images, {"temperature": [k / 5 for k in range(7)]}).get_state()
    assert len(state["sheet"]) < 6000
    assert len(state["_esm"]) + len(state["_css"]) + len(state["sheet"]) < 60_000


@pytest.mark.parametrize("counts", [(1,), (5,), (3, 4), (2, 2, 2)])
def test_a_still_picture(counts):
    figure = ImageSliders.of(noise(*counts, 7, 1, 8, 8), axes(*counts))
    data, _ = figure._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 300
    panels = figure.still().axes
    assert len(panels) == {(1,): 1, (5,): 3, (3, 4): 2, (2, 2, 2): 1}[counts]
    assert panels[-1].images[0].cmap.name == "gray_r"


def test_the_still_picture_is_the_state():
    pictures = noise(3, 4, 1, 8, 8)
    figure = ImageSliders.of(pictures, axes(3, 4), place=[2, 1])
    whole, one = (panel.images[0].get_array() for panel in figure.still().axes)
    assert np.array_equal(one, pictures[2, 1, 0])
    assert np.array_equal(whole[-16:-8, 16:], pictures[2, 1, 0]), "first axis to the right, second upwards"
    assert figure.still().axes[0].patches[0].get_xy() == (15.5, 15.5)


def test_the_state_is_heard_and_checked():
    figure, heard = ImageSliders.of(noise(2, 3, 1, 8, 8), axes(2, 3)), []
    assert figure.place == [1, 1]
    figure.observe(lambda change: heard.append(change["new"]), "place")
    figure.place = [0, 2]
    for wrong in ([0], [0, 3], [-1, 0], [0, 0, 0]):
        with pytest.raises(traitlets.TraitError, match="a 0 to 1, b 0 to 2"):
            figure.place = wrong
    assert heard == [[0, 2]] and figure.place == [0, 2]
    with pytest.raises(traitlets.TraitError, match="b 0 to 2"):
        ImageSliders.of(noise(2, 3, 1, 8, 8), axes(2, 3), place=[0, 7])


@pytest.mark.parametrize(
    ("pictures", "given", "message"),
    [
        (torch.rand(2, 8, 8), axes(2), "got shape"),
        (torch.rand(2, 2, 8, 8), axes(2), "C = 1 or 3"),
        (torch.rand(2, 1, 8, 8), axes(2, 2), "C = 1 or 3"),
        (torch.rand(2, 0, 1, 8, 8), axes(2), "got shape"),
        (torch.rand(2, 1, 8, 8), axes(3), "expected 2 labels for 'a'.* got 3"),
        (torch.rand(2, 3, 1, 8, 8), axes(2, 2), "expected 3 labels for 'b'.* got 2"),
        (torch.rand(2, 1, 8, 8), {}, "1 to 4 axes.* got 0"),
        (torch.rand(2, 2, 2, 2, 2, 1, 8, 8), {name: [0, 1] for name in "abcde"}, "1 to 4 axes.* got 5"),
        (torch.rand(2, 1, 8, 8), [[0, 1]], "dictionary"),
        (torch.rand(2, 1, 8, 8) + 1, axes(2), "from 0 to 1, got 1"),
        (torch.rand(2, 1, 8, 8) - 0.5, axes(2), "from 0 to 1, got -0"),
        (torch.tensor([[[[0.5, float("nan")]]]]), axes(1), "from 0 to 1, got nan"),
        (torch.ones(2, 1, 8, 8).long(), axes(2), "floats from 0 to 1 or of uint8"),
        (digits("test").images[:2], axes(2), "at most 16"),
        (noise(12, 3, 256, 256), axes(12), r"2\.4 MB.* at most 2 MB.*fewer samples.*lossless=False"),
        (torch.zeros(1, 1, 1, 1).expand(300, 1, 300, 300), axes(300), "fewer values on an axis"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_errors(pictures, given, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ImageSliders.of(pictures, given)


def test_other_errors():
    with pytest.raises(ValueError, match="6 words.* got 5"):
        ImageSliders.of(noise(2, 3, 1, 8, 8), axes(2, 3), words=list("abcde"))
    with pytest.raises(ValueError, match="a size in pixels from 1"):
        ImageSliders.of(noise(2, 1, 8, 8), axes(2), size=0)
