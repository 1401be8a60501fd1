"""nf-course grade FOLDER: a class of submissions, each run in a sandbox, judged by the course's own checks.

Exit status: 0 all graded; 3 some files could not be read or graded; 2 nothing was run, and the message says why.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path

from tqdm import tqdm

__all__ = ["add_grade", "grade"]

NEEDED = ("jinja2", "nbformat", "nbval", "pytest", "xdist")


def add_grade(commands: argparse._SubParsersAction) -> None:
    """The command's own options."""
    parser = commands.add_parser(
        "grade",
        help="grade a folder of submissions, each in a sandbox",
        description=__doc__,
        epilog="examples:\n  nf-course grade submissions/\n  nf-course grade class.zip --out grades --jobs 4\n"
        "  nf-course grade submissions/ --checks my_checks.ipynb --json",
    )
    parser.add_argument("place", metavar="FOLDER", help="a folder or zip archive of notebooks, named as you like")
    parser.add_argument("--out", default="grades", help="where results go, and where a run goes on (default: grades)")
    parser.add_argument("--checks", metavar="NOTEBOOK", help="a notebook of your own checks, in place of the course's")
    parser.add_argument("--jobs", type=int, help="how many at a time (default: one for each core)")
    parser.add_argument("--json", action="store_true", help="print results.json, and nothing else")
    parser.add_argument("--unsafe", action="store_true", help="no sandbox: submissions may do whatever you may do")
    parser.set_defaults(run=grade)


def grade(given: argparse.Namespace) -> int:
    """Run the command; the exit status."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise RuntimeError(f"grade needs {', '.join(missing)}: pip install 'nf_course[grade]'")
    from nf_course.grading.classroom.output import claimed_twice, misnamed, table, write_all
    from nf_course.grading.classroom.run import grade_class

    out = Path(given.out)
    if given.jobs is not None and given.jobs < 1:
        raise ValueError(f"--jobs: expected 1 or more, got {given.jobs}")
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out: expected a folder, got the file {out}")
    if given.unsafe:
        print("nf-course: no sandbox: these submissions may do whatever you may do", file=sys.stderr)
    with tqdm(disable=given.json or None, unit="file", desc="grade") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        result = grade_class(
            given.place, out, checks=given.checks, unsafe=given.unsafe, jobs=given.jobs, progress=progress
        )
    write_all(list(result.records), result.course, result.sandboxed, out)
    if given.json:
        print(json.dumps(json.loads((out / "results.json").read_text("utf-8"))))
    else:
        print(table(list(result.records)))
        if twice := claimed_twice(list(result.records)):
            print(f"more than one file of the same chapter, so look whose they are: {', '.join(twice)}")
        if other := misnamed(list(result.records)):
            print(
                f"answers to another chapter than the file's name says, so look what was asked for: {', '.join(other)}"
            )
        print(f"{len(result.records)} files in {result.seconds:.0f} s: {out}/class.html, grades.csv, results.json")
    return 0 if all(record["status"] == "graded" for record in result.records) else 3
