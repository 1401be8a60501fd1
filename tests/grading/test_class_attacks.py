"""A class of attackers: none gets a point, none stops or hangs the class, nothing is left of any, honest ones lose none.

What the attacks are stands in corpus/ (build.py); links, pipes and odd names, which git cannot carry, are made here.
"""

import csv
import ctypes
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from nf_course.grading.check import LISTENERS
from nf_course.grading.classroom import desk
from nf_course.grading.classroom.border import SandboxFault
from nf_course.grading.classroom.sandbox import Sandbox, SandboxMissing
from nf_course.grading.registry import chapters
from tests.grading.corpus.build import FOLDER, notebooks

ROOT = Path(__file__).parents[2]
ALL = sorted(path.name for path in FOLDER.iterdir())
EVERY = "NF_COURSE_ATTACKS" in os.environ  # `make attacks`: those that eat time and memory as well, with short limits


def _is_quick(name):
    """Ended by an error or a wrong result, and not by a limit: what runs on any machine beside other tests."""
    expected = json.loads((FOLDER / name / "expected.json").read_text("utf-8"))
    calm = name.split("_")[0] in ("wire", "python", "tensors", "files", "metadata")
    return calm and "answer" in expected and "time" not in expected.get("test", ["time"])


ATTACKS = [name for name in ALL if EVERY or _is_quick(name)]
# Honest sheets, under names that stand between those of the attacks.
HONEST = {
    "files_honest": "01_change_of_variables",
    "kernel_honest": "03_coupling_layers",
    "python_honest": "07_lu_determinants",
    "resources_honest": "03_coupling_layers",
    "resources_loop_honest": "09_continuous_flows",
    "tensors_honest": "14_shapes",
    "wire_honest": "03_coupling_layers",
}
POSSIBLE = {chapter.stem: sum(exercise.points for exercise in chapter.exercises) for chapter in chapters()}
NAMES = (
    "=HYPERLINK(1).ipynb",
    "<script>alert(1)<|script>.ipynb",
    "\x1b[2J\nnew\rline.ipynb",
    "\u202etxt.ipynb",
    "@SUM(1).ipynb",
)
PR_SET_CHILD_SUBREAPER = 36

try:
    with Sandbox():  # not every system that has bubblewrap lets it do what is needed
        pass
except SandboxMissing as missing:
    pytest.skip(f"no sandbox here: {missing}", allow_module_level=True)


def test_attacks_are_as_their_texts_say():
    files = {str(path.relative_to(FOLDER)): path.read_text("utf-8") for path in FOLDER.rglob("*") if path.is_file()}
    written = notebooks()
    assert {name: text for name, text in files.items() if not name.endswith("/expected.json")} == written
    assert {name.split("/")[0] for name in written} == set(ALL) and len(ATTACKS) >= 150


