"""Every right and wrong answer of the tables as a class of sheets: the k-th sheet of a chapter has the k-th answer to each.

A sheet holds the chapter's whole file of answers in one cell, as helpers stand in a learner's, and then picks from it.
"""

from __future__ import annotations

import inspect
from itertools import zip_longest

from tests.grading.corpus.build import text_of
from tests.grading.tables import EXERCISES, MODULES, WRONG

Told = dict[str, str | None]  # exercise -> the mistake that its answer makes, or None


def sheets(*, every: bool) -> dict[str, tuple[str, Told]]:
    """Name of a file -> its text, and what must be said of it: all rows of the tables, or the right ones and a third."""
    made = {}
    for module in MODULES:
        columns = [_rows(module, name, every) for name in module.RIGHT]
        for number, row in enumerate(zip_longest(*columns)):
            cells, told = [(inspect.getsource(module), {})], {}
            for name, (source, mistake) in ((name, cell) for name, cell in zip(module.RIGHT, row) if cell):
                names = ", ".join(EXERCISES[name].names)
                cells += [(source, {}), (f'check("{name}", {names})', {})]
                told[name] = mistake
            made[f"{module.__name__.split('.')[-1][:4]}_{number:03}.ipynb"] = text_of(cells), told
    return made


def _rows(module, name: str, every: bool) -> list[tuple[str, str | None]]:
    """The cells that pick each answer of an exercise: first the right ones, then the wrong ones with their mistake."""
    names = EXERCISES[name].names
    rows = [(f'{", ".join(names)}, = RIGHT["{name}"][{place}]', None) for place in range(len(module.RIGHT[name]))]
    for place, (functions, mistake) in enumerate(WRONG[name]):
        if every or place % 3 == 0:
            bare = len(functions) == 1 and not isinstance(module.WRONG[name][place][0], tuple)
            rows.append((f'{", ".join(names)}{"" if bare else ","} = WRONG["{name}"][{place}][0]', mistake))
    return rows
