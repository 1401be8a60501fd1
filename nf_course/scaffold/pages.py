"""Notebooks out of templates: MyST's own notation, in which ```{code-cell} holds code and +++ parts two texts."""

from __future__ import annotations

import re

import yaml
from nbformat import NotebookNode, v4

from nf_course.scaffold import fill

__all__ = ["notebook"]

CELL = re.compile(r"^```\{code-cell\}\n(?:---\n(?P<head>.*?)^---\n)?(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)


def notebook(template: str, **words: object) -> NotebookNode:
    """The notebook of a template. The head of a code cell is its metadata; `output` is what it prints."""
    text, cells, end = fill(template, **words), [], 0
    for found in CELL.finditer(text):
        cells += _texts(text[end : found.start()])
        head = yaml.safe_load(found["head"] or "") or {}
        printed = head.pop("output", None)
        cell = v4.new_code_cell(found["code"].rstrip(), metadata=head)
        if printed:
            cell.outputs, cell.execution_count = [v4.new_output("stream", name="stdout", text=printed)], 1
        cells.append(cell)
        end = found.end()
    return v4.new_notebook(cells=[*cells, *_texts(text[end:])])


def _texts(text: str) -> list[NotebookNode]:
    parts = (part.strip() for part in re.split(r"^\+\+\+$", text, flags=re.MULTILINE))
    return [v4.new_markdown_cell(part) for part in parts if part]
