"""nf-course: train a recipe, list the recipes, measure the shipped weights again.

nf-course train glow-digits;  nf-course recipes;  nf-course table.
Chapters 6 and 8.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import nf_course
from nf_course import recipes
from nf_course.bits import bits_per_dim
from nf_course.devices import device
from nf_course.flow import Flow
from nf_course.precision import mixed_precision
from nf_course.training import History, fit
from nf_course.weights import save_weights

__all__ = ["main", "measure", "train"]


def train(
    name: str,
    out: str | Path,
    steps: int | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
    progress: bool | None = None,
) -> dict[str, Any]:
    """Run a recipe; leave NAME.safetensors, NAME.json (the card), NAME.csv and NAME.png (the log) in `out`; the card.

    NAME.checkpoint is written on the way; a run that was cut off goes on from it, and it is removed at the end.
    On CUDA the networks run in bfloat16 and channels-last. Ctrl-C stops early and keeps what was best.
    Errors: `ValueError` for an unknown recipe, a missing folder, or a checkpoint of another run.
    """
    recipe, out, where = recipes.recipe(name), Path(out), device()
    steps = recipe.steps if steps is None else steps
    images, valid = recipe.training_images(folder), recipe.load("valid", folder)
    with torch.random.fork_rng([where] if where.type == "cuda" else []):
        torch.manual_seed(seed)
        flow = recipe.build().to(where)
    precise = nullcontext()
    if where.type == "cuda":
        flow, precise = flow.to(memory_format=torch.channels_last), mixed_precision(flow)
    checkpoint = out / f"{name}.checkpoint"
    with precise:
        history = fit(
            flow,
            images.to(where),
            valid.to(where),
            steps=steps,
            batch_size=recipe.batch_size,
            lr=recipe.lr,
            seed=seed,
            checkpoint=checkpoint,
            progress=progress,
        )
    size = save_weights(flow, out / f"{name}.safetensors")
    card = {
        "recipe": name,
        "seed": seed,
        "steps": len(history.train_nll),
        "best_step": history.best_step,
        "batch_size": recipe.batch_size,
        "lr": recipe.lr,
        "training_images": len(images),
        "minutes": round(history.seconds / 60, 1),
        "machine": _machine(where),
        "torch": torch.__version__,
        "nf_course": nf_course.__version__,
        "bytes": size,
        "parameters": sum(p.numel() for p in flow.parameters()),
        "bits_per_dim": {
            split: round(recipes.held_out_bits(flow, recipe.load(split, folder)), 4) for split in ("valid", "test")
        },
    }
    dims = images[0].numel()
    _write_log(out / f"{name}.csv", history, dims)
    _draw_log(out / f"{name}.png", name, history, dims)
    (out / f"{name}.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    checkpoint.unlink(missing_ok=True)
    return card


def measure(flow: Flow, images: Tensor, batch_size: int = 64, rounds: int = 5) -> dict[str, float]:
    """Milliseconds of a training step on a batch (forward, backward, Adam) and of one sample out of a batch.

    Medians of `rounds`, after a warm-up. The steps are taken by a copy: `flow` stays as it is.
    """
    batch, learner = images[:batch_size].to(next(flow.parameters()).device), copy.deepcopy(flow)
    optimizer = torch.optim.Adam(learner.parameters(), fused=batch.device.type in ("cpu", "cuda"))

    def step() -> None:
        optimizer.zero_grad()
        (-learner.log_prob(batch).mean()).backward()
        optimizer.step()

    def timed(work) -> float:
        work()
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            work()
            if batch.is_cuda:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - started)
        return 1000 * statistics.median(times)

    return {"ms_step": timed(step), "ms_sample": timed(lambda: flow.sample(batch_size)) / batch_size}


def table(names: Sequence[str]) -> list[dict[str, Any]]:
    """One row for each shipped recipe, all measured here and now: held-out bits/dim, parameters, milliseconds."""
    rows = []
    for name in names:
        flow, card = recipes.trained(name)
        recipe, flow = recipes.recipe(name), flow.to(device())
        row = {"recipe": name, "bits/dim": recipes.held_out_bits(flow, recipe.load("test"))}
        row |= {"card": card["bits_per_dim"]["test"], "parameters": sum(p.numel() for p in flow.parameters())}
        rows.append(row | measure(flow, recipe.load("train"), recipe.batch_size))
    return rows


def _machine(where: torch.device) -> str:
    if where.type == "cuda":
        return torch.cuda.get_device_name(where)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} thread(s)"


def _write_log(path: Path, history: History, dims: int) -> None:
    """Some 500 rows, in bits/dim: the mean training loss since the row before, the held-out one where measured."""
    bits = lambda nll: f"{bits_per_dim(torch.tensor(-nll), dims).item():.5f}"  # noqa: E731
    valid = dict(zip(history.valid_steps, history.valid_nll, strict=True))
    last, stride = len(history.train_nll), max(1, len(history.train_nll) // 500)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["step", "train_bits_per_dim", "valid_bits_per_dim"])
        done = 0
        for step in sorted({*range(stride, last + 1, stride), *valid, last}):
            mean = statistics.fmean(history.train_nll[done:step])
            rows.writerow([step, bits(mean), bits(valid[step]) if step in valid else ""])
            done = step


def _draw_log(path: Path, name: str, history: History, dims: int) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.add_subplot(xlabel="step", ylabel="bits/dim", title=name)
    bits = lambda nll: bits_per_dim(-torch.tensor(nll), dims)  # noqa: E731
    axes.plot(range(1, len(history.train_nll) + 1), bits(history.train_nll), lw=0.5, label="training batch")
    axes.plot(history.valid_steps, bits(history.valid_nll), "o-", label="held out")
    axes.legend()
    figure.savefig(path, dpi=120)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command `nf-course`; the exit status.

    >>> main(["train", "no-such-recipe"])
    2
    """
    parser = argparse.ArgumentParser("nf-course", description="Models of the course on normalizing flows.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("recipes", help="list the recipes")
    run = commands.add_parser("train", help="train a recipe; goes on where it was cut off")
    run.add_argument("recipe")
    run.add_argument("--out", default="runs", help="folder for weights, card and log (default: runs)")
    run.add_argument("--steps", type=int, help="instead of the recipe's own number")
    run.add_argument("--seed", type=int, default=0)
    run.add_argument("--data", metavar="FOLDER", help="the folder of a data set that does not ship")
    again = commands.add_parser("table", help="measure the shipped weights: held-out bits/dim, parameters, time")
    again.add_argument("recipe", nargs="*", help="which (default: all that ship)")
    given = parser.parse_args(arguments)
    try:
        if given.command == "recipes":
            _list()
        elif given.command == "train":
            card = train(given.recipe, given.out, given.steps, given.seed, given.data)
            print(f"{card['recipe']}: {card['bits_per_dim']['test']:.3f} bits/dim on test, files in {given.out}/")
        else:
            _print_table(given.recipe or _shipped())
    except (ValueError, FileNotFoundError, RuntimeError) as error:
        print(f"nf-course: {error}", file=sys.stderr)
        return 2
    return 0


def _shipped() -> list[str]:
    return [name for name in recipes.RECIPES if (recipes.FOLDER / f"{name}.safetensors").exists()]


def _list() -> None:
    shipped = _shipped()
    for name, recipe in recipes.RECIPES.items():
        note = f"needs {recipe.folder}" if recipe.folder else "weights ship" if name in shipped else ""
        print(f"{name:18}{recipe.steps:>8} steps of {recipe.batch_size:<5}{note}".rstrip())


def _print_table(names: Sequence[str]) -> None:
    print(f"on {_machine(device())}, test images, batch of the recipe")
    print(f"{'recipe':18}{'bits/dim':>10}{'card':>9}{'parameters':>13}{'ms/step':>10}{'ms/sample':>11}")
    for row in table(names):
        print(
            f"{row['recipe']:18}{row['bits/dim']:>10.3f}{row['card']:>9.3f}{row['parameters']:>13,}"
            f"{row['ms_step']:>10.1f}{row['ms_sample']:>11.2f}"
        )


if __name__ == "__main__":
    sys.exit(main())
