"""`nf-course new chapter`: what it writes into a copy of the course works at once; what it refuses leaves no trace."""

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from nf_course.cli import main
from nf_course.scaffold.checkout import find_chapter
from tests.grading import course_copy
from tests.grading.course_copy import LEFT, ROOT, changed, edited, lint, run, tree

STEM, TITLE = "19_made_by_a_test", "Made by a test: it's small"
WRITTEN = {
    f"book/{STEM}.ipynb",
    "book/_static/glyphs/19.svg",
    f"nf_course/grading/exercises/ch{STEM}/__init__.py",
    f"nf_course/grading/exercises/ch{STEM}/unscale.py",
    "tests/grading/ch19_variants.py",
    f"solutions/{STEM}.ipynb",
    f"exercises/{STEM}.ipynb",
    "_toc.yml",
    "README.md",
    "book/intro.ipynb",
    "book/00_start_here.ipynb",
}
SECTIONS = ["derive", "code", "check", "break", "see", "use", "limits", "exercises"]


def copied(to):
    course_copy.copied(to)
    for name in ("_toc.yml", "README.md", "book/intro.ipynb"):
        shutil.copyfile(ROOT / name, to / name)
    shutil.copytree(ROOT / "book" / "_static" / "glyphs", to / "book" / "_static" / "glyphs")
    shutil.copytree(ROOT / "book" / "_ext", to / "book" / "_ext", ignore=LEFT)
    shutil.copy(ROOT / "nf_course" / "data" / "faithful.npz", to / "nf_course" / "data")
    return to


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.chdir(copied(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A copy in which the command has run: (copy, what was there before, what it said)."""
    root = copied(tmp_path_factory.mktemp("course"))
    before = tree(root)
    status, said = run(root, "-m", "nf_course.cli", "new", "chapter", STEM, TITLE, folder="solutions")
    assert status == 0, said
    return root, before, said


def test_it_writes_these_files_and_says_so(begun):
    root, before, said = begun
    written = {path.as_posix() for path in changed(before, tree(root))}
    assert written == WRITTEN
    assert all(name in said for name in written)


def test_it_is_clean_at_once(begun):
    lint(begun[0])


def test_all_that_holds_for_a_chapter_holds_at_once(begun):
    """By the commands that it prints: the outputs of the page, all points with the answer, none without, the tables."""
    root, _, said = begun
    pages = re.search(rf"python -m pytest (book/{STEM}.*)", said)[1].split()
    tests, asked = re.search(r'python -m pytest (tests.*) -k "(.*)"', said).groups()
    status, out = run(root, "-m", "pytest", *pages, *tests.split(), "-k", asked, "-q", "-p", "no:cacheprovider")
    assert status == 0 and int(re.search(r"(\d+) passed", out)[1]) >= 28, out
    assert f"solutions/{STEM}.ipynb: 2/2" in out and f"exercises/{STEM}.ipynb: 0/2" in out


def test_it_has_the_sections_of_every_chapter_and_they_are_in_order(begun):
    assert list(find_chapter(begun[0], "19").sections) == [f"sec-19-{name}" for name in SECTIONS]


def test_its_card_can_be_read(begun):
    root, _, _ = begun
    code = f"import sys; sys.path.insert(0, 'book/_ext'); import nf_cards; print(nf_cards.read({STEM!r}))"
    status, out = run(root, "-c", code)
    assert status == 0 and "minutes=5, seconds=10" in out and "needs=('01_change_of_variables',)" in out, out


def test_it_stands_behind_the_chapter_before(begun):
    root, before, _ = begun
    toc = (root / "_toc.yml").read_text("utf-8")
    for folder in ("book", "solutions"):
        assert f"- file: {folder}/18_fast_and_large\n      - file: {folder}/{STEM}\n" in toc
    cover = "\n".join(cell.source for cell in nbformat.read(root / "book/intro.ipynb", 4).cells)
    names = re.findall(r":::\{chapter\} (\w+)", cover)
    assert names == sorted(path.stem for path in (root / "book").glob("[0-9]*.ipynb"))
    rows = re.findall(
        r"^\| (\d+) \| \[.+?\]\(book/\w+\.ipynb\) \|.*\| \d+ \|$", (root / "README.md").read_text("utf-8"), re.M
    )
    assert rows == [str(n) for n in range(20)]
    for name in ("_toc.yml", "README.md"):
        old, new = before[Path(name)].decode().splitlines(), (root / name).read_text("utf-8").splitlines()
        assert not set(old) - set(new), "what stood there stands there still"


def test_a_second_exercise_can_be_added(begun, tmp_path, monkeypatch, capsys):
    shutil.copytree(begun[0], tmp_path / "course", ignore=LEFT)
    monkeypatch.chdir(tmp_path / "course")
    assert main(["new", "exercise", "19.another"]) == 0
    first = nbformat.read(f"solutions/{STEM}.ipynb", 4).cells[0].source
    assert "Two exercises to [" in first and ", 4 points in all" in first
    capsys.readouterr()


REFUSED = {
    "no number": (["splines", TITLE], None, "expected two digits, _ and a name"),
    "a path": (["19_../x", TITLE], None, "expected two digits, _ and a name"),
    "capitals": (["19_Splines", TITLE], None, "small letters"),
    "taken": (["18_again", TITLE], None, "there is a chapter 18 already; the first free number is 19"),
    "a title with a pipe": ([STEM, "this | that"], None, "expected a title"),
    "a title with quotes": ([STEM, 'the "best"'], None, "expected a title"),
    "no title": ([STEM, ""], None, "expected a title"),
    "an exercise of Python's": ([STEM, TITLE, "--exercise", "class"], None, "expected a name for the exercise"),
    "an exercise of the template's": ([STEM, TITLE, "--exercise", "jacobian"], None, "means something else"),
    "a built-in exercise": ([STEM, TITLE, "--exercise", "sum"], None, "sum means something else there"),
    "no contents": ([STEM, TITLE], lambda: Path("_toc.yml").unlink(), "_toc.yml: cannot be read"),
    "other contents": ([STEM, TITLE], edited(Path("_toc.yml"), "book/18_", "book/x"), "_toc.yml: expected the chapter before"),
    "other table": ([STEM, TITLE], edited(Path("README.md"), "(book/18_", "(x"), "README.md: expected the chapter before"),
    "no cover": ([STEM, TITLE], lambda: Path("book/intro.ipynb").write_text("{"), "book/intro.ipynb: expected a notebook"),
    "other cover": ([STEM, TITLE], edited(Path("book/intro.ipynb"), ":::{chapter} 18_", ":::{x} "), "book/intro.ipynb: expected the chapter"),
    "a glyph": ([STEM, TITLE], lambda: Path("book/_static/glyphs/19.svg").touch(), "glyphs/19.svg exists already"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_teach_and_write_nothing(case, course, capsys):
    words, damage, text = REFUSED[case]
    if damage:
        damage()
    before = tree(course)
    assert main(["new", "chapter", *words]) == 2
    said = capsys.readouterr().err
    assert text in said and str(course) not in said and said.count("\n") == 1
    assert tree(course) == before


@pytest.mark.parametrize("fails", [0, 3, 10])
def test_a_full_disk_leaves_every_file_and_no_folder(fails, course, capsys, monkeypatch):
    before, folders, write, calls = tree(course), set(os.walk(course).__next__()[1]), Path.write_bytes, []

    def written(path, data):
        calls.append(path)
        if len(calls) == fails + 1:
            write(path, data[:100])
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", written)
    assert main(["new", "chapter", STEM, TITLE]) == 2
    assert "No space left" in capsys.readouterr().err and len(calls) > fails
    assert tree(course) == before and set(os.walk(course).__next__()[1]) == folders
    assert not (course / f"nf_course/grading/exercises/ch{STEM}").exists()
