"""A submission: a notebook file read as text, never run, and the cells in it that may hold answers.

Whatever the file is, the result is either its cells or an `Unreadable` with one line that says what was expected.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from nf_course.grading.exercise import Chapter, Exercise
from nf_course.grading.registry import chapters

__all__ = ["NOTEBOOK", "Cell", "File", "Submission", "Unreadable", "files_in", "read"]

LARGEST = 20 * 2**20  # bytes of a notebook; with pictures in it one has a few
NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)  # browsers add an ending of their own
MOST_PARTS = 1_000_000  # lists and objects, of which each takes a hundred bytes and more when it is read
MOST_CELLS, LONGEST_CELL, MOST_MEMBERS = 5000, 1_000_000, 20_000


class Unreadable(ValueError):
    """The file is no notebook of the course; the message says what it is instead."""


@dataclass(frozen=True)
class File:
    """A file as it was handed in: where it lies, under which name it is listed, and how to get its bytes."""

    name: str  # within the folder or the archive, "/" between folders
    path: Path
    member: str | None = None  # in a zip archive
    place: int = 0  # among the members of that name, of which an archive may have several

    def bytes(self) -> bytes:
        """Its content. Errors: `Unreadable` for links, pipes, and files that are too large or cannot be opened."""
        try:
            if self.member is not None:
                with zipfile.ZipFile(self.path) as archive:
                    same = [info for info in archive.infolist() if info.filename == self.member]
                    with archive.open(same[self.place]) as stream:
                        return _at_most(stream)
            mode = os.lstat(self.path).st_mode
            if not stat.S_ISREG(mode):
                raise Unreadable(f"a {'link' if stat.S_ISLNK(mode) else 'special file'}, expected a notebook")
            with open(self.path, "rb") as stream:
                return _at_most(stream)
        except Unreadable:
            raise
        except (
            Exception
        ) as error:  # what a damaged archive brings about is of many kinds: zlib.error, struct.error, ...
            raise Unreadable(f"the file cannot be opened: {type(error).__name__}") from error


def _at_most(stream) -> bytes:
    data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unreadable(f"larger than {LARGEST >> 20} MiB, expected a notebook without large pictures in it")
    return data


def files_in(place: Path, but: Path | None = None) -> list[File]:
    """Every notebook file under a folder, in a zip archive, or the one file itself, by name; none in folder `but`."""
    if place.is_dir():
        found = [File(str(PurePosixPath(path.relative_to(place))), path) for path in _below(place, but)]
        archives = [file for file in found if file.path.suffix.lower() == ".zip"]
        found = [file for file in found if NOTEBOOK.search(file.name)]
        for archive in archives:
            inside = _of_zip(archive.path) or [File(archive.path.name, archive.path)]  # listed, and refused
            found += [dataclasses.replace(inner, name=f"{archive.name}/{inner.name}") for inner in inside]
    elif place.suffix.lower() == ".zip":
        found = _of_zip(place)
    else:
        found = [File(place.name, place)]
    return sorted(found, key=lambda file: file.name)


def _below(folder: Path, but: Path | None) -> Iterator[Path]:
    """Files, links too, but no folder is entered through a link, nor one that is hidden."""
    for root, inside, names in os.walk(folder, followlinks=False):
        inside[:] = sorted(name for name in inside if not name.startswith((".", "__MACOSX")))
        inside[:] = [name for name in inside if but is None or (Path(root) / name).resolve() != but.resolve()]
        yield from (Path(root) / name for name in sorted(names) if not name.startswith("."))


def _of_zip(path: Path) -> list[File]:
    """The notebooks of an archive, under the names that they have there; nothing is unpacked onto the disk."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):  # a link to elsewhere, or a pipe that would never end
            raise ValueError
        with zipfile.ZipFile(path) as archive:
            members = [info.filename for info in archive.infolist() if not info.is_dir()]
        if len(members) > MOST_MEMBERS:
            raise ValueError
    except Exception:
        return [File(path.name, path)]  # listed, and refused when it is read
    wanted = [m for m in members if (NOTEBOOK.search(m) or m.lower().endswith(".zip")) and not _hidden(m)]
    names: dict[str, int] = {}
    found = []
    for member in wanted:  # two members may have one name: each is listed
        names[member] = names.get(member, 0) + 1
        name = member if names[member] == 1 else f"{member} ({names[member]})"
        found.append(File(name, path, member, names[member] - 1))
    return found


def _hidden(member: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) and part not in (".", "..") for part in PurePosixPath(member).parts)


@dataclass(frozen=True)
class Cell:
    """A code cell: its text, the exercise whose answer it says it is, and the exercises that it checks."""

    source: str
    answers: str | None  # "03.logdet"
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Submission:
    """The code cells of a notebook, and the chapters whose exercises it answers."""

    cells: tuple[Cell, ...]
    chapters: tuple[Chapter, ...]

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        return tuple(exercise for chapter in self.chapters for exercise in chapter.exercises)


