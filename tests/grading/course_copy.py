"""A copy of the course, in which a test may write: what `nf-course new` needs, and commands that know no other."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("nf_course", "solutions", "exercises", "tests/grading", "tools", "pyproject.toml", "conftest.py")
LEFT = shutil.ignore_patterns("__pycache__", "*.npz", "trained", "vendor", "corpus", ".ipynb_checkpoints", "*.jpg")
CACHES = {"__pycache__", ".ruff_cache", ".pytest_cache"}


def copied(to):
    for name in NEEDED:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=LEFT)
        else:
            shutil.copyfile(ROOT / name, to / name)
    (to / "book").mkdir()
    for page in (ROOT / "book").glob("[0-9]*.ipynb"):
        shutil.copyfile(page, to / "book" / page.name)
    return to


def tree(root):
    """Every file and what is in it, but for caches."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and not CACHES & set(path.parts))
    return {path.relative_to(root): path.read_bytes() for path in files}


def changed(before, after):
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def run(course, *words, folder="."):
    """A command within the copy, that knows no other course."""
    environment = {**os.environ, "PYTHONPATH": str(course), "NF_COURSE_PROGRESS_FILE": "off"}
    done = subprocess.run(
        [sys.executable, *words], cwd=course / folder, env=environment, capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout + done.stderr


def lint(course):
    """`make lint`, as far as an exercise goes. Other tests import what was not copied, so ruff would sort them anew."""
    files = ["nf_course", "solutions", *(str(path) for path in sorted((course / "tests/grading").glob("ch*.py")))]
    for command in (["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"]):
        status, out = run(course, *command, *files)
        assert status == 0, out
    status, out = run(course, "tools/notebooks.py", "check")
    assert status == 0, out


def edited(path, old, new):
    def damage():
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    return damage
