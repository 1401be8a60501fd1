"""Links inside the built book lead somewhere, and the grader's reports name sections that exist."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from nf_course.grading.registry import chapters

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
PAGES = sorted(p for p in HTML.rglob("*.html") if "_static" not in p.parts)


@cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def ids(path: Path) -> frozenset[str]:
    return frozenset(tag["id"] for tag in parsed(path).find_all(id=True)) | {""}


def broken(page: Path) -> list[str]:
    """The addresses on a page that lead nowhere inside the book."""
    found = []
    for tag in parsed(page).find_all(["a", "img", "link", "script"]):
        address = tag.get("href") or tag.get("src") or ""
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if target.is_dir():
            target /= "index.html"
        fragment = unquote(parts.fragment) if target.suffix == ".html" else ""
        if not target.exists() or (fragment and fragment not in ids(target)):
            found.append(address)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HTML)))
def test_links_and_anchors(page):
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<a href='#here' id='here'>x</a> <a href='#gone'>x</a> <img src='lost.png'> <a href='https://a.b'>")
    assert broken(page) == ["#gone", "lost.png"]


EXERCISES = [(chapter, exercise) for chapter in chapters() for exercise in chapter.exercises]


@pytest.mark.parametrize(("chapter", "exercise"), EXERCISES, ids=[exercise.id for _, exercise in EXERCISES])
def test_the_section_that_a_report_points_to_exists(chapter, exercise):
    page = HTML / "book" / f"{chapter.stem}.html"
    assert page.exists(), "run `make book` first"
    there = sorted(name for name in ids(page) if name.startswith("sec-"))
    assert exercise.anchor in there, f"no ({exercise.anchor})= in the chapter; it has {there}"


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.stem[:2].isdigit()], ids=lambda page: f"{page.parent.name}/{page.stem}"
)
def test_numbers_carry_their_chapter(page):
    """(3.7), Fig. 3.2, Theorem 3.1; E3.1 among the exercises: see book/_ext/nf_book.py."""
    chapter = f"{'E' if page.parent.name == 'solutions' else ''}{int(page.stem[:2])}."
    shown = [tag.get_text() for tag in parsed(page).select(".eqno, .caption-number")]
    assert all(chapter in text for text in shown), shown
