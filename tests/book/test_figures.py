"""The figures that move, in Chromium: by keyboard and by mouse, in words, on a phone, and without any script."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from playwright.sync_api import Page

import nf_course.widgets
from tests.book.pages import FIGURES, PHONE, WIDGET
from tests.package.test_widgets import CASES

pytestmark = pytest.mark.browser

PICTURE = """(widget) => [...widget.querySelectorAll("canvas")].map((c) => c.toDataURL()).join()
  + [...widget.querySelectorAll("svg")].map((s) => s.outerHTML).join()"""
WORDS = "(widget) => [...widget.querySelectorAll('[role=img], img')].map((c) => c.ariaLabel || c.alt || '').join('|')"
UNNAMED = """(widget) => [...widget.querySelectorAll("input, select, canvas, svg, img")].some(
  (i) => !i.labels?.length && !i.ariaLabel && !i.alt && !i.hasAttribute("aria-labelledby") && !i.hasAttribute("aria-hidden"))"""
FOCUS = """(node) => { const style = getComputedStyle(node);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2; }"""


def settle(page: Page, widget, before: str) -> bool:
    """Whether the picture becomes another one, soon."""
    for _ in range(12):
        page.wait_for_timeout(50)
        if widget.evaluate(PICTURE) != before:
            return True
    return False


def complaints(page: Page, widget) -> list[str]:
    """What is wrong with a moving figure."""
    widget.scroll_into_view_if_needed()
    page.wait_for_timeout(700)  # it may be drawn only when it comes into view, coarse first
    before = widget.evaluate(PICTURE)
    if not before:
        return ["has no picture"]
    page.wait_for_timeout(300)
    if widget.evaluate(PICTURE) != before:
        return ["moves by itself, though the reader asked for less motion"]
    found = ["has something without a name"] if widget.evaluate(UNNAMED) else []

    sliders = widget.locator("input[type=range]").all()
    for slider in sliders:
        label = slider.evaluate("(input) => input.labels[0]?.textContent")
        before, words = widget.evaluate(PICTURE), widget.evaluate(WORDS)
        slider.focus()
        at_end = slider.evaluate("(input) => Number(input.value) === Number(input.max)")
        page.keyboard.press("Home" if at_end else "End")  # the way that leads away from where it stands
        if not slider.evaluate(FOCUS):
            found.append(f"does not show that the slider {label!r} has the focus")
        moved = settle(page, widget, before)
        if not moved:
            page.keyboard.press("Home")
            moved = settle(page, widget, before)
        if not moved:
            found.append(f"does not change on any key at the slider {label!r}")
        elif widget.evaluate(WORDS) == words:
            found.append(f"says the same in words, though the slider {label!r} has changed the picture")
    if not sliders:
        found.append("has no slider")
    for slider in sliders[:1]:
        slider.scroll_into_view_if_needed()
        box, before = slider.bounding_box(), widget.evaluate(PICTURE)
        for place in (0.25, 0.75):  # one of the two is not where it stands
            page.mouse.click(box["x"] + place * box["width"], box["y"] + box["height"] / 2)
            if settle(page, widget, before):
                break
        else:
            found.append("does not change when its slider is clicked")
    for canvas in widget.locator("canvas").all():
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*middle)
        if canvas.evaluate("(node) => getComputedStyle(node).cursor") in ("auto", "default"):
            continue  # nothing here asks to be dragged or clicked
        before = widget.evaluate(PICTURE)
        for dx, dy in ((0.2, 0.1), (-0.2, -0.1), (0.1, -0.2)):  # what is dragged may stand at an end already
            page.mouse.move(*middle)
            page.mouse.down()
            page.mouse.move(middle[0] + dx * box["width"], middle[1] + dy * box["height"], steps=4)
            page.mouse.up()
            if settle(page, widget, before):
                break
        else:
            found.append("has a hand over its picture, and does not change when that is dragged")
    return found


@pytest.mark.parametrize("size", [None, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("name", FIGURES)
def test_the_figures_move_by_keyboard_and_mouse(visit, name, size, record_property):
    seen = visit(name, **({"viewport": size} if size else {}))
    page = seen.page
    widgets = page.locator(".nf-widget").all()
    record_property("page", {"page": name, "figures": str(len(widgets))})
    assert widgets, "the cover and every chapter have a figure that moves"
    found = {f"figure {i}": complaints(page, widget) for i, widget in enumerate(widgets)}
    assert found == {figure: [] for figure in found} and seen.faults == []


DRAW = (
    "const c = this.closest('div').querySelector('canvas'); c.ariaLabel = this.value; "
    "c.width = 300; c.getContext('2d').fillRect(0, 0, 9, this.value)"
)
SLIDER = f"<label>a <input type='range' oninput=\"{DRAW}\"></label>"
CANVAS = "<canvas role='img' aria-label='a'></canvas>"
WIDGETS = {
    "nothing": f"{SLIDER}{CANVAS}",
    "has no picture": "<label>a <input type='range'></label>",
    "does not change on any key": f"<label>a <input type='range'></label>{CANVAS}",
    "without a name": f"<input type='range' oninput=\"{DRAW}\">{CANVAS}",
    "says the same": f"{SLIDER.replace('c.ariaLabel = this.value;', '')}{CANVAS}",
    "moves by itself": "<svg id='s'></svg><script>setInterval(() => s.setAttribute('x', Date.now()), 20)</script>",
    "has the focus": f"{SLIDER.replace('<input', '<input style=outline:none')}{CANVAS}",
    "is clicked": f"{SLIDER.replace('<input', '<input style=pointer-events:none')}{CANVAS}",
    "a hand over its picture": f"{SLIDER}{CANVAS.replace('<canvas', '<canvas style=cursor:grab')}",
    "no slider": CANVAS,
}


@pytest.mark.parametrize(("words", "inside"), WIDGETS.items(), ids=WIDGETS)
def test_a_figure_that_fails_would_be_seen(visit, words, inside):
    page = visit("book/notation.html", f"<div class='nf-widget'>{inside}</div>").page
    found = complaints(page, page.locator(".nf-widget"))
    assert any(words in text for text in found) if words != "nothing" else not found, found


@pytest.mark.parametrize("name", FIGURES)
def test_without_scripts_a_still_picture_stands_in(visit, name):
    page = visit(name, java_script_enabled=False).page
    stills = page.locator("noscript img")
    assert stills.count() == page.locator(WIDGET).count() >= 1
    for still in stills.all():
        assert len(still.get_attribute("alt")) > 40 and "object at 0x" not in still.get_attribute("alt")
        still.scroll_into_view_if_needed()
        assert still.bounding_box()["width"] > 250 and still.evaluate("(image) => image.naturalWidth") > 500


def test_where_a_figure_cannot_be_shown_its_still_picture_stands_in(visit):
    lost = '<script type=\'application/vnd.jupyter.widget-view+json\'>{"model_id": "lost"}</script>'
    still = "<noscript><img src='../_static/logo.svg' alt='what it would show' width='20'></noscript>"
    seen = visit("book/07_lu_determinants.html", f"<div>{lost}{still}</div>")
    image = seen.page.get_by_alt_text("what it would show")
    image.wait_for()
    assert image.evaluate("(image) => image.complete && image.naturalWidth > 0")
    assert any("figure not shown: expected the state of an anywidget" in fault for fault in seen.faults)
    seen.page.locator(".nf-widget").first.wait_for()  # the other figures are there


def test_the_cover_plays_once_or_rests_at_data(visit):
    layers = "input[type=range] >> nth=0"
    calm = visit("book/intro.html").page
    last = calm.locator(layers).get_attribute("max")
    assert calm.locator(layers).input_value() == last, "a reader who wants less motion sees what the film ends with"
    page = visit("book/intro.html", reduced_motion="no-preference").page
    page.wait_for_function(f"document.querySelector('input[type=range]').value === '{last}'", timeout=30_000)


def test_the_theme_bar_shows_with_the_focus_only(visit):
    page = visit("book/intro.html", viewport=PHONE).page
    clip = "getComputedStyle(document.querySelector('.skip-link')).clipPath"
    assert page.evaluate(clip) == "inset(50%)"
    page.keyboard.press("Tab")
    assert page.evaluate(clip) == "none"
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"


DETACHED = """async ([source, state, css]) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  for (const name of Object.keys(state)) if (state[name]?.base64 !== undefined) state[name] = bytes(state[name].base64);
  const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const el = document.createElement("div");
  const model = { get: (name) => state[name], set() {}, save_changes() {}, on() {}, off() {} };
  module.default.render({ model, el });
  dispatchEvent(new Event("beforeprint"));  // draws now what waits for its reader
  const unnamed = [...el.querySelectorAll("canvas")].filter((c) => !c.ariaLabel && !c.hasAttribute("aria-hidden")).length;
  const corners = [...el.querySelectorAll("canvas[role=img]")].map((c) => [...c.getContext("2d").getImageData(1, 1, 1, 1).data]);
  return { unnamed, corners };
}"""


@pytest.mark.parametrize("name", CASES)
def test_a_figure_drawn_before_it_is_on_the_page_has_its_colours_and_words(browser, name):
    figure = CASES[name].make()
    state = {
        trait: getattr(figure, trait)
        for trait in figure.keys
        if trait[0] != "_" and trait not in ("layout", "tabbable")
    }
    packed = {k: {"base64": base64.b64encode(v).decode()} if isinstance(v, bytes) else v for k, v in state.items()}
    page = browser.new_page()
    seen = page.evaluate(DETACHED, [str(figure._esm), packed, str(figure._css)])
    page.close()
    assert seen["unnamed"] == 0 and seen["corners"]
    assert all(min(corner[:3]) > 200 or corner[3] == 0 for corner in seen["corners"]), (
        "not on the paper of the light theme"
    )


WAITING = """([source, how]) => new Promise(async (done) => {
  document.body.innerHTML = "<div id='above'>above</div><div style='height: 6000px'></div><div id='below'></div>";
  window.requestIdleCallback = how === "idle" ? (f) => f() : () => {};
  const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const drawn = [], close = {};
  for (const id of ["above", "below"]) close[id] = module.draw(id, drawn);
  await new Promise((next) => setTimeout(next, 300));
  const first = [...drawn];
  if (how === "scroll") document.getElementById("below").scrollIntoView();
  if (how === "print") dispatchEvent(new Event("beforeprint"));
  if (how === "close") { close.below(); document.getElementById("below").scrollIntoView(); }
  await new Promise((next) => setTimeout(next, how === "idle" ? 2000 : 300));
  close.above();
  done([first, drawn, document.querySelectorAll(".nf-awaits").length]);
})"""
DRAW_NOTES = """
export const draw = (id, drawn) => whenNear(({ el }) => { drawn.push(el.id); return () => drawn.push("closed"); })(
  { el: document.getElementById(id) });
"""


@pytest.mark.parametrize(
    ("how", "last", "places"),
    [
        ("nothing", ["above", "closed"], 1),
        ("scroll", ["above", "below", "closed"], 0),
        ("print", ["above", "below", "closed"], 0),
        ("idle", ["above", "below", "closed"], 0),
        ("close", ["above", "closed"], 0),
    ],
)
def test_a_figure_waits_for_its_reader(browser, how, last, places):
    common = (Path(nf_course.widgets.__file__).parent / "common.js").read_text("utf-8")
    page = browser.new_page()
    first, drawn, left = page.evaluate(WAITING, [common + DRAW_NOTES, how])
    page.close()
    assert first == ["above"] and drawn == last and left == places
