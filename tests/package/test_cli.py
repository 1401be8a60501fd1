"""nf-course: a run leaves weights, card and log; a run that was cut off goes on; wrong words get a clear line."""

from __future__ import annotations

import csv
import json

import pytest
import torch
from PIL import Image

from nf_course import cli_measures, load_weights, models
from nf_course.cli import main
from nf_course.picture_pairs import picture_pairs
from nf_course.picture_table import picture_table
from nf_course.pose_table import pose_table
from nf_course.prior_table import prior_table
from nf_course.recipes import RECIPES, held_out_bits, recipe
from nf_course.restorer import WEIGHTS
from nf_course.runs import measure, train
from nf_course.shape_table import shape_table
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
        patch.setattr("nf_course.runs.fit", cut)
        with pytest.raises(SystemExit):
            train("nice-digits", tmp_path / "cut", steps=20)
    assert calls and [path.name for path in (tmp_path / "cut").iterdir()] == ["nice-digits.checkpoint"]
    again = train("nice-digits", tmp_path / "cut", steps=20)
    assert again["steps"] == whole["steps"] and again["best_step"] == whole["best_step"]
    for split in ("valid", "test"):  # the noise after the cut is drawn anew
        assert abs(again["bits_per_dim"][split] - whole["bits_per_dim"][split]) < 0.02
    assert not (tmp_path / "cut" / "nice-digits.checkpoint").exists()


def test_a_run_that_was_stopped_early_says_so(monkeypatch, capsys):
    card = {"recipe": "nice-digits", "steps": 7, "bits_per_dim": {"test": 3.0}}
    monkeypatch.setattr("nf_course.cli_models.train", lambda *given: card)
    assert main(["train", "nice-digits"]) == main(["train", "nice-digits", "--steps", "7"]) == 0
    early, whole = capsys.readouterr().out.splitlines()
    assert "stopped after 7 of 2000 steps" in early and "stopped" not in whole


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
        (["train", "nice-digits", "--steps", "0"], "steps as a whole number, at least 1, got 0"),
        (["table", "glow-cifar10"], "whose weights ship"),
        (["measure", "upscaling", "--size", "0"], "upscaling: expected a size that 4 divides, 32 to 424, got 0"),
        (["measure", "upscaling", "--size", "428"], "32 to 424, got 428"),
    ],
)
def test_wrong_words_get_one_clear_line(tmp_path, capsys, arguments, words):
    """And nothing was done: no table is begun, no file is left."""
    out = ["--out", str(tmp_path)] if arguments[0] == "train" else []
    assert main([*arguments, *out]) == 2
    said, err = capsys.readouterr()
    assert not said and not list(tmp_path.iterdir())
    assert words in err and err.startswith("nf-course: ") and "Traceback" not in err and err.count("\n") == 1


def test_a_file_where_its_folder_should_be_stays_as_it_is(tmp_path, capsys):
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    assert main(["train", "nice-digits", "--steps", "2", "--out", str(path)]) == 2
    assert "expected a folder" in capsys.readouterr().err and path.read_text() == "mine"


