"""Under each title: the notebook to take home, and Colab where the repository's address is known."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html import escape
from pathlib import Path

from sphinx.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = re.compile(r"(?:https://github\.com/)?([A-Za-z0-9][A-Za-z0-9-]*)/([\w.-]+?)(?:\.git)?/?")
BRANCH = re.compile(r"(?!/)(?!.*(?:\.\.|//))[\w./-]+(?<![/.])")


def repository(environ=os.environ) -> tuple[str, str] | None:
    """(owner/name, branch) on GitHub, from NF_COURSE_REPOSITORY and NF_COURSE_BRANCH; None where neither is set.

    >>> repository({"NF_COURSE_REPOSITORY": "https://github.com/owner/name.git"})
    ('owner/name', 'main')
    """
    address, branch = environ.get("NF_COURSE_REPOSITORY", ""), environ.get("NF_COURSE_BRANCH", "")
    if not address and not branch:
        return None
    found = REPOSITORY.fullmatch(address)
    if not found or found[2] in (".", ".."):
        raise ConfigError(
            f"NF_COURSE_REPOSITORY: expected owner/name or https://github.com/owner/name, got {address!r}"
        )
    if branch and not BRANCH.fullmatch(branch):
        raise ConfigError(f"NF_COURSE_BRANCH: expected the name of a branch, such as main, got {branch!r}")
    return f"{found[1]}/{found[2]}", branch or "main"


def notebook(pagename: str) -> tuple[str, str, str] | None:
    """Of a page: its notebook in the repository, its place in the site, and what the link says; None without one.

    A page of exercises shows the answers, so what it gives away is the blank notebook.
    """
    folder, _, name = pagename.rpartition("/")
    if folder == "book" and name[:2].isdigit():
        return f"book/{name}.ipynb", f"_sources/book/{name}.ipynb", "Download this notebook"
    if folder == "solutions":
        return f"exercises/{name}.ipynb", f"exercises/{name}.ipynb", "Download the notebook to fill in"
    return None


def tools(pagename: str, known: tuple[str, str] | None, root: str = "../") -> str:
    """The line of links under the title of a page, as HTML; nothing on a page without a notebook."""
    if not (found := notebook(pagename)):
        return ""
    source, target, words = found
    links = [f'<a href="{root}{target}" download><i class="fa-solid fa-download" aria-hidden="true"></i>{words}</a>']
    note = ""
    if known:
        name, branch = (escape(part) for part in known)
        address = f"https://colab.research.google.com/github/{name}/blob/{branch}/{source}"
        links.append(f'<a href="{address}"><i class="fa-solid fa-cloud" aria-hidden="true"></i>Open in Colab</a>')
        command = f"%pip install -q git+https://github.com/{name}@{branch}"
        note = f'<span class="nf-tools-note">Run first there: <code>{command}</code></span>'
    return f'<p class="nf-tools">{"".join(links)}{note}</p>'


def check_repository(app, config) -> None:
    """A malformed address stops the build at once, not with a page that leads nowhere."""
    repository()


def add_tools(app, pagename, templatename, context, doctree) -> None:
    """Put the line under the page's title."""
    line = tools(pagename, repository(), context.get("content_root", "../"))
    if line and "body" in context:
        context["body"] = context["body"].replace("</h1>", f"</h1>\n{line}", 1)


def copy_exercises(app, exception) -> None:
    """The blank notebooks travel with the site; where its address is known, they get the course by themselves."""
    if exception is None and app.builder.format == "html":
        target = Path(app.outdir) / "exercises"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(ROOT / "exercises", target, ignore=shutil.ignore_patterns(".*"))
        if repository():
            command = [sys.executable, ROOT / "tools" / "handout.py", "write", target.parent, "--only", "exercises"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
