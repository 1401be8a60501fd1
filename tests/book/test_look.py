"""The house around the chapters, without a browser: cards, links under a title, light pictures, colours."""

from __future__ import annotations

import io
import itertools
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import nf_cards
import nf_links
import nf_pictures
import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image
from sphinx.errors import ConfigError

from nf_course.data import mnist5k
from nf_course.plotting import COLOURS, image_grid, side_by_side, style
from nf_course.plotting.palette import contrast
from tests.package.test_plotting import VISION, delta_e, lab

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
CHAPTERS = sorted(path.stem for path in (ROOT / "book").glob("[0-9]*.ipynb"))
EXERCISES = sorted(path.stem for path in (ROOT / "exercises").glob("*.ipynb"))


def page(name: str) -> BeautifulSoup:
    return BeautifulSoup((HTML / f"{name}.html").read_text("utf-8"), "html.parser")


# ---- cards


OPENING = (
    "# A title\n\n{}\n\n(sec-x)=\n## Section\n\nReading takes 99 minutes, running 99 seconds. You need [x](99_x.ipynb)."
)


@pytest.mark.parametrize(
    ("words", "minutes", "run"),
    [
        ("*15 minutes to read, about half a minute to run on two CPU cores.*", 15, "about 30 s to run"),
        ("Reading takes 45 minutes, running less than one.", 45, "under 60 s to run"),
        ("Reading takes about an\nhour; the page runs in about half a minute.", 60, "about 30 s to run"),
        (
            "Reading takes about 50 minutes,\nrunning everything less than a minute on two CPU cores.",
            50,
            "under 60 s to run",
        ),
        ("Reading takes 20 minutes; the page runs in 12 seconds.", 20, "about 12 s to run"),
    ],
)
def test_the_facts_of_an_opening(words, minutes, run):
    facts = nf_cards.facts("04_x", OPENING.format(words))
    assert (facts.number, facts.title, facts.minutes, facts.run, facts.needs) == (4, "A title", minutes, run, ())


def test_what_a_chapter_needs_is_what_its_opening_links():
    words = "Reading takes 5 minutes; it runs in 1 seconds. See [a](00_a.ipynb).\n\nYou need [b](01_b.ipynb) and [c](03_c.ipynb#s)."
    assert nf_cards.facts("04_x", OPENING.format(words)).needs == ("01_b", "03_c")


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ("The page runs in 12 seconds.", "minutes to read"),
        ("Reading takes 20 minutes.", "seconds to run"),
    ],
)
def test_an_opening_that_hides_a_fact_is_named(words, missing):
    with pytest.raises(ValueError, match=f"04_x.*{missing}"):
        nf_cards.facts("04_x", OPENING.format(words))


@pytest.mark.parametrize("stem", CHAPTERS)
def test_a_card_says_what_its_chapter_says(stem):
    facts = nf_cards.read(stem)
    cards = page("book/intro").select(".nf-card")
    card = next(c for c in cards if c.select_one(".nf-card-title a")["href"] == f"{stem}.html")
    assert card.select_one(".nf-card-title").get_text() == f"{facts.number} {facts.title}"
    assert card.select_one(".nf-facts").get_text() == f"{facts.minutes} min to read · {facts.run}"
    assert [link["href"] for link in card.select(".nf-needs a")] == [f"{need}.html" for need in facts.needs]
    assert all(need < stem for need in facts.needs), "a chapter needs an earlier one only"
    assert card.select_one("svg") is not None, f"draw book/_static/glyphs/{stem[:2]}.svg"
    rest = page(f"book/{stem}").select_one("article").get_text()
    assert facts.title in rest
    assert f"](book/{stem}.ipynb)" in (ROOT / "README.md").read_text()


def test_the_readme_gives_the_same_minutes():
    rows = re.findall(
        r"^\| (\d+) \| \[(.+?)\]\(book/(\w+)\.ipynb\) \|.*\| (\d+) \|$", (ROOT / "README.md").read_text(), re.M
    )
    facts = [nf_cards.read(stem) for stem in CHAPTERS]
    assert rows == [(str(f.number), f.title, f.stem, str(f.minutes)) for f in facts]


@pytest.mark.parametrize("path", sorted(nf_cards.GLYPHS.glob("*.svg")), ids=lambda path: path.stem)
def test_a_glyph_takes_its_colours_from_the_theme(path):
    text = path.read_text("utf-8")
    used = set(re.findall(r'(?:stroke|fill)="([^"]+)"', text)) - {"none"}
    assert used and all(re.fullmatch(r"var\(--nf-\w+\)", colour) for colour in used), used
    assert "viewBox" in text and "<script" not in text and "href" not in text and len(text) < 6000


