"""What holds for every moving figure: its script, its words and still picture, its state from Python and back."""

from __future__ import annotations

import base64
import io
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import traitlets
from PIL import Image

from nf_course import data, models, randomise, widgets
from nf_course.widgets.base import Figure
from tests.package.javascript import node

FOLDER = Path(widgets.__file__).parent
COMMON = (FOLDER / "common.js").read_text("utf-8")
CLASSES = {name: kind for name, kind in vars(widgets).items() if isinstance(kind, type) and issubclass(kind, Figure)}
SECONDS = {
    "slogdet": [2e-5, 3e-5, 1e-3],
    "sum": [3e-6] * 3,
    "multiply": [7e-6, 8e-6, 9e-5],
    "product": [5e-6, 8e-6, 8e-5],
}


def flow():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return randomise(models.realnvp(2, couplings=4, hidden=(16,)), seed=3, scale=0.25)


@dataclass
class Case:
    """How to make a figure, what a reader may do to it (trait: value), what nobody may (trait: values)."""

    make: object
    moves: dict
    wrong: dict


def curves():
    x, middles = torch.linspace(-4, 6, 120), torch.tensor([0.0, 1.0, 2.0])
    density = torch.distributions.Normal(middles[:, None], 1.0).log_prob(x).exp()
    groups = torch.arange(90) % 3
    noise = torch.randn(90, generator=torch.Generator().manual_seed(0))
    return density, x, ["low", "middle", "high"], middles[groups] + noise, groups


CASES = {
    "Stretch": Case(
        widgets.Stretch,
        {"heights": [-2.9, -0.3, 0.0, 0.3, 2.9], "handle": 4, "slab": 1.1, "width": 1.2, "decreasing": True},
        {
            "heights": [[0.0, 1.0], [-1.0, 0.0, 0.05, 1.0, 2.0], [-4.0, 0.0, 1.0, 2.0, 3.0], "steep"],
            "handle": [5, -1, 0.5],
            "slab": [3.0, float("nan"), "left"],
            "width": [0.0, 2.0],
            "decreasing": ["no"],
        },
    ),
    "MaskEditor": Case(
        widgets.MaskEditor,
        {"masks": [[True, False, False]] * 3, "applied": 3},
        {"masks": [[], [[True, True]], [[True, False], [True, False, True]], [[2, 0]]], "applied": [9, -1, "all"]},
    ),
    "DeterminantLab": Case(
        widgets.DeterminantLab,
        {"lower": -1.0, "upper": 0.1, "log_abs_s": [0.1, 0.9], "sign_s": [-1.0, 1.0], "swap": True, "step": 3},
        {
            "lower": [2.5, "1"],
            "upper": [-9.0, float("inf")],
            "log_abs_s": [[0.1], [0.1, 0.2, 0.3], [5.0, 0.0]],
            "sign_s": [[1.0, 0.0], [0.5, 1.0]],
            "swap": ["rows"],
            "step": [4, -1],
        },
    ),
    "DeterminantCost": Case(
        lambda: widgets.DeterminantCost(sizes=[4, 16, 256], **SECONDS),
        {"C": 100, "positions": 5000},
        {"C": [3, 257, 4.5], "positions": [0, 2**21], "sum": [[1e-6], [1e-6, 0.0, 1e-6]], "sizes": [[4, 4, 8], [4]]},
    ),
    "FlowFrames": Case(
        lambda: widgets.FlowFrames.of(flow(), data.moons(360), data.moons_labels(360)),
        {"place": 3, "marked": 60, "way": "encode"},
        {"place": [5, -1, 0.5], "marked": [144, -1], "way": ["sideways"]},
    ),
    "FlowExplorer": Case(
        lambda: widgets.FlowExplorer.of(flow(), data.moons(200), data.moons_labels(200)),
        {"layer": 2, "z": [0.5, -0.5]},
        {"layer": [5, -1], "z": [[0.0], [99.0, 0.0]]},
    ),
    "ConditionalDensity": Case(
        lambda: widgets.ConditionalDensity.of(*curves(), axis="size", context="class"),
        {"place": 2},
        {"place": [3, -1, 0.5, "high"]},
    ),
    "ImageSliders": Case(
        lambda: widgets.ImageSliders.of(
            torch.rand(3, 4, 2, 1, 8, 8), {"temperature": [0, 0.5, 1], "digit": list("1234")}
        ),
        {"place": [0, 3]},
        {"place": [[3, 0], [0], [0, -1]]},
    ),
    "PointCloud": Case(
        lambda: widgets.PointCloud.of(torch.randn(2, 200, 3), torch.rand(200), names=["noise", "data"]),
        {"azimuth": 10.0, "elevation": -30.0, "frame": 1.0},
        {"azimuth": [999.0, "north"], "elevation": [100.0], "frame": [2.0, -1.0]},
    ),
}


