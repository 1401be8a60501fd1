"""What an instructor gets: results.json, grades.csv in nbgrader's columns, a page for each student and for the class.

All of it is inert, whatever names and messages say: HTML escaped, cells of tables not read as formulas, no controls.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from nf_course.grading.classroom.desk import Record, write_whole
from nf_course.grading.classroom.submission import NOTEBOOK
from nf_course.grading.registry import chapters

__all__ = ["SCHEMA", "cell", "claimed_twice", "clean", "misnamed", "student", "table", "write_all"]

SCHEMA = Path(__file__).with_name("results.schema.json")
COLUMNS = (  # nbgrader's, of `nbgrader export`
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)


def clean(text: Any) -> str:
    """One line without control characters, marks of direction and halves of characters."""
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else "\ufffd" for c in str(text))


def cell(text: Any) -> str:
    """A cell of a table that no spreadsheet takes for a formula."""
    text = clean(text)
    return (
        f"'{text}"
        if text.lstrip(" \u00a0\u3000'").startswith(("=", "+", "-", "@", "|", "%", "\uff1d", "\uff0b"))
        else text
    )


def student(name: str) -> str:
    """Whose file it is, as far as its name tells: the folder it lies in, or what the name has besides the sheet's.

    >>> student("alice/03_coupling_layers (1).ipynb"), student("03_coupling_layers - Bob Z.ipynb"), student("x.ipynb")
    ('alice', 'Bob Z', 'x')
    >>> student("submitted/carla/homework 3/sheet.ipynb"), student("Dora Q_4711_assignsubmission_file_/03.ipynb")
    ('carla', 'Dora Q')
    """
    path, stems = PurePosixPath(name), {chapter.stem for chapter in chapters()}
    folders = [part for part in path.parts[:-1] if part.lower() not in _ANYBODYS and part not in stems]
    folders = [part for part in folders if not part.lower().endswith(".zip")]
    if "submitted" in path.parts and folders:  # nbgrader's: submitted/STUDENT/ASSIGNMENT/file
        return folders[0]
    if moodle := next(filter(_MOODLE.search, folders), None):  # whatever lies in it
        return _MOODLE.sub("", moodle)
    own = _COPY.sub("", re.sub(NOTEBOOK, "", path.name) if NOTEBOOK.search(name) else path.stem)
    rest = own
    for stem in stems:
        rest = re.sub(re.escape(stem), "", rest, flags=re.IGNORECASE)
    rest = re.sub(r"^[\s_.()-]+|[\s_.()-]+$", "", rest)
    if rest and rest != own and not (folders and _NOBODYS.fullmatch(rest)):
        return rest
    return folders[-1] if folders else rest or own


_COPY = re.compile(r"([ _-]*\(\d+\)|-Copy\d+|[ _-]+copy( \d+)?)+$", re.IGNORECASE)  # what browsers and Jupyter add
_MOODLE = re.compile(r"_\d+_assignsubmission_\w*$")
_ANYBODYS = ("submissions", "submitted", "exercises", "solutions", "autograded", "notebooks")
_NOBODYS = re.compile(  # `alice/03_coupling_layers_final_v2` is no student of the name final_v2
    r"(([\s_.()-]|^)(final|new|last|done|solved|solutions?|answers?|submission|homework|hw|draft|v|version|\d{1,2})\d{0,2})+",
    re.IGNORECASE,
)


def claimed_twice(records: list[Record]) -> list[str]:
    """Whose name more than one file of the same chapter bears: a platform that reads the table would take one."""
    who = Counter((student(r["file"]), n) for r in records for n in {row["chapter"] for row in r["exercises"]})
    return sorted({clean(name) for (name, _), count in who.items() if count > 1})


def misnamed(records: list[Record]) -> list[str]:
    """The files whose name is that of one chapter's sheet and whose answers are all to others, with these."""
    stems = {chapter.number: chapter.stem for chapter in chapters()}
    found = set()
    for record in records:
        name, answered = PurePosixPath(record["file"]).name, {row["chapter"] for row in record["exercises"]}
        said = {number for number, stem in stems.items() if stem in name.lower()}
        if said and answered and not said & answered:
            found.add(f"{clean(record['file'])} ({', '.join(stems[number] for number in sorted(answered))})")
    return sorted(found)


