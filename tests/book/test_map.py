"""The map of the course on the cover: see book/_ext/nf_map.py."""

from __future__ import annotations

import itertools
from pathlib import Path

import nf_map
import pytest
from bs4 import BeautifulSoup

from tests.book.pages import DESK, PHONE, SCHEMES, show

HTML = Path(__file__).resolve().parents[2] / "_build" / "html" / "book"
FACTS = nf_map.chapters()
NEEDS = {stem: fact.needs for stem, fact in FACTS.items()}


def test_no_chapter_needs_itself_and_each_stands_below_what_it_needs():
    rows = nf_map.rows(NEEDS)
    assert rows.keys() == NEEDS.keys()
    assert all(rows[need] < rows[stem] for stem in NEEDS for need in NEEDS[stem])
    assert [stem for stem in NEEDS if rows[stem] == 0] == ["00_start_here"], "the course begins in one place"


@pytest.mark.parametrize("needs", [{"a": ("b",), "b": ("a",)}, {"a": ("a",)}, {"a": (), "b": ("gone",)}])
def test_a_cycle_or_a_chapter_that_is_not_there_would_be_seen(needs):
    with pytest.raises(ValueError, match="needs itself, or one that is not there"):
        nf_map.rows(needs)


def test_the_lines_say_what_the_chapters_say_and_nothing_twice():
    drawn = {stem: tuple(need for need, to in nf_map.lines(NEEDS) if to == stem) for stem in NEEDS}
    assert all(nf_map.before(drawn, stem) == nf_map.before(NEEDS, stem) for stem in NEEDS)
    assert nf_map.lines({"a": (), "b": ("a",), "c": ("a", "b")}) == [("a", "b"), ("b", "c")]


def test_no_two_boxes_overlap_and_no_line_passes_through_one():
    boxes, ways, width = nf_map.layout(NEEDS)
    for (x, y), (u, v) in itertools.combinations(boxes.values(), 2):
        assert abs(x - u) >= nf_map.WIDTH or abs(y - v) >= nf_map.HEIGHT
    assert all(nf_map.WIDTH / 2 <= x <= width - nf_map.WIDTH / 2 for x, _ in boxes.values())
    for x, y in (stop for way in ways for stop in way[1:-1]):
        assert all(v != y or abs(x - u) > nf_map.WIDTH / 2 for u, v in boxes.values())


def test_every_chapter_is_a_link_of_the_cover_that_says_where_it_leads():
    (drawing,) = BeautifulSoup((HTML / "intro.html").read_text("utf-8"), "html.parser").select(".nf-map svg")
    assert drawing["aria-label"] == nf_map.WORDS
    links = {link["href"].removesuffix(".html"): link for link in drawing.select("a")}
    assert sorted(links) == sorted(FACTS) and all((HTML / f"{stem}.html").exists() for stem in links)
    for stem, link in links.items():
        shown = " ".join(line.get_text() for line in link.select("text"))
        assert shown == f"{FACTS[stem].number} {FACTS[stem].title}" and link["aria-label"].startswith(shown)
        after = [str(FACTS[need].number) for need in NEEDS[stem]]
        assert link["aria-label"] == shown + (f", after {', '.join(after)}" if after else "")


@pytest.mark.browser
def test_the_map_is_seen_scrolled_and_walked_through_by_keyboard(visit):
    page = visit("book/intro.html").page
    frame, first = page.locator(".nf-map"), page.locator(".nf-map a").first
    for scheme in SCHEMES:
        show(page, scheme, DESK)
        parts = page.locator(".nf-map rect").first, page.locator(".nf-map text").first
        paper, ink = (part.evaluate("e => getComputedStyle(e).fill") for part in parts)
        assert paper != ink and "rgb" in paper and "rgb" in ink
    assert frame.evaluate("e => e.scrollWidth - e.clientWidth") <= 1, "on a desk all of it is there"
    outside = """() => [...document.querySelectorAll(".nf-map a")].filter((a) => {
      const box = a.querySelector("rect").getBoundingClientRect();
      return [...a.querySelectorAll("text")].some((t) => t.getBoundingClientRect().width > box.width - 4);
    }).map((a) => a.textContent)"""
    assert page.evaluate(outside) == []
    show(page, "light", PHONE)
    assert frame.evaluate("e => e.scrollWidth > e.clientWidth"), "on a phone it scrolls inside its frame"
    assert first.locator("text").first.bounding_box()["height"] >= 10
    page.reload()
    page.wait_for_timeout(300)
    place = first.locator("text").first.bounding_box()
    assert 0 < place["x"] < place["x"] + place["width"] < PHONE["width"], "it begins with its first chapter"
    first.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "1 Change of variables, after 0"
    page.keyboard.press("Enter")
    page.wait_for_url("**/01_change_of_variables.html")
