"""Names of the package in code lead to their entries in the API: sphinx-codeautolink, made to fit this book."""

from __future__ import annotations

import re
from collections import Counter

from sphinx_codeautolink.extension.block import CodeBlockAnalyser

LINK = re.compile(r'(<a (?=[^>]*class="sphinx-codeautolink-a")[^>]*href="([^"]*)"[^>]*)>(.*?)</a>', re.DOTALL)
STOPS = 2  # of one name on a page: where it is imported, which is mostly folded away, and where it is used first


def leave_section(self, node) -> None:
    """Forget the section's title; the sections that sphinx-exercise makes have none (version 0.20 would fail)."""
    if self.title_stack:
        self.title_stack.pop()


def last_part(name: str) -> str:
    """What stands behind the last dot, without the tags of colours.

    >>> last_part('<span class="n">flow</span><span class="o">.</span><span class="n">encode</span>')
    'encode'
    """
    return re.sub(r"<[^>]*>", "", name).rpartition(".")[2].strip()


def quieten(app, pagename, templatename, context, doctree) -> None:
    """Keep the links of names, not of variables that hold an instance; a name is two stops of the Tab key at most."""
    seen = Counter()

    def link(found: re.Match) -> str:
        start, target, name = found.groups()
        if last_part(name) != last_part(target.rpartition("#")[2]):
            return name
        seen[target] += 1
        return found[0] if seen[target] <= STOPS else f'{start} tabindex="-1">{name}</a>'

    if "body" in context:
        context["body"] = LINK.sub(link, context["body"])


CodeBlockAnalyser.depart_section = leave_section
