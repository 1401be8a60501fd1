"""The cover's cards: each chapter with its picture, its minutes and what comes before it, read from the chapter itself.

A chapter says in its opening how long it takes to read and to run, and links what it needs. A card repeats
that and nothing of its own, so the two cannot disagree; an opening that does not say it is a warning, hence an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
GLYPHS = ROOT / "book" / "_static" / "glyphs"

MINUTES = re.compile(r"reading takes (?:about )?(?:(\d+) minutes|an (hour))|(\d+) minutes to read", re.IGNORECASE)
BOUND, LONG = "(about |less than )", r"(half a minute|a minute|one|(\d+) seconds)"
SECONDS = re.compile(rf"\bruns in {BOUND}?{LONG}|\brunning [^.;]*?{BOUND}{LONG}|{BOUND}?{LONG} to run", re.IGNORECASE)
CHAPTER = re.compile(r"\((\d\d_\w+)\.ipynb")
WORDS = {"half a minute": 30, "a minute": 60, "one": 60}


@dataclass(frozen=True)
class Facts:
    """What a chapter's opening says."""

    stem: str
    title: str
    minutes: int  # to read
    seconds: int  # to run on two cores
    at_most: bool  # "less than" so many seconds, where it is not "about"
    needs: tuple[str, ...]  # stems of the chapters that come before it

    @property
    def number(self) -> int:
        """Its place in the reading order of the whole course."""
        return int(self.stem[:2])

    @property
    def run(self) -> str:
        """Seconds to run, in words."""
        return f"{'under' if self.at_most else 'about'} {self.seconds} s to run"


def facts(stem: str, text: str) -> Facts:
    """Read the facts from a chapter's text, in Markdown; ValueError says which one is missing."""
    opening = re.split(r"^## ", text, flags=re.MULTILINE)[0]
    paragraphs = [" ".join(part.split()) for part in opening.split("\n\n")]
    title, text = re.match(r"# (.+)", paragraphs[0]), " ".join(paragraphs)
    minutes, seconds = MINUTES.search(text), SECONDS.search(text)
    if not title:
        raise ValueError(f"{stem}: the text does not begin with '# ' and a title")
    if not minutes:
        raise ValueError(f"{stem}: the opening does not say 'Reading takes N minutes' or 'N minutes to read'")
    if not seconds:
        raise ValueError(f"{stem}: the opening does not say 'runs in N seconds' or 'N seconds to run'")
    bound, words, number = (next(filter(None, seconds.groups()[i::3]), "") for i in range(3))
    needs = [stem for part in paragraphs if re.search(r"\bneed\b", part) for stem in CHAPTER.findall(part)]
    return Facts(
        stem,
        title[1],
        60 if minutes[2] else int(minutes[1] or minutes[3]),
        int(number) if number else WORDS[words.lower()],
        bound.strip().lower() == "less than",
        tuple(dict.fromkeys(needs)),
    )


def read(stem: str, root: Path = ROOT) -> Facts:
    """The facts of a chapter of the book."""
    cells = nbformat.read(root / "book" / f"{stem}.ipynb", as_version=4).cells
    return facts(stem, "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))


def link(env, stem: str, text: str) -> addnodes.pending_xref:
    """A link to a chapter, resolved by Sphinx."""
    return addnodes.pending_xref(
        "",
        nodes.inline("", text),
        refdomain="std",
        reftype="doc",
        reftarget=f"/book/{stem}",
        refdoc=env.docname,
        refexplicit=True,
        refwarn=True,
    )


class Chapter(SphinxDirective):
    """`:::{chapter} 03_coupling_layers`, with one line about it, becomes a card."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The card; the facts that it shows make this page depend on the chapter's notebook."""
        stem = self.arguments[0]
        path = ROOT / "book" / f"{stem}.ipynb"
        if not path.exists():
            raise self.error(f"chapter: there is no book/{stem}.ipynb")
        self.env.note_dependency(str(path))
        try:
            chapter = read(stem)
        except ValueError as error:
            raise self.error(f"chapter: {error}") from error
        card = nodes.container(classes=["nf-card"])
        glyph = GLYPHS / f"{stem[:2]}.svg"
        if glyph.exists():
            self.env.note_dependency(str(glyph))
            picture = f'<div class="nf-glyph" aria-hidden="true">{glyph.read_text("utf-8")}</div>'
            card += nodes.raw("", picture, format="html")
        body = nodes.container(classes=["nf-card-body"])
        title = nodes.inline("", f"{chapter.number} ", classes=["nf-number"]), link(self.env, stem, chapter.title)
        body += nodes.paragraph("", "", *title, classes=["nf-card-title"])
        self.state.nested_parse(self.content, self.content_offset, body)
        body += nodes.paragraph("", f"{chapter.minutes} min to read · {chapter.run}", classes=["nf-facts"])
        if chapter.needs:
            line = nodes.paragraph("", "after ", classes=["nf-facts", "nf-needs"])
            for place, need in enumerate(chapter.needs):
                line += [nodes.Text(", ")] if place else []
                line += link(self.env, need, f"{int(need[:2])} {read(need).title}")
            body += line
        card += body
        return [card]
