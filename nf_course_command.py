"""The command `nf-course`, beside the package: `nf-course doctor` works where that cannot be imported."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

__all__ = ["main"]


def main() -> int:
    """The exit status."""
    try:
        command = import_module("nf_course.cli").main
    except Exception as error:  # whatever torch, NumPy or a damaged file of the package may raise
        return _without_package(error)
    return command()


def _without_package(error: Exception) -> int:
    if sys.argv[1:2] != ["doctor"]:
        said = (str(error).strip().splitlines() or [""])[0]
        print(f"nf-course: {type(error).__name__}: {said}. `nf-course doctor` says how to mend it", file=sys.stderr)
        return 2
    for name in [name for name in sys.modules if name.partition(".")[0] == "nf_course"]:
        del sys.modules[name]
    bare = ModuleType("nf_course")  # its files, without what its __init__ imports
    bare.__path__ = list(find_spec("nf_course").submodule_search_locations)
    sys.modules["nf_course"] = bare
    return import_module("nf_course.cli_doctor").alone(sys.argv[2:], error)


if __name__ == "__main__":
    sys.exit(main())
