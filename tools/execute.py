"""Run the book's notebooks into the cache that `jupyter-book build` reads, several at once.

    python tools/execute.py run      run what is not cached yet; a failing cell fails the build, with its traceback
    python tools/execute.py times    seconds per notebook, from the cache

jupyter-cache goes by the cells of a notebook alone. So that a page can never show what an older `nf_course`
printed, the whole build is thrown away where the package, the environment or the device differs from last time.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import sys
from pathlib import Path

import yaml
from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor
from nbconvert.filters import strip_ansi

import nf_course

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"
CELL_TIMEOUT = 300  # seconds
CHAPTER_LIMIT = 60  # seconds for a whole chapter on two cores: the course's promise to its readers


def fingerprint() -> str:
    """A digest of all that a notebook's outputs depend on besides its own cells."""
    files = [path for path in sorted((ROOT / "nf_course").rglob("*")) if path.is_file()]
    files = [path for path in files if "__pycache__" not in path.parts]
    files += sorted((ROOT / "benchmarks" / "results").glob("*.json"))  # the page on speed shows them
    digest = hashlib.sha256()
    for path in [*files, ROOT / "requirements.txt", ROOT / "constraints.txt"]:
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(f"{sys.version} {nf_course.device()}".encode())
    return digest.hexdigest()


def notebooks() -> list[Path]:
    """The notebooks of the table of contents."""

    def files(node):
        if isinstance(node, dict):
            yield from (node[key] for key in ("file", "root") if key in node)
            node = list(node.values())
        if isinstance(node, list):
            for item in node:
                yield from files(item)

    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return [path for name in files(toc) if (path := ROOT / f"{name}.ipynb").exists()]


def run() -> None:
    """Fill the cache; stop with the tracebacks where a notebook fails."""
    mark = BUILD / "fingerprint"
    if not mark.exists() or mark.read_text() != fingerprint():
        shutil.rmtree(BUILD, ignore_errors=True)
        BUILD.mkdir()
        mark.write_text(fingerprint())

    cache = get_cache(str(CACHE))
    for record in cache.list_project_records():
        cache.remove_nb_from_project(record.pk)
    for path in notebooks():
        cache.add_nb_to_project(str(path))
    todo = [record.uri for record in cache.list_unexecuted()]
    print(f"Running {len(todo)} of {len(notebooks())} notebooks; the others are in the cache.", flush=True)

    logger = logging.getLogger("execute")
    logger.setLevel(logging.ERROR)  # failing cells are reported below, once
    result = load_executor("local-parallel", cache, logger).run_and_cache(timeout=CELL_TIMEOUT)
    failed = result.excepted + result.errored
    for uri in failed:
        print(f"\n{'=' * 100}\nFAILED {Path(uri).relative_to(ROOT)}\n", file=sys.stderr)
        trace = cache.get_project_record(uri).traceback or "see the log above"
        print(strip_ansi(trace).split("CellExecutionError: ")[-1], file=sys.stderr)
    if failed:
        sys.exit(f"{len(failed)} notebook(s) failed: " + ", ".join(Path(uri).name for uri in failed))


def times() -> None:
    """A line for each notebook, and a loud one where a chapter is slower than promised."""
    cache = get_cache(str(CACHE))
    print("\nSeconds per notebook, start of the kernel included, two at a time:")
    slow = []
    for path in notebooks():
        seconds = cache.get_cached_project_nb(str(path)).data["execution_seconds"]
        name = path.relative_to(ROOT)
        print(f"  {seconds:6.1f}  {name}")
        if seconds > CHAPTER_LIMIT and name.parts[0] == "book":
            slow.append(
                f"WARNING: {name} took {seconds:.0f} s, more than the {CHAPTER_LIMIT} s that the course promises"
            )
    print("\n".join(slow), flush=True)


if __name__ == "__main__":
    {"run": run, "times": times}[sys.argv[1]]()
