"""What a release says: the part of CHANGELOG.md that has its number, once tag, package and changelog agree.

python tools/release.py notes v0.2.0
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def notes(tag: str, root: Path = ROOT) -> str:
    """The changelog's part for a tag. Errors: `ValueError` where tag, package and changelog do not agree."""
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    if tag != f"v{version}":
        raise ValueError(f"release: expected the tag v{version}, as pyproject.toml has it, got {tag!r}")
    parts = re.split(r"^## ", (root / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)
    found = [part for part in parts if re.match(rf"{re.escape(version)}\b(?!\.)", part)]
    if not found:
        raise ValueError(f"release: expected a part '## {version}, its date' in CHANGELOG.md")
    return found[0].partition("\n")[2].strip() + "\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(notes(sys.argv[2]))
    except (ValueError, IndexError) as error:
        sys.exit(str(error))
