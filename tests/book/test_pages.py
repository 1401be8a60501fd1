"""Every page of the built book in headless Chromium with the network cut, wide and narrow, light and dark.

What `make book` cannot see: equations that stay TeX, widgets that do not load, scripts that throw, requests to
elsewhere, pictures without words, a page that scrolls sideways on a phone, a figure that the keyboard cannot move.
"""

from __future__ import annotations

import functools
import os
import shutil
import threading
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

pytestmark = pytest.mark.browser

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
# (index.html only sends the reader on to the cover; test_links follows it)
PAGES = sorted(str(p.relative_to(HTML)) for p in HTML.rglob("*.html") if "_static" not in p.parts)
PAGES = [page for page in PAGES if page != "index.html"]
CHAPTERS = [page for page in PAGES if page.startswith("book/") and page[5:7].isdigit()]
SOLUTIONS = [page for page in PAGES if page.startswith("solutions/")]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


@dataclass
class Visit:
    """A page as it was opened, and what went wrong meanwhile."""

    page: Page
    faults: list[str] = field(default_factory=list)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site():
    """The address of a server over the built book."""
    with ThreadingHTTPServer(("localhost", 0), functools.partial(Quiet, directory=str(HTML))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    """Chromium of the system; CHROMIUM names another."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    assert path, "no Chromium here: install it (apt-get install chromium), or name it in CHROMIUM"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, site):
    """Open a page and wait until equations and widgets are there."""
    context = browser.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")

    def open_page(name: str, inject: str = "") -> Visit:
        page = context.new_page()
        seen = Visit(page)

        def with_fault(route):
            text = (HTML / name).read_text(encoding="utf-8")
            route.fulfill(body=text.replace("</article>", f"{inject}</article>", 1), content_type="text/html")

        def elsewhere(route):
            seen.faults.append(f"asks for {route.request.url}")
            route.abort()

        def reply(response):
            if response.status >= 400:
                seen.faults.append(f"{response.status} for {response.url}")

        def message(entry):
            if entry.type == "error":
                seen.faults.append(f"console: {entry.text}")

        page.route(lambda url: not url.startswith((site, "data:", "blob:")), elsewhere)
        if inject:
            page.route(site + name, with_fault)
        page.on("console", message)
        page.on("pageerror", lambda error: seen.faults.append(f"script error: {error}"))
        page.on("requestfailed", lambda request: seen.faults.append(f"failed: {request.url}"))
        page.on("response", reply)
        page.goto(site + name, wait_until="load")
        page.evaluate("window.MathJax?.startup?.promise")
        if page.locator("script[type='application/vnd.jupyter.widget-view+json']").count():
            page.wait_for_function(
                """() => document.querySelectorAll("script[type='application/vnd.jupyter.widget-view+json']").length
                         <= document.querySelectorAll(".nf-widget").length""",
                timeout=15_000,
            )
            page.wait_for_load_state("networkidle")
        return seen

    yield open_page
    context.close()


def test_the_book_is_built():
    assert len(CHAPTERS) >= 4 and len(SOLUTIONS) >= 4, f"no book in {HTML}; run `make book` first"


RAW_TEX = r"""() => {
  const body = document.body.cloneNode(true);
  body.querySelectorAll("pre, code, script, style, mjx-container").forEach((node) => node.remove());
  return body.textContent.match(/.{0,30}(\\\(|\\\[|\$\$|\\(frac|begin|log|det|mathbb|partial|text)\b).{0,30}/g) ?? [];
}"""
NOT_TYPESET = "() => [...document.querySelectorAll('.math')].filter((m) => !m.querySelector('mjx-container')).length"
TEX_ERRORS = """() => [...document.querySelectorAll("mjx-merror, mjx-container [style*='color: red']")]
  .map((node) => node.closest("mjx-container").textContent)"""
NO_ALT = """() => [...document.images].filter((i) => !i.alt.trim() || /^[._/]*(build|images|static)/.test(i.alt))
  .map((i) => i.src)"""
WIDTHS = "() => [document.documentElement.scrollWidth, window.innerWidth]"
TOO_WIDE = """() => [...document.querySelectorAll("main *")]
  .filter((e) => e.getBoundingClientRect().right > window.innerWidth + 1).slice(0, 8)
  .map((e) => `${e.tagName}.${e.className}`.slice(0, 80))"""


def problems(seen: Visit) -> list[str]:
    """Everything that is wrong with an open page."""
    page = seen.page
    found = [f"TeX is shown as text: {text}" for text in page.evaluate(RAW_TEX)]
    if count := page.evaluate(NOT_TYPESET):
        found.append(f"{count} equations are not typeset")
    found += [f"equation with an error: {text}" for text in page.evaluate(TEX_ERRORS)]
    found += [f"image without an alternative text: {source}" for source in page.evaluate(NO_ALT)]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("(scheme) => document.documentElement.dataset.theme === scheme", arg=scheme)
        for size in (DESK, PHONE):
            page.set_viewport_size(size)
            page.wait_for_timeout(50)
            content, screen = page.evaluate(WIDTHS)
            if content > screen:
                found.append(f"scrolls sideways at {screen} px, {scheme}: {page.evaluate(TOO_WIDE)}")
    return found + seen.faults


@pytest.mark.parametrize("name", PAGES)
def test_page(visit, name):
    assert problems(visit(name)) == []


FAULTS = {
    "TeX is shown as text": r"<p>where \frac{a}{b} is small</p>",
    "not typeset": "<span class='math'>x</span>",
    "equation with an error": r"<p><span class='math notranslate nohighlight'>\(\frac{1}\)</span></p>",
    "with an error": r"<p><span class='math notranslate nohighlight'>\(\notamacro x\)</span></p>",
    "without an alternative text": "<img src='../_static/flow.png' width='10'>",
    "scrolls sideways at 390": "<div style='width: 700px'>wide</div>",
    "scrolls sideways at 1440": "<div style='width: 3000px'>wide</div>",
    "console: broken": "<script>console.error('broken')</script>",
    "script error": "<script>throw Error('broken')</script>",
    "asks for https://example.org": "<script src='https://example.org/a.js'></script>",
    "404 for": "<img src='../_static/lost.png' alt='lost'>",
}


@pytest.mark.parametrize(("words", "inject"), FAULTS.items(), ids=FAULTS)
def test_each_fault_would_be_seen(visit, words, inject):
    found = problems(visit("book/intro.html", inject))
    assert any(words in problem for problem in found), found


PICTURE = """(widget) => [...widget.querySelectorAll("canvas")].map((c) => c.toDataURL()).join()
  + [...widget.querySelectorAll("svg")].map((s) => s.outerHTML).join()"""
CONTROLS = "input, select, button, canvas[tabindex], svg[tabindex], [tabindex] canvas"
KEYS = {"number": "ArrowUp", "checkbox": "Space", "radio": "ArrowDown", "button": "Enter", "submit": "Enter"}
UNNAMED = """(widget) => [...widget.querySelectorAll("input, select")].some(
  (i) => !i.labels.length && !i.ariaLabel && !i.hasAttribute("aria-labelledby"))"""


def complaint(page: Page, widget) -> str | None:
    """What is wrong with a moving figure, if anything."""
    widget.scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # it may be drawn only when it comes into view
    before = widget.evaluate(PICTURE)
    if not before:
        return "has no picture"
    page.wait_for_timeout(200)
    if widget.evaluate(PICTURE) != before:
        return "moves by itself, though the reader asked for less motion"
    if widget.evaluate(UNNAMED):
        return "has controls without a label"
    for control in widget.locator(CONTROLS).all():
        kind = control.get_attribute("type") or control.evaluate("(node) => node.tagName.toLowerCase()")
        before = widget.evaluate(PICTURE)
        control.focus()
        page.keyboard.press(KEYS.get(kind, "ArrowRight"))
        page.wait_for_timeout(300)
        if widget.evaluate(PICTURE) != before:
            return None
    return "does not change on any key at any of its controls"


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_figures_move_by_keyboard(visit, name):
    page = visit(name).page
    widgets = page.locator(".nf-widget").all()
    assert widgets, "a chapter has a figure that moves"
    assert [complaint(page, widget) for widget in widgets] == [None] * len(widgets)


DRAW = "this.closest('div').querySelector('canvas').getContext('2d').fillRect(0, 0, 9, 9)"
WIDGETS = {
    None: f"<label>a <input type='range' oninput=\"{DRAW}\"></label><canvas></canvas>",
    "has no picture": "<label>a <input type='range'></label>",
    "does not change": "<label>a <input type='range'></label><canvas></canvas>",
    "without a label": f"<input type='range' oninput=\"{DRAW}\"><canvas></canvas>",
    "moves by itself": "<svg id='s'></svg><script>setInterval(() => s.setAttribute('x', Date.now()), 20)</script>",
}


@pytest.mark.parametrize(("words", "inside"), WIDGETS.items(), ids=map(str, WIDGETS))
def test_a_figure_that_does_not_move_would_be_seen(visit, words, inside):
    page = visit("book/intro.html", f"<div class='nf-widget'>{inside}</div>").page
    found = complaint(page, page.locator(".nf-widget"))
    assert found == words or (words and words in found)


@pytest.mark.parametrize("name", SOLUTIONS)
def test_model_answers_are_folded(visit, name):
    page = visit(name).page
    answers = page.locator(".cell.tag_hide-input details.hide")
    assert answers.count() >= 1, "no folded model answer"
    for answer in answers.all():
        assert answer.get_attribute("open") is None
