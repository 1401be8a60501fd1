"""Keep the committed notebooks clean, and make exercises/ from solutions/.

    python tools/notebooks.py refresh FILE...   format, run, keep the marked outputs, normalise
    python tools/notebooks.py clean FILE...     normalise without running
    python tools/notebooks.py exercises         write exercises/ from solutions/
    python tools/notebooks.py check             fail where any of the above would change a file

A clean notebook holds no output but that of cells tagged `nbval-check-output`, which nbval compares, and
nothing that depends on who ran it: fixed kernel, cell ids made from the content, known metadata only.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = ("book", "solutions")  # by hand; exercises/ is generated
CHECKED = "nbval-check-output"
INSTALL = "# Where the course is not installed yet"  # how the cell begins that tools/handout.py puts in
CELL_METADATA = ("tags", "mystnb", "nbgrader", "deletable", "editable")
FOLDED = {"code_prompt_show": "Show the model answer", "code_prompt_hide": "Hide the model answer"}
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read(path: Path) -> NotebookNode:
    """The notebook in today's format."""
    return nbformat.read(path, as_version=4)


def to_text(nb: NotebookNode) -> str:
    """The exact text that is committed."""
    return nbformat.writes(nb) + "\n"


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell, none by default."""
    return cell.metadata.get("tags", [])


def is_answer(cell: NotebookNode) -> bool:
    """Whether nbgrader's metadata make this the cell that a learner fills in."""
    return cell.cell_type == "code" and bool(cell.metadata.get("nbgrader", {}).get("solution"))


def normalise(nb: NotebookNode) -> NotebookNode:
    """A copy without anything that depends on who ran it, when and where."""
    nb = deepcopy(nb)
    nb.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    nb.nbformat, nb.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    for cell in nb.cells:
        cell.source = cell.source.rstrip()
        cell.metadata = nbformat.from_dict({k: cell.metadata[k] for k in CELL_METADATA if k in cell.metadata})
        cell.pop("attachments", None)
        if is_answer(cell) and "hide-input" in tags(cell):
            cell.metadata["mystnb"] = FOLDED
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        if cell.cell_type == "code":
            cell.outputs = _tidy_outputs(cell.outputs) if CHECKED in tags(cell) else []
            # nbval refuses a stored output without a count
            cell.execution_count = 1 if cell.outputs else None
    return nb


