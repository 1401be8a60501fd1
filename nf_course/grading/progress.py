"""progress(): the points of the whole course, kept in one small file on this machine.

The best score of each exercise is kept. The file is written whole or not at all, under a lock, and a file that cannot
be read is put aside, never overwritten. NF_COURSE_PROGRESS_FILE names another place; `off` keeps nothing.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from nf_course.grading.registry import chapters

__all__ = ["path", "progress", "read", "record"]

VERSION = 1


def path() -> Path | None:
    """Where the points are kept, or None where they are not."""
    chosen = os.environ.get("NF_COURSE_PROGRESS_FILE", "").strip()
    if chosen.lower() == "off":
        return None
    return Path(chosen).expanduser() if chosen else user_state_path("nf_course", appauthor=False) / "progress.json"


def record(exercise: str, earned: float, possible: float) -> str | None:
    """Keep a score if it is the best so far. Returns a line for the learner where something was amiss."""
    file = path()
    if file is None:
        return None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=3):
            points, note = read(file)
            old = points.get(exercise, {"earned": 0, "tries": 0})
            points[exercise] = {
                "earned": max(earned, old["earned"]),
                "possible": possible,
                "tries": old["tries"] + 1,
            }
            _write(file, points)
        return note
    except (OSError, Timeout, ValueError) as error:
        return f"  note      the points could not be kept in {file}: {type(error).__name__}"


def read(file: Path) -> tuple[dict[str, dict[str, Any]], str | None]:
    """(points, note). A file that is no record of points is moved aside; the save before it takes its place."""
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return {}, None
    points, damaged = _parse(text)
    if not damaged:
        return points, None
    aside = file.with_name(f"{file.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}{file.suffix}")
    os.replace(file, aside)
    backup = _backup(file)
    if backup.exists():
        older, worse = _parse(backup.read_bytes())
        points = {**({} if worse else older), **points}
    if points:
        _write(file, points)
    note = f"  note      the record of your points was damaged and is now {aside.name}; {len(points)} scores were saved"
    return points, note


def _parse(text: bytes) -> tuple[dict[str, dict[str, Any]], bool]:
    """(the entries that make sense, whether anything did not)."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}, True
    if not isinstance(data, dict) or not isinstance(data.get("points"), dict):
        return {}, True
    if data.get("version") != VERSION:
        raise ValueError("written by another version of the course")
    good = {name: entry for name, entry in data["points"].items() if _sensible(entry)}
    return good, len(good) < len(data["points"])


def _sensible(entry: Any) -> bool:
    if not isinstance(entry, dict) or set(entry) != {"earned", "possible", "tries"}:
        return False
    numbers = list(entry.values())
    if any(isinstance(n, bool) or not isinstance(n, (int, float)) or not math.isfinite(n) for n in numbers):
        return False
    return 0 <= entry["earned"] <= entry["possible"] and entry["tries"] >= 0


def _backup(file: Path) -> Path:
    return file.with_name(f"{file.name}.previous")


def _write(file: Path, points: dict[str, dict[str, Any]]) -> None:
    """Whole or not at all: into a file beside it, to the disk, then renamed. The old one stays as a backup."""
    text = json.dumps({"version": VERSION, "points": points}, indent=1, sort_keys=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.stem}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            os.replace(file, _backup(file))
        os.replace(name, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def progress() -> None:
    """Print the points of each chapter, and where they are kept."""
    file, points, note = path(), {}, None
    if file is not None:
        try:
            with FileLock(f"{file}.lock", timeout=3) if file.parent.exists() else contextlib.nullcontext():
                points, note = read(file)
        except (OSError, Timeout, ValueError) as error:
            note = f"  note      {file} could not be read: {error}"
    print("chapter                          points")
    total, possible = 0.0, 0.0
    for chapter in chapters():
        earned = sum(min(points.get(e.id, {}).get("earned", 0), e.points) for e in chapter.exercises)
        full = sum(e.points for e in chapter.exercises)
        total, possible = total + earned, possible + full
        print(f"{chapter.number:>3}  {chapter.title:<26}{_score(earned, full)}")
    print(f"     {'all':<26}{_score(total, possible)}")
    print(note or (f"kept in {file}" if file else "not kept: NF_COURSE_PROGRESS_FILE=off"))


def _score(earned: float, full: float) -> str:
    filled = int(20 * earned / full) if full else 0
    return f"{earned:>4g} of {full:<4g}{'#' * filled}{'.' * (20 - filled)}"
