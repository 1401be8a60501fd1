"""nf-course: a run leaves weights, card and log; a run that was cut off goes on; wrong words get a clear line."""

from __future__ import annotations

import csv
import json

import pytest
import torch
from PIL import Image

from nf_course import load_weights
from nf_course.cli import main, measure, train
from nf_course.recipes import RECIPES, held_out_bits, recipe
from nf_course.training import fit


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("NF_COURSE_PROGRESS", "off")
    monkeypatch.setenv("NF_COURSE_DEVICE", "cpu")


def test_a_run_leaves_weights_card_and_log(tmp_path, capsys):
    assert main(["train", "nice-digits", "--steps", "40", "--out", str(tmp_path)]) == 0
    assert "bits/dim on test" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"nice-digits.{end}" for end in ("csv", "json", "png", "safetensors")
    ]
    card = json.loads((tmp_path / "nice-digits.json").read_text())
    flow = load_weights(recipe("nice-digits").build(), tmp_path / "nice-digits.safetensors")
    assert abs(held_out_bits(flow, recipe("nice-digits").load("test")) - card["bits_per_dim"]["test"]) < 1e-3
    with (tmp_path / "nice-digits.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == card["steps"] == 40 and sum(bool(row["valid_bits_per_dim"]) for row in rows) == 20
    assert float(rows[-1]["train_bits_per_dim"]) < float(rows[0]["train_bits_per_dim"])
    assert Image.open(tmp_path / "nice-digits.png").size[0] > 500


def test_a_run_that_was_cut_off_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    whole = train("nice-digits", tmp_path / "whole", steps=20)
    calls = []

    def cut(*args, **kwargs):
        """As if the machine had stopped: fit's own checkpoint of step 10 is all that is left."""
        import nf_course.training as training

        saved = training.save_checkpoint

        def save(path, state):
            saved(path, state)
            if state["step"] == 10:
                raise SystemExit

        calls.append(1)
        with monkeypatch.context() as patch:
            patch.setattr(training, "save_checkpoint", save)
            return fit(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr("nf_course.cli.fit", cut)
        with pytest.raises(SystemExit):
            train("nice-digits", tmp_path / "cut", steps=20)
    assert calls and [path.name for path in (tmp_path / "cut").iterdir()] == ["nice-digits.checkpoint"]
    again = train("nice-digits", tmp_path / "cut", steps=20)
    assert again["steps"] == whole["steps"] and again["best_step"] == whole["best_step"]
    for split in ("valid", "test"):  # the noise after the cut is drawn anew
        assert abs(again["bits_per_dim"][split] - whole["bits_per_dim"][split]) < 0.02
    assert not (tmp_path / "cut" / "nice-digits.checkpoint").exists()


def test_a_checkpoint_of_another_run_is_refused_and_kept(tmp_path, capsys):
    path = tmp_path / "nice-digits.checkpoint"
    path.write_bytes(b"half a file")
    assert main(["train", "nice-digits", "--steps", "2", "--out", str(tmp_path)]) == 2
    assert "expected a checkpoint" in capsys.readouterr().err and path.read_bytes() == b"half a file"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "glow-everything"], "expected one of nice-digits"),
        (["train", "glow-cifar10"], "expected a folder with CIFAR-10"),
        (["train", "glow-cifar10", "--data", "/no/such/folder"], "no/such/folder"),
        (["train", "nice-digits", "--steps", "-3"], "steps as a whole number"),
        (["table", "glow-cifar10"], "whose weights ship"),
    ],
)
def test_wrong_words_get_one_clear_line(tmp_path, capsys, arguments, words):
    out = ["--out", str(tmp_path)] if arguments[0] == "train" else []
    assert main([*arguments, *out]) == 2
    err = capsys.readouterr().err
    assert words in err and err.startswith("nf-course: ") and "Traceback" not in err and err.count("\n") == 1


def test_the_list_and_the_table(capsys):
    assert main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES)
    assert main(["table", "nice-digits"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()[1:]
    assert header.split() == ["recipe", "bits/dim", "card", "parameters", "ms/step", "ms/sample"]
    name, bits, card, *_ = rows[0].split()
    assert name == "nice-digits" and abs(float(bits) - float(card)) < 0.01


def test_measure_leaves_the_flow_as_it_is():
    flow = recipe("realnvp-digits").build().eval()
    before = {name: tensor.clone() for name, tensor in flow.state_dict().items()}
    ms = measure(flow, recipe("realnvp-digits").load("train"), rounds=2)
    assert set(ms) == {"ms_step", "ms_sample"} and min(ms.values()) > 0
    assert all(p.grad is None for p in flow.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in flow.state_dict().items())
