"""Recipes: every recipe by its name, and the weights that were trained so, each with its card.

`nf-course train NAME` runs one; `trained(NAME)` loads what ships.
Chapters 4, 6, 8 and 11 to 16.
"""

from __future__ import annotations

import csv
import difflib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nf_course.bits import bits_per_dim
from nf_course.flow import Flow
from nf_course.recipe import TRAINED, Recipe
from nf_course.recipes_images import IMAGES, upscaler_of
from nf_course.recipes_space import SPACE
from nf_course.upscale import Upscaler
from nf_course.weights import load_weights

__all__ = ["RECIPES", "Recipe", "held_out_bits", "recipe", "trained", "trained_log", "upscaler"]

FOLDER = TRAINED
RECIPES = {recipe.name: recipe for recipe in (*IMAGES, *SPACE)}
"""Every model that ships, by its name."""


def recipe(name: str) -> Recipe:
    """The recipe of that name. Errors: `ValueError` lists the names there are."""
    if name not in RECIPES:
        close = difflib.get_close_matches(name, RECIPES, 1)
        near = f"; is {close[0]!r} meant?" if close else ""
        raise ValueError(f"recipe: expected one of {', '.join(RECIPES)}, got {name!r}{near}")
    return RECIPES[name]


@torch.no_grad()
def held_out_bits(
    flow: Flow,
    images: Tensor,
    context: Tensor | None = None,
    *,
    passes: int = 4,
    seed: int = 0,
    batch_size: int = 250,
) -> float:
    """Mean bits per dimension of images, given their context where there is one, over `passes` draws of the noise.

    The draws of the dequantization noise are always the same ones. Cost: `passes` encodes of every image. Other draws
    move it by some 0.003 bits/dim for 200 images of 64 pixels, and by 0.02 where one odd image costs a hundred nats
    more in one draw than in another.
    """
    device = next(flow.parameters()).device
    total = 0.0
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for _ in range(passes):
            for i in range(0, len(images), batch_size):
                rows = slice(i, i + batch_size)
                given = None if context is None else context[rows].to(device)
                total += flow.log_prob(images[rows].to(device), given).double().sum().item()
    return bits_per_dim(torch.tensor(total / (passes * len(images))), images[0].numel()).item()


def trained(name: str) -> tuple[Flow, dict[str, Any]]:
    """The flow of a recipe with the weights that ship, and their card: what was run, where, and what came out.

    Errors: `ValueError` for a recipe without shipped weights.

    >>> flow, card = trained("nice-digits")
    >>> flow.sample(2).shape, card["recipe"]
    (torch.Size([2, 1, 8, 8]), 'nice-digits')
    """
    found, weights = recipe(name), _shipped(name, "safetensors")
    with torch.random.fork_rng([]):
        flow = load_weights(found.build(), weights)
    return flow, json.loads(_shipped(name, "json").read_text("utf-8"))


def upscaler(scale: int = 4, kind: str = "srflow") -> Upscaler:
    """SRFlow, or the network for the L1 error ("l1"), with the weights that ship, for pictures of any size.

    Errors: `ValueError` for a scale without shipped weights. Chapter 11.
    """
    name = f"{kind}-{scale}x"
    if name not in RECIPES:
        raise ValueError(f"upscaler: expected a scale of 2 or 4, and srflow or l1, got {scale!r} and {kind!r}")
    flow, _ = trained(name)
    return upscaler_of(flow, recipe(name).build, scale)


def trained_log(name: str) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """The run behind the weights that ship, as pairs (step, bits/dim): of the training batches, and held out.

    A training figure is the mean since the one before. Errors: as for `trained`.

    >>> batches, held_out = trained_log("nice-digits")
    >>> held_out[0][1] > held_out[-1][1]
    True
    """
    recipe(name)
    with _shipped(name, "csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    batches, held_out = (
        [(int(row["step"]), float(row[f"{which}_bits_per_dim"])) for row in rows if row[f"{which}_bits_per_dim"]]
        for which in ("train", "valid")
    )
    return batches, held_out


def _shipped(name: str, ending: str) -> Path:
    path = FOLDER / f"{name}.{ending}"
    if not path.exists():
        names = ", ".join(sorted(path.stem for path in FOLDER.glob("*.safetensors")))
        raise ValueError(f"trained: expected a recipe whose weights ship ({names}), got {name!r}")
    return path
