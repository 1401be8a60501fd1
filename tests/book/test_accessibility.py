"""axe-core over every page, light and dark, wide and narrow: no violation of WCAG 2.2, level AA, or of good practice."""

from __future__ import annotations

import pytest

from tests.book.pages import DESK, PAGES, PHONE, ROOT, SCHEMES, show

pytestmark = pytest.mark.browser

AXE = ROOT / "tests" / "vendor" / "axe.min.js"
RUN = """async () => (await axe.run(document, { resultTypes: ["violations"], iframes: false,
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    rules: { "target-size": { enabled: true } } })).violations
  .map((v) => `${v.id} (${v.impact}), ${v.nodes.length} x: ${v.nodes[0].target.join(" ")} | ${v.nodes[0].failureSummary.slice(0, 200)}`)"""

# axe looks at every letter of an equation and at every word of code, four fifths of a chapter's elements. It need not:
# of all that look alike, one that can be seen is left as it is, and the others become plain words. (It does not judge
# the colour of a single letter, nor of what is folded.)
SPARE = """() => {
  const seen = new Set();
  const first = (node, kind) => node.checkVisibility() && !seen.has(kind) && seen.add(kind);
  for (const token of document.querySelectorAll("pre span")) {
    const place = token.closest("[class*=cell_], .viewcode-block, dl")?.className;
    const kind = [place, token.parentElement.className, token.className].join();
    if (token.textContent.length < 2 || !first(token, kind)) token.replaceWith(token.textContent);
  }
  for (const equation of document.querySelectorAll("mjx-container")) {
    const place = equation.parentElement, word = document.createElement("span");
    const kind = [place.className, place.parentElement.localName, place.parentElement.className].join();
    word.textContent = "equation";
    if (!first(equation, kind)) equation.replaceWith(word);
  }
  document.querySelectorAll("pre").forEach((block) => block.normalize());
}"""
WHOLE = ("book/notation.html", "book/00_start_here.html")  # are looked at as they are, every letter

LOOKS = [(scheme, size) for scheme in SCHEMES for size in (DESK, PHONE)]


def violations(page, looks=LOOKS, whole: bool = False) -> list[str]:
    """What axe finds on an open page, each with the first place where it stands. The page is not for use afterwards."""
    assert AXE.exists(), "no axe-core here: run `python tools/vendor.py`, or `make book`"
    if not whole:
        page.evaluate(SPARE)
    page.evaluate(AXE.read_text("utf-8"))
    found = []
    for scheme, size in looks:
        show(page, scheme, size)
        page.wait_for_timeout(300)  # colours fade from one scheme to the other
        found += [f"{scheme}, {size['width']} px: {text}" for text in page.evaluate(RUN)]
    return found


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visit, name, record_property):
    place = PAGES.index(name)
    if name.startswith("_modules/"):  # listings of the package, all made alike: each in one look, all looks among them
        looks = [LOOKS[place % len(LOOKS)]]
    else:  # in both schemes and at both widths, which is two looks: every other page has the other two
        looks = [LOOKS[0], LOOKS[3]] if place % 2 else [LOOKS[1], LOOKS[2]]
    found = violations(visit(name).page, looks, whole=name in WHOLE)
    record_property("page", {"page": name, "axe": str(len(found))})
    assert found == []


FAULTS = {
    "color-contrast": "<p style='color: #aaa; background: #fff'>pale</p>",
    "image-alt": "<img src='../_static/flow.png'>",
    "label": "<input type='range'>",
    "button-name": "<button></button>",
    "target-size": "<button style='all: unset; font-size: 5px'>a</button><button style='all: unset; font-size: 5px'>b</button>",
    "scrollable-region-focusable": "<div style='width: 90px; overflow-x: scroll'><div style='width: 900px; height: 9px'>x</div></div>",
    "heading-order": "<h6>deep</h6>",
}
# what sparing must not hide: the colours of code (those of equations axe never sees: their letters stand in the CSS)
PALE = {
    "words of code": "<style>pre .k, pre .kn { color: #bbb !important }</style>",
    "numbers in code": "<style>pre .mi { color: #bbb !important }</style>",
}


@pytest.mark.parametrize(("rule", "inject"), FAULTS.items(), ids=FAULTS)
def test_each_kind_of_violation_would_be_seen(visit, rule, inject):
    found = violations(visit("book/notation.html", inject).page)
    assert any(f": {rule} (" in text for text in found), found


@pytest.mark.parametrize("inject", PALE.values(), ids=PALE)
def test_sparing_hides_no_colour(visit, inject):
    page = visit("book/07_lu_determinants.html", inject).page
    page.wait_for_function(
        "() => [...document.querySelectorAll('.math')].every((m) => m.querySelector('mjx-container'))"
    )
    before = page.evaluate("document.querySelectorAll('*').length")
    found = violations(page, LOOKS[:1])
    assert any("color-contrast" in text for text in found), found
    assert page.evaluate("document.querySelectorAll('*').length") < before / 2
