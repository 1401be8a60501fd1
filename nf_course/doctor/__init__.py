"""nf-course doctor: one finding for each thing that the course uses, whatever is broken.

Nothing but the standard library is imported before a check runs: it must work where torch or the package does not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nf_course.doctor import files, packages, surroundings
from nf_course.doctor.finding import Amiss, Finding, again, install

__all__ = ["Finding", "examine"]


def examine(error: Exception | None = None) -> list[Finding]:
    """All findings, in the order in which they are mended; `error` is why the package could not be imported."""
    checks: list[tuple[str, bool, Callable[[], str]]] = [
        ("python", True, packages.python),
        ("torch", True, packages.torch),
        ("packages", True, partial(packages.requirements, "")),
        ("nf_course", True, partial(files.package, error)),
        ("files", True, files.files),
        ("data", True, files.data),
        ("weights", True, files.weights),
        ("figures", True, files.figures),
        ("kernel", True, surroundings.kernel),
        ("progress", True, surroundings.progress),
        ("machine", False, surroundings.machine),
        *((extra, False, partial(packages.requirements, extra)) for extra in packages.EXTRAS),
        ("sandbox", False, surroundings.sandbox),
        ("chromium", False, surroundings.chromium),
    ]
    return [_ask(name, needed, check) for name, needed, check in checks]


def _ask(name: str, needed: bool, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, "ok", needed, _one_line(check()))
    except Amiss as amiss:
        status, says, mend = amiss.args
        return Finding(name, status, needed, _one_line(says), mend)
    except ModuleNotFoundError as error:
        return Finding(name, "missing", needed, _one_line(f"needs {error.name}, which is not installed"), install())
    except (Exception, SystemExit) as error:  # a broken package may raise anything
        return Finding(name, "broken", needed, _one_line(f"{type(error).__name__}: {error}"), again())


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