def write_all(records: list[Record], course: str, sandboxed: bool, out: Path) -> None:
    """All files, into `out`."""
    records = [record | {"student": student(record["file"])} for record in records]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    result = {"version": 1, "course": course, "graded_at": now, "sandboxed": sandboxed, "submissions": records}
    write_whole(out / "results.json", json.dumps(result, indent=1) + "\n")
    write_whole(out / "grades.csv", _csv(records, now))
    pages = Environment(loader=PackageLoader(__package__, "pages"), autoescape=True, undefined=StrictUndefined)
    pages.filters["points"] = lambda number: f"{number:g}"
    style = (Path(__file__).parent / "pages" / "style.css").read_text("utf-8")
    shown = [_shown(record) | {"page": f"{place:04}.html"} for place, record in enumerate(records, 1)]
    for record in shown:
        text = pages.get_template("student.html").render(record=record, style=style)
        write_whole(out / "students" / record["page"], text)
    for left in set((out / "students").glob("*.html")) - {out / "students" / record["page"] for record in shown}:
        left.unlink()  # of an earlier run over more files
    text = pages.get_template("class.html").render(
        records=shown,
        course=course,
        sandboxed=sandboxed,
        style=style,
        statuses=sorted(Counter(record["status"] for record in records).items()),
        exercises=_exercises(records),
        mistakes=_mistakes(records),
        twice=claimed_twice(records),
        misnamed=misnamed(records),
    )
    write_whole(out / "class.html", text)


def _shown(record: Record) -> Record:
    told = {name: clean(record[name]) for name in ("file", "student", "reason")}
    rows = [row | {"report": [clean(line) for line in row["report"]]} for row in record["exercises"]]
    return record | told | {"exercises": rows}


def _csv(records: list[Record], now: str) -> str:
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    rows.writeheader()
    stems = {chapter.number: chapter.stem for chapter in chapters()}
    for record in records:
        answered = sorted({row["chapter"] for row in record["exercises"]})
        rows.writerow(
            {
                "assignment": "+".join(stems[number] for number in answered)
                or cell(PurePosixPath(record["file"]).stem),
                "timestamp": now,
                "student_id": cell(record["student"]),
                "raw_score": f"{record['earned']:g}",
                "late_submission_penalty": "0",
                "score": f"{record['earned']:g}",
                "max_score": f"{record['possible']:g}",
            }
        )
    return text.getvalue()


def _exercises(records: list[Record]) -> list[dict[str, Any]]:
    """For each exercise that somebody was asked: how many right, wrong and blank."""
    found: dict[str, dict[str, Any]] = {}
    for row in (row for record in records for row in record["exercises"] if row["status"] != "not checked"):
        counts = found.setdefault(
            row["id"], {"id": row["id"], "title": row["title"], "right": 0, "wrong": 0, "blank": 0}
        )
        counts[{"right": "right", "wrong": "wrong"}.get(row["status"], "blank")] += 1
    return [found[name] for name in sorted(found)]


def _mistakes(records: list[Record], most: int = 20) -> list[dict[str, Any]]:
    """The mistakes that have a name, the most frequent first, each with what its learner was told."""
    rows = [row for record in records for row in record["exercises"] if row["mistake"]]
    counts = Counter((row["id"], row["mistake"]) for row in rows)
    told = {(row["id"], row["mistake"]): _likely(row["report"]) for row in rows}
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    return [{"id": key[0], "name": clean(key[1]), "count": count, "told": told[key]} for key, count in ordered]


def _likely(report: list[str]) -> str:
    """The lines of a report under "likely", joined."""
    lines = iter(report)
    for line in lines:
        if line.startswith("  likely"):
            more = []
            for following in lines:
                if not following.startswith(" " * 12):
                    break
                more.append(following.strip())
            return clean(" ".join([line[12:].strip(), *more]))
    return ""


def table(records: list[Record]) -> str:
    """For a terminal: a line for each file, its points, and why where it has none."""
    names = [clean(record["file"]) for record in records]
    width = min(60, max(map(len, names), default=0))
    lines = []
    for name, record in zip(names, records, strict=True):
        name = name if len(name) <= width else f"...{name[3 - width :]}"
        points = f"{record['earned']:>4g} of {record['possible']:<4g}"
        lines.append(
            f"{name:<{width}} {points} {record['status']}{': ' + clean(record['reason']) if record['reason'] else ''}"
        )
    return "\n".join(line.rstrip() for line in lines)
