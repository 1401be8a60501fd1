"""The map of the course: which chapter needs which, drawn from what the chapters' openings say; each box is a link.

A chapter stands below all that it needs. A line that follows from others is left out: who needs 8, which needs 6,
needs 6 as well. So there is no list of prerequisites to keep but the sentences that a reader sees.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from textwrap import wrap

import nf_cards
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

WIDTH, HEIGHT = 142, 68  # of a box
GAP, STEP = 16, 110  # between two boxes of a row; from row to row
LANE = 26  # width that a line takes where it passes a row
LETTERS = 19  # in a line of a title
WORDS = "Map of the course: each chapter is a link, and stands below the chapters that it needs"

Graph = dict[str, tuple[str, ...]]  # chapter: those that it needs


class course_map(nodes.General, nodes.Element):
    """Where the map will stand, until the addresses of the pages are known."""


def chapters() -> dict[str, nf_cards.Facts]:
    """The facts of every chapter, in reading order."""
    return {path.stem: nf_cards.read(path.stem) for path in sorted((nf_cards.ROOT / "book").glob("[0-9]*.ipynb"))}


def rows(needs: Graph) -> dict[str, int]:
    """The row of each chapter, one below the lowest that it needs; ValueError where two need each other."""
    found: dict[str, int] = {}
    while len(found) < len(needs):
        ready = [stem for stem in needs if stem not in found and all(need in found for need in needs[stem])]
        if not ready:
            raise ValueError(f"a chapter needs itself, or one that is not there: {sorted(needs.keys() - found.keys())}")
        found |= {stem: max((found[need] + 1 for need in needs[stem]), default=0) for stem in ready}
    return found


def before(needs: Graph, stem: str) -> set[str]:
    """All that comes before a chapter, by however many steps."""
    return set(needs[stem]).union(*(before(needs, need) for need in needs[stem]))


def lines(needs: Graph) -> list[tuple[str, str]]:
    """The pairs (needed, chapter) to draw: those that do not follow from others."""
    implied = {stem: set().union(*(before(needs, need) for need in needs[stem])) for stem in needs}
    return [(need, stem) for stem in needs for need in needs[stem] if need not in implied[stem]]


def layout(needs: Graph) -> tuple[dict[str, tuple[float, float]], list[list[tuple[float, float]]], float]:
    """The middle of each box, the stops of each line, and the width of it all."""
    row = rows(needs)
    above: dict[str, list[str]] = {stem: [] for stem in needs}  # of a box or a stop of a line: what it hangs from
    level, ways = dict(row), []
    for need, stem in lines(needs):
        way = [need]
        for at in range(row[need] + 1, row[stem]):  # a line has a place of its own in each row that it passes
            stop = f"{need} {stem} {at}"
            above[stop], level[stop] = [way[-1]], at
            way.append(stop)
        above[stem].append(way[-1])
        ways.append([*way, stem])
    below = {name: [other for other in above if name in above[other]] for name in above}
    order = [[name for name in above if level[name] == at] for at in range(max(level.values()) + 1)]
    best = [list(names) for names in order]
    for sweep in range(24):  # each under, and then over, the mean of its neighbours; ties change places now and then
        neighbours = above if sweep % 2 == 0 else below
        for names in order if sweep % 2 == 0 else order[::-1]:
            place = _across(order)
            means = {n: sum(place[o] for o in neighbours[n]) / len(neighbours[n]) for n in names if neighbours[n]}
            if sweep % 4 == 3:
                names.reverse()
            names.sort(key=lambda name, means=means, place=place: means.get(name, place[name]))
        if _cost(order, above) < _cost(best, above):
            best = [list(names) for names in order]
    order = best
    across = _across(order)
    wide = max(abs(x) + _width(name) / 2 for name, x in across.items()) + GAP / 2
    point = {name: (across[name] + wide, level[name] * STEP + HEIGHT / 2 + 2) for name in above}
    return {stem: point[stem] for stem in needs}, [[point[name] for name in way] for way in ways], 2 * wide


def _width(name: str) -> float:
    return LANE if " " in name else WIDTH


def _across(order: list[list[str]]) -> dict[str, float]:
    """Where each stands from left to right, each row about 0."""
    found = {}
    for names in order:
        x = -(sum(map(_width, names)) + GAP * (len(names) - 1)) / 2
        for name in names:
            found[name] = x + _width(name) / 2
            x += _width(name) + GAP
    return found


def _cost(order: list[list[str]], above: dict[str, list[str]]) -> tuple[int, float]:
    """How many pairs of lines cross, and how far all lines go sideways."""
    place, crossings, aside = _across(order), 0, 0.0
    for names in order:
        pairs = [(place[other], place[name]) for name in names for other in above[name]]
        crossings += sum((a - c) * (b - d) < 0 for a, b in pairs for c, d in pairs) // 2
        aside += sum(abs(a - b) for a, b in pairs)
    return crossings, aside


def svg(facts: dict[str, nf_cards.Facts], address: Callable[[str], str]) -> str:
    """The drawing, with the address of each chapter's page."""
    needs = {stem: fact.needs for stem, fact in facts.items()}
    boxes, ways, width = layout(needs)
    height = max(y for _, y in boxes.values()) + HEIGHT / 2 + 2
    parts = [
        f'<svg role="group" aria-label="{WORDS}" viewBox="0 0 {width:.0f} {height:.0f}">',
        '<defs><marker id="nf-map-tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="5.5" markerHeight="5.5" '
        'orient="auto">',
        '<path d="M0 0 L6 3 L0 6 z"/></marker></defs>',
    ]
    for way in ways:
        (x, y), path = way[0], []
        y += HEIGHT / 2
        for at, (to_x, to_y) in enumerate(way[1:], 2):
            top = to_y - HEIGHT / 2 - (3 if at == len(way) else 0)
            middle = (y + top) / 2
            path.append(f"C{x:.0f} {middle:.0f} {to_x:.0f} {middle:.0f} {to_x:.0f} {top:.0f}")
            x, y = to_x, top
            if at < len(way):  # straight on through the row
                y = to_y + HEIGHT / 2
                path.append(f"V{y:.0f}")
        parts.append(f'<path d="M{way[0][0]:.0f} {way[0][1] + HEIGHT / 2:.0f} {" ".join(path)}"/>')
    for stem, (x, y) in boxes.items():
        fact = facts[stem]
        told = wrap(f"{fact.number} {fact.title}", LETTERS, break_on_hyphens=False)
        after = ", ".join(str(facts[need].number) for need in fact.needs)
        name = f"{fact.number} {fact.title}" + (f", after {after}" if after else "")
        parts.append(f'<a href="{escape(address(stem))}" aria-label="{escape(name)}">')
        parts.append(
            f'<rect x="{x - WIDTH / 2:.0f}" y="{y - HEIGHT / 2:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
        )
        for at, line in enumerate(told):  # with a space before each, so that their words stay apart when read out
            down = y + 16.5 * (at - (len(told) - 1) / 2) + 4.5
            parts.append(f' <text x="{x:.0f}" y="{down:.1f}" text-anchor="middle">{escape(line)}</text>')
        parts.append("</a>")
    return "".join([*parts, "</svg>"])


class CourseMap(SphinxDirective):
    """`:::{course-map}`, with a caption."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """A figure that is drawn again when a chapter's opening changes."""
        for path in (nf_cards.ROOT / "book").glob("[0-9]*.ipynb"):
            self.env.note_dependency(str(path))
        try:
            rows({stem: fact.needs for stem, fact in chapters().items()})
        except ValueError as error:
            raise self.error(f"course-map: {error}") from error
        caption = nodes.container(classes=["nf-map-caption"])
        self.state.nested_parse(self.content, self.content_offset, caption)
        return [course_map(), caption]


def draw_maps(app, doctree, docname) -> None:
    """Put the drawing in its place; a builder that is not for the web has the cards' prerequisites in words."""
    for place in list(doctree.findall(course_map)):
        if app.builder.format != "html":
            place.parent.remove(place)
            continue
        drawing = svg(chapters(), lambda stem: app.builder.get_relative_uri(docname, f"book/{stem}"))
        place.replace_self(nodes.raw("", f'<div class="nf-map">{drawing}</div>', format="html"))
