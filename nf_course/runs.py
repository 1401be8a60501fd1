"""train, measure, table: a recipe is run and leaves weights, card and log; weights that ship are measured again.

The card says what ran, where, and what came out; nobody's random state moves.
Chapters 4, 6, 8 and 11.
"""

from __future__ import annotations

import copy
import csv
import json
import platform
import statistics
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import nf_course
from nf_course import parallel, recipes
from nf_course.bits import bits_per_dim
from nf_course.devices import device
from nf_course.flow import Flow
from nf_course.precision import mixed_precision
from nf_course.training import History, fit
from nf_course.weights import save_weights

__all__ = ["machine", "measure", "table", "train"]


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
    In the processes of torchrun, inside `parallel.joined()`, rank 0 writes, and all get the card.
    Images lie channels-last; on CUDA the networks run in bfloat16. Ctrl-C stops early and keeps what was best.
    Errors: `ValueError` for an unknown recipe, less than one step, a missing folder, a file in the place of `out`, or a
    checkpoint of another run.
    """
    recipe, out, where = recipes.recipe(name), Path(out), device()
    steps = recipe.steps if steps is None else steps
    if out.exists() and not out.is_dir():
        raise ValueError(f"train: expected a folder for what it leaves, got the file {out}")
    if steps < 1:  # no card tells of a run without a step
        raise ValueError(f"train: expected steps as a whole number, at least 1, got {steps}")
    images, valid = recipe.training_images(folder), recipe.load("valid", folder)
    given, valid_given = (_there(recipe.context(split, folder), where) for split in ("train", "valid"))
    with torch.random.fork_rng([where] if where.type == "cuda" else []):
        torch.manual_seed(seed)
        flow = recipe.build()
        if recipe.begin:
            recipe.begin(flow)
        flow = flow.to(where, memory_format=torch.channels_last)
    precise = mixed_precision(flow) if where.type == "cuda" else nullcontext()
    checkpoint = out / f"{name}.checkpoint"
    with precise:
        history = fit(
            flow,
            images.to(where),
            valid.to(where),
            context=given,
            valid_context=valid_given,
            steps=steps,
            batch_size=recipe.batch_size,
            lr=recipe.lr,
            seed=seed,
            loss=recipe.loss,
            checkpoint=checkpoint,
            progress=progress,
        )
    return parallel.by_rank_0(lambda: _leave(out, recipe, flow, history, seed, folder))


def _leave(out: Path, recipe: recipes.Recipe, flow: Flow, history: History, seed: int, folder) -> dict[str, Any]:
    """Weights, card and log of a run that is done; its checkpoint goes."""
    name, images = recipe.name, recipe.training_images(folder)
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
        "machine": machine(device()) + (f", {parallel.size()} processes" if parallel.size() > 1 else ""),
        "torch": torch.__version__,
        "nf_course": nf_course.__version__,
        "bytes": size,
        "parameters": sum(p.numel() for p in flow.parameters()),
        "bits_per_dim": {
            split: round(recipes.held_out_bits(flow, recipe.load(split, folder), recipe.context(split, folder)), 4)
            for split in ("valid", "test")
        },
    }
    if recipe.figures:
        card["figures"] = recipe.figures(flow)
    dims = images[0].numel()
    _write_log(out / f"{name}.csv", history, dims)
    _draw_log(out / f"{name}.png", name, history, dims)
    (out / f"{name}.json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    (out / f"{name}.checkpoint").unlink(missing_ok=True)
    return card


def measure(
    flow: Flow, images: Tensor, batch_size: int = 64, rounds: int = 5, context: Tensor | None = None
) -> dict[str, float]:
    """Milliseconds of a training step on a batch (forward, backward, Adam) and of one sample out of a batch.

    Medians of `rounds`, after a warm-up. The steps are taken by a copy: `flow` stays as it is.
    """
    where, learner = next(flow.parameters()).device, copy.deepcopy(flow)
    batch, given = images[:batch_size].to(where), None if context is None else context[:batch_size].to(where)
    optimizer = torch.optim.Adam(learner.parameters(), fused=batch.device.type in ("cpu", "cuda"))

    def step() -> None:
        optimizer.zero_grad()
        (-learner.log_prob(batch, given).mean()).backward()
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

    return {"ms_step": timed(step), "ms_sample": timed(lambda: flow.sample(len(batch), given)) / len(batch)}


def table(names: Sequence[str]) -> list[dict[str, Any]]:
    """One row for each shipped recipe, all measured here and now: held-out bits/dim, parameters, milliseconds."""
    rows = []
    for name in names:
        flow, card = recipes.trained(name)
        recipe, flow = recipes.recipe(name), flow.to(device())
        images, given = recipe.load("test"), recipe.context("test")
        row = {"recipe": name, "bits/dim": recipes.held_out_bits(flow, images, given)}
        row |= {"card": card["bits_per_dim"]["test"], "parameters": sum(p.numel() for p in flow.parameters())}
        rows.append(row | measure(flow, images, recipe.batch_size, context=given))
    return rows


def _there(context: Tensor | None, where: torch.device) -> Tensor | None:
    return None if context is None else context.to(where)


def machine(where: torch.device) -> str:
    """The processor or the graphics card, in words."""
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
