"""The first use of a glossary's term in a chapter leads to its entry, and shows the definition where the pointer rests.

book/glossary.md is the one place where terms are defined: the first paragraph of an entry is its definition. Plurals in
-s are found by themselves; other words for a term stand in ALIASES.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from docutils import nodes
from sphinx import addnodes

GLOSSARY = "book/glossary"
CHAPTER = re.compile(r"book/(\d\d)_")
ALIASES = {
    "amortised inference": ["amortised", "simulation-based inference"],
    "base density": ["base"],
    "best of N": ["best of 200"],
    "bits per dimension": ["bits/dim"],
    "conditioner": ["conditioner network"],
    "continuous flow": ["continuous normalizing flow"],
    "coupling": ["coupling layer"],
    "decode": ["decodes", "decoded", "decoding"],
    "dequantization": ["dequantized", "dequantize"],
    "earth mover's distance": ["EMD"],
    "encode": ["encodes", "encoded", "encoding"],
    "factoring out": ["factor out", "factor-out", "factored out"],
    "held-out data": ["held-out", "held out"],
    "Hutchinson's estimator": ["Hutchinson"],
    "KL divergence": ["Kullback-Leibler divergence", "KL"],
    "likelihood": ["log-likelihood"],
    "logistic base": ["logistic density", "logistic distribution"],
    "LU decomposition": ["LU"],
    "Lipschitz constant": ["Lipschitz"],
    "MAP estimate": ["MAP"],
    "multi-scale": ["several scales"],
    "nats": ["nat"],
    "split prior": ["learned prior"],
    "squeeze": ["squeezed"],
    "total variation": ["TV"],
}
ONLY = {  # words of everyday life, and the chapters in which they are terms
    "coverage": {10, 15},
    "logit": {5, 7, 8, 16, 18},
    "mask": {3, 4, 6, 9, 18},
    "split prior": {8},
    "squeeze": {6, 8, 11},
    "support": {17},
    "trace": {1, 9, 10, 14, 17, 18},
}
# Not running text: what has a look of its own, leads somewhere, or is folded away.
ELSEWHERE = (
    nodes.title,
    nodes.caption,
    nodes.legend,
    nodes.table,
    nodes.figure,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.strong,
    nodes.Admonition,
    nodes.footnote,
    nodes.citation,
    nodes.raw,
    addnodes.pending_xref,
    addnodes.download_reference,
)


@dataclass(frozen=True)
class Term:
    """An entry of the glossary."""

    name: str
    definition: str
    anchor: str

    @property
    def words(self) -> list[str]:
        """What it is called in a text."""
        found = [self.name, *ALIASES.get(self.name, [])]
        return found + [f"{word}s" for word in found if not (word.endswith("s") or word.isupper())]


def entries(glossary: nodes.document) -> list[Term]:
    """The terms of the glossary's page."""
    found = []
    for item in glossary.findall(nodes.definition_list_item):
        term = next(item.findall(nodes.term))
        definition = next(item.findall(nodes.paragraph)).astext()
        found.append(Term(term.astext().replace("’", "'"), " ".join(definition.split()), term["ids"][0]))
    return found


def pattern(terms: list[Term]) -> re.Pattern:
    """Any word of any term, the longest first; a space may be the end of a line."""
    words = sorted({word for term in terms for word in term.words}, key=lambda word: (-len(word), word))
    choices = "|".join(r"\s+".join(map(re.escape, word.split())) for word in words).replace("'", "['’]")
    return re.compile(rf"(?<![\w-])(?:{choices})(?![\w-])", re.IGNORECASE)


def running_text(document: nodes.document) -> list[nodes.Text]:
    """The texts of plain paragraphs and lists, in reading order."""
    found = []
    for text in document.findall(nodes.Text):
        above, node = [], text.parent
        while node is not None:
            above.append(node)
            node = node.parent
        output = any("cell" in node.get("classes", []) or "nb_element" in node for node in above)
        running = any(isinstance(node, nodes.paragraph) for node in above) and not output
        if running and not any(isinstance(node, ELSEWHERE) for node in above):
            found.append(text)
    return found


def link_terms(document: nodes.document, terms: list[Term], glossary: str) -> list[str]:
    """Turn the first use of each term into a link to `glossary`, the page's address; the names of those found."""
    own = {word.lower(): (word, term) for term in terms for word in term.words}
    anything, done = pattern(terms), []
    for text in running_text(document):
        parts, end, whole = [], 0, str(text)
        for match in anything.finditer(whole):
            word, term = own[" ".join(match[0].lower().replace("’", "'").split())]
            if term.name in done or (word.isupper() and match[0] != word):  # MAP is no map
                continue
            done.append(term.name)
            link = nodes.reference("", match[0], internal=True, refuri=f"{glossary}#{term.anchor}", classes=["nf-term"])
            link["reftitle"] = term.definition
            parts += [nodes.Text(whole[end : match.start()]), link]
            end = match.end()
        if parts:
            text.parent.replace(text, [part for part in [*parts, nodes.Text(whole[end:])] if part.astext()])
    return done


def add_terms(app, doctree, docname) -> None:
    """The links of a chapter."""
    chapter = CHAPTER.match(docname)
    if app.builder.format == "html" and chapter and GLOSSARY in app.env.all_docs:
        terms = entries(app.env.get_doctree(GLOSSARY))
        here = [term for term in terms if int(chapter[1]) in ONLY.get(term.name, {int(chapter[1])})]
        link_terms(doctree, here, app.builder.get_relative_uri(docname, GLOSSARY))
