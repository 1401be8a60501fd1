"""Fail on files that do not belong in the repository: too large, or naming a path of one machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 1_500_000  # bytes, but for
LIMITS = {"data": 3_500_000, "trained": 3_000_000}  # folders of nf_course: data sets, and trained weights
LOCAL_PATH = re.compile(rb"(?<![\w.:/~-])/(?:work|tmp|home|root|Users)/[\w.-]+")
ATTACKERS = "tests/grading/corpus/"  # submissions that name such paths because they are after them
TEXT = {".py", ".ipynb", ".md", ".yml", ".toml", ".txt", ".js", ".css", ".bib", ".cff", ".json", ""}


def files(root: Path) -> list[Path]:
    """What git tracks or would track, and what is there without git (an unpacked archive)."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True
    )
    if listed.returncode:
        return []
    return [root / name for name in listed.stdout.decode().split("\0") if name and (root / name).is_file()]


def problems(root: Path = ROOT) -> list[str]:
    """One line for each file that does not belong."""
    found = []
    for path in files(root):
        name, size = path.relative_to(root), path.stat().st_size
        folder = name.parts[1] if name.parts[0] == "nf_course" else ""
        limit = LIMITS.get(folder, LIMIT)
        if size > limit:
            found.append(f"{name}: {size} bytes, more than {limit}")
        theirs = name.as_posix().startswith(ATTACKERS)
        if path.suffix in TEXT and path != Path(__file__).resolve() and not theirs:
            local = LOCAL_PATH.search(path.read_bytes())
            if local:
                found.append(f"{name}: names a path of one machine, {local[0].decode()}")
    return found


if __name__ == "__main__":
    lines = problems()
    print("\n".join(lines) or "tracked files: none too large, none with a local path")
    sys.exit(bool(lines))