def test_every_exported_figure_is_in_the_table():
    assert set(CASES) == set(CLASSES) & set(widgets.__all__) == set(CLASSES)


@pytest.fixture(scope="module", params=CASES)
def name(request):
    return request.param


@pytest.fixture
def figure(name):
    return CASES[name].make()


def script(name: str) -> str:
    return "".join((FOLDER / script).read_text("utf-8") for script in CLASSES[name].scripts)


def test_the_script_is_small(name):
    assert len((COMMON + script(name)).encode()) <= 60_000


def parses(source: str, folder: Path) -> bool:
    """Whether a browser takes it as one module: a name may be given once."""
    path = folder / "widget.mjs"
    path.write_text(source, "utf-8")
    return subprocess.run([node(), "--check", str(path)], capture_output=True, timeout=60).returncode == 0


def test_the_script_and_the_common_part_are_one_module(name, tmp_path):
    assert parses(COMMON + script(name), tmp_path)
    assert str(CLASSES[name]._esm) == COMMON + script(name)
    assert re.search(r"^export default \{ render: whenNear\(render\) \};$", script(name), re.MULTILINE)


def test_a_name_given_twice_would_be_seen(name, tmp_path):
    assert not parses(COMMON + script(name) + "\nfunction slider() {}\n", tmp_path)
    assert not parses(COMMON + script(name) + "\nconst num = 1;\n", tmp_path)


FORBIDDEN = r"https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\bfetch\(|XMLHttp|\bimport\b"


@pytest.mark.parametrize("line", ["el.innerHTML = text;", 'fetch("x")', "import x from 'y'", "const u = 'https://a.b'"])
def test_forbidden_lines_would_be_seen(line):
    assert re.search(FORBIDDEN, line)


def test_the_script_asks_for_nothing_and_writes_no_markup(name):
    code = re.sub(r"//[^/\n][^\n]*$", "", COMMON + script(name), flags=re.MULTILINE)  # comments may say what they like
    assert re.findall(FORBIDDEN, code) == []


def test_the_caption_says_what_to_try(figure):
    assert len(figure.caption) > 40 and figure.caption.rstrip().endswith((".", "?", "!"))


def test_a_notebook_gets_the_figure_a_still_picture_and_words(figure):
    bundle, _ = figure._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == figure.model_id
    png = base64.b64decode(bundle["image/png"])
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG" and picture.width >= 500 and len(png) < 150_000
    assert picture.convert("L").getextrema()[0] < 128  # something is drawn
    assert len(bundle["text/plain"]) > 40 and bundle["text/plain"] == figure.describe()


def test_each_move_is_heard_put_into_words_and_drawn(name, figure):
    still = figure._png()
    for trait, value in CASES[name].moves.items():
        assert figure.trait_metadata(trait, "sync"), trait
        heard, before = [], figure.describe()
        figure.observe(heard.append, trait)
        setattr(figure, trait, value)
        assert [change.new for change in heard] == [value], trait
        assert figure.describe() != before, trait
        assert figure.get_state(trait)[trait] == value
    assert figure._png() != still


def test_the_script_shares_each_trait_that_a_reader_moves(name):
    assert re.search(r"\bshared\(model\b", script(name))
    for trait in CASES[name].moves:
        assert re.search(rf"[\"']{trait}[\"']", script(name)), trait


def test_what_cannot_be_is_refused_and_changes_nothing(name, figure):
    for trait, values in CASES[name].wrong.items():
        for value in values:
            before = getattr(figure, trait)
            with pytest.raises(traitlets.TraitError, match="expected"):
                setattr(figure, trait, value)
            assert getattr(figure, trait) == before, (trait, value)


def test_two_figures_share_no_state(name):
    one, two = CASES[name].make(), CASES[name].make()
    for trait, value in CASES[name].moves.items():
        setattr(one, trait, value)
        assert getattr(two, trait) != value, trait
