"""On a phone: equations that fit, panels that are stacked. While reading: a bar, and ticks that stay on this machine."""

from __future__ import annotations

import pytest

from tests.book.pages import CHAPTERS, DESK, PHONE, SOLUTIONS

pytestmark = pytest.mark.browser

EQUATIONS = """() => [...document.querySelectorAll("mjx-container[display=true]")].filter((m) => m.offsetWidth).map((m) => ({
  tex: m.querySelector("mjx-assistive-mml")?.textContent.slice(0, 60), over: m.scrollWidth - m.clientWidth,
  outside: m.parentElement.scrollWidth - m.parentElement.clientWidth, lines: m.querySelectorAll(".nf-line").length,
  scale: parseFloat(m.style.fontSize) / parseFloat(m.dataset.nfSize ?? m.style.fontSize), tab: m.tabIndex }))"""


def too_wide(page) -> list[str]:
    """Equations that are cut or scroll, and those that have become too small to read."""
    found = page.evaluate(EQUATIONS)
    return [str(e) for e in found if e["over"] > 1 or e["outside"] > 1 or e["scale"] < 0.7 - 1e-6]


@pytest.mark.parametrize("name", [*CHAPTERS, *SOLUTIONS, "book/notation.html"])
def test_equations_fit_a_phone_and_are_whole_again_on_a_desk(visit, name):
    page = visit(name, viewport=PHONE).page
    page.wait_for_timeout(300)
    assert too_wide(page) == []
    broken = sum(e["lines"] for e in page.evaluate(EQUATIONS))
    page.set_viewport_size(DESK)
    page.wait_for_timeout(300)
    after = page.evaluate(EQUATIONS)
    assert sum(e["lines"] for e in after) < broken or broken == 0
    assert too_wide(page) == []


def test_an_equation_that_does_not_fit_would_be_seen(visit):
    tex = r"x = \boxed{a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t + u + v + w}"
    page = visit(
        "book/notation.html", f"<div class='math notranslate nohighlight'>\\[{tex}\\]</div>", viewport=PHONE
    ).page
    page.wait_for_timeout(500)
    assert len(too_wide(page)) == 1
    last = page.evaluate(EQUATIONS)[-1]
    assert last["scale"] == pytest.approx(0.7) and last["tab"] == 0, "it scrolls inside itself, also by keyboard"


@pytest.mark.parametrize("name", CHAPTERS)
def test_panels_side_by_side_are_stacked_on_a_phone(visit, name):
    page = visit(name, viewport=PHONE).page
    rows = page.locator("img[class*=nf-cuts-]:not(.nf-panel img)")
    assert rows.count() >= 1
    for row in rows.all():
        stack = row.locator("xpath=following-sibling::div[contains(@class, 'nf-stack')]")
        panels = stack.locator(".nf-panel").all()
        name_of_cuts = next(c for c in row.get_attribute("class").split() if c.startswith("nf-cuts-"))
        assert len(panels) == len(name_of_cuts.split("-")) - 1 and not row.is_visible()
        for panel in panels:
            box, image = panel.bounding_box(), panel.locator("img").bounding_box()
            assert box["width"] > 140 and box["x"] + box["width"] <= PHONE["width"]
            assert image["width"] > 1.2 * box["width"], "the panel is larger than in the row"
    page.set_viewport_size(DESK)
    assert rows.first.is_visible() and not page.locator(".nf-stack").first.is_visible()


def test_the_bar_follows_the_reader(visit):
    page = visit(CHAPTERS[0]).page
    length = "() => document.querySelector('.nf-progress').getBoundingClientRect().width / innerWidth"
    page.wait_for_timeout(100)
    assert page.evaluate(length) < 0.02
    page.evaluate("document.querySelector('article').scrollIntoView({ block: 'end' })")
    page.wait_for_timeout(300)
    assert page.evaluate(length) > 0.9


def test_a_chapter_read_to_its_end_is_ticked_and_can_be_forgotten(visit):
    page = visit(CHAPTERS[0]).page
    ticks = page.locator(".bd-sidebar-primary .nf-tick")
    assert ticks.count() == 0
    page.evaluate("scrollTo(0, 300)")
    page.wait_for_timeout(200)
    assert ticks.count() == 0, "not before the end"
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_function("document.querySelectorAll('.bd-sidebar-primary .nf-tick').length === 1")
    page.goto(page.url.replace(CHAPTERS[0], "book/intro.html"))
    assert page.locator(".nf-card .nf-tick").count() == ticks.count() == 1
    page.get_by_role("button", name="Forget it").click()
    assert page.locator(".nf-tick").count() == 0
    page.reload()
    assert page.locator(".nf-tick, .nf-forget").count() == 0


@pytest.mark.parametrize("stored", ["not json", "7", '{"a": 1}', '[1, null, "book/none"]'])
def test_whatever_lies_in_the_storage_breaks_nothing(visit, stored):
    seen = visit("book/intro.html")
    seen.page.evaluate("(text) => localStorage.setItem('nf-course-read', text)", stored)
    seen.page.reload()
    assert seen.page.locator(".nf-tick").count() == 0 and seen.faults == []


def test_blocked_storage_breaks_nothing(visit):
    seen = visit(CHAPTERS[0])
    seen.page.add_init_script(
        """for (const name of ["getItem", "setItem", "removeItem"]) {
             const there = Storage.prototype[name];
             Storage.prototype[name] = function (key, ...rest) {
               if (key === "nf-course-read") throw new DOMException("blocked", "SecurityError");
               return there.call(this, key, ...rest);
             };
           }"""
    )
    seen.page.reload()
    seen.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    seen.page.wait_for_function("document.querySelectorAll('.bd-sidebar-primary .nf-tick').length === 1")
    assert seen.faults == []
