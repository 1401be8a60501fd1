"""grade_class: a folder of submissions becomes results.json, grades.csv and pages; killed and started again it goes on.

The instructor's notebook of checks is run by nbval in trusted kernels, over one submission after the other, several
kernels at a time. Whatever happens to one of them, every file ends with exactly one record.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from filelock import FileLock, Timeout
from nbformat.v4 import new_code_cell, new_notebook

import nf_course
from nf_course.grading.classroom.desk import Record, blank_record, write_whole
from nf_course.grading.classroom.sandbox import expect_sandbox
from nf_course.grading.classroom.submission import File, Unreadable, files_in, read

__all__ = ["Class", "grade_class"]

BATCH = 20  # submissions in one kernel
CELL_SECONDS = 300  # for one cell of checks
BEFORE = (
    "from nf_course.grading import check\nfrom nf_course.grading.classroom.desk import Desk\n\ndesk = Desk({work!r})"
)


@dataclass(frozen=True)
class Class:
    """What came of a class: one record for each file, in the order of their names."""

    records: tuple[Record, ...]
    course: str  # by what it was graded
    sandboxed: bool
    seconds: float


def grade_class(
    place: str | Path,
    out: str | Path,
    *,
    checks: str | Path | None = None,
    unsafe: bool = False,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Class:
    """Grade every notebook in `place`, a folder, a zip archive or one file; the records stay in `out`/work.

    Files whose record is there already, of the same bytes and by the same course, are not run again. `checks` is a
    notebook of the instructor's own, whose code cells are run over each submission, with its functions in their names.
    Errors: `SandboxMissing` before anything is run; `FileNotFoundError` for no such place or nothing in it;
    `ValueError` where another run is at work in `out`.
    """
    place, out, started = Path(place), Path(out).resolve(), time.monotonic()
    if not unsafe:
        expect_sandbox()
    if not place.exists():
        raise FileNotFoundError(f"{place}: expected a folder, a zip archive or a notebook")
    files = {_key(file): file for file in files_in(place, but=out)}
    if not files:
        raise FileNotFoundError(f"{place}: expected notebooks (*.ipynb) or archives of them (*.zip), found none")
    cells = _own_cells(checks) if checks else None
    work = out / "work"
    work.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work / "lock", timeout=0):
            _plan(work, files, unsafe)
            course = _course(cells)
            for size in (BATCH, 1):  # where a kernel was lost, each of its files gets one of its own
                pending = [key for key, file in files.items() if not _fresh(work, key, file, course, unsafe)]
                if pending:
                    books = _write_books(work, files, pending, cells, size)
                    _run(work, books, jobs or os.cpu_count() or 1, lambda: progress(_done(work, files), len(files)))
            records = tuple(_final(work, key, file, course, not unsafe) for key, file in files.items())
    except Timeout as busy:
        raise ValueError(f"{out}: another run is grading there; wait for it, or give another --out") from busy
    return Class(records, course, not unsafe, time.monotonic() - started)


def _key(file: File) -> str:
    return hashlib.sha256(file.name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plan(work: Path, files: dict[str, File], unsafe: bool) -> None:
    listed = {key: (file.name, os.path.abspath(file.path), file.member, file.place) for key, file in files.items()}
    write_whole(work / "plan.json", json.dumps({"files": listed, "unsafe": unsafe}))


def _course(cells: list[str] | None) -> str:
    """By what a record was made: the version of the course, and the instructor's own checks."""
    own = hashlib.sha256("\0".join(cells).encode()).hexdigest()[:12] if cells else "the course's own checks"
    return f"nf_course {nf_course.__version__}, {own}"


def _own_cells(notebook: str | Path) -> list[str]:
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except FileNotFoundError as error:
        raise ValueError(f"{notebook}: expected a notebook of checks, and there is no such file") from error
    except Exception as error:
        raise ValueError(f"{notebook}: expected a notebook of checks ({type(error).__name__})") from error
    return [cell.source for cell in cells if cell.cell_type == "code" and cell.source.strip()]


def _fresh(work: Path, key: str, file: File, course: str, unsafe: bool) -> bool:
    """Whether its record is there, and of these bytes. A record that cannot be read counts as none."""
    record = _read(work, key)
    if record is None or record.get("course", course) != course or record.get("sandboxed") is unsafe:
        return False
    try:
        return record.get("sha256") == hashlib.sha256(file.bytes()).hexdigest()
    except Unreadable:
        return record.get("status") == "unreadable"


def _read(work: Path, key: str) -> Record | None:
    try:
        record = json.loads((work / "records" / f"{key}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("status") in ("graded", "unreadable") else None


def _done(work: Path, files: Iterable[str]) -> int:
    return sum((work / "records" / f"{key}.json").exists() for key in files)


def _write_books(work: Path, files: dict[str, File], keys: list[str], own: list[str] | None, size: int) -> list[Path]:
    """The notebooks of checks, each over `size` submissions."""
    for old in work.glob("check-*.ipynb"):
        old.unlink()
    books = []
    for first in range(0, len(keys), size):
        cells = [BEFORE.format(work=str(work.resolve()))]
        for key in keys[first : first + size]:
            cells += [f"globals().update(desk.take({key!r}))", *(own or _checks(files[key])), "_ = desk.put()"]
        book = new_notebook(cells=[new_code_cell(source) for source in cells])
        book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        books.append(work / f"check-{first // size + 1:04}.ipynb")
        nbformat.write(book, books[-1])
    return books


def _checks(file: File) -> list[str]:
    """The course's own: a check for each exercise of the chapters that the submission answers."""
    try:
        exercises = read(file, file.bytes()).exercises
    except Unreadable:
        return []
    return [f"_ = check({exercise.id!r}, *desk.answers({exercise.id!r}))" for exercise in exercises]


def _run(work: Path, books: list[Path], jobs: int, tick: Callable[[], None]) -> None:
    """nbval over the notebooks. What it says of cells is kept in a log; what counts are the records."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--noconftest",
        "--nbval-lax",
        "-o",
        "addopts=",
    ]
    command += [f"--nbval-cell-timeout={CELL_SECONDS}", f"--rootdir={work}", "-c", os.devnull]
    jobs = min(jobs, len(books))
    if jobs > 1:
        command += ["-n", str(jobs), "--dist", "loadfile"]
    env = os.environ | {"OMP_NUM_THREADS": "1", "NF_COURSE_PROGRESS_FILE": "off", "NF_COURSE_DEVICE": "cpu"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(nf_course.__file__).parents[1]), env.get("PYTHONPATH")]))
    with (
        tempfile.TemporaryDirectory(prefix="nf-course-grade-") as scratch,  # what killed kernels leave goes with it
        open(work / "nbval.log", "a", encoding="utf-8") as log,
    ):
        env |= {"TMPDIR": scratch, "IPYTHONDIR": f"{scratch}/ipython", "JUPYTER_RUNTIME_DIR": f"{scratch}/runtime"}
        process = subprocess.Popen([*command, *map(str, books)], stdout=log, stderr=log, env=env, cwd=work)
        try:
            while process.poll() is None:
                tick()
                time.sleep(0.2)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    tick()


def _final(work: Path, key: str, file: File, course: str, sandboxed: bool) -> Record:
    """The record of a file, whatever became of it, with what it was made by."""
    record = _read(work, key)
    if record is None:
        record = blank_record(file, sandboxed) | {"reason": f"no record came of it: see {work / 'nbval.log'}"}
    elif "course" not in record:
        record["course"] = course
        write_whole(work / "records" / f"{key}.json", json.dumps(record))
    return record
