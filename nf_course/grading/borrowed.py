"""An answer that calls nf_course itself, where its function was to be written: told so at home and in a class.

At home the package is there, and a call of it is seen; where a class is graded there is nothing to call.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["Borrowed", "nothing_borrowed"]

PACKAGE = os.path.join(Path(__file__).parents[1], "")  # with its slash: a folder nf_course_of_mine is none of ours
LENT = tuple(  # what checks hand over, and what tasks allow
    os.path.join(PACKAGE, *parts) for parts in (("grading", ""), ("resize.py",), ("devices.py",), ("expect.py",))
)
WHOLE = Path(PACKAGE, "bijection.py").exists()  # no sandbox's copy, where all that is left is lent


class Borrowed(Exception):
    """What an answer called is not to be had: it was asked for, or it is not there where a class is graded."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} of nf_course is called")


@contextlib.contextmanager
def nothing_borrowed() -> Iterator[None]:
    """Raise `Borrowed` where code from elsewhere calls a function of the package that tasks do not allow."""

    def look(frame: FrameType, event: str, _: Any) -> None:
        file, name = frame.f_code.co_filename, frame.f_code.co_qualname
        if event == "call" and file.startswith(PACKAGE) and not file.startswith(LENT) and name != "<module>":
            caller = frame.f_back
            if caller is not None and not caller.f_code.co_filename.startswith(PACKAGE):  # not the model answer's own
                raise Borrowed(name.split(".")[0])

    before = sys.getprofile()
    sys.setprofile(look if WHOLE else before)
    try:
        yield
    finally:
        sys.setprofile(before)
