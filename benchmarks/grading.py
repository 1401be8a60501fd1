"""The grader of a class on trial, with nbgrader's autograde beside it on the same files: one table from one command.

    python -m benchmarks.grading                   all of it, some 40 minutes on two cores
    python -m benchmarks.grading attacks fuzz      parts of it; the others stay as they are in results/grading.json

attacks, oddities, answers, fuzz, regrades, class: `nf-course grade`; autograde: nbgrader. What must come out stands in
tests/grading/corpus/ and tests/grading/chNN_variants.py. A shorter form of each part is a test.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

import nf_course
from benchmarks.autograde import autograde
from nf_course.grading.classroom.submission import File, Unreadable, read
from nf_course.grading.registry import chapters
from nf_course.runs import machine
from tests.grading.corpus import build, oddities
from tests.grading.corpus.answers import sheets
from tests.grading.corpus.damaged import mutants
from tests.grading.tables import EXERCISES

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "grading.json"
REGRADES, CLASS, FUZZ = 20, 300, 2000
Found = dict[str, Any]


def graded(place: Path, out: Path, *words: str) -> tuple[list[Found], float]:
    """`nf-course grade` over a folder: its records, and the seconds that it took from the first to the last."""
    started = time.monotonic()
    command = [sys.executable, "-m", "nf_course.cli", "grade", str(place), "--out", str(out), "--json", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)["submissions"], time.monotonic() - started


def expected(folder: Path) -> Found:
    return json.loads((folder / "expected.json").read_text("utf-8"))


def attacks(scratch: Path) -> Found:
    """Points that an attack was paid, and files without exactly one record. Two are not promised (border.py)."""
    shutil.copytree(build.FOLDER, scratch / "class", ignore=shutil.ignore_patterns("expected.json"))
    records, seconds = graded(scratch / "class", scratch / "out")
    names = {f"{folder.name}/submission.ipynb": expected(folder) for folder in build.FOLDER.iterdir()}
    paid = [r["file"] for r in records if r["earned"]]
    return {
        "files": len(names),
        "paid": sum(names[file]["earned"] == 0 for file in paid),
        "not_promised": sum(told["earned"] > 0 for told in names.values()),
        "lost": len(names) - len({r["file"] for r in records if r["status"] != "failed"} & set(names)),
        "seconds": seconds,
    }


def odd_ones(scratch: Path) -> Found:
    """Points that an honest sheet in an odd form has lost."""
    shutil.copytree(oddities.FOLDER, scratch / "class", ignore=shutil.ignore_patterns("expected.json"))
    records, seconds = graded(scratch / "class", scratch / "out")
    wanted = {folder.name: expected(folder)["earned"] for folder in oddities.FOLDER.iterdir()}
    short = [r["file"] for r in records if r["earned"] < wanted[r["file"].split("/")[0]]]
    return {"files": len(wanted), "lost_points": len(short), "records": len(records), "seconds": seconds}


def answers(scratch: Path) -> Found:
    """Every row of the tables: right ones paid, wrong ones not, and called by the name of their mistake."""
    class_ = sheets(every=True)
    (scratch / "class").mkdir()
    for file, (text, _) in class_.items():
        (scratch / "class" / file).write_text(text, "utf-8")
    records, seconds = graded(scratch / "class", scratch / "out")
    rows = {(r["file"], row["id"]): row for r in records for row in r["exercises"]}
    told = {(file, name): mistake for file, (_, of) in class_.items() for name, mistake in of.items()}
    right = [rows[key] for key, mistake in told.items() if mistake is None]
    wrong = [(rows[key], mistake) for key, mistake in told.items() if mistake is not None]
    return {
        "exercises": len(EXERCISES),
        "sheets": len(class_),
        "right": len(right),
        "right_paid": sum(row["status"] == "right" for row in right),
        "wrong": len(wrong),
        "wrong_paid": sum(row["earned"] > 0 for row, _ in wrong),
        "wrong_named": sum(row["mistake"] == mistake for row, mistake in wrong),
        "seconds": seconds,
    }


def fuzz(_scratch: Path) -> Found:
    """Damaged sheets: read or refused in a line; anything else would end this. Milliseconds of the refusals."""
    times, read_ = [], 0
    for data in mutants(seed=29, count=FUZZ):
        started = time.perf_counter()
        try:
            read(File("sheet.ipynb", Path("sheet.ipynb")), data)
            read_ += 1
        except Unreadable:
            times.append(1000 * (time.perf_counter() - started))
    return {
        "files": FUZZ,
        "read": read_,
        "refused": len(times),
        "ms": statistics.median(times),
        "ms_most": max(times),
    }


def regrades(scratch: Path) -> Found:
    """All solved sheets again and again, with new seeds each time: scores that are not the first run's."""
    shutil.copytree(ROOT / "solutions", scratch / "class", ignore=shutil.ignore_patterns(".*"))
    runs = []
    for number in range(REGRADES):
        records, _ = graded(scratch / "class", scratch / f"out-{number}")
        runs.append({(r["file"], row["id"]): row["earned"] for r in records for row in r["exercises"]})
    changed = sum(run != runs[0] for run in runs)
    return {"runs": REGRADES, "files": len(records), "scores": len(runs[0]), "changed": changed}


def class_of_300(scratch: Path) -> Found:
    """Solved and blank sheets of all chapters, one for each of 300 students."""
    solved = sorted((ROOT / "solutions").glob("*.ipynb"))
    for number in range(CLASS):
        sheet = solved[number % len(solved)]
        source = sheet if number % 4 else ROOT / "exercises" / sheet.name
        (scratch / "class" / f"student-{number:03}").mkdir(parents=True)
        shutil.copy(source, scratch / "class" / f"student-{number:03}")
    records, seconds = graded(scratch / "class", scratch / "out", "--jobs", "2")
    whole = sum(r["earned"] == r["possible"] for r in records)
    return {"files": len(records), "full_score": whole, "jobs": 2, "seconds": seconds}


