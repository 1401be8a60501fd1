"""The pages of the built book, and one of them open in Chromium."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

from tools.browser import HTML, WIDGET

ROOT = Path(__file__).resolve().parents[2]
# (index.html only sends the reader on to the cover; test_links follows it)
PAGES = sorted(str(p.relative_to(HTML)) for p in HTML.rglob("*.html") if "_static" not in p.parts)
PAGES = [page for page in PAGES if page != "index.html"]
CHAPTERS = [page for page in PAGES if page.startswith("book/") and page[5:7].isdigit()]
SOLUTIONS = [page for page in PAGES if page.startswith("solutions/")]
FIGURES = ["book/intro.html", *CHAPTERS]  # pages with figures that move
SCHEMES = ("light", "dark")
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SHARED = "_static/"  # what all pages share, and a reader fetches once: theme, equations, widgets' loader

SET = 'm.querySelector("mjx-container")'
# The first screen: its equations are set, and its figures and those of the next screen can be moved. Further down a
# figure is drawn before the reader comes to it, and until then its place waits (whenNear in widgets/common.js).
INTERACTIVE = f"""() => document.readyState === "complete"
  && document.querySelectorAll("{WIDGET}").length <= document.querySelectorAll(".nf-widget, .nf-awaits").length
  && [...document.querySelectorAll(".nf-widget")].every((w) => w.querySelector("canvas, svg, img"))
  && [...document.querySelectorAll(".nf-awaits")].every((place) => place.getBoundingClientRect().top > 2 * innerHeight)
  && [...document.querySelectorAll(".math")].every((m) => {SET} || m.getBoundingClientRect().top > innerHeight)"""


@dataclass
class Visit:
    """A page as it was opened, what went wrong meanwhile, and what it cost."""

    page: Page
    faults: list[str] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)  # address within the book: bytes of its own, nothing shared
    seconds: float = 0.0  # of the page's own thread until the first screen is set and all figures near it can be moved


def show(page: Page, scheme: str, size: dict[str, int]) -> None:
    """The open page in another colour scheme and size, once it has settled."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function("(scheme) => document.documentElement.dataset.theme === scheme", arg=scheme)
    page.set_viewport_size(size)
    page.wait_for_timeout(60)
