"""The wheel of the course, built without a network from what git tracks: once for a run of the tests."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tools import tracked_files

ROOT = Path(__file__).parents[2]


@cache
def wheel() -> Path:
    """The wheel. Of the checkout no more than the tracked files is there when it is built."""
    place = Path(mkdtemp(prefix="nf-course-wheel-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    for path in tracked_files.files(ROOT):
        name = path.relative_to(ROOT)
        if name.parts[0] not in ("book", "solutions", "exercises"):  # they are large and have no place in it
            (place / "course" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place / "course" / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    done = subprocess.run([*command, "-w", str(place), "."], cwd=place / "course", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(place / "course")
    (found,) = place.glob("*.whl")
    return found
