"""nf-course as a whole: help with examples, the nearest word, exit statuses, completion; README says the same."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nf_course
import nf_course_command
from nf_course import cli
from nf_course.cli import main
from nf_course.cli_parser import bash

ROOT = Path(__file__).parents[2]


def commands(parser, name=""):
    """Every command with its parser, as one types it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, own in action.choices.items():
                yield f"{name} {word}".strip(), own
                yield from commands(own, f"{name} {word}".strip())


COMMANDS = dict(commands(cli._parser()))


def ends(*words):
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    return stop.value.code


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_words_and_examples_that_parse(command, capsys):
    assert ends(*command.split(), "--help") == 0
    told = capsys.readouterr().out
    leaf = not any(name.startswith(f"{command} ") for name in COMMANDS)
    examples = re.findall(r"^  (nf-course .*?)(?:  +#.*)?$", told, flags=re.MULTILINE)
    assert len(examples) >= leaf or command == "completion"
    for example in examples:
        given = cli._parser().parse_args(shlex.split(example)[1:])
        assert command.startswith(given.command)
    for action in COMMANDS[command]._actions:
        assert action.help or isinstance(action, argparse._SubParsersAction) or action.choices, action


@pytest.mark.parametrize(
    ("words", "near"),
    [
        ("tran nice-digits", "'train'"),
        ("docter", "'doctor'"),
        ("measure pose", "'poses'"),
        ("train nice-digits --sted 3", "'--seed'"),
        ("new exercice 03.x", "'exercise'"),
        ("new exercise 03.x --sheets", "'--sheet'"),
        ("grade folder --job=2 --unsave", "'--unsafe'"),
    ],
)
def test_an_unknown_word_is_answered_by_the_nearest(words, near, capsys):
    assert ends(*words.split()) == 2
    said = capsys.readouterr().err
    assert f"is {near} meant?" in said and said.count("\n") == 1


def test_an_unknown_word_with_nothing_near(capsys):
    assert ends("xyzzy") == 2
    assert "meant" not in (said := capsys.readouterr().err) and "nf-course --help" in said


def test_an_unknown_recipe_is_answered_by_the_nearest(capsys):
    assert main(["train", "glow-mnits"]) == 2
    assert "is 'glow-mnist' meant?" in capsys.readouterr().err


def test_version(capsys):
    assert ends("--version") == 0
    assert capsys.readouterr().out == f"nf-course {nf_course.__version__}\n"
    assert f'version = "{nf_course.__version__}"' in (ROOT / "pyproject.toml").read_text("utf-8")
    assert f"\nversion: {nf_course.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


@pytest.mark.parametrize(
    ("raised", "status"), [(KeyboardInterrupt(), 130), (PermissionError(13, "denied"), 2), (RuntimeError("no"), 2)]
)
def test_status(raised, status, monkeypatch, capsys):
    def stop(*given):
        raise raised

    monkeypatch.setattr("nf_course.cli_models.train", stop)
    assert main(["train", "nice-digits"]) == status
    assert capsys.readouterr().err.count("\n") == 1


def test_the_readme_says_the_statuses_that_the_help_says():
    readme = (ROOT / "README.md").read_text("utf-8")
    for number in re.findall(r"^  (\d+)  ", cli.STATUS, flags=re.MULTILINE):
        assert re.search(rf"^\| {number} \| ", readme, flags=re.MULTILINE), number
    for name in COMMANDS:
        assert f"nf-course {name}" in readme, name


def test_a_reader_that_has_gone():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "nf_course.cli", "recipes"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_is_what_pyproject_says():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'nf-course = "nf_course_command:main"' in text and callable(nf_course_command.main)


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("nf-course me", "measure"),
        ("nf-course measure po", "poses"),
        ("nf-course train --s", "--steps"),
        ("nf-course new ex", "exercise"),
        ("nf-course new exercise --sh", "--sheet"),
    ],
)
def test_bash_completes(line, word):
    words = line.split()
    script = (
        f"{bash(cli._parser())}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _nf_course; echo ${{COMPREPLY[@]}}"
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert word in done.stdout.split() and all(each.startswith(words[-1]) for each in done.stdout.split())
