"""`nf-course new exercise`: what it writes into a copy of the course works at once; what it refuses leaves no trace."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from nf_course.cli import main
from nf_course.scaffold.checkout import find_chapter, read_notebook
from nf_course.scaffold.insert import tidy
from nf_course.scaffold.sheet import refresh_cells
from tests.grading.course_copy import ROOT, changed, copied, edited, lint, run, tree

ID, NAME = "03.made_by_a_test", "made_by_a_test"
FOLDER = Path("nf_course/grading/exercises/ch03_coupling_layers")
SHEET, VARIANTS = Path("solutions/03_coupling_layers.ipynb"), Path("tests/grading/ch03_variants.py")
HANDED_OUT, DEFINITION = Path("exercises") / SHEET.name, FOLDER / f"{NAME}.py"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A copy of the course, in which we are."""
    monkeypatch.chdir(copied(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A copy in which the command has run, from a folder further down: (copy, what was there before, what it said)."""
    root = copied(tmp_path_factory.mktemp("course"))
    before = tree(root)
    status, said = run(root, "-m", "nf_course.cli", "new", "exercise", ID, folder="solutions")
    assert status == 0, said
    return root, before, said


def test_it_writes_five_files_and_says_so(begun):
    root, before, said = begun
    written = changed(before, tree(root))
    assert written == {DEFINITION, FOLDER / "__init__.py", VARIANTS, SHEET, HANDED_OUT}
    assert all(path.as_posix() in said for path in written)


def test_all_that_holds_for_an_exercise_holds_at_once(begun):
    """By the very commands that it prints."""
    root, _, said = begun
    tests = re.search(r"python -m (pytest .*)", said)[1]
    files, asked = re.fullmatch(r'(.*) -k "(.*)"', tests).groups()
    status, out = run(root, "-m", *files.split(), "-k", asked, "-q", "-p", "no:cacheprovider")
    assert status == 0, out
    assert int(re.search(r"(\d+) passed", out)[1]) >= 8 + 3 + 3, "the exercise's rows, and its chapter's sheet"
    lint(root)


def test_a_wrong_answer_is_told_its_mistake_and_a_blank_one_is_blank(begun):
    root, _, _ = begun
    code = f"""
import torch
from nf_course.grading import check

def {NAME}(x, log_scale, shift):
    return x * torch.exp(-log_scale) - shift, -log_scale.sum().expand(len(x))
print("told", check("{ID}", {NAME}).mistake)

def {NAME}(x, log_scale, shift):
    raise NotImplementedError()
check("{ID}", {NAME})
"""
    status, out = run(root, "-c", code)
    assert status == 0, out
    assert "told bracket" in out and "the shift comes off before the scale" in out and "not answered yet" in out


def test_in_the_sheet_it_looks_as_its_neighbours_do(begun):
    root, _, _ = begun
    cells = nbformat.read(root / SHEET, 4).cells
    at = next(
        n for n, cell in enumerate(cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == "03-two_couplings"
    )
    theirs, ours = cells[at - 1 : at + 2], cells[-3:]
    for their, our in zip(theirs, ours):
        assert set(our.metadata) == set(their.metadata) and our.get("outputs") == their.get("outputs")
        for kind, value in our.metadata.items():
            differ = {key for key in value if value[key] != their.metadata[kind][key]} if kind == "nbgrader" else set()
            assert differ <= {"grade_id", "points"}
    assert ours[0].source.startswith("(ex-03-made-by-a-test)=\n## Exercise ")
    assert "### BEGIN SOLUTION" in ours[1].source
    blank = nbformat.read(root / HANDED_OUT, 4).cells[-2].source
    assert "NotImplementedError" in blank and "torch.exp" not in blank


def test_what_stood_in_the_chapter_stands_there_still(begun):
    root, before, _ = begun
    old, new = before[VARIANTS].decode().splitlines(), (root / VARIANTS).read_text("utf-8").splitlines()
    assert not set(old) - set(new)
    old, new = (json.loads(text)["cells"] for text in (before[SHEET], (root / SHEET).read_bytes()))
    assert old[1:] == new[1:-3]


def test_it_finds_its_place_in_every_chapter(course):
    """With a name as long as any may be; before a closing section, and with the sheet's count of exercises right."""
    name = NAME.ljust(24, "x")
    for folder in sorted((course / "nf_course/grading/exercises").glob("ch[0-9]*")):
        number = folder.name[2:4]
        last = len(find_chapter(course, number).exercises) + 1
        assert main(["new", "exercise", f"{number}.{name}"]) == 0
        chapter = find_chapter(course, number)
        cells = read_notebook(chapter.sheet).cells
        graded = [cell.source for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
        assert graded[-1] == f'check("{number}.{name}", {name})' and len(graded) == last
        points = sum(exercise.points for exercise in chapter.exercises)
        assert f", {points} points in all" in cells[0].source and cells[0].source.split("\n\n")[1].startswith(
            ("Four", "Five", "Six")
        )
    assert nbformat.read(course / "solutions/00_start_here.ipynb", 4).cells[-1].source == "progress()"
    lint(course)


# -- refused: exit 2, one line that says what was expected, nothing written ------------------------------------------


REFUSED = {
    "no chapter": ("roundtrip", None, "two digits, a point and a name"),
    "one digit": ("3.roundtrip", None, "two digits, a point and a name"),
    "capitals": ("03.RoundTrip", None, "small letters"),
    "a path": ("03.../../x", None, "two digits, a point and a name"),
    "a word of Python": ("03.class", None, "a name that Python can use"),
    "too long": ("03." + 25 * "a", None, "of up to 24"),
    "no such chapter": ("42.roundtrip", None, "no chapter 42"),
    "exists": ("03.encode", None, "03.encode exists already"),
    "file exists": ("03.shared", None, "shared.py exists already"),
    "a name of the sheet": ("03.style", None, "style means something else there"),
    "a built-in name": ("03.sum", None, "sum means something else there"),
    "a name of the template": ("03.jacobian", None, "jacobian means something else in a new exercise's file"),
    "a name of the variants": ("03.two", edited(VARIANTS, "def two_order(", "def two_sign("), "two_sign already"),
    "sheet is no JSON": (ID, lambda: SHEET.write_text('{"cells": ['), "solutions/03_coupling_layers.ipynb: expected a notebook"),
    "sheet is no notebook": (ID, lambda: SHEET.write_text("[]"), "solutions/03_coupling_layers.ipynb: expected a notebook"),
    "sheet is no text": (ID, lambda: SHEET.write_bytes(b"\xff\xfe\x00"), "solutions/03_coupling_layers.ipynb: expected a notebook"),
    "no sheet": (ID, SHEET.unlink, "solutions/03_coupling_layers.ipynb: cannot be read"),
    "no page": (ID, (Path("book") / SHEET.name).unlink, "book/03_coupling_layers.ipynb: cannot be read"),
    "variants half edited": (ID, edited(VARIANTS, "RIGHT = {", "RIGHT = {{"), "ch03_variants.py, line "),
    "no table": (ID, edited(VARIANTS, "RIGHT = {", "OTHER = {"), "expected a table RIGHT = {...}"),
    "no chapter's list": (ID, edited(FOLDER / "__init__.py", "CHAPTER", "C"), "expected CHAPTER = Chapter"),
    "no import": (ID, edited(FOLDER / "__init__.py", ".ch03_coupling_layers import", " import"), "import ..."),
    "no variants": (ID, VARIANTS.unlink, "ch03_variants.py: cannot be read"),
    "to be refreshed, not there": ("03.nope --sheet", None, "there is no exercise 03.nope; chapter 03 has 03.encode"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_teach_and_write_nothing(case, course, capsys):
    words, damage, text = REFUSED[case]
    if damage:
        damage()
    before = tree(course)
    assert main(["new", "exercise", *words.split()]) == 2
    said = capsys.readouterr().err
    assert text in said and str(course) not in said and said.count("\n") == 1
    assert tree(course) == before


def test_the_second_call_is_refused(begun, monkeypatch, capsys):
    root, _, _ = begun
    monkeypatch.chdir(root)
    before = tree(root)
    assert main(["new", "exercise", ID]) == 2
    said = capsys.readouterr().err
    assert f"{ID} exists already" in said and "--sheet" in said
    assert tree(root) == before


def test_outside_of_a_checkout_it_says_where_to_go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "exercise", ID]) == 2
    assert "expected a checkout of the course" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fails", range(5))
def test_a_full_disk_leaves_every_file_as_it_was(fails, course, capsys, monkeypatch):
    before, write, calls = tree(course), Path.write_bytes, []

    def written(path, data):
        calls.append(path)
        if len(calls) == fails + 1:
            write(path, data[:100])
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", written)
    assert main(["new", "exercise", ID]) == 2
    assert "No space left" in capsys.readouterr().err and len(calls) > fails
    assert tree(course) == before


# -- --sheet: its cells again, from its file ---------------------------------------------------------------------------


def test_the_sheet_follows_the_definition(course, capsys):
    assert main(["new", "exercise", ID]) == 0
    begun = tree(course)
    text = DEFINITION.read_text("utf-8")
    for old, new in (
        ('title="Undo a scale and a shift"', 'title="Another title"'),
        ("points=2", "points=1"),
        ("sec-03-affine", "sec-03-decode"),
        (f"def {NAME}(x, log_scale, shift):\n", 'def undone(x, log_scale, shift):\n    """In words."""\n'),
        (f"{NAME}(", "undone("),
        (f"({NAME},)", "(undone,)"),
        ("torch.exp(-log_scale)\n    ladj", "exp(-log_scale)\n    ladj"),
        ("import torch\n", "import torch\nfrom torch import exp\n"),
        ("Write encode.", "Write encode once more."),
    ):
        assert old in text
        text = text.replace(old, new)
    DEFINITION.write_text(text, "utf-8")
    assert main(["new", "exercise", ID, "--sheet"]) == 0
    assert changed(begun, tree(course)) == {DEFINITION, SHEET, HANDED_OUT}
    cells = nbformat.read(SHEET, 4).cells
    task, answer, check = (cell.source for cell in cells[-3:])
    assert "Another title" in task and "1 point." in task and "[The way back](" in task and "once more" in task
    assert answer.startswith('def undone(x, log_scale, shift):\n    """In words."""\n    ### BEGIN SOLUTION\n    # The')
    assert check == f'check("{ID}", undone)' and cells[-1].metadata.nbgrader.points == 1
    assert "from torch import exp\n" in cells[1].source and "12 points in all" in cells[0].source
    edited(DEFINITION, "# The shift off first", "# Off first: the shift")()  # a comment is worth a change too
    assert main(["new", "exercise", ID, "--sheet"]) == 0
    done = tree(course)
    assert b"# Off first: the shift" in done[SHEET] and b"# The shift off" not in done[SHEET]
    assert main(["new", "exercise", ID, "--sheet"]) == 0 and tree(course) == done, "twice is once"
    notebook = nbformat.read(SHEET, 4)  # as Jupyter saves it
    notebook.metadata["widgets"] = {}
    notebook.cells[-1].update(execution_count=7, outputs=[nbformat.v4.new_output("stream", text="ok")])
    nbformat.write(notebook, SHEET)
    assert main(["new", "exercise", ID, "--sheet"]) == 0 and tree(course) == done, "clean again"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            '"sec-03-affine"',
            '"sec-03-afine"',
            "has no section (sec-03-afine)=; anchor= of EXERCISE may be sec-03-affine",
        ),
        ("minutes=5", 'minutes="5"', "expected minutes= of EXERCISE to be a whole number"),
        ("task=TASK", "task=TASK.strip()", "expected task= of EXERCISE to be a text, written out"),
        (f"references=({NAME},)", "references=(torch.exp,)", "to be a tuple of functions of this file"),
        ("    z = (x - shift)", "    z = _helped(x - shift)", "uses _helped, which the sheet does not have"),
        ("EXERCISE = ", "ITEM = ", "expected EXERCISE = Exercise(...)"),
        ("def cases", "def def cases", "made_by_a_test.py, line "),
    ],
)
def test_a_definition_that_the_sheet_cannot_follow_is_refused(old, new, text, course, capsys):
    assert main(["new", "exercise", ID]) == 0
    edited(DEFINITION, old, new)()
    before = tree(course)
    assert main(["new", "exercise", ID, "--sheet"]) == 2
    assert text in capsys.readouterr().err
    assert tree(course) == before


def test_a_sheet_that_lost_a_cell_is_refused(course, capsys):
    notebook = nbformat.read(SHEET, 4)
    del notebook.cells[3]
    nbformat.write(notebook, SHEET)
    assert main(["new", "exercise", "03.encode", "--sheet"]) == 2
    assert "expected three cells of 03.encode" in capsys.readouterr().err


def test_the_model_answers_of_the_course_stay_with_their_comments():
    """The sheets' own cells say what the definitions say, so they are left as they are."""
    for number in ("03", "09", "16"):
        chapter = find_chapter(ROOT, number)
        for exercise in chapter.exercises:
            notebook = read_notebook(chapter.sheet)
            before = [cell.source for cell in notebook.cells]
            refresh_cells(notebook, chapter, exercise.id)
            assert [cell.source for cell in notebook.cells] == before, exercise.id


def test_tidy_refuses_what_is_no_python():
    with pytest.raises(RuntimeError, match="ruff cannot format"):
        tidy("def def", ROOT / "nf_course" / "x.py")