def on_the_sheet(stem: str, exercise: str, submission: bytes) -> bytes:
    """A blank sheet of the chapter in which the cells of a submission stand where the answer belongs.

    nbgrader finds cells by their ids, which a student's copy of the sheet has. What is no notebook stays as it is.
    """
    try:
        theirs = json.loads(submission)["cells"]
        ids = [(cell["metadata"].get("nbgrader") or {}).get("grade_id") for cell in theirs]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return submission
    sheet = json.loads((ROOT / "exercises" / f"{stem}.ipynb").read_text("utf-8"))
    wanted = exercise.replace(".", "-")
    own = [c for c, i in zip(theirs, ids, strict=True) if i is not None or not str(c["source"]).startswith("check(")]
    for cell in own:  # an answer that is taken for one in the sheet is one there, with all that nbgrader asks of it
        told = cell["metadata"].get("nbgrader")
        if isinstance(told, dict):
            told |= {"schema_version": 3} | {key: told.get(key, False) for key in ("grade", "locked", "task")}
    found = []
    for cell in sheet["cells"]:
        told = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if told == wanted:
            found += own
        elif told is None or told not in ids:
            found.append(cell)
    return json.dumps(sheet | {"cells": found}).encode()


def nbgraders(_scratch: Path) -> Found:
    """The same attacks and oddities by nbgrader; attacks on memory and processes are left out: no box stops them."""
    stems = {f"{chapter.number:02}": chapter.stem for chapter in chapters()}
    tried, odd = {}, {}
    for folder in sorted(build.FOLDER.iterdir()):
        if folder.name.split("_")[0] != "resources" and expected(folder)["earned"] == 0:
            exercise = expected(folder).get("exercise", "03.logdet")
            stem = stems[exercise[:2]]
            files = {f.name: f.read_bytes() for f in folder.iterdir() if f.name != "expected.json"}
            files[f"{stem}.ipynb"] = on_the_sheet(stem, exercise, files.pop("submission.ipynb"))
            tried[folder.name] = stem, files
    for folder in sorted(oddities.FOLDER.iterdir()):
        notebooks = list(folder.rglob("*.ipynb"))
        if len(notebooks) == 1:
            odd[folder.name] = oddities.SHEET, {f"{oddities.SHEET}.ipynb": notebooks[0].read_bytes()}
    hostile, honest = autograde(tried), autograde(odd)
    short = [n for n, t in honest.items() if t.points is None or t.points < expected(oddities.FOLDER / n)["earned"]]
    return {
        "attacks": len(tried),
        "paid": sum(bool(told.points) for told in hostile.values()),
        "lost": sum(told.points is None for told in hostile.values()),
        "late": sum(told.late for told in hostile.values()),
        "paid_names": sorted(name for name, told in hostile.items() if told.points),
        "oddities": len(odd),
        "lost_points": len(short),
        "lost_points_names": sorted(short),
        "seconds_each": statistics.median(told.seconds for told in honest.values()),
    }


PARTS = {
    "attacks": attacks,
    "oddities": odd_ones,
    "answers": answers,
    "fuzz": fuzz,
    "regrades": regrades,
    "class": class_of_300,
    "autograde": nbgraders,
}


def table(found: Found) -> str:
    """The table, as lines of text."""
    a, o, w, f, r, c, n = (found.get(name) for name in PARTS)
    lines = []
    if a:
        lines.append(
            f"attacks   {a['files']} files: {a['paid']} paid, {a['lost']} without a record; {a['seconds']:.0f} s"
        )
    if o:
        lines.append(f"oddities  {o['files']} honest sheets: {o['lost_points']} lost points; {o['seconds']:.0f} s")
    if w:
        lines.append(
            f"answers   {w['right_paid']} of {w['right']} right ones paid; of {w['wrong']} wrong ones "
            f"{w['wrong_paid']} paid, {w['wrong_named']} called by name; {w['sheets']} sheets in {w['seconds']:.0f} s"
        )
    if f:
        lines.append(
            f"fuzz      {f['files']} damaged sheets: {f['read']} read, {f['refused']} refused in {f['ms']:.2f} ms, "
            f"{f['ms_most']:.0f} at most"
        )
    if r:
        lines.append(f"regrades  {r['changed']} of {r['runs']} runs over {r['scores']} scores differ from the first")
    if c:
        lines.append(f"class     {c['files']} sheets on {c['jobs']} cores in {c['seconds']:.0f} s")
    if n:
        lines.append(
            f"nbgrader  {n['attacks']} attacks: {n['paid']} paid, {n['lost']} without a record; {n['oddities']} honest "
            f"sheets: {n['lost_points']} lost points; {n['seconds_each']:.1f} s each"
        )
    return "\n".join(lines)


def main(names: list[str]) -> None:
    if unknown := set(names) - set(PARTS):
        raise SystemExit(f"expected some of {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
    found: Found = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    (ROOT / "_build").mkdir(exist_ok=True)
    for name in names or PARTS:
        with tempfile.TemporaryDirectory(prefix="grading-", dir=ROOT / "_build") as scratch:
            found[name] = PARTS[name](Path(scratch))
        cpu = machine(torch.device("cpu"))
        found["setting"] = {"machine": cpu, "cores": os.cpu_count(), "nf_course": nf_course.__version__}
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        print(table({name: found[name]}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
