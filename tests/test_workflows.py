"""The workflows of the repository: what starts them, what they may do, how long, and that what they call exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tools import release

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in FILES}
JOBS = {f"{name}.{job}": given for name, flow in WORKFLOWS.items() for job, given in flow["jobs"].items()}
STARTS = {
    "ci": {"push", "pull_request", "workflow_dispatch"},
    "gpu": {"workflow_dispatch", "schedule"},  # never a pull request: the runner is somebody's own machine
    "book": {"push", "workflow_dispatch"},
    "weekly": {"workflow_dispatch", "schedule"},
    "release": {"push"},
}
MAY = {  # beyond reading the repository
    "book.deploy": {"pages": "write", "id-token": "write"},
    "weekly.report": {"issues": "write"},
    "release.release": {"contents": "write"},
}
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))
WORDS = (ROOT / "README.md").read_text("utf-8")
WORDS += (ROOT / "CONTRIBUTING.md").read_text("utf-8") if (ROOT / "CONTRIBUTING.md").exists() else ""


def commands(job):
    return [step["run"] for step in job["steps"] if "run" in step]


def targets(text):
    return set(re.findall(r"\bmake ([a-z-]+)", text))


def called(name):
    """Every target of make that a workflow calls, through .ci/run too."""
    text = "\n".join(
        command for job, given in JOBS.items() if job.startswith(f"{name}.") for command in commands(given)
    )
    return targets(
        re.sub(r"^\.ci/run$", (ROOT / ".ci/run").read_text("utf-8").splitlines()[-1], text, flags=re.MULTILINE)
    )


def test_there_are_these():
    assert set(WORKFLOWS) == set(STARTS)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_what_starts_it_and_what_it_may_do(name):
    flow = WORKFLOWS[name]
    assert set(flow[True]) == STARTS[name], "`on` is a truth value to YAML 1.1"
    assert "pull_request_target" not in flow[True]
    assert flow["permissions"] == {"contents": "read"} and flow["name"]
    assert flow["concurrency"]["group"]
    for schedule in flow[True].get("schedule", []):
        assert len(schedule["cron"].split()) == 5


@pytest.mark.parametrize("name", JOBS)
def test_each_job_ends_and_asks_for_no_more_than_it_needs(name):
    job = JOBS[name]
    assert 1 <= job["timeout-minutes"] <= 120
    assert job.get("permissions", {}) == MAY.get(name, {})
    assert job["runs-on"] in ("ubuntu-24.04", ["self-hosted", "gpu"])
    assert set(job.get("needs", "").split()) <= set(WORKFLOWS[name.partition(".")[0]]["jobs"])


@pytest.mark.parametrize("name", JOBS)
def test_actions_are_github_s_own_and_of_a_major_version(name):
    for step in JOBS[name]["steps"]:
        assert ("uses" in step) != ("run" in step)
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]), step["uses"]
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        if step.get("uses", "").startswith("actions/setup-python@"):
            version = step["with"]["python-version"]
            assert isinstance(version, str) and tuple(map(int, version.split("."))) >= (3, 11)
            for path in step["with"].get("cache-dependency-path", "").split():
                assert (ROOT / path).exists()


@pytest.mark.parametrize("name", JOBS)
def test_nothing_from_outside_is_pasted_into_a_shell(name):
    """`${{ }}` in a command would be: values go through the environment."""
    assert not [command for command in commands(JOBS[name]) if "${{" in command]
    for command in commands(JOBS[name]):
        subprocess.run(["bash", "-n"], input=command, text=True, check=True)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_its_commands_are_targets_of_the_makefile_that_are_written_about(name):
    assert called(name) and called(name) <= TARGETS
    for target in called(name):
        assert f"make {target}" in WORDS, f"neither README nor CONTRIBUTING says what make {target} does"


def test_what_the_readme_tells_a_reader_to_run_is_run():
    (first,) = re.findall(
        r"^## Two commands\n+```\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    run = {target for name in WORKFLOWS for target in called(name)}
    assert set(re.findall(r"^make ([a-z-]+)", first, flags=re.MULTILINE)) <= run
    assert {"test", "lint", "book", "test-gpu", "newest", "release"} <= run


def test_the_book_knows_its_address():
    assert JOBS["book.build"]["env"]["NF_COURSE_REPOSITORY"] == "${{ github.repository }}"
    (path,) = [step["with"]["path"] for step in JOBS["book.build"]["steps"] if "pages" in step.get("uses", "")]
    assert f"{path}/.stamp" in MAKEFILE


@pytest.mark.parametrize("target", sorted(TARGETS - {"help"}))
def test_each_target_is_phony_and_listed(target):
    assert target in re.search(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)[1].split()
    assert re.search(rf"^{target}:.*## \S", MAKEFILE, flags=re.MULTILINE)


@pytest.mark.skipif(os.name == "nt", reason="make")
def test_make_understands_each_target():
    for target in ("wheel", "newest", "release", "handout", "colab"):
        done = subprocess.run(["make", "-n", target, f"PY={sys.executable}"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


# -- tools/release.py --------------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n- later\n\n## 0.2.0, today\n\n- new\n\n## 0.1.0, before\n\n- old\n"
    )
    return tmp_path


def test_the_notes_of_a_release_are_its_own_part(course):
    assert release.notes("v0.2.0", course) == "- new\n"


@pytest.mark.parametrize("tag", ["0.2.0", "v0.1.0", "v0.2", "", "v0.2.0.1"])
def test_a_tag_that_is_not_the_version_is_refused(tag, course):
    with pytest.raises(ValueError, match=r"expected the tag v0\.2\.0"):
        release.notes(tag, course)


def test_a_version_without_its_part_is_refused(course):
    (course / "CHANGELOG.md").write_text("## Unreleased\n\n- new\n")
    with pytest.raises(ValueError, match=r"expected a part '## 0\.2\.0"):
        release.notes("v0.2.0", course)


def test_the_version_of_today_has_its_part():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert release.notes(f"v{version}").startswith(("-", "The"))