# ---- the line under a title


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, None),
        ({"NF_COURSE_REPOSITORY": ""}, None),
        ({"NF_COURSE_REPOSITORY": "owner/name"}, ("owner/name", "main")),
        ({"NF_COURSE_REPOSITORY": "https://github.com/owner/na.me_1/"}, ("owner/na.me_1", "main")),
        (
            {"NF_COURSE_REPOSITORY": "https://github.com/owner/name.git", "NF_COURSE_BRANCH": "a/b-1"},
            ("owner/name", "a/b-1"),
        ),
    ],
)
def test_the_address_of_the_repository(environ, found):
    assert nf_links.repository(environ) == found


@pytest.mark.parametrize(
    "address",
    [
        "name",
        "a/b/c",
        "owner/",
        "/name",
        "owner/..",
        "-x/name",
        "https://example.org/owner/name",
        "http://github.com/o/n",
        "o/n?x",
        "o/n\n",
        " o/n",
        "o/<b>",
    ],
)
def test_a_malformed_address_is_refused(address):
    with pytest.raises(ConfigError, match="NF_COURSE_REPOSITORY: expected owner/name"):
        nf_links.repository({"NF_COURSE_REPOSITORY": address})


@pytest.mark.parametrize("branch", ["a b", "../x", "/x", "x/", "x.", "a//b", "<b>", "x#y"])
def test_a_malformed_branch_is_refused(branch):
    with pytest.raises(ConfigError, match="NF_COURSE_BRANCH"):
        nf_links.repository({"NF_COURSE_REPOSITORY": "owner/name", "NF_COURSE_BRANCH": branch})


def test_a_branch_without_a_repository_is_refused():
    with pytest.raises(ConfigError, match="NF_COURSE_REPOSITORY"):
        nf_links.repository({"NF_COURSE_BRANCH": "main"})


def test_colab_is_offered_where_the_address_is_known_and_only_there():
    without = BeautifulSoup(nf_links.tools("book/03_coupling_layers", None), "html.parser")
    assert [a["href"] for a in without.select("a")] == ["../_sources/book/03_coupling_layers.ipynb"]
    both = BeautifulSoup(nf_links.tools("solutions/03_coupling_layers", ("owner/name", "dev")), "html.parser")
    download, colab = both.select("a")
    assert download["href"] == "../exercises/03_coupling_layers.ipynb" and download.has_attr("download")
    assert colab["href"] == (
        "https://colab.research.google.com/github/owner/name/blob/dev/exercises/03_coupling_layers.ipynb"
    )
    assert both.select_one("code").get_text() == "%pip install -q git+https://github.com/owner/name@dev"
    for name in ("book/intro", "book/notation", "book/api", "genindex", "search"):
        assert nf_links.tools(name, ("owner/name", "main")) == ""


@pytest.mark.parametrize("name", [f"book/{stem}" for stem in CHAPTERS] + [f"solutions/{stem}" for stem in EXERCISES])
def test_a_built_page_gives_its_notebook_away(name):
    known = nf_links.repository()
    heading = page(name).select_one("article h1")
    links = heading.find_next_sibling("p", class_="nf-tools").select("a")
    given = json.loads((HTML / name).parent.joinpath(links[0]["href"]).resolve().read_text("utf-8"))
    source = nf_links.notebook(name)[0]
    assert given == json.loads((ROOT / source).read_text("utf-8"))
    assert len(links) == (2 if known else 1)
    assert ("colab" in str(page(name).select_one(".nf-tools")).lower()) == bool(known)


# ---- pictures


def picture(figure) -> Image.Image:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=200)
    plt.close(figure)
    return Image.open(out)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_a_row_of_panels_is_cut_between_the_panels(n):
    with plt.rc_context():
        style()
        figure, axes = side_by_side(n, ["a title"] * n, columns=5)
        for ax in axes:
            ax.plot([0, 1, 2], [1e3, 2e3, 1.5e3])
            ax.set(xlabel="$x_1$", ylabel="$x_2$")
        drawn = picture(figure)
        boxes = [ax.get_position() for ax in axes]
    cuts = nf_pictures.cuts(drawn)
    assert len(cuts) == n - 1
    # `bbox_inches="tight"` trims the margins, so places are compared with the order of things only
    middles = [(box.x0 + box.x1) / 2 for box in boxes]
    edges = [0.0, *cuts, 1.0]
    assert all(edges[k] < middles[k] < edges[k + 1] for k in range(n)), (edges, middles)


def sheets(n, columns, rows, gap=0.0) -> Image.Image:
    """Digits in n sheets beside each other."""
    with plt.rc_context():
        style()
        figure, axes = side_by_side(n, ["a title"] * n, size=(2.6, 0.7 * rows))
        figure.get_layout_engine().set(wspace=gap)
        for ax in axes:
            image_grid(mnist5k("test").images[: columns * rows], columns=columns, ax=ax, high=255)
        return picture(figure)


