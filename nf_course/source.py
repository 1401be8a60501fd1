"""show_source: the package's own code, shown beside the equation that it computes.

What a chapter shows is what runs: nothing is pasted.
Used by every chapter.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

__all__ = ["show_source"]


class Source:
    """Source code that a notebook and a rendered page display as a highlighted block."""

    def __init__(self, code: str) -> None:
        self.code = code

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.code}\n```"

    def __repr__(self) -> str:
        return self.code


def show_source(*objects: Any) -> Source:
    """The source of functions, methods or classes, without docstrings, in the order given.

    >>> from nf_course import Squeeze
    >>> print(show_source(Squeeze.decode))  # doctest: +ELLIPSIS
    def decode(self, z, context=None):
        ...
    """
    return Source("\n\n".join(_without_docstrings(textwrap.dedent(inspect.getsource(o))) for o in objects))


def _without_docstrings(code: str) -> str:
    lines = code.rstrip().split("\n")
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or ast.get_docstring(node) is None:
            continue
        doc = node.body[0]
        if len(node.body) > 1:  # a body that is only a docstring keeps it
            lines[doc.lineno - 1 : doc.end_lineno] = [None] * (doc.end_lineno - doc.lineno + 1)
    kept = [line for line in lines if line is not None]
    return "\n".join(line for i, line in enumerate(kept) if line or (i and kept[i - 1].strip()[-1:] != ":"))
