"""Files of any kind, runs that are cut off, and what comes out: one row each, the same rows, nothing that acts."""

import csv
import io
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from bs4 import BeautifulSoup
from filelock import FileLock
from nbgrader.plugins.export import CsvExportPlugin

from nf_course import cli
from nf_course.grading.classroom import sandbox
from nf_course.grading.classroom.output import SCHEMA, misnamed, table, write_all
from nf_course.grading.classroom.sandbox import Sandbox, SandboxMissing
from nf_course.grading.classroom.submission import File, Submission, Unreadable, read
from nf_course.grading.classroom.wire import WireError, pack, receive, send, unpack
from nf_course.grading.draw import Draw
from tests.grading.corpus.damaged import SHEETS, mutants

ROOT = Path(__file__).parents[2]


def sandbox_works():
    try:
        with Sandbox():
            return True
    except SandboxMissing:
        return False


needs_sandbox = pytest.mark.skipif(not sandbox_works(), reason="no sandbox here")


# --- files that are no notebooks

ODD = {
    "empty": b"",
    "blank": b" \n\t ",
    "a word": b"notebook",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "cut off": SHEETS[3].read_bytes()[:9000],
    "a list": b"[]",
    "a number": b"17",
    "null": b"null",
    "no cells": b'{"metadata": {}}',
    "cells are a word": b'{"cells": "x"}',
    "nested without end": b"[" * 100_000,
    "nested cells": b'{"cells": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "null bytes": SHEETS[3].read_bytes()[:500] + b"\0" * 500,
    "somebody else's": b'{"cells": [{"cell_type": "code", "source": "print(1)"}], "nbformat": 4}',
    "a cell of megabytes": b'{"cells": [{"cell_type": "code", "source": "' + b"x" * 2_000_000 + b'"}]}',
    "many cells": json.dumps({"cells": [{"cell_type": "code", "source": "x"}] * 6000}).encode(),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_notebook_is_refused_in_a_line(name):
    with pytest.raises(Unreadable) as refusal:
        read(File(f"{name}.ipynb", Path(name)), ODD[name])
    text = str(refusal.value)
    assert text.isprintable() and 10 < len(text) < 200 and ("expected" in text or "no exercise" in text)


def test_five_hundred_damaged_sheets_are_read_or_refused():
    times, outcomes = [], {"read": 0, "refused": 0}
    for data in mutants(seed=11, count=500):
        started = time.process_time()
        try:
            found = read(File("03.ipynb", Path("03.ipynb")), data)
            assert isinstance(found, Submission) and all(isinstance(cell.source, str) for cell in found.cells)
            outcomes["read"] += 1
        except Unreadable as refusal:
            outcomes["refused"] += 1
            assert str(refusal).isprintable()
            times.append(time.process_time() - started)
    assert outcomes["read"] > 50 and outcomes["refused"] > 50, outcomes
    assert statistics.median(times) < 0.05


def test_damaged_frames_are_refused():
    chance, draw = random.Random(5), Draw(1)
    refused = 0
    for _ in range(500):
        here, there = socket.socketpair()
        with here, there:
            blobs = []
            message = pack((draw.normal(3, 2), [1, 2.5, "x"], draw.net("net", 2, 3)), blobs)
            outer, inner = socket.socketpair()
            with outer, inner:
                send(outer, message, blobs, time.monotonic() + 5)
                frame = bytearray(inner.recv(2**20))
            for _ in range(chance.randint(1, 6)):
                frame[chance.randrange(len(frame))] = chance.randrange(256)
            here.sendall(frame[: chance.randint(1, len(frame))] if chance.random() < 0.3 else frame)
            here.shutdown(socket.SHUT_WR)
            try:
                unpack(*receive(there, time.monotonic() + 1))
            except (WireError, EOFError, TimeoutError):
                refused += 1
    assert refused > 100


# --- runs


def run(*words, **env):
    command = [sys.executable, "-m", "nf_course.cli", "grade", *map(str, words)]
    env = os.environ | {"PYTHONPATH": str(ROOT)} | env
    return subprocess.Popen(
        command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def results(out):
    """What must not depend on when and how often it was run."""
    found = json.loads((out / "results.json").read_text("utf-8"))
    for record in found["submissions"]:
        del record["seconds"]
        for row in record["exercises"]:
            del row["seed"]
            row["report"] = [line for line in row["report"] if "seed=" not in line]
            row["report"] = row["report"][:1] if row["status"] == "wrong" else row["report"]  # numbers are drawn anew
    return found["submissions"]


@pytest.fixture(scope="module")
def small_class(tmp_path_factory):
    """Ten files: right, blank, wrong, and one that is no notebook."""
    place = tmp_path_factory.mktemp("class")
    for number, sheet in enumerate(SHEETS[1:5]):
        for kind in ("solutions", "exercises"):
            folder = place / f"student{number}-{kind}"
            folder.mkdir()
            shutil.copy(ROOT / kind / sheet.name, folder)
    wrong = (ROOT / "solutions" / "03_coupling_layers.ipynb").read_text("utf-8")
    (place / "03_coupling_layers wrong.ipynb").write_text(
        wrong.replace("return scale_net", "return -scale_net"), "utf-8"
    )
    (place / "broken.ipynb").write_bytes(ODD["cut off"])
    return place


@pytest.fixture(scope="module")
def whole(small_class, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    done = run(small_class, "--out", out, "--jobs", "2")
    stdout, stderr = done.communicate(timeout=300)
    assert done.returncode == 3, stderr
    return out, stdout


@needs_sandbox
def test_a_class(whole):
    out, said = whole
    found = results(out)
    assert [record["status"] for record in found].count("graded") == 9 and len(found) == 10
    by_kind = {record["file"]: record for record in found}
    for name, record in by_kind.items():
        wanted = {"solutions": record["possible"], "exercises": 0}
        kind = next((kind for kind in wanted if f"-{kind}/" in name), None)
        assert kind is None or record["earned"] == wanted[kind], name
    wrong = by_kind["03_coupling_layers wrong.ipynb"]
    assert [row["mistake"] for row in wrong["exercises"] if row["status"] == "wrong"] == ["sign"]
    assert said.count("\n") == 11 and "unreadable: cut off or damaged" in said
    jsonschema.validate(json.loads((out / "results.json").read_text("utf-8")), json.loads(SCHEMA.read_text("utf-8")))
    mistakes = BeautifulSoup((out / "class.html").read_text("utf-8"), "html.parser").get_text()
    assert "sign" in mistakes and "10 submissions" in mistakes


@needs_sandbox
def test_killed_at_any_moment_and_started_again(small_class, whole, tmp_path):
    out, chance = tmp_path / "out", random.Random(time.time())
    for _ in range(4):
        part = run(small_class, "--out", out, "--jobs", "2")
        try:
            part.communicate(timeout=chance.uniform(1, 9))
        except subprocess.TimeoutExpired:
            os.killpg(part.pid, signal.SIGKILL)
            part.communicate()
    last = run(small_class, "--out", out, "--jobs", "2")
    _, stderr = last.communicate(timeout=300)
    assert last.returncode == 3, stderr
    assert results(out) == results(whole[0])


@needs_sandbox
def test_a_record_that_is_damaged_or_of_other_bytes_is_made_again(small_class, whole, tmp_path):
    place, out = tmp_path / "class", tmp_path / "out"
    shutil.copytree(small_class, place)
    shutil.copytree(whole[0], out)
    records = sorted((out / "work" / "records").glob("*.json"))
    records[0].write_text('{"status": "gra')
    forged = json.loads(records[1].read_text("utf-8")) | {"sha256": "0" * 64, "earned": 1000}
    records[1].write_text(json.dumps(forged))
    again = run(place, "--out", out, "--jobs", "1")
    again.communicate(timeout=300)
    assert results(out) == results(whole[0])


@needs_sandbox
def test_two_runs_at_once_in_one_place(small_class, tmp_path, capsys):
    (tmp_path / "out" / "work").mkdir(parents=True)
    with FileLock(tmp_path / "out" / "work" / "lock"):
        assert cli.main(["grade", str(small_class), "--out", str(tmp_path / "out")]) == 2
    assert "another run is grading there" in capsys.readouterr().err


def test_without_bubblewrap_nothing_is_run(small_class, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    assert cli.main(["grade", str(small_class), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "apt-get install bubblewrap" in said and "--unsafe" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["{tmp}/nowhere"], "expected a folder, a zip archive or a notebook"),
        (["{tmp}"], "found none"),
        (["{class}", "--jobs", "0"], "--jobs: expected 1 or more"),
        (["{class}", "--checks", "{tmp}/none.ipynb"], "none.ipynb: expected a notebook of checks"),
        (["{class}", "--out", "{class}/broken.ipynb"], "--out: expected a folder, got the file"),
    ],
)
@needs_sandbox
def test_what_cannot_be_begun(words, says, small_class, tmp_path, capsys):
    words = [word.format(tmp=tmp_path, **{"class": small_class}) for word in words]
    assert cli.main(["grade", "--out", str(tmp_path / "out"), *words]) == 2
    assert says in capsys.readouterr().err


@needs_sandbox
def test_checks_of_the_instructors_own(small_class, tmp_path):
    """The code cells of a notebook, over each submission: with `check`, and with the functions themselves.

    A cell that fails is told in the log, and costs neither points nor the cells after it.
    """
    source = (
        "from nf_course.grading import check\nfrom nf_course.grading.draw import Draw\nimport torch",
        "draw = Draw(1)\nx, net = draw.normal(2, 3), draw.net('scale_net', 2, 1)",
        "told = log_det(x, torch.tensor([True, False, True]), net, net)\nassert torch.equal(told, net(x[:, ::2]).sum(1))",
        "assert told.shape == (17,), 'not of this shape'",
        'check("03.logdet", log_det)',
    )
    cells = [
        {"cell_type": "code", "source": text, "metadata": {}, "outputs": [], "execution_count": None} for text in source
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (tmp_path / "checks.ipynb").write_text(json.dumps(notebook))
    sheet = small_class / "student2-solutions"
    done = run(sheet, "--out", tmp_path / "out", "--checks", tmp_path / "checks.ipynb", "--jobs", "1")
    _, stderr = done.communicate(timeout=300)
    assert done.returncode == 0, stderr
    (record,) = results(tmp_path / "out")
    statuses = {row["id"]: row["status"] for row in record["exercises"]}
    assert statuses["03.logdet"] == "right" and statuses["03.encode"] == "not checked"
    assert record["earned"] == 2
    page = (tmp_path / "out" / "class.html").read_text("utf-8")
    assert "03.logdet" in page and "03.encode" not in page, "what was not asked is not blank"
    log = (tmp_path / "out" / "work" / "nbval.log").read_text("utf-8")
    assert "not of this shape" in log and "1 failed, 7 passed" in log


# --- what comes out does nothing

INJECTIONS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</pre></main><script src=//x></script>",
    '"><svg/onload=alert(1)>',
    "javascript:alert(1)",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "&lt;b&gt;",
    '=HYPERLINK("http://x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "|calc",
    "\t=1",
    " =1+1",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "a\r\nb",
    "\u202etxt.exe",
    "\0null",
    "\ud800",
    "\u2028line",
)


def test_injected_text_is_inert(tmp_path):
    row = {"id": "03.logdet", "title": "x", "chapter": 3, "place": 1, "earned": 0, "possible": 2, "status": "wrong"}
    records = []
    for text in INJECTIONS:
        told = {"test": "value", "mistake": text, "seed": 1, "report": [f"x {text}", f"  likely    {text}"]}
        record = {"file": f"{text}/03_coupling_layers.ipynb", "status": "graded", "reason": text, "sha256": "0" * 64}
        record |= {"sandboxed": False, "earned": 0, "possible": 2, "seconds": 0.1, "exercises": [row | told]}
        records.append(record)
    write_all(records, "the course", False, tmp_path)
    pages = [tmp_path / "class.html", *sorted((tmp_path / "students").iterdir())]
    assert len(pages) == 1 + len(INJECTIONS)
    for page in pages:
        tree = BeautifulSoup(page.read_text("utf-8"), "html.parser")
        names = {tag.name for tag in tree.find_all(True)}
        allowed = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "pre", "span", "div", "a"}
        assert names <= allowed | {"table", "thead", "tbody", "tr", "th", "td"}, names
        attributes = {name for tag in tree.find_all(True) for name in tag.attrs}
        assert not any(name.startswith("on") for name in attributes)
        assert all(a["href"].startswith("students/") for a in tree.find_all("a"))
        assert "default-src 'none'" in page.read_text("utf-8") and "without a sandbox" in tree.get_text()
    for text in (page.read_text("utf-8") for page in pages):
        assert not any(ord(c) < 32 and c not in "\n\t" for c in text) and "\u202e" not in text
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(INJECTIONS)
    assert not any(
        value.lstrip()[:1] in ("=", "+", "-", "@", "|", "%") for row in rows for value in row.values() if value
    )
    shown = table(records)
    assert shown.count("\n") == len(INJECTIONS) - 1 and shown.replace("\n", "").isprintable()
    json.loads((tmp_path / "results.json").read_text("utf-8"))


def test_a_sheet_of_another_chapter_than_its_name_says_is_named(tmp_path):
    """Full points for the wrong sheet look like full points; who handed out chapter 3 is told."""
    told = {"status": "right", "earned": 2, "possible": 2, "test": None, "mistake": None, "seed": 1, "report": ["ok"]}
    row = {"id": "04.encode", "title": "x", "chapter": 4, "place": 1} | told
    record = {"status": "graded", "reason": "", "sha256": "0" * 64, "sandboxed": True, "earned": 2, "possible": 2}
    names = (
        "emmy/03_coupling_layers.ipynb",
        "03_coupling_layers - Bob.ipynb",
        "ada/04_nice (1).ipynb",
        "carl/hw.ipynb",
    )
    records = [record | {"file": name, "seconds": 0.1, "exercises": [row]} for name in names]
    assert misnamed(records) == [f"{names[1]} (04_nice)", f"{names[0]} (04_nice)"]
    write_all(records, "the course", True, tmp_path)
    shown = BeautifulSoup((tmp_path / "class.html").read_text("utf-8"), "html.parser").find(class_="warning").get_text()
    assert all(name in shown for name in misnamed(records)) and names[2] not in shown


def test_columns_are_those_of_nbgrader(tmp_path):
    import inspect

    write_all([], "the course", True, tmp_path)
    (header,) = csv.reader(io.StringIO((tmp_path / "grades.csv").read_text("utf-8")))
    source = inspect.getsource(CsvExportPlugin)
    assert all(f'"{name}"' in source or f"'{name}'" in source for name in header)
