"""What a page's code takes from the package leads to its entry in the API, and is few stops for the Tab key."""

from __future__ import annotations

import ast
import inspect
import json
from collections import Counter
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.book.test_links import HTML, ROOT, ids, parsed

API = sorted((HTML / "book").glob("api*.html"))
NOTEBOOKS = sorted((ROOT / "book").glob("[0-9]*.ipynb")) + sorted((ROOT / "solutions").glob("*.ipynb"))


@cache
def entries() -> frozenset[str]:
    """The names that have an entry in the API."""
    return frozenset(name for page in API for name in ids(page) if name.startswith("nf_course."))


def imported(notebook: Path) -> dict[str, tuple[str, object]]:
    """What a notebook imports from the package, by the name that it uses: its module there, and what it is."""
    found = {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "from nf_course" in (source := "".join(cell["source"])):
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "nf_course":
                    module = import_module(node.module)
                    found |= {
                        name.asname or name.name: (node.module, getattr(module, name.name)) for name in node.names
                    }
    return found


def entry(module: str, name: str, thing: object) -> str | None:
    """The entry of what `from module import name` gives; None where the API has none."""
    homes = [f"{module}.{name}", f"{getattr(thing, '__module__', module)}.{name}"]
    homes += [f"{module}.palette.{name}", f"{module}.attributes.{name}"]  # constants, which do not know their module
    return next((home for home in homes if home in entries()), None)


def links(page: BeautifulSoup) -> dict[str, set[str]]:
    """The names that are links in the page's code, and the entries that they lead to."""
    found = {}
    for tag in page.select(".highlight-ipython3 a.sphinx-codeautolink-a"):
        found.setdefault(tag.get_text(), set()).add(tag["href"].rpartition("#")[2])
    return found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_names_of_the_package_lead_to_the_api(notebook):
    page = parsed((HTML / notebook.relative_to(ROOT)).with_suffix(".html"))
    linked = links(page)
    wanted = {
        name: home for name, (module, thing) in imported(notebook).items() if (home := entry(module, name, thing))
    }
    assert wanted and {name: home for name, home in wanted.items() if home not in linked.get(name, ())} == {}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_function_that_pages_use_has_an_entry(notebook):
    """But modules, and what a chapter takes apart in front of the reader though it is no public name."""
    missing = {
        f"{module}.{name}"
        for name, (module, thing) in imported(notebook).items()
        if not inspect.ismodule(thing) and not entry(module, name, thing)
    }
    public = {
        full
        for full in missing
        if full.rpartition(".")[2] in getattr(import_module(full.rpartition(".")[0]), "__all__", ())
    }
    assert public == set() and len(missing) <= 3, missing


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_name_is_two_stops_at_most(notebook):
    page = parsed((HTML / notebook.relative_to(ROOT)).with_suffix(".html"))
    stops = Counter(tag["href"] for tag in page.select("a.sphinx-codeautolink-a:not([tabindex])"))
    assert stops and max(stops.values()) <= 2


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_variables_are_no_links(notebook):
    """`wave_flow = Flow(...)` has one link, that of `Flow`."""
    page = parsed((HTML / notebook.relative_to(ROOT)).with_suffix(".html"))
    assert {name: homes for name, homes in links(page).items() if {name.rpartition(".")[2]} != ends(homes)} == {}


def ends(homes: set[str]) -> set[str]:
    return {home.rpartition(".")[2] for home in homes}


def test_a_name_without_its_link_is_found():
    page = BeautifulSoup(
        '<div class="highlight-ipython3"><a class="sphinx-codeautolink-a" href="a#b">Flow</a> fit</div>', "html.parser"
    )
    assert links(page) == {"Flow": {"b"}}
