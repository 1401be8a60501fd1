"""The local record of points: best score kept, whole or not at all, and no accident loses more than itself."""

import json
import multiprocessing
import os
import stat

import pytest

from nf_course.grading import check, progress
from nf_course.grading import progress as progress_function
from nf_course.grading.progress import path, read, record
from nf_course.grading.registry import chapters


@pytest.fixture
def file(monkeypatch, tmp_path):
    file = tmp_path / "deep" / "points.json"
    monkeypatch.setenv("NF_COURSE_PROGRESS_FILE", str(file))
    return file


def earned(file):
    return {name: entry["earned"] for name, entry in json.loads(file.read_text())["points"].items()}


def test_best_score_is_kept(file):
    assert [record("03.logdet", points, 2) for points in (0, 2, 1)] == [None] * 3
    assert json.loads(file.read_text()) == {
        "version": 1,
        "points": {"03.logdet": {"earned": 2, "possible": 2, "tries": 3}},
    }


def test_check_records_and_progress_shows(file, capsys):
    check("00.nats", lambda log_prob: -log_prob.mean())
    check("00.setup", lambda z: z)
    check("01.mass", lambda *args: None)  # blank: no attempt
    assert earned(file) == {"00.nats": 1, "00.setup": 0}
    capsys.readouterr()
    progress()
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:6] == ["0", "Start", "here", "1", "of", "4"] and lines[-1] == f"kept in {file}"


def test_progress_before_anything_was_done(file, capsys):
    progress()
    most = sum(exercise.points for chapter in chapters() for exercise in chapter.exercises)
    assert f" 0 of {most:g}" in capsys.readouterr().out
    assert not file.parent.exists(), "looking makes no files"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\x00\xff\xfe",
        b'{"version": 1, "points": {"03.log',
        b"[]",
        b'{"points": 3, "version": 1}',
        b"[" * 100_000,
        b'{"version": 1, "points": {"03.decode": {"earned": 7, "possible": 2, "tries": 1}}}',
        b'{"version": 1, "points": {"03.decode": {"earned": NaN, "possible": 2, "tries": 1}}}',
        b'{"version": 1, "points": {"03.decode": {"earned": "2", "possible": 2, "tries": 1}}}',
        b'{"version": 1, "points": {"03.decode": 2}}',
    ],
)
def test_damaged_file_is_put_aside(file, damage, capsys):
    record("03.logdet", 2, 2)
    record("03.encode", 2, 2)
    file.write_bytes(damage)
    note = record("00.nats", 1, 1)
    assert "damaged" in note
    aside = [p for p in file.parent.iterdir() if "damaged" in p.name]
    assert len(aside) == 1 and aside[0].read_bytes() == damage, "nothing is thrown away"
    assert earned(file) == {"03.logdet": 2, "00.nats": 1}, "the save before the last is still there"


def test_one_bad_entry_spoils_no_other(file):
    record("03.logdet", 2, 2)
    data = json.loads(file.read_text())
    data["points"]["03.encode"] = {"earned": -1}
    file.write_text(json.dumps(data))
    assert "damaged" in record("00.nats", 1, 1)
    assert earned(file) == {"03.logdet": 2, "00.nats": 1}


def test_unknown_exercises_are_left_alone(file):
    record("99.later", 4, 4)
    record("00.nats", 1, 1)
    assert earned(file) == {"99.later": 4, "00.nats": 1}


def test_a_newer_version_is_not_touched(file, capsys):
    file.parent.mkdir()
    newer = '{"version": 2, "scores": [], "points": {}}'
    file.write_text(newer)
    assert "could not be kept" in record("00.nats", 1, 1)
    progress()
    assert "another version" in capsys.readouterr().out and file.read_text() == newer


def test_a_crash_while_writing_leaves_the_old_file(file, monkeypatch):
    record("03.logdet", 2, 2)

    def fails(*args):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fails)
    assert "could not be kept" in record("00.nats", 1, 1)
    monkeypatch.undo()
    assert earned(file) == {"03.logdet": 2}
    assert not [p for p in file.parent.iterdir() if p.name.startswith(".points-")], "no litter"


def test_a_check_goes_on_where_nothing_can_be_written(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NF_COURSE_PROGRESS_FILE", str(tmp_path / "file" / "points.json"))
    assert check("00.nats", lambda log_prob: -log_prob.mean()).earned == 1
    assert "could not be kept" in capsys.readouterr().out


def test_off_keeps_nothing(monkeypatch, capsys):
    monkeypatch.setenv("NF_COURSE_PROGRESS_FILE", "off")
    assert path() is None and record("00.nats", 1, 1) is None
    progress_function()
    assert "not kept" in capsys.readouterr().out


def test_default_place_is_the_users_state_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("NF_COURSE_PROGRESS_FILE", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path().name == "progress.json" and "nf_course" in path().parts and tmp_path in path().parents


def _many(index):
    for attempt in range(10):
        record(f"{index:02d}.many", attempt, 10)


def test_concurrent_writers_lose_nothing(file):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.map(_many, range(8))
    points, note = read(file)
    assert note is None and len(points) == 8
    assert all(entry == {"earned": 9, "possible": 10, "tries": 10} for entry in points.values())


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_file_is_the_users_own(file):
    record("00.nats", 1, 1)
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0