def read(file: File, data: bytes) -> Submission:
    """The submission in the bytes of a file. Errors: `Unreadable`."""
    cells = tuple(_code_cells(_notebook(data)))
    found = _chapters(cells, file.name)
    if not found:
        raise Unreadable("a notebook with no exercise of this course in it")
    return Submission(cells, found)


def _notebook(data: bytes) -> dict[str, Any]:
    if not data.strip():
        raise Unreadable("an empty file, expected a notebook")
    if data.startswith(b"PK"):
        raise Unreadable("an archive with no notebook in it, or within another archive: unpack it")
    try:
        text = data.decode(_encoding(data))
    except UnicodeDecodeError as error:
        raise Unreadable("text in no known encoding, expected a notebook in UTF-8") from error
    if sum(map(text.count, "[{")) > MOST_PARTS:
        raise Unreadable(f"JSON of more than {MOST_PARTS} lists and objects, expected a notebook")
    try:
        notebook = json.loads(text)
    except RecursionError as error:
        raise Unreadable("JSON that is nested too deep, expected a notebook") from error
    except ValueError as error:
        what = "cut off or damaged" if text.lstrip()[:1] == "{" else "no notebook"
        raise Unreadable(f"{what}: expected the JSON of a notebook, {_where(error)}") from error
    if not isinstance(notebook, dict):
        raise Unreadable(f"a JSON {type(notebook).__name__}, expected a notebook")
    return notebook


def _encoding(data: bytes) -> str:
    """UTF-8 as a rule; what an editor has saved as UTF-16 begins with a mark, or has every second byte empty."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if data[1:4:2] == b"\0\0" or data[0:3:2] == b"\0\0":
        return "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def _where(error: ValueError) -> str:
    line = getattr(error, "lineno", None)
    return f"which ends or breaks in line {line}" if line else "which it is not"


def _code_cells(notebook: dict[str, Any]) -> Iterator[Cell]:
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):  # nbformat 3
        sheets = [sheet for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets for cell in (sheet.get("cells") or [])]
    if not isinstance(cells, list):
        raise Unreadable("JSON without cells, expected a notebook")
    if len(cells) > MOST_CELLS:
        raise Unreadable(f"{len(cells)} cells, expected a notebook of at most {MOST_CELLS}")
    for cell in cells:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", cell.get("input", ""))
        if isinstance(source, list):
            source = "".join(line for line in source if isinstance(line, str))
        if not isinstance(source, str) or not source.strip():
            continue
        if len(source) > LONGEST_CELL:
            raise Unreadable(f"a cell of {len(source)} characters, expected at most {LONGEST_CELL}")
        yield Cell(source, _grade_id(cell.get("metadata")), _checks(source))


def _grade_id(metadata: Any) -> str | None:
    """The exercise of an answer cell, by its metadata: grade_id "03-logdet" with solution true."""
    told = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = told.get("grade_id") if isinstance(told, dict) and told.get("solution") is True else None
    name = name.replace("-", ".", 1) if isinstance(name, str) else None
    return name if name in _known() else None


def _checks(source: str) -> tuple[str, ...]:
    """The exercises that a cell checks: `check("03.logdet", ...)` at the beginning of a line."""
    found = re.findall(r"^[ \t]*(?:\w+[ \t]*=[ \t]*)?check\(\s*[\"'](\d\d\.[\w-]+)[\"']", source, re.MULTILINE)
    return tuple(name for name in found if name in _known())


def _known() -> dict[str, Chapter]:
    return {exercise.id: chapter for chapter in chapters() for exercise in chapter.exercises}


def _chapters(cells: tuple[Cell, ...], name: str) -> tuple[Chapter, ...]:
    """By what the cells say that they are; failing that, by the file's name; then by the functions that they define.

    Of several, those that the name has too: a cell copied from another chapter's sheet makes it no sheet of that.
    """
    known = _known()
    told = {known[i].number for cell in cells for i in (cell.answers, *cell.checks) if i is not None}
    named = {chapter.number for chapter in chapters() if chapter.stem in name.lower()}
    told = told & named or told or named
    if not told:
        text = "\n".join(cell.source for cell in cells)
        defined = set(re.findall(r"^(?:def[ \t]+|class[ \t]+)?(\w+)[ \t]*(?=[(=:])", text, re.MULTILINE))
        share = {c.number: sum(defined >= set(e.names) for e in c.exercises) for c in chapters()}
        most = max(share.values(), default=0)
        told = {number for number, count in share.items() if count == most and most > 1}
        told = told if len(told) == 1 else set()
    return tuple(chapter for chapter in chapters() if chapter.number in told)
