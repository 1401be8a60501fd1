"""CONTRIBUTING.md and the hooks before a commit say what there is: files, targets, and the commands of make lint."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def test_the_hooks_are_those_of_make_lint():
    (recipe,) = re.findall(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, flags=re.MULTILINE)
    lint = [line.strip().replace("$(PY)", ".venv/bin/python") for line in recipe.splitlines()]
    (given,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert given["repo"] == "local", "nothing is fetched"
    assert [hook["entry"] for hook in given["hooks"]] == lint
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in given["hooks"])


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w.-]+(?:/[\w.-]*)+|[\w-]+\.(?:toml|txt|yml|md))`", TEXT))))
def test_the_files_that_it_names_are_there(name):
    if not name.startswith(".venv/"):
        assert (ROOT / name).exists() or "NN" in name or "_name." in name


def test_the_targets_that_it_names_are_there():
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", TEXT)) <= targets


def test_the_test_files_that_it_names_are_there():
    named = set(re.findall(r"tests/[\w/]+\.py", TEXT)) - {
        "tests/package/test_NAME.py",
        "tests/package/test_widget_name.py",
    }
    assert all((ROOT / name).exists() for name in named if "NN" not in name)


def test_the_readme_leads_there():
    assert "](CONTRIBUTING.md)" in (ROOT / "README.md").read_text("utf-8")


def test_every_bound_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (needs, extras) = re.findall(
        r"^dependencies = \[\n(.*?)^\]|optional-dependencies\](.*?)^\[tool", text, re.DOTALL | re.MULTILINE
    )
    for line in f"{needs[0]}{extras[1]}".splitlines():
        if re.search(r'"[\w.-]+[<>=]', line):
            assert "# " in line, f"why this bound: {line.strip()}"