def _tidy_outputs(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join the pieces of a stream, whose cuts depend on timing, and drop counts and metadata."""
    tidy: list[NotebookNode] = []
    for output in deepcopy(outputs):
        if output.output_type == "stream" and tidy and tidy[-1].get("name") == output.name:
            tidy[-1].text += output.text
            continue
        if "metadata" in output:
            output.metadata = NotebookNode()
        if "execution_count" in output:
            output.execution_count = 1
        tidy.append(output)
    return tidy


def problems(nb: NotebookNode) -> list[str]:
    """What normalising cannot mend: outputs that no two machines share, answers that would not be blanked."""
    found = []
    for number, cell in enumerate(nb.cells):
        where = f"cell {number} ({cell.source.strip().splitlines()[0][:60] if cell.source.strip() else 'empty'})"
        if cell.cell_type == "code" and CHECKED in tags(cell):
            if not cell.outputs:
                found.append(f"{where}: tagged {CHECKED}, but no output is stored; run `refresh`")
            for output in cell.outputs:
                kinds = set(output.get("data", {})) - {"text/plain"}
                text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
                if kinds:
                    found.append(f"{where}: a checked output must be plain text, not {', '.join(sorted(kinds))}")
                if output.get("name") == "stderr" or output.output_type == "error":
                    found.append(f"{where}: a checked output must not hold stderr or an error")
                if re.search(r"\bat 0x[0-9a-fA-F]+|<Figure size", text):
                    found.append(f"{where}: a checked output names a memory address or a figure")
        if "nbgrader" in cell.metadata:
            found += [f"{where}: nbgrader's metadata: {problem}" for problem in _metadata_problems(cell)]
        if is_answer(cell) and "### BEGIN SOLUTION" not in cell.source and "NotImplementedError" not in cell.source:
            found.append(f"{where}: an answer cell without ### BEGIN SOLUTION would be blanked as a whole")
    return found


def _metadata_problems(cell: NotebookNode) -> list[str]:
    from nbgrader.nbgraderformat import MetadataValidator, ValidationError

    try:
        MetadataValidator().validate_cell(cell)
    except ValidationError as error:
        return [error.message]
    return []


def execute(nb: NotebookNode, folder: Path) -> NotebookNode:
    """Run all cells in `folder`, as the build does: no progress bars, one thread."""
    from nbclient import NotebookClient

    os.environ["NF_COURSE_PROGRESS"] = "off"
    os.environ["NF_COURSE_PROGRESS_FILE"] = "off"
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    NotebookClient(nb, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return nb


def refresh(path: Path) -> list[str]:
    """Format, run, normalise and write one notebook. A failing cell raises and leaves the file as it was."""
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(path)], check=True)
    nb = normalise(execute(read(path), path.parent))
    path.write_text(to_text(nb), encoding="utf-8")
    return problems(nb)


def clean(path: Path) -> list[str]:
    """Normalise and write one notebook without running it."""
    nb = normalise(read(path))
    path.write_text(to_text(nb), encoding="utf-8")
    return problems(nb)


def blank(nb: NotebookNode) -> NotebookNode:
    """The learner's form of a solution notebook, by nbgrader's own preprocessors (no database, no kernel)."""
    from nbgrader import preprocessors as p

    nb, resources = deepcopy(nb), {}
    for step in (
        p.CheckCellMetadata,
        p.ClearSolutions,
        p.ClearHiddenTests,
        p.ClearMarkScheme,
        p.ClearOutput,
        p.LockCells,
    ):
        nb, resources = step().preprocess(nb, resources)
    for cell in nb.cells:
        # In the book the model answer is folded away; here the learner writes into this very cell.
        drop = {CHECKED}
        if is_answer(cell):
            drop.add("hide-input")
            cell.metadata.pop("mystnb", None)
        if drop & set(tags(cell)):
            cell.metadata["tags"] = [tag for tag in tags(cell) if tag not in drop]
            if not cell.metadata["tags"]:
                del cell.metadata["tags"]
    return normalise(nb)


def without_install(nb: NotebookNode) -> NotebookNode:
    """A copy without the cell that gets the course where it is not installed."""
    nb = deepcopy(nb)
    nb.cells = [cell for cell in nb.cells if not cell.source.startswith(INSTALL)]
    return nb


def exercises(root: Path = ROOT) -> dict[Path, str]:
    """What exercises/ must hold: path -> text."""
    return {
        root / "exercises" / path.name: to_text(blank(read(path)))
        for path in sorted((root / "solutions").glob("*.ipynb"))
    }


def _in_step(path: Path, wanted: str) -> bool:
    text = path.read_text(encoding="utf-8")
    if text != wanted and INSTALL in text and text == to_text(normalise(read(path))):
        text = to_text(without_install(read(path)))
    return text == wanted


def check(root: Path = ROOT) -> list[str]:
    """Every way in which the notebooks below `root` are not as they should be committed."""
    found = []
    for path in sorted(path for folder in WRITTEN for path in (root / folder).glob("*.ipynb")):
        name = path.relative_to(root)
        nb = read(path)
        if path.read_text(encoding="utf-8") != to_text(normalise(nb)):
            found.append(f"{name}: not clean; run `python tools/notebooks.py clean {name}`")
        found += [f"{name}: {problem}" for problem in problems(nb)]
    if found:
        return found  # exercises are made from clean solutions
    wanted = exercises(root)
    for path in sorted(wanted.keys() | set((root / "exercises").glob("*.ipynb"))):
        name = path.relative_to(root)
        if path not in wanted:
            found.append(f"{name}: has no solutions/{path.name}")
        elif not path.exists() or not _in_step(path, wanted[path]):
            found.append(f"{name}: out of step with solutions/; run `python tools/notebooks.py exercises`")
    return found


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["refresh", "clean", "exercises", "check"])
    parser.add_argument("files", nargs="*", type=Path)
    args = parser.parse_args()

    if args.command in ("refresh", "clean"):
        if not args.files:
            parser.error(f"{args.command} needs at least one notebook")
        for path in args.files:
            for problem in {"refresh": refresh, "clean": clean}[args.command](path.resolve()):
                print(f"warning: {path}: {problem}", file=sys.stderr)
            print(f"{args.command}: {path}")
        return 0

    if args.command == "exercises":
        (ROOT / "exercises").mkdir(exist_ok=True)
        for path, text in exercises().items():
            path.write_text(text, encoding="utf-8")
            print(f"exercises: {path.relative_to(ROOT)}")
        return 0

    found = check()
    print("\n".join(found) or "notebooks: clean, exercises in step with solutions")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
