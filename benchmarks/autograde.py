"""nbgrader's autograde on a corpus of submissions: each on its own, in bubblewrap, so that nothing of it is left here.

nbgrader executes a submission and its checks in one kernel. What it records for it is what is told: points or none.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Told", "autograde"]

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120  # for one submission; nbgrader's own limit for a cell is set to a quarter of it
AUTOGRADE = ("-m", "nbgrader", "autograde", "ps", "--ExecutePreprocessor.timeout=30")
MEMORY = 8 * 2**30  # of addresses, for each process


@dataclass(frozen=True)
class Told:
    """What nbgrader has on record for one submission: `points` None where it has nothing."""

    points: float | None
    seconds: float
    late: bool  # it did not end in time


def autograde(sheets: dict[str, tuple[str, dict[str, bytes]]], jobs: int = 2) -> dict[str, Told]:
    """`sheets`: name -> (the chapter's sheet that it answers, its files). Each is graded in a course of its own."""
    with tempfile.TemporaryDirectory(prefix="autograde-", dir=ROOT / "_build") as folder:
        courses = {stem: _course(Path(folder), stem) for stem in {stem for stem, _ in sheets.values()}}

        def one(name: str) -> Told:
            stem, files = sheets[name]
            return _graded(courses[stem], Path(folder) / f"run-{name}", files)

        with ThreadPoolExecutor(jobs) as pool:
            return dict(zip(sheets, pool.map(one, sheets), strict=True))


def _course(folder: Path, stem: str) -> Path:
    """A course of one sheet, released."""
    course = folder / f"course-{stem}"
    (course / "source" / "ps").mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / f"{stem}.ipynb", course / "source" / "ps")
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "ps"]
    subprocess.run(command, cwd=course, check=True, capture_output=True)
    return course


def _graded(course: Path, place: Path, files: dict[str, bytes]) -> Told:
    shutil.copytree(course, place)
    for name, data in files.items():
        target = place / "submitted" / "student" / "ps" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    started = time.monotonic()
    try:
        subprocess.run([*_box(place), *AUTOGRADE], cwd=place, capture_output=True, timeout=SECONDS, check=False)
        late = False
    except subprocess.TimeoutExpired:
        late = True
    seconds = time.monotonic() - started
    points = _points(place)
    subprocess.run(["rm", "-rf", str(place)], check=True)  # shutil gives up on a thousand folders in one another
    return Told(points, round(seconds, 2), late)


def _box(place: Path) -> list[str]:
    """Python in a box: no network but its own, nothing writable but the course and a folder in memory."""
    seen: Iterable[str] = ("/usr", "/bin", "/lib", "/lib64", "/etc", sys.base_prefix, sys.prefix, str(ROOT))
    command = [
        "prlimit",
        f"--as={MEMORY}",
        "bwrap",
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
    ]
    for each in dict.fromkeys(os.path.abspath(each) for each in seen):
        if os.path.islink(each):
            command += ["--symlink", os.readlink(each), each]
        elif os.path.exists(each):
            command += ["--ro-bind", each, each]
    command += ["--proc", "/proc", "--dev", "/dev", "--size", str(256 * 2**20), "--tmpfs", "/tmp", "--dir", "/course"]
    command += ["--bind", str(place), str(place), "--chdir", str(place)]
    env = {"HOME": "/tmp", "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "NF_COURSE_PROGRESS_FILE": "off"}
    env |= {"LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "JUPYTER_PREFER_ENV_PATH": "1"}
    for name, value in env.items():
        command += ["--setenv", name, value]
    return [*command, sys.executable]


def _points(place: Path) -> float | None:
    """Read by a process of its own, in the same box: what a submission has made of the database is not ours to open."""
    script = (
        "import json; from nbgrader.api import Gradebook\n"
        "with Gradebook('sqlite:///gradebook.db') as book:\n"
        "    found = book.find_submission('ps', 'student')\n"
        "    cells = [g for n in found.notebooks for g in n.grades]\n"
        "    whole = cells and all(g.auto_score is not None for g in cells)\n"
        "    print(json.dumps(found.score if whole else None))\n"
    )
    command = [*_box(place), "-c", script]
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        return None
