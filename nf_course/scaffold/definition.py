"""An exercise as its file has it: read from the syntax tree, and not run."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Definition", "assigned", "read_python"]


def read_python(path: Path) -> tuple[str, ast.Module]:
    """A file's text and its syntax tree."""
    try:
        text = path.read_text("utf-8")
        return text, ast.parse(text)
    except SyntaxError as error:
        raise ValueError(f"{path}, line {error.lineno}: expected Python, got {error.msg}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """What a file gives names to, at its top."""
    return {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


@dataclass(frozen=True)
class Definition:
    """An exercise as its file has it: what the sheet says of it."""

    id: str
    title: str
    level: str
    minutes: int
    points: int
    anchor: str
    task: str
    names: tuple[str, ...]
    answers: tuple[str, ...]  # the source of each model answer
    imports: dict[str, str]  # name -> the line that imports it

    @classmethod
    def read(cls, text: str, path: Path) -> Definition:
        """From the text of the exercise's file."""
        tree = ast.parse(text)
        values = assigned(tree)
        call = values.get("EXERCISE")
        if not isinstance(call, ast.Call):
            raise ValueError(f"{path}: expected EXERCISE = Exercise(...)")
        given = {word.arg: word.value for word in call.keywords}

        def value(field: str, kind: type) -> object:
            node = given.get(field)
            node = values.get(node.id, node) if isinstance(node, ast.Name) else node
            try:
                found = ast.literal_eval(node)
            except (ValueError, TypeError):
                found = None
            if not isinstance(found, kind):
                what = "a text" if kind is str else "a whole number"
                raise ValueError(f"{path}: expected {field}= of EXERCISE to be {what}, written out")
            return found

        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        references = getattr(given.get("references"), "elts", [])
        names = tuple(node.id for node in references if isinstance(node, ast.Name))
        if not names or any(name not in functions for name in names):
            raise ValueError(f"{path}: expected references= of EXERCISE to be a tuple of functions of this file")
        return cls(
            **{field: value(field, str) for field in ("id", "title", "level", "anchor", "task")},
            **{field: value(field, int) for field in ("minutes", "points")},
            names=names,
            answers=tuple(ast.get_source_segment(text, functions[name]) for name in names),
            imports=_imports(tree),
        )


def _imports(tree: ast.Module) -> dict[str, str]:
    found = {}
    for node in tree.body:
        for alias in getattr(node, "names", []):
            line = ast.Import([alias])
            if isinstance(node, ast.ImportFrom):
                line = ast.ImportFrom(node.module, [alias], node.level)
            found[(alias.asname or alias.name).partition(".")[0]] = ast.unparse(line)
    return found
