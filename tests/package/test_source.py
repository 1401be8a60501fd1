"""show_source shows what runs, without its docstrings, as a block that notebooks and pages highlight."""

from __future__ import annotations

import ast
import inspect
import textwrap

import pytest

import nf_course
from nf_course import AffineCoupling, show_source
from nf_course.coupling import _Coupling


@pytest.mark.parametrize("obj", [AffineCoupling, AffineCoupling.encode_moved, _Coupling.encode, nf_course.fit])
def test_same_program_without_docstrings(obj):
    def program(code):
        tree = ast.parse(textwrap.dedent(code))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
                del node.body[0]
        return ast.dump(tree)

    shown = repr(show_source(obj))
    assert program(shown) == program(inspect.getsource(obj))
    assert '"""' not in shown


def test_markdown_block_and_several_objects():
    shown = show_source(AffineCoupling.encode_moved, AffineCoupling.decode_moved)
    assert shown._repr_markdown_().startswith("```python\ndef encode_moved") and "def decode_moved" in repr(shown)