def lay_out(place):
    """The class: attacks, honest sheets between them, and what is no file at all."""
    for name in ATTACKS:
        shutil.copytree(FOLDER / name, place / name, ignore=shutil.ignore_patterns("expected.json"))
    for name, stem in HONEST.items():
        (place / name).mkdir()
        shutil.copyfile(ROOT / "solutions" / f"{stem}.ipynb", place / name / f"{stem}.ipynb")
    wrong = (place / "python_sys_exit" / "submission.ipynb").read_bytes()
    right = (ROOT / "solutions" / "03_coupling_layers.ipynb").resolve()
    odd = place / "odd"
    odd.mkdir()
    (odd / "link.ipynb").symlink_to(right)
    (odd / "linked_folder").symlink_to(right.parent)
    os.mkfifo(odd / "pipe.ipynb")
    os.mkfifo(odd / "pipe.zip")
    with zipfile.ZipFile(place.parent / "outside.zip", "w") as archive:
        archive.write(right, "03_coupling_layers.ipynb")
    (odd / "link.zip").symlink_to(place.parent / "outside.zip")
    with zipfile.ZipFile(odd / "slip.zip", "w") as archive:
        for name in ("../../../slip.ipynb", "/slip.ipynb", "a/../b.ipynb"):
            archive.writestr(name, wrong)
        archive.writestr("../../conftest.py", "raise SystemExit")
    with zipfile.ZipFile(odd / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.ipynb", b" " * (1 << 28))
    with zipfile.ZipFile(odd / "damaged.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.ipynb", wrong)
    data = bytearray((odd / "damaged.zip").read_bytes())
    data[45:80] = b"\xff" * 35
    (odd / "damaged.zip").write_bytes(data)
    (odd / "none.zip").write_bytes(b"PK\x03\x04")
    for name in NAMES:
        (odd / name).write_bytes(wrong)
    with open(os.fsencode(odd) + b"/\xff\xfe.ipynb", "wb") as stream:
        stream.write(wrong)


def picture(place):
    """Every name below a folder, with what it is and holds."""
    seen = {}
    for path in sorted(place.rglob("*")):
        info = path.lstat()
        plain = path.is_file() and not path.is_symlink()
        seen[str(path)] = info.st_mode, info.st_mtime_ns, plain and hashlib.sha256(path.read_bytes()).hexdigest()
    return seen


def descendants():
    """Processes that this one, or one of its, has started; orphans among them, of which it is made the parent."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
            if state != "Z":  # ended, and its parent has not looked yet
                parents[int(name)] = int(parent)
        except OSError:
            continue
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def grade(place, out, home):
    """`nf-course grade`, from an empty folder and with a home and a folder for temporary files of its own."""
    env = os.environ | {
        "NF_COURSE_GRADE_HASTE": "5" if EVERY else "2",
        "HOME": str(home / "home"),
        "TMPDIR": str(home / "tmp"),
    }
    env["PYTHONPATH"] = str(ROOT)
    for name in ("home", "tmp", "cwd"):
        (home / name).mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "nf_course.cli", "grade", str(place), "--out", str(out), "--jobs", "2"]
    done = subprocess.run(command, env=env, cwd=home / "cwd", capture_output=True, text=True, timeout=570)
    assert done.returncode == 3, done.stderr  # some of the files cannot be read
    return json.loads((out / "results.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    base = tmp_path_factory.mktemp("attacks")
    lay_out(base / "class")
    before, running = picture(base / "class"), descendants()
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    results = grade(base / "class", base / "out", base)
    until = time.monotonic() + 10  # for those that are about to end
    while (left := descendants() - running) and time.monotonic() < until:
        time.sleep(0.1)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    records = {record["file"]: record for record in results["submissions"]}
    return {"base": base, "before": before, "left": left, "records": records}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name, graded):
    expected = json.loads((FOLDER / name / "expected.json").read_text("utf-8"))
    record = graded["records"][f"{name}/submission.ipynb"]
    assert (record["status"], record["earned"]) == (expected["status"], expected["earned"])
    assert record["sandboxed"] and (record["status"] == "graded" or record["reason"])
    rows = {row["id"]: row for row in record["exercises"]}
    if "exercise" in expected:
        row = rows.pop(expected["exercise"])
        assert row["status"] == expected["answer"] and row["test"] in (
            *expected["test"],
            "time",
        )  # where others keep the machine busy
        assert all("\x1b" not in line and len(line) <= 120 for line in row["report"])
    if "answer" in expected:  # of an attack that may end in more than one way it says nothing
        assert all(row["status"] == "not answered yet" for row in rows.values())


@pytest.mark.parametrize("name", HONEST)
def test_honest_among_attacks(name, graded):
    record = graded["records"][f"{name}/{HONEST[name]}.ipynb"]
    lost = [row["report"] for row in record["exercises"] if row["status"] != "right"]
    assert record["earned"] == record["possible"] == POSSIBLE[HONEST[name]], lost


def test_what_is_no_file(graded):
    odd = {name[4:]: record for name, record in graded["records"].items() if name.startswith("odd/")}
    assert sum(record["earned"] for record in odd.values()) == 0
    unreadable = {name for name, record in odd.items() if record["status"] == "unreadable"}
    assert unreadable >= {"link.ipynb", "pipe.ipynb", "bomb.zip/bomb.ipynb", "damaged.zip/x.ipynb"}
    assert {"slip.zip/../../../slip.ipynb", "slip.zip//slip.ipynb", "slip.zip/a/../b.ipynb", *NAMES} <= set(odd)
    assert {"link.zip/link.zip", "pipe.zip/pipe.zip", "none.zip/none.zip"} <= unreadable
    assert not any("linked_folder" in name for name in odd)
    assert not any(record["status"] == "failed" for record in graded["records"].values())


def test_every_file_has_a_row(graded):
    files = [name for name in graded["before"] if name.endswith(".ipynb") and "linked_folder" not in name]
    assert {str(graded["base"] / "class" / name) for name in graded["records"]} >= set(files)


def test_nothing_is_left(graded):
    assert not graded["left"]
    base = graded["base"]
    assert picture(base / "class") == graded["before"]
    for name in ("home", "tmp", "cwd"):
        assert not list((base / name).iterdir()), name
    assert sorted(path.name for path in base.iterdir()) == ["class", "cwd", "home", "out", "outside.zip", "tmp"]
    assert sorted(path.name for path in (base / "out").iterdir()) == [
        *("class.html", "grades.csv", "results.json", "students", "work")
    ]


def test_a_sandbox_that_does_not_begin_costs_no_points(tmp_path, monkeypatch):
    """The fault is the grader's: no record is written, so that the file is taken again, and is "failed" at the worst."""
    sheet = FOLDER / "python_sys_exit" / "submission.ipynb"
    plan = {"files": {"key": ["x.ipynb", str(sheet), None]}, "unsafe": False}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    place = desk.Desk(tmp_path)

    def fault(*_):
        raise SandboxFault

    monkeypatch.setattr(desk, "Border", fault)
    try:
        with pytest.raises(SandboxFault):
            place.take("key")
        assert place.answers("03.logdet") == (None,) and place.put()["status"] == "failed"
    finally:
        place.sandbox.__exit__()
        LISTENERS.clear()
    assert not (tmp_path / "records").exists()


def test_results_within_the_class(tmp_path):
    """From the folder itself, with files in it that Python and pytest would import: the results are no submissions."""
    place = tmp_path / "class"
    shutil.copytree(FOLDER / "files_beside_nf_course", place)
    for _ in range(2):
        command = [Path(sys.executable).with_name("nf-course"), "grade", ".", "--jobs", "1", "--json"]
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, timeout=300)
        (record,) = json.loads(done.stdout)["submissions"]
        assert (record["status"], record["earned"]) == ("graded", 0), done.stderr


