"""nf-course doctor: whatever is broken, it says so in one line, with the way to mend it, and does not crash."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from nf_course.cli import main
from nf_course.doctor import examine, files, packages, surroundings
from nf_course.doctor.finding import again
from nf_course.grading.classroom import sandbox

ROOT = Path(__file__).parents[2]
LEFT = shutil.ignore_patterns("__pycache__")


def found(name):
    """The finding of one check, made as the command makes it."""
    return next(finding for finding in examine() if finding.name == name)


@pytest.fixture
def alone(monkeypatch):
    """Only the check that a test breaks takes time."""
    for module in (files, packages, surroundings):
        for name in module.__all__:
            if callable(getattr(module, name)) and name != "requirements":
                monkeypatch.setattr(module, name, lambda *given: "not asked")
    return monkeypatch


def test_here_a_learner_lacks_nothing(capsys):
    assert main(["doctor"]) == 0
    *lines, empty, last = capsys.readouterr().out.splitlines()
    assert last == "All that a learner needs is there." and not empty
    names = [finding.name for finding in examine()]
    assert [line.split()[1] for line in lines] == names and len(set(names)) == len(names)
    assert {line.index(name) for line, name in zip(lines, names)} == {11}, "aligned"


def test_for_a_script(capsys):
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] and {finding["status"] for finding in told["findings"]} <= {"ok", "missing", "broken"}
    assert all(set(finding) == {"name", "status", "needed", "says", "mend"} for finding in told["findings"])


def test_it_knows_all_that_ships():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(packages.EXTRAS) == set(extras)
    assert len(list((ROOT / "nf_course/trained").glob("*.safetensors"))) == files.WEIGHTS
    source = "".join(
        (ROOT / f"nf_course/data/{path.name}").read_text("utf-8") for path in (ROOT / "nf_course/data").glob("*.py")
    )
    shipped = {path.name for path in (ROOT / "nf_course/data").glob("*.npz")}
    assert all(f'"{name}"' in source for name in shipped) and len(files.DATA) == len(shipped)


# -- simulated breakage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "name", "status", "mend"),
    [
        ("nbgrader", "grade", "missing", "[grade]"),
        ("FrEIA", "bench", "missing", "[bench]"),
        ("torch", "packages", "missing", "pip install"),
    ],
)
def test_a_missing_package_is_named_with_the_line_that_brings_it(alone, lost, name, status, mend):
    known = importlib.metadata.distribution

    def distribution(wanted):
        if wanted == lost:
            raise importlib.metadata.PackageNotFoundError(wanted)
        return known(wanted)

    alone.setattr(importlib.metadata, "distribution", distribution)
    finding = found(name)
    assert finding.status == status and lost in finding.says.split(", ") and mend in finding.mend


def test_a_package_that_is_too_old_is_broken(alone):
    alone.setattr(importlib.metadata, "requires", lambda name: ["numpy>=99", "tqdm"])
    finding = found("packages")
    assert finding.status == "broken" and "numpy" in finding.says and "expected >=99" in finding.says


def test_a_package_that_lost_its_files_is_broken(alone):
    kind = type(importlib.metadata.distribution("numpy"))  # of Python, or of a library that stands in for it
    alone.setattr(kind, "locate_file", lambda self, path: Path("nowhere") / path)
    finding = found("packages")
    assert finding.status == "broken" and "is lost" in finding.says


def test_without_bubblewrap(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    finding = surroundings_of("sandbox")
    assert finding.status == "missing" and "bwrap" in finding.says and "apt-get install bubblewrap" in finding.mend


def surroundings_of(name):
    from nf_course.doctor import _ask

    return _ask(name, False, getattr(surroundings, name))


def test_without_chromium(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert surroundings_of("chromium").status == "missing"


def test_a_browser_that_fails(monkeypatch):
    monkeypatch.setenv("CHROMIUM", "false")
    assert surroundings_of("chromium").status == "broken"


def test_a_place_that_takes_no_points(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NF_COURSE_PROGRESS_FILE", str(tmp_path / "file" / "progress.json"))
    assert surroundings_of("progress").status == "broken"
    monkeypatch.setenv("NF_COURSE_PROGRESS_FILE", str(tmp_path / "torn.json"))
    assert surroundings_of("progress").status == "ok" and not (tmp_path / "torn.json").exists()
    (tmp_path / "torn.json").write_text('{"points": {')
    assert surroundings_of("progress").status == "broken"
    assert (tmp_path / "torn.json").read_text() == '{"points": {', "it looks and does not touch"


@pytest.mark.parametrize(
    "raised", [ImportError("no symbol\nin this library"), OSError("cannot map"), KeyError("x"), SystemExit(3)]
)
def test_whatever_an_import_raises_is_told_in_one_line(alone, raised):
    def check():
        raise raised

    alone.setattr(packages, "torch", check)
    finding = found("torch")
    assert (
        finding.status == "broken"
        and type(raised).__name__ in finding.says
        and "\n" not in finding.says
        and finding.mend
    )


def test_a_module_that_is_not_there_is_missing(alone):
    def check():
        raise ModuleNotFoundError("No module named 'safetensors'", name="safetensors")

    alone.setattr(files, "weights", check)
    finding = found("weights")
    assert (
        finding.status == "missing"
        and "safetensors" in finding.says
        and finding.mend == "pip install -r requirements.txt"
    )


def test_a_python_with_nothing_but_the_package(tmp_path):
    """No torch, no NumPy, no packaging: -S leaves out all that is installed, -E the environment."""
    code = f"import sys; sys.path[:0] = [{str(ROOT)!r}]; sys.argv[1:] = ['doctor', '--json']; import nf_course_command as c; sys.exit(c.main())"
    done = subprocess.run([sys.executable, "-SE", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    by_name = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1 and not done.stderr
    assert by_name["python"]["status"] == "ok" and by_name["machine"]["status"] == "ok"
    for name in ("torch", "nf_course", "data", "weights", "figures", "kernel"):
        assert (by_name[name]["status"] == "missing" and "pip install" in by_name[name]["mend"]) or name == "torch"


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        (None, "nf_course"),  # from an index
        ("half a f", "nf_course"),
        ('{"url": "https://example.org/nf_course-0.1.0-py3-none-any.whl", "archive_info": {}}',)
        + ("'https://example.org/nf_course-0.1.0-py3-none-any.whl'",),
        ('{"url": "https://example.org/a/b", "vcs_info": {"vcs": "git", "requested_revision": "main"}}',)
        + ("'git+https://example.org/a/b@main'",),
        ('{"url": "https://example.org/a/b", "vcs_info": {"vcs": "git"}}', "'git+https://example.org/a/b'"),
    ],
)
def test_what_is_lost_is_had_again_from_where_it_came(told, asked, monkeypatch):
    """No index need have the course: its wheel comes from a release, a folder or a repository."""

    class Installed:
        def read_text(self, name):
            return told if name == "direct_url.json" else None

    monkeypatch.setattr("nf_course.doctor.finding.checkout", lambda: False)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Installed())
    assert again() == f"pip install --force-reinstall --no-deps {asked}"


def test_what_is_lost_in_a_checkout_is_had_again_from_git():
    assert again().startswith("`git status`") and "`git restore FILE`" in again()


def test_a_device_that_is_not_there(monkeypatch):
    from nf_course.doctor import _ask

    monkeypatch.setenv("NF_COURSE_DEVICE", "abacus")
    finding = _ask("torch", True, packages.torch)
    assert finding.status == "broken" and "NF_COURSE_DEVICE=abacus" in finding.says


def test_a_damaged_copy(tmp_path, monkeypatch):
    """In a process that has nothing but the copy: files cut short or lost are named; then torch cannot be imported."""
    shutil.copytree(ROOT / "nf_course", tmp_path / "nf_course", ignore=LEFT)
    shutil.copy(ROOT / "nf_course_command.py", tmp_path)
    whole = (tmp_path / "nf_course/data/digits.npz").read_bytes()
    (tmp_path / "nf_course/data/digits.npz").write_bytes(whole[:1000])
    (tmp_path / "nf_course/trained/glow-mnist.safetensors").write_bytes(b"half a file")
    (tmp_path / "nf_course/widgets/stretch.js").write_text("")
    status, told, _ = command(tmp_path, "doctor", "--json")
    by_name = {finding["name"]: finding for finding in told["findings"]}
    assert status == 1 and not told["ok"]
    assert by_name["data"]["status"] == "broken" and "digits.npz" in by_name["data"]["says"]
    assert by_name["weights"]["status"] == "broken" and "glow-mnist" in by_name["weights"]["says"]
    assert by_name["figures"]["status"] == "broken" and "stretch.js" in by_name["figures"]["says"]
    assert by_name["torch"]["status"] == by_name["nf_course"]["status"] == "ok"

    (tmp_path / "torch.py").write_text("raise OSError('libtorch.so: cannot open shared object file')")
    status, told, _ = command(tmp_path, "doctor", "--json")
    by_name = {finding["name"]: finding for finding in told["findings"]}
    assert status == 1 and {"torch", "nf_course"} <= {
        name for name, each in by_name.items() if each["status"] == "broken"
    }
    assert "libtorch.so" in by_name["torch"]["says"] and by_name["python"]["status"] == "ok"
    status, _, said = command(tmp_path, "recipes")
    assert status == 2 and said.count("\n") == 1 and "libtorch.so" in said and "nf-course doctor" in said


def command(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "nf_course_command", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr
