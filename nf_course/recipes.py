"""Recipes: which model, on which images, for how long; and the weights that were trained so, each with its card.

`nf-course train NAME` runs one; `trained(NAME)` loads what ships.
Chapters 4, 6 and 8.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nf_course import data, models
from nf_course.actnorm import ActNorm
from nf_course.bijection import Bijection
from nf_course.bits import bits_per_dim
from nf_course.dequantize import Dequantize, Logit
from nf_course.flow import Flow
from nf_course.reshape import Flatten
from nf_course.weights import load_weights

__all__ = ["RECIPES", "Recipe", "held_out_bits", "recipe", "trained", "trained_log"]

FOLDER = Path(__file__).parent / "trained"


@dataclass(frozen=True)
class Recipe:
    """All that decides what comes out of a training run, but for the machine."""

    name: str
    images: Callable[..., Tensor]  # ("train" | "valid" | "test", folder) -> integers, uint8 (N, C, H, W)
    build: Callable[[], Flow]
    steps: int
    batch_size: int = 32
    lr: float = 3e-3
    shifts: int = 0  # training images are moved by up to so many pixels each way
    folder: str = ""  # what the user must bring, in words; empty for data that ship

    def training_images(self, folder: str | Path | None = None) -> Tensor:
        """What `fit` is given: the training split, with its shifted copies."""
        images = self.load("train", folder)
        return data.shifted(images, self.shifts) if self.shifts else images

    def load(self, split: str, folder: str | Path | None = None) -> Tensor:
        """The images of a split, from what ships or from the user's folder."""
        if self.folder and folder is None:
            raise ValueError(f"recipe {self.name!r}: expected a folder with {self.folder}; nothing is downloaded")
        return self.images(split, folder) if self.folder else self.images(split)


def _digits(split: str) -> Tensor:
    return data.digits(split).images


def _mnist5k(split: str) -> Tensor:
    return data.mnist5k(split).images


def _photos(split: str) -> Tensor:
    return data.photo_patches(split, size=32)


def _mnist(split: str, folder: str | Path) -> Tensor:
    return data.mnist(folder, split).images


def _cifar10(split: str, folder: str | Path) -> Tensor:
    return data.cifar10(folder, split).images


def _standardised(bins: int, shape: tuple[int, int, int]) -> list[Bijection]:
    """Dequantized images as rows of numbers, each pixel with mean 0 and deviation 1; NICE's paper whitens."""
    return [Dequantize(bins), Flatten(shape), ActNorm(math.prod(shape))]


DIGIT, MNIST, PHOTO = (1, 8, 8), (1, 28, 28), (3, 32, 32)
FEW = {"steps": 2000, "batch_size": 64, "lr": 1e-3}  # 1397 digits are soon known by heart: small steps

RECIPES = {
    r.name: r
    for r in (
        # digits of 8 x 8 pixels and 17 grey levels
        Recipe(
            "nice-digits",
            _digits,
            lambda: models.nice(64, couplings=4, hidden=(128, 128), prepare=_standardised(17, DIGIT)),
            **FEW,
        ),
        Recipe(
            "realnvp-digits",
            _digits,
            lambda: models.realnvp_images(DIGIT, levels=2, hidden=40, prepare=[Dequantize(17), Logit()]),
            **FEW,
        ),
        Recipe(
            "glow-digits",
            _digits,
            lambda: models.glow(DIGIT, levels=2, steps=6, hidden=40, prepare=[Dequantize(17), Logit()]),
            **FEW,
        ),
        # 5000 of MNIST, 28 x 28 pixels
        Recipe(
            "nice-mnist",
            _mnist5k,
            lambda: models.nice(784, couplings=4, hidden=(256, 256), prepare=_standardised(256, MNIST)),
            steps=3000,
            batch_size=64,
            shifts=1,
        ),
        Recipe(
            "realnvp-mnist",
            _mnist5k,
            lambda: models.realnvp_images(MNIST, levels=2, hidden=64, prepare=[Dequantize(256), Logit()]),
            steps=6000,
            shifts=1,
        ),
        Recipe(
            "glow-mnist",
            _mnist5k,
            lambda: models.glow(MNIST, levels=2, steps=8, hidden=64, prepare=[Dequantize(256), Logit()]),
            steps=6000,
            shifts=1,
        ),
        # patches of 32 x 32 pixels from photographs
        Recipe(
            "glow-photos",
            _photos,
            lambda: models.glow(PHOTO, levels=3, steps=8, hidden=64, prepare=[Dequantize(256)]),
            steps=2400,
            batch_size=16,
        ),
        # data that the user brings
        Recipe(
            "glow-mnist-full",
            _mnist,
            lambda: models.glow(MNIST, levels=2, steps=16, hidden=128, prepare=[Dequantize(256), Logit()]),
            steps=40_000,
            batch_size=128,
            lr=1e-3,
            folder="the four files of MNIST (train-images-idx3-ubyte, ...)",
        ),
        Recipe(
            "glow-cifar10",
            _cifar10,
            lambda: models.glow(PHOTO, levels=3, steps=16, hidden=256, prepare=[Dequantize(256)]),
            steps=100_000,
            batch_size=64,
            lr=1e-3,
            folder="CIFAR-10 (cifar-10-batches-py or cifar-10-batches-bin)",
        ),
    )
}


def recipe(name: str) -> Recipe:
    """The recipe of that name. Errors: `ValueError` lists the names there are."""
    if name not in RECIPES:
        raise ValueError(f"recipe: expected one of {', '.join(RECIPES)}, got {name!r}")
    return RECIPES[name]


@torch.no_grad()
def held_out_bits(flow: Flow, images: Tensor, passes: int = 4, seed: int = 0, batch_size: int = 250) -> float:
    """Mean bits per dimension of images, over `passes` draws of the dequantization noise, always the same ones.

    Cost: `passes` encodes of every image. Other draws move it by some 0.003 bits/dim for 200 images of 64 pixels,
    and by 0.02 where one odd image costs a hundred nats more in one draw than in another.
    """
    device = next(flow.parameters()).device
    total = 0.0
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for _ in range(passes):
            for i in range(0, len(images), batch_size):
                total += flow.log_prob(images[i : i + batch_size].to(device)).double().sum().item()
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