@pytest.mark.parametrize(("n", "columns", "rows"), [(3, 4, 4), (2, 8, 2)])
def test_sheets_of_images_are_cut_between_the_sheets(n, columns, rows):
    assert nf_pictures.cuts(sheets(n, columns, rows)) == pytest.approx([k / n for k in range(1, n)], abs=0.03)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_where_the_gaps_do_not_tell_the_number_of_panels_is_given(n):
    assert nf_pictures.cuts(sheets(n, 4, 1), n) == pytest.approx([k / n for k in range(1, n)], abs=0.03)


def test_the_label_of_an_axis_stays_with_its_panel():
    with plt.rc_context():
        style()
        plt.rcParams["savefig.bbox"] = "standard"  # places in the picture are those in the figure
        figure, (left, right) = side_by_side(2, size=(4.2, 3.0))
        for ax in (left, right):
            ax.plot([0, 1, 2], [1e3, 2e3, 1.5e3])
            ax.set_ylabel("a long name, upright", labelpad=12)
        drawn = picture(figure)
        label, end = right.yaxis.label.get_window_extent(), left.get_window_extent().x1
        width = figure.get_window_extent().width
    (cut,) = nf_pictures.cuts(drawn)
    assert end / width < cut < label.x0 / width


def test_what_is_one_piece_is_not_cut():
    with plt.rc_context():
        style()
        figure, (ax,) = side_by_side(1, size=(8, 3))
        ax.plot([0, 1])
        assert nf_pictures.cuts(picture(figure)) == []
        figure, axes = side_by_side(3)  # a colour bar under all three, an arrow across them: no gap goes through
        figure.colorbar(axes[0].imshow([[0, 1]]), ax=list(axes), orientation="horizontal")
        assert nf_pictures.cuts(picture(figure)) == []
        figure, axes = side_by_side(2, size=(2, 4))
        assert nf_pictures.cuts(picture(figure)) == []  # narrow enough as it is
    tiles = np.full((60, 600), 255, dtype=np.uint8)
    for k in range(10):
        tiles[:, 60 * k + 6 : 60 * k + 54] = 0
    assert nf_pictures.cuts(Image.fromarray(tiles)) == []  # a grid of small images


def test_a_picture_gets_lighter_and_looks_the_same(tmp_path):
    path = tmp_path / "figure.png"
    with plt.rc_context():
        style()
        figure, axes = side_by_side(3)
        line = np.linspace(-3, 3, 200)
        axes[0].contourf(line, line, np.exp(-(line[:, None] ** 2) - line**2), 60, cmap="Blues")
        points = np.random.default_rng(0).normal(size=(2, 3000))
        axes[1].scatter(*points, c=points[0], s=4)
        axes[2].plot(line, line**2, color=COLOURS["z"])
        picture(figure).save(path)
    before, true = path.stat().st_size, np.asarray(Image.open(path).convert("RGB"), dtype=int)
    saved = nf_pictures.lighten(path)
    shown = np.asarray(Image.open(path).convert("RGB"), dtype=int)
    assert saved == before - path.stat().st_size > 0.4 * before
    assert abs(shown - true).max() <= nf_pictures.FARTHEST and abs(shown - true).mean() < 1
    assert (shown[(true == 255).all(2)] == 255).all(), "paper stays paper"
    assert nf_pictures.lighten(path) == 0, "once is enough"


def test_a_picture_that_would_suffer_is_left_alone(tmp_path):
    path = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)).save(path)
    before = path.read_bytes()
    assert nf_pictures.lighten(path) == 0 and path.read_bytes() == before


# ---- colours


CSS = (ROOT / "nf_course" / "widgets" / "common.css").read_text("utf-8")
THEMES = {
    theme: dict(re.findall(r"--nf-(\w+): (#\w{6})", block))
    for theme, block in zip(("light", "dark"), re.findall(r"\{([^}]*--nf-paper[^}]*)\}", CSS))
}
TEXT = ["x", "z", "model", "wrong", "moved", "ink"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figures_colours_can_be_read_and_told_apart(theme):
    colours = THEMES[theme]
    for name in [*TEXT, "muted"]:
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    for vision in VISION:
        apart = {
            (one, other): delta_e(lab(colours[one], vision), lab(colours[other], vision))
            for one, other in itertools.combinations(TEXT, 2)
        }
        assert min(apart.values()) >= 12, (vision, min(apart.items(), key=lambda item: item[1]))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_have_the_figures_colours(theme):
    css = (ROOT / "book" / "_static" / "nf.css").read_text("utf-8")
    block = re.search(rf'html\[data-theme="{theme}"\] \{{([^}}]*)\}}', css)[1]
    page_colours = dict(re.findall(r"--nf-(\w+): (#\w{6})", block))
    assert page_colours and page_colours.items() <= THEMES[theme].items()


def test_pictures_and_figures_agree_on_blue_and_orange():
    assert THEMES["light"]["x"] == COLOURS["x"]
    for name in ("z", "model", "wrong", "moved"):
        assert delta_e(lab(THEMES["light"][name], "ordinary"), lab(COLOURS[name], "ordinary")) < 22, name
