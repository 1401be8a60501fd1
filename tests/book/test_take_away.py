"""The book to take away: a folder that opens from a file, and a PDF whose links stay within it."""

from __future__ import annotations

import io
import zipfile

import pytest
from pypdf import PdfReader

from tests.book.pages import PAGES
from tools import offline, pdf
from tools.browser import READY

pytestmark = pytest.mark.browser

SOME = (
    "book/intro.html",
    "book/03_coupling_layers.html",
    "solutions/03_coupling_layers.html",
    "book/bibliography.html",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("offline")
    offline.pack(place / "book.zip")
    zipfile.ZipFile(place / "book.zip").extractall(place)
    return place / "normalizing-flows"


@pytest.fixture
def opened(browser, folder):
    """Open a page of the folder as a file; every fault is collected."""
    context = browser.new_context(offline=True, reduced_motion="reduce")
    page, faults = context.new_page(), []
    page.on("console", lambda entry: entry.type == "error" and faults.append(entry.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.on("request", lambda request: request.url.startswith("http") and faults.append(request.url))

    def open_file(name):
        page.goto(f"file://{folder}/{name}")
        page.wait_for_function(READY, timeout=60_000)
        return page, faults

    yield open_file
    context.close()


@pytest.mark.parametrize("name", SOME)
def test_a_page_from_a_file(opened, name):
    page, faults = opened(name)
    assert faults == [] and page.locator("h1").first.inner_text()
    page.locator(".prev-next-footer a").last.click()  # to a page beside it
    page.wait_for_load_state()
    assert page.url.startswith("file://") and faults == []


def test_the_front_door(opened):
    page, faults = opened("index.html")
    page.wait_for_url("**/book/intro.html")
    assert faults == []


def test_search_from_a_file(opened):
    page, faults = opened("search.html?q=hutchinson")
    page.wait_for_selector("#search-results li a")
    assert "Continuous flows" in page.locator("#search-results").inner_text() and faults == []


def test_every_page_is_in_the_zip(folder):
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.html")} >= set(PAGES)


@pytest.fixture(scope="module")
def printed(browser, site):
    page = browser.new_context(reduced_motion="reduce").new_page()
    sheets = [pdf.print_page(page, site, name) for name in SOME]
    writer = pdf.join(sheets, site)
    pdf.number(writer, page)
    data = io.BytesIO()
    writer.write(data)
    page.context.close()
    return sheets, PdfReader(data)


def links(reader):
    for sheet in reader.pages:
        for reference in sheet.get("/Annots", ()):
            note = reference.get_object()
            if note.get("/Subtype") == "/Link":
                yield note


def test_links_of_the_pdf_stay_within_it(printed, site):
    _, reader = printed
    places = [reader.get_page_number(note["/Dest"][0].get_object()) for note in links(reader) if "/Dest" in note]
    away = [str(note["/A"]["/URI"]) for note in links(reader) if "/A" in note]
    assert len(places) > 100 and None not in places and not any(site in address for address in away)


def test_a_citation_leads_to_its_entry(printed):
    """From the chapter to the sheets of the bibliography, and to another sheet for another entry."""
    sheets, reader = printed
    chapter, bibliography = sheets[1], sheets[3]
    numbers = range(chapter.first, sheets[2].first)
    notes = [n.get_object() for number in numbers for n in reader.pages[number].get("/Annots", ())]
    found = {reader.get_page_number(n["/Dest"][0].get_object()) for n in notes if "/Dest" in n}
    assert any(number >= bibliography.first for number in found) and any(number in numbers for number in found)


def test_outline_and_numbers(printed):
    sheets, reader = printed
    titles = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert len(titles) == len(SOME) and "Coupling layers" in titles[1]
    assert reader.pages[5].extract_text().strip().endswith("6")
    text = "".join(reader.pages[number].extract_text() for number in range(sheets[1].first, sheets[2].first))
    assert "affine coupling" in text


def test_model_answers_are_shown_in_print(printed):
    sheets, reader = printed
    text = "".join(reader.pages[number].extract_text() for number in range(sheets[2].first, sheets[3].first))
    assert "scale_net(x[:, mask]).sum(dim=1)" in text.replace("\n", "")
