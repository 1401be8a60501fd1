"""Python, PyTorch, and what the package's own metadata ask for."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
from pathlib import Path

from nf_course.doctor.finding import Amiss, again, install

__all__ = ["EXTRAS", "python", "requirements", "torch"]

EXTRAS = {"book": "build the book", "test": "run its tests", "grade": "grade a class", "bench": "compare libraries"}


def python() -> str:
    """Its version and place."""
    if sys.version_info < (3, 11):  # noqa: UP036, pip is not the only way to get here
        raise Amiss(
            "broken", f"{platform.python_version()}, expected 3.11 or later", "https://www.python.org/downloads"
        )
    return f"{platform.python_version()}, {sys.executable}"


def torch() -> str:
    """Its version, the devices that it sees, and that it computes."""
    if importlib.util.find_spec("torch") is None:
        raise Amiss("missing", "PyTorch is not installed", "https://pytorch.org/get-started/locally")
    torch = importlib.import_module("torch")
    forced = os.environ.get("NF_COURSE_DEVICE", "").strip().lower()
    seen = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    words = [f"{name.upper()} {'seen' if there else 'not seen'}" for name, there in seen.items()]
    if forced and not {**seen, "cpu": True}.get(forced):
        mend = "unset it, or https://pytorch.org/get-started/locally"
        raise Amiss("broken", f"{torch.__version__}: NF_COURSE_DEVICE={forced}, and no such device", mend)
    if torch.ones(2).sum().item() != 2:
        raise Amiss("broken", f"{torch.__version__}: 1 + 1 is not 2", again())
    return f"{torch.__version__}, {', '.join(words)}"


def requirements(extra: str) -> str:
    """What the package's own metadata ask for, with an extra or without, is there, whole, and new enough."""
    try:
        from packaging.requirements import Requirement
    except ModuleNotFoundError:
        from pip._vendor.packaging.requirements import Requirement
    try:
        asked = [Requirement(line) for line in importlib.metadata.requires("nf_course") or []]
    except importlib.metadata.PackageNotFoundError:
        if not extra:
            return "nf_course is on the path but not installed: versions were not compared"
        raise Amiss("missing", "not known, as nf_course is not installed", install(extra)) from None
    lacks, found, extras = [], 0, [extra]
    for name in extras:  # grows: an extra may name others, as nf_course[book,grade]
        for one in asked:
            if name and not one.marker:
                continue
            if one.marker and not one.marker.evaluate({"extra": name}):
                continue
            if one.name.replace("-", "_") == "nf_course":
                extras += sorted(one.extras - set(extras))
                continue
            found += 1
            if problem := _distribution(one.name, one.specifier):
                lacks.append(problem)
    if lacks:
        status = "missing" if any(" " not in lack for lack in lacks) else "broken"
        raise Amiss(status, ", ".join(sorted(set(lacks))), install(extra))
    return f"{found} packages" + (f", to {EXTRAS[extra]}" if extra else "")


def _distribution(name: str, wanted) -> str | None:
    """The name where it is missing, the name and what is wrong where it is there, None where all is well."""
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return name
    if found.version is None or not wanted.contains(found.version, prereleases=True):
        return f"{name} {found.version} (expected {wanted})"
    names = [line.split(",")[0] for line in (found.read_text("RECORD") or "").splitlines()]  # `files` hides lost ones
    starts = [name for name in names if name.count("/") == 1 and name.endswith("/__init__.py")]
    lost = [name for name in starts if not Path(found.locate_file(name)).exists()]
    return f"{name} {found.version} (its file {lost[0]} is lost)" if lost else None
