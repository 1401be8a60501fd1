"""The example of a GitHub Classroom workflow: its own steps, run here, give the points of the sheets that lie there."""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from nf_course.grading.classroom.sandbox import Sandbox, SandboxMissing

ROOT = Path(__file__).parents[2]
WORKFLOW = yaml.safe_load((ROOT / "examples" / "github-classroom.yml").read_text("utf-8"))
STEPS = WORKFLOW["jobs"]["grade"]["steps"]

try:
    with Sandbox():
        pass
except SandboxMissing as missing:
    pytest.skip(f"no sandbox here: {missing}", allow_module_level=True)


def run(name, place, temp):
    """A step as GitHub runs it: its shell, with the variables that GitHub sets."""
    (step,) = [step for step in STEPS if step.get("name", "").startswith(name)]
    script = temp / "step"
    script.write_text(step["run"], "utf-8")
    shell = {
        "python": [sys.executable, str(script)],
        "bash -e -o pipefail {0}": ["bash", "-eo", "pipefail", str(script)],
    }
    files = {"GITHUB_STEP_SUMMARY": temp / "summary", "GITHUB_OUTPUT": temp / "output", "RUNNER_TEMP": temp}
    env = os.environ | {"PYTHONPATH": str(ROOT)} | {name: str(file) for name, file in files.items()}
    env["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), env["PATH"]))
    done = subprocess.run(shell[step["shell"]], cwd=place, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_points_of_a_repository(tmp_path):
    place, temp = tmp_path / "repository", tmp_path / "temp"
    place.mkdir(), temp.mkdir()
    solved = (ROOT / "solutions" / "03_coupling_layers.ipynb").read_text("utf-8")
    wrong = solved.replace("return scale_net(x[:, mask])", "return -scale_net(x[:, mask])")
    (place / "03_coupling_layers.ipynb").write_text(wrong, "utf-8")
    shutil.copy(ROOT / "exercises" / "01_change_of_variables.ipynb", place)
    (place / "notes.ipynb").write_text('{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}')
    run("Grade", place, temp)
    run("Points", place, temp)
    output = (temp / "output").read_text().removeprefix("result=")
    told = json.loads(base64.b64decode(output))
    by_name = {test["name"].split()[0]: test for test in told["tests"]}
    assert told["version"] == 1 and told["status"] == "fail" and len(by_name) == 10
    assert sum(test["score"] for test in told["tests"]) == 9 and told["max_score"] > 11
    assert by_name["03.encode"]["status"] == "pass" and by_name["03.logdet"]["status"] == "fail"
    assert "the sign" in by_name["03.logdet"]["message"]
    assert "03_coupling_layers" in (temp / "summary").read_text()


def test_what_it_names_is_there():
    """The reports that are kept are where the grader puts them, and the version of Python is one that the package has."""
    keeps = next(step for step in STEPS if "upload-artifact" in step.get("uses", ""))
    assert keeps["with"]["path"] == "${{ runner.temp }}/grades/students"
    (python,) = [step["with"]["python-version"] for step in STEPS if "setup-python" in step.get("uses", "")]
    assert f">={python}" in (ROOT / "pyproject.toml").read_text("utf-8").replace(" ", "")
    reporter = next(step for step in STEPS if "reporter" in step.get("uses", ""))
    assert list(reporter["env"]) == [f"{reporter['with']['runners'].upper()}_RESULTS"]
