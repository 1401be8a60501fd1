"""The whole book as one PDF: the built pages printed by Chromium, joined, with outline, page numbers and working links.

    python tools/pdf.py [FILE]      (default: _build/normalizing-flows.pdf; `make pdf` builds the book first)

A link to another page of the book becomes one within the file. Chromium keeps the places that a link leads to, so a
link to each place is put into its page, out of sight.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import yaml
from playwright.sync_api import Page
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NullObject

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools.browser import HTML, READY, chromium, serve

ROOT = HTML.parent.parent
OUT = HTML.parent / "normalizing-flows.pdf"
A4 = {"format": "A4", "margin": {"top": "16mm", "bottom": "18mm", "left": "15mm", "right": "15mm"}}
# model answers are shown; code that only draws is not, as on the pages
STYLE = """
  .bd-sidebar-primary, .bd-sidebar-secondary, .bd-header, .bd-header-article, .bd-footer, .prev-next-footer, .skip-link,
  .copybtn, .headerlink, .search-button__wrapper, #pst-back-to-top { display: none !important; }
  .bd-main, .bd-content, .bd-article-container, .bd-article { max-width: none !important; padding: 0 !important; }
  html { font-size: 13px; } body { background: white; }
  .nf-places { position: absolute; top: 0; left: 0; font-size: 1px; opacity: 0.01; height: 1px; overflow: hidden; }
