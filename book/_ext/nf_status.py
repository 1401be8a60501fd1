"""The status page: what the build measured and what the tests look at, a row for each notebook, from its own cache.

Seconds are those of this build, start of the kernel included, two notebooks at a time. Nothing in the table is typed.
"""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from docutils import nodes
from jupyter_cache import get_cache
from nf_cards import read as facts_of
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
CHECKED = "nbval-check-output"


@dataclass(frozen=True)
class Row:
    """A notebook as it was built."""

    name: str  # book/03_coupling_layers
    seconds: float | None  # None: the cache has no time for it
    promised: int | None  # what its opening says
    cells: int  # of code
    compared: int  # whose stored output nbval compares
    graded: int  # exercises


def row(name: str, seconds: float | None, root: Path = ROOT) -> Row:
    """Count the cells of a notebook."""
    cells = json.loads((root / f"{name}.ipynb").read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    stem = name.rpartition("/")[2]
    return Row(
        name,
        seconds,
        facts_of(stem, root).seconds if name.startswith("book/") and stem[:2].isdigit() else None,
        len(code),
        sum(CHECKED in cell["metadata"].get("tags", []) for cell in code),
        sum(bool(cell["metadata"].get("nbgrader", {}).get("grade")) for cell in code),
    )


def seconds_of(name: str, root: Path = ROOT) -> float | None:
    """How long a notebook ran in this build; None where it was not run by it."""
    try:
        cache = get_cache(str(root / "_build" / ".jupyter_cache"))
        return float(cache.get_cached_project_nb(str(root / f"{name}.ipynb")).data["execution_seconds"])
    except (KeyError, OSError, ValueError):
        return None


def setting() -> str:
    """Where and with what the book was built."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "jupyter-book"))
    day = time.strftime("%d %B %Y", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"Built on {day}: {machine}, Python {platform.python_version()}, {versions}."


class Status(SphinxDirective):
    """`{status}`: the table."""

    def run(self) -> list[nodes.Node]:
        """A row for each notebook of the table of contents, a total, and the setting."""
        names = sorted(name for name in self.env.found_docs if (ROOT / f"{name}.ipynb").exists())
        rows = [row(name, seconds_of(name)) for name in names]
        heads = ("notebook", "seconds", "promised", "code cells", "outputs compared", "graded items")
        body = [[link(self.env, each.name), *cells(each)] for each in rows]
        total = [
            "all",
            f"{sum(each.seconds or 0 for each in rows):.0f}",
            "",
            *(str(sum(getattr(each, part) for each in rows)) for part in ("cells", "compared", "graded")),
        ]
        return [table(heads, [*body, total]), nodes.paragraph("", setting())]


def cells(each: Row) -> list[str]:
    """All columns but the first."""
    seconds = "" if each.seconds is None else f"{each.seconds:.0f}"
    counts = [str(count) if count else "" for count in (each.cells, each.compared, each.graded)]
    return [seconds, "" if each.promised is None else str(each.promised), *counts]


def link(env, name: str) -> addnodes.pending_xref:
    """A link to a notebook, by its title."""
    where = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{name}", "refdoc": env.docname}
    where |= {"refexplicit": False, "refwarn": True}
    return addnodes.pending_xref("", nodes.inline("", name), **where)


def entry(part: str | nodes.Node) -> nodes.entry:
    """A cell of a table."""
    return nodes.entry("", nodes.paragraph("", "", part if isinstance(part, nodes.Node) else nodes.Text(part)))


def table(heads: tuple[str, ...], body: list[list[str | nodes.Node]]) -> nodes.table:
    """A table of text and nodes."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in heads), cols=len(heads))
    group += nodes.thead("", nodes.row("", *map(entry, heads)))
    group += nodes.tbody("", *(nodes.row("", *map(entry, line)) for line in body))
    return nodes.table("", group)
