"""Lines put into Python files: at the places that `ast` gives, and left as ruff has them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from nf_course.scaffold.checkout import exercises_of
from nf_course.scaffold.definition import assigned, read_python

__all__ = ["add_to_chapter", "add_variants", "tidy"]


def tidy(text: str, path: Path) -> str:
    """The text with its imports sorted and formatted, by the settings that hold at `path`."""
    for arguments in (["check", "--select", "I", "--fix", "--exit-zero"], ["format"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--quiet", "--stdin-filename", str(path), "-"]
        done = subprocess.run(command, input=text.encode(), capture_output=True)
        if done.returncode:
            raise RuntimeError(f"ruff cannot format {path}: {done.stderr.decode(errors='replace').strip()}")
        text = done.stdout.decode()
    return text


def _insert(text: str, *pieces: tuple[int, int, str]) -> str:
    """Each piece at its line (from 1) and column, the latter in bytes, as `ast` counts."""
    lines = [line.encode() for line in text.split("\n")]
    for line, column, piece in sorted(pieces, reverse=True):
        lines[line - 1] = lines[line - 1][:column] + piece.encode() + lines[line - 1][column:]
    return b"\n".join(lines).decode()


def _after(node: ast.AST, piece: str) -> tuple[int, int, str]:
    return node.end_lineno, node.end_col_offset, piece


def add_to_chapter(path: Path, module: str) -> str:
    """A chapter's `__init__.py` with one more exercise, the last."""
    text, tree = read_python(path)
    package = f"nf_course.grading.exercises.{path.parent.name}"
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == package]
    if not imports:
        raise ValueError(f"{path}: expected a line from {package} import ...")
    added = (
        _after(imports[0].names[-1], f", {module}"),
        _after(exercises_of(tree, path).elts[-1], f", {module}.EXERCISE"),
    )
    return tidy(_insert(text, *added), path)


def add_variants(path: Path, more: str) -> str:
    """A chapter's right and wrong answers with those of `more`, a text of the same form: functions, RIGHT, WRONG."""
    text, tree = read_python(path)
    here, there = assigned(tree), assigned(ast.parse(more))
    taken = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))} | set(here)
    double = sorted(taken & {node.name for node in ast.parse(more).body if isinstance(node, ast.FunctionDef)})
    if double:
        raise ValueError(f"{path} has {', '.join(double)} already; choose another name for the exercise")
    pieces = []
    for table in ("RIGHT", "WRONG"):
        if not isinstance(here.get(table), ast.Dict) or not here[table].values:
            raise ValueError(f"{path}: expected a table {table} = {{...}} with a row for each exercise")
        ids = [key.value for key in here[table].keys if isinstance(key, ast.Constant)]
        double = next((key.value for key in there[table].keys if key.value in ids), None)
        if double:
            raise ValueError(f"{path}: {double} exists already, in {table}")
        rows = zip(there[table].keys, there[table].values)
        added = "".join(f", {ast.unparse(key)}: {ast.get_source_segment(more, value)}" for key, value in rows)
        pieces.append(_after(here[table].values[-1], added))
    above = next(node.lineno for node in tree.body if isinstance(node, ast.Assign) and node.value is here["RIGHT"])
    while above > 1 and text.split("\n")[above - 2].startswith("#"):
        above -= 1  # a comment on the table stays with it
    return tidy(_insert(text, (above, 0, more[: more.index("RIGHT = ")]), *pieces), path)