"""
PREPARE = """(page) => {
  document.documentElement.dataset.theme = document.documentElement.dataset.mode = "light";
  for (const answer of document.querySelectorAll("details.hide")) {
    if (page.startsWith("solutions/") && answer.closest(".tag_hide-input")) answer.open = true;
  }
  const places = document.createElement("div");
  places.className = "nf-places";
  places.setAttribute("aria-hidden", "true");
  for (const node of document.querySelectorAll("article [id]")) {
    if (!node.checkVisibility()) continue;  // a folded cell
    const link = places.appendChild(document.createElement("a"));
    link.href = "#" + node.id;
    link.textContent = ".";
  }
  document.querySelector("article").append(places);
  const words = (node) => node.classList?.contains("headerlink") ? "" : node.textContent;
  return [...document.querySelectorAll("article h1, article h2")].map((heading) => ({
    level: Number(heading.tagName[1]),
    title: [...heading.childNodes].map(words).join(""),
    place: heading.closest("section")?.id ?? "",
  }));
}"""


@dataclass
class Printed:
    """A page of the book on paper: its sheets, its headings, and where in it each place is."""

    name: str  # book/03_coupling_layers.html
    data: bytes
    headings: list[dict]
    first: int = 0  # its first sheet within the whole
    places: dict[str, tuple[int, float]] = field(default_factory=dict)  # id -> sheet of its own, height above its foot


def pages_in_order() -> list[str]:
    """The pages of the table of contents, as names of built files."""

    def files(node):
        if isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
        for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from files(part)

    return [f"{name}.html" for name in files(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8")))]


def print_page(page: Page, address: str, name: str) -> Printed:
    """Open a page, wait until equations and figures are there, print it."""
    if not page.goto(address + name).ok:
        raise SystemExit(f"{name} of _toc.yml is not built: run `make book` again")
    page.wait_for_function(READY, timeout=120_000)
    page.add_style_tag(content=STYLE)
    headings = page.evaluate(PREPARE, name)
    page.wait_for_timeout(200)
    data = page.pdf(**A4, print_background=True)
    found = Printed(name, data, headings)
    reader = PdfReader(io.BytesIO(data))
    for place, target in reader.named_destinations.items():
        sheet = reader.get_destination_page_number(target)
        if sheet is not None:
            found.places[unquote(place.lstrip("/"))] = sheet, float(target.top or A4_POINTS[1])
    return found


A4_POINTS = 594.96, 841.92


def join(printed: list[Printed], address: str) -> PdfWriter:
    """All sheets in one file; links lead to places within it, and the outline has every heading."""
    writer = PdfWriter()
    for each in printed:
        each.first = len(writer.pages)
        for sheet in PdfReader(io.BytesIO(each.data)).pages:
            writer.add_page(sheet)
    by_name = {each.name: each for each in printed}
    lost = 0
    for each in printed:
        count = len(PdfReader(io.BytesIO(each.data)).pages)
        for sheet in range(each.first, each.first + count):
            lost += _relink(writer, sheet, each, by_name, address)
        parent = None
        for heading in each.headings:
            sheet, _ = each.places.get(heading["place"], (0, A4_POINTS[1]))
            above = parent if heading["level"] > 1 else None
            title = heading["title"].strip()
            item = writer.add_outline_item(title=title, page_number=each.first + sheet, parent=above)
            parent = item if heading["level"] == 1 else parent
    if lost:
        print(f"{lost} links lead to no place in the book", file=sys.stderr)
    return writer


def _relink(writer: PdfWriter, sheet: int, own: Printed, by_name: dict[str, Printed], address: str) -> int:
    """Links of a sheet that lead into the book become places of the file; how many lead nowhere."""
    lost = 0
    page = writer.pages[sheet]
    kept = ArrayObject()
    for reference in page.get("/Annots", ()):
        note = reference.get_object()
        target = _target(note, own, address)
        if target is None:
            kept.append(reference)
            continue
        name, place = target
        into = by_name.get(name)
        if into is None or (place and place not in into.places):
            lost += into is not None  # else a page that is no part of the book, such as the source of a module
            continue
        number, top = into.places.get(place, (0, A4_POINTS[1]))
        note.pop("/A", None)
        where = writer.pages[into.first + number].indirect_reference
        note[NameObject("/Dest")] = ArrayObject(
            [where, NameObject("/XYZ"), NullObject(), FloatObject(top + 4), NullObject()]
        )
        kept.append(reference)
    if "/Annots" in page:
        page[NameObject("/Annots")] = kept
    return lost


def _target(note: DictionaryObject, own: Printed, address: str) -> tuple[str, str] | None:
    """The page and the place that a link leads to; None where it leaves the book, or is no link."""
    if note.get("/Subtype") != "/Link":
        return None
    action = note.get("/A", {})
    if "/Dest" in note or "/D" in action:
        place = str(note.get("/Dest", action.get("/D"))).lstrip("/")
        return own.name, unquote(place)
    address_of = str(action.get("/URI", ""))
    if not address_of.startswith(address):
        return None
    name, _, place = address_of.removeprefix(address).partition("#")
    return name, unquote(place)


def number(writer: PdfWriter, page: Page) -> None:
    """The number of each sheet, at its foot."""
    count = len(writer.pages)
    foot = "position: absolute; bottom: 8mm; width: 100%; text-align: center; font: 9px sans-serif; color: #555"
    sheet = "position: relative; height: 296.9mm; break-after: page; overflow: hidden"
    sheets = "".join(f"<div style='{sheet}'><div style='{foot}'>{n}</div></div>" for n in range(1, count + 1))
    page.set_content(f"<style>body {{ margin: 0 }} @page {{ margin: 0; size: A4 }}</style>{sheets}")
    numbers = PdfReader(io.BytesIO(page.pdf(format="A4", print_background=False)))
    for each, own in zip(writer.pages, numbers.pages, strict=False):
        each.merge_page(own)
        each.compress_content_streams()


def main(out: Path) -> None:
    """Print, join, number, write."""
    if not (HTML / "index.html").exists():
        raise SystemExit(f"no book in {HTML}: run `make book` first")
    with serve() as address, chromium() as browser:
        page = browser.new_context(color_scheme="light", reduced_motion="reduce").new_page()
        printed = []
        for name in pages_in_order():
            printed.append(print_page(page, address, name))
            print(f"{name}: {len(PdfReader(io.BytesIO(printed[-1].data)).pages)} sheets", flush=True)
        writer = join(printed, address)
        number(writer, page)
    writer.add_metadata({"/Title": "Normalizing Flows", "/Author": "The Normalizing Flows course"})
    writer.page_mode = "/UseOutlines"
    writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
    writer.write(out)
    print(f"{out}: {len(writer.pages)} sheets, {out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
