"""The wheel holds every file of the package and nothing else, and works where nothing else of the course is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.package.wheels import ROOT, wheel
from tools import tracked_files

pytest.importorskip("setuptools", minversion="77")  # builds it
if not tracked_files.files(ROOT):
    pytest.skip("no git here, to say which files belong to the course", allow_module_level=True)

MEGABYTES = 30  # at most; data and trained weights are most of it
ENDINGS = {".npz", ".safetensors", ".js", ".css", ".html", ".jinja", ".json", ".csv", ".md"}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """As pip would lay it out, in a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(wheel()) as archive:
        archive.extractall(folder)
    yield folder
    shutil.rmtree(folder)


def run(unpacked, tmp_path, *words):
    """A command that sees the unpacked wheel, and no other copy of the course."""
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "NF_COURSE_PROGRESS_FILE": "off"}
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def test_it_holds_the_package_and_nothing_else():
    names = {path.relative_to(ROOT).as_posix() for path in tracked_files.files(ROOT)}
    wanted = {name for name in names if name.startswith("nf_course/")} | {"nf_course_command.py"}
    with zipfile.ZipFile(wheel()) as archive:
        assert archive.testzip() is None
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        about = {name.partition(".dist-info/")[2] for name in archive.namelist()} - {""}
    assert held == wanted, f"lacks {sorted(wanted - held)}, should not hold {sorted(held - wanted)}"
    assert {Path(name).suffix for name in held} >= ENDINGS
    assert {"licenses/LICENSE", "licenses/NOTICE", "entry_points.txt", "METADATA"} <= about


def test_its_size():
    size = wheel().stat().st_size / 1e6
    print(f"{wheel().name}: {size:.1f} MB")
    assert size < MEGABYTES


def test_nothing_is_amiss_by_its_own_doctor(unpacked, tmp_path):
    status, out, err = run(unpacked, tmp_path, "-m", "nf_course_command", "doctor", "--json")
    told = json.loads(out)
    by_name = {finding["name"]: finding for finding in told["findings"]}
    assert status == 0 and told["ok"], out + err
    assert str(unpacked) in by_name["nf_course"]["says"] and "each as it was installed" in by_name["files"]["says"]


def test_a_file_that_changed_later_is_found_by_its_doctor(unpacked, tmp_path):
    path = unpacked / "nf_course/scaffold/task.md.jinja"
    text = path.read_bytes()
    try:
        path.write_bytes(text + b" ")
        status, out, _ = run(unpacked, tmp_path, "-m", "nf_course_command", "doctor")
    finally:
        path.write_bytes(text)
    assert status == 1 and "* broken   files        nf_course/scaffold/task.md.jinja is not what was installed" in out


WORK = """
import json, pathlib, torch
import nf_course
from ipywidgets.embed import embed_snippet
from nf_course import recipes
from nf_course.data import digits
from nf_course.grading import check
from nf_course.grading.classroom import output  # with its pages and schema
from nf_course.grading.exercises.ch03_coupling_layers.log_det import EXERCISE
from nf_course.scaffold import fill
from nf_course.widgets import Stretch

images, _ = digits("test")
flow, card = recipes.trained("nice-digits")
assert flow.sample(3).shape == (3, 1, 8, 8) and torch.isfinite(flow.log_prob(images)).all() and card["steps"] > 0
answer = EXERCISE.references
assert check("03.logdet", *answer).earned == EXERCISE.points
assert check("03.logdet", lambda *given: -answer[0](*given)).earned == 0
assert json.loads(output.SCHEMA.read_text("utf-8"))["title"]
html = embed_snippet(views=[Stretch()], drop_defaults=False)
assert "<script" in html and "render: whenNear(render)" in html
assert "{{" not in fill("variants.py", id="03.x", name="x", stem="03", anchor="", heading="")
assert nf_course.__file__.startswith(PLACE), nf_course.__file__
print("all well")
"""


def test_it_works_with_nothing_else_of_the_course_around(unpacked, tmp_path):
    work = WORK.replace("PLACE", repr(str(unpacked)))
    status, out, err = run(unpacked, tmp_path, "-c", work)
    assert status == 0 and out.endswith("all well\n"), err


def test_nothing_of_the_checkout_is_needed_by_its_command(unpacked, tmp_path):
    status, out, err = run(unpacked, tmp_path, "-m", "nf_course_command", "recipes", "--json")
    assert status == 0 and json.loads(out), err
    status, _, err = run(unpacked, tmp_path, "-m", "nf_course_command", "new", "exercise", "03.roundtrip")
    assert status == 2 and "expected a checkout of the course" in err
