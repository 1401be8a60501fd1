"""Finding, Amiss: what a check of `nf-course doctor` says, and how a thing is mended."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import NamedTuple

__all__ = ["FOLDER", "Amiss", "Finding", "again", "checkout", "install"]

FOLDER = Path(__file__).parents[1]  # of the package


class Finding(NamedTuple):
    """What was found about one thing."""

    name: str
    status: str  # ok, missing, broken
    needed: bool  # by a learner
    says: str
    mend: str = ""  # how, where it is not ok


class Amiss(Exception):
    """A check's own finding that something is not as it should be: (status, what, how to mend it)."""


def checkout() -> bool:
    """Whether the package stands in a clone of the course."""
    return (FOLDER.parent / "pyproject.toml").exists() and (FOLDER.parent / "requirements.txt").exists()


def again() -> str:
    """How what came with the package is had again."""
    if checkout():
        files = "`git status` says which files are not as they were, `git restore FILE` brings one back"
        return f"{files}; where none is: pip install -r requirements.txt"
    return f"pip install --force-reinstall --no-deps {_source()}"


def _source() -> str:
    """What pip had the package from: the address that it noted, or an index, which knows it by its name."""
    try:
        noted = json.loads(importlib.metadata.distribution("nf_course").read_text("direct_url.json") or "{}")
    except (importlib.metadata.PackageNotFoundError, ValueError):
        noted = {}
    if "url" not in noted:
        return "nf_course"
    if vcs := noted.get("vcs_info"):
        revision = vcs.get("requested_revision")
        return f"'{vcs['vcs']}+{noted['url']}{f'@{revision}' if revision else ''}'"
    return f"'{noted['url']}'"


def install(extra: str = "") -> str:
    """How what the package needs is had, or what an extra of it needs."""
    if extra:
        return f"pip install -e '.[{extra}]'" if checkout() else f"pip install 'nf_course[{extra}]'"
    return "pip install -r requirements.txt" if checkout() else "pip install nf_course"
