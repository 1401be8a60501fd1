"""The glossary, and the links that lead to it: see book/_ext/nf_terms.py."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import nf_terms
import pytest
from bs4 import BeautifulSoup
from docutils import nodes

HTML = Path(__file__).resolve().parents[2] / "_build" / "html" / "book"
ELSEWHERE = ":is(h1, h2, h3, h4, h5, h6, pre, code, table, figcaption, a, strong, .math, .admonition, .cell) a.nf-term"
CHAPTERS = sorted(path.stem for path in HTML.glob("[0-9]*.html"))


@cache
def page(name: str) -> BeautifulSoup:
    return BeautifulSoup((HTML / f"{name}.html").read_text("utf-8"), "html.parser")


def words(tag) -> str:
    return " ".join(tag.get_text().replace("’", "'").split())


@cache
def glossary() -> dict[str, tuple[str, str]]:
    """Of each anchor: the term and its definition, as the page shows them."""
    terms = page("glossary").select("dl.glossary > dt")
    return {term["id"]: (words(term).rstrip("#"), words(term.find_next_sibling("dd").p)) for term in terms}


@cache
def links(chapter: str) -> list:
    return page(chapter).select("a.nf-term")


def test_the_glossary_has_its_size_and_says_it():
    assert 40 <= len(glossary()) <= 70
    assert f"{len(glossary())} of them" in page("glossary").get_text()


def test_each_entry_is_one_or_two_sentences_and_says_where_the_term_is_introduced():
    for entry in page("glossary").select("dl.glossary > dd"):
        definition, where = entry.select("p")
        assert len(words(definition)) < 230, words(definition)
        assert where.a["href"].partition("#")[2].startswith("sec-") and words(where).startswith("Chapter ")


def test_each_entry_is_linked_from_a_chapter():
    linked = {link["href"].partition("#")[2] for chapter in CHAPTERS for link in links(chapter)}
    assert sorted(glossary()) == sorted(linked)


def test_other_words_belong_to_terms():
    terms = {term for term, _ in glossary().values()}
    assert nf_terms.ALIASES.keys() | nf_terms.ONLY.keys() <= terms


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_links_of_a_chapter(chapter):
    anchors = [link["href"].partition("#")[2] for link in links(chapter)]
    assert len(anchors) == len(set(anchors)) >= 8, "the first use of a term, and no other"
    for link in links(chapter):
        target, _, anchor = link["href"].partition("#")
        assert target == "glossary.html" and link["title"].replace("’", "'") == glossary()[anchor][1]
    assert not page(chapter).select(ELSEWHERE)


def test_nothing_else_has_such_links():
    others = [path.stem for path in HTML.glob("*.html") if path.stem not in CHAPTERS]
    assert not [name for name in others if page(name).select("a.nf-term")]


TERMS = [
    nf_terms.Term("earth mover's distance", "A pairing.", "e"),
    nf_terms.Term("coupling", "A layer.", "c"),
    nf_terms.Term("MAP estimate", "A point.", "m"),
]


def linked(*children) -> tuple[list[str], list[str]]:
    document = nodes.document(None, None)
    document += list(children)
    done = nf_terms.link_terms(document, TERMS, "glossary.html")
    return done, [f"{link.astext()} {link['refuri']}" for link in document.findall(nodes.reference)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Two couplings, one coupling.", ["couplings"]),
        ("A coupling\nlayer.", ["coupling\nlayer"]),
        ("Recoupling, coupling-free and decouplings.", []),
        ("A map and its MAP.", ["MAP"]),
        ("Map estimates.", ["Map estimates"]),
        ("The earth mover’s distance.", ["earth mover’s distance"]),
    ],
)
def test_the_first_use_is_found_whole_words_only(text, found):
    _, shown = linked(nodes.paragraph("", text))
    assert [re.sub(r" glossary\.html#\w$", "", link) for link in shown] == found


@pytest.mark.parametrize(
    "node",
    [
        nodes.title("", "A coupling"),
        nodes.paragraph("", "", nodes.literal("", "coupling")),
        nodes.paragraph("", "", nodes.math("", "coupling")),
        nodes.paragraph("", "", nodes.strong("", "coupling")),
        nodes.paragraph("", "", nodes.reference("", "", nodes.Text("coupling"), refuri="x")),
        nodes.note("", nodes.paragraph("", "A coupling")),
        nodes.table("", nodes.paragraph("", "A coupling")),
        nodes.container("", nodes.paragraph("", "A coupling"), classes=["cell"]),
    ],
    ids=lambda node: type(node).__name__,
)
def test_what_is_no_running_text_is_left_alone(node):
    assert linked(node)[0] == []