def test_tables_and_pages_are_inert(graded):
    out = graded["base"] / "out"
    with open(out / "grades.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert len(rows) == len(graded["records"]) + 1 and len({len(row) for row in rows}) == 1
    assert not any(text.startswith(("=", "@", "+", "-")) or "\x1b" in text for row in rows for text in row)
    for page in (out / "class.html", *(out / "students").glob("*.html")):
        text = page.read_text("utf-8")
        assert "<script" not in text and "\x1b" not in text and "\u202e" not in text, page


def test_second_run_says_the_same(graded, tmp_path):
    """Over the same folder nothing is run again; in a new one the same comes out, of every third that took no time."""
    base = graded["base"]
    again = grade(base / "class", base / "out", base)
    assert {record["file"]: record for record in again["submissions"]} == graded["records"]
    place = tmp_path / "class"
    shutil.copytree(base / "class", place, ignore=shutil.ignore_patterns("odd"))
    (place / "empty.ipynb").touch()
    for number, name in enumerate(ATTACKS):
        if number % 3 or graded["records"][f"{name}/submission.ipynb"]["seconds"] > 0.6:
            shutil.rmtree(place / name)
    for record in grade(place, tmp_path / "out", tmp_path)["submissions"]:
        if record["file"] != "empty.ipynb":
            first = graded["records"][record["file"]]
            told = [
                [(row["id"], row["earned"], row["status"]) for row in each["exercises"]] for each in (first, record)
            ]
            assert told[0] == told[1] and record["status"] == first["status"], record["file"]