def test_the_list_and_the_table_for_scripts(capsys):
    assert main(["recipes", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["recipe"] for row in rows] == list(RECIPES)
    assert {row["recipe"] for row in rows if row["needs"]} == {name for name, each in RECIPES.items() if each.folder}
    assert main(["table", "nice-digits", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["machine"] and set(told["rows"][0]) >= {"recipe", "bits/dim", "card", "parameters", "ms_step"}


def test_the_list_and_the_table(capsys):
    assert main(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES)
    assert main(["table", "nice-digits"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()[1:]
    assert header.split() == ["recipe", "bits/dim", "card", "parameters", "ms/step", "ms/sample"]
    name, bits, card, *_ = rows[0].split()
    assert name == "nice-digits" and abs(float(bits) - float(card)) < 0.01


@pytest.mark.parametrize("samples", [1, 2])
def test_upscale_writes_the_picture_and_says_what_it_did(tmp_path, capsys, samples):
    small = Image.linear_gradient("L").resize((21, 16)).convert("RGB")
    small.putalpha(200)
    small.save(tmp_path / "leaf.png")
    assert main(["upscale", str(tmp_path / "leaf.png"), "--samples", str(samples), "--temperature", "0.7"]) == 0
    said = capsys.readouterr().out
    assert "leaf.png: 21 x 16 pixels" in said and "temperature 0.7, seed 0: 84 x 64 pixels" in said
    assert "transparency was interpolated" in said and "reduced again" in said
    names = ["leaf-4x.png"] if samples == 1 else ["leaf-4x-1.png", "leaf-4x-2.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "leaf.png"])
    for name in names:
        with Image.open(tmp_path / name) as image:
            assert image.size == (84, 64) and image.mode == "RGBA"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.png"], "there is no file"),
        (["text.png"], "expected a picture"),
        (["small.png"], "at least 8 x 8 pixels, got 5 x 9"),
        (["fine.png", "--scale", "3"], "expected a scale of 2 or 4"),
        (["fine.png", "--out", "fine.png"], "another name"),
        (["fine.png", "--out", "fine.doc"], "ends in .png"),
        (["fine.png", "--temperature", "-1"], "temperature from 0 to 2"),
        (["fine.png", "--samples", "0"], "samples, a whole number"),
    ],
)
def test_upscale_refuses_and_loses_nothing(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    Image.new("RGB", (9, 5)).save("small.png")
    Image.new("RGB", (9, 9)).save("fine.png")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["upscale", *arguments]) == 2
    err = capsys.readouterr().err
    assert words in err and err.startswith("nf-course: ") and err.count("\n") == 1
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_the_table_of_upscaling(capsys):
    assert main(["measure", "upscaling", "--size", "64"]) == 0
    _, header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["method", "temperature", "PSNR", "SSIM", "again", "texture", "diversity"]
    assert [row.split()[0] for row in rows] == ["nearest", "bicubic", "L1", *["SRFlow"] * 7]


def test_the_table_of_edits(capsys):
    assert main(["measure", "edits", "--faces", "2", "--search", "1"]) == 0
    told, header, *rows = capsys.readouterr().out.splitlines()
    assert told.startswith("2 held-out faces") and header.split()[:4] == ["edit", "reached", "error", "others"]
    names = [row[:24].strip() for row in rows]
    assert names == ["linear", "linear, others kept", "regression", "flow", "search by gradients (1)"]


def _small_pictures():
    points, model = models.pointflow(code=4, couplings=1, hidden=(8,)), models.picture_shapes(4, 4, 32, 2, (8,)).eval()
    bank = picture_pairs(points, "valid", 2)
    model.code.fit(bank.pictures)
    return picture_table("valid", 1, 2, points, model, models.shared_latent(4, 2, (8,)), bank)


@pytest.mark.parametrize(
    ("what", "small", "first", "words"),
    [
        (
            "poses",
            lambda: pose_table(samples=5, every=60, counts=(1, 5)),
            "held-out clips",
            ["clips", "best of 5", "test  "],
        ),
        ("pictures", _small_pictures, "clouds of pictures", ["way", "turned", "closest", "C-Flow, temperature 0"]),
        (
            "shapes",
            lambda: shape_table({"PointFlow": models.pointflow(code=4)}, points=16, paired=8, rated=8, new=16),
            "held-out shapes",
            ["way", "chamfer", "1-NNA", "PointFlow"],
        ),
        (
            "priors",
            lambda: prior_table(["digits: holes"], valid=5, test=5, grid=dict.fromkeys(WEIGHTS, (1.0,))),
            "each prior",
            ["task", "weight", "digits: holes", "flow", "dB"],
        ),
    ],
)
def test_the_tables_of_space_and_priors(what, small, first, words, monkeypatch, capsys):
    """As `nf-course measure` prints them, on little data."""
    monkeypatch.setattr(cli_measures, f"{what.rstrip('s')}_table", small)
    torch.manual_seed(0)
    assert main(["measure", what]) == 0
    told = capsys.readouterr().out
    assert told.startswith(first) and not [word for word in words if word not in told] and "nan" not in told
    assert main(["measure", what, "--json"]) == 0
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)  # a NaN is no JSON
    assert told["what"] == what and told["rows"]


def test_measure_leaves_the_flow_as_it_is():
    flow = recipe("realnvp-digits").build().eval()
    before = {name: tensor.clone() for name, tensor in flow.state_dict().items()}
    ms = measure(flow, recipe("realnvp-digits").load("train"), rounds=2)
    assert set(ms) == {"ms_step", "ms_sample"} and min(ms.values()) > 0
    assert all(p.grad is None for p in flow.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in flow.state_dict().items())
