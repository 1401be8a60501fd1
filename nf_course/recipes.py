"""Recipes: which model, on which images, for how long; and the weights that were trained so, each with its card.

`nf-course train NAME` runs one; `trained(NAME)` loads what ships.
Chapters 4, 6 and 8.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nf_course import data, models
from nf_course.actnorm import ActNorm
from nf_course.bijection import Bijection
from nf_course.bits import bits_per_dim
from nf_course.dequantize import Dequantize, Logit
from nf_course.edit_measures import edit_figures
from nf_course.flow import Flow
from nf_course.reshape import Flatten
from nf_course.upscale import Upscaler
from nf_course.upscale_scores import upscale_figures
from nf_course.weights import load_weights

__all__ = ["RECIPES", "Recipe", "held_out_bits", "recipe", "trained", "trained_log", "upscaler"]

FOLDER = Path(__file__).parent / "trained"


@dataclass(frozen=True)
class Recipe:
    """All that decides what comes out of a training run, but for the machine."""

    name: str
    examples: Callable[..., Tensor | tuple[Tensor, Tensor]]  # ("train" | "valid" | "test", folder) -> x or (x, context)
    build: Callable[..., Flow]
    steps: int
    batch_size: int = 32
    lr: float = 3e-3
    shifts: int = 0  # training images are moved by up to so many pixels each way
    figures: Callable[[Flow], dict[str, float]] | None = None  # what else its card says, measured on held-out data
    folder: str = ""  # what the user must bring, in words; empty for data that ship

    def training_images(self, folder: str | Path | None = None) -> Tensor:
        """What `fit` is given: the training split, with its shifted copies."""
        images = self.load("train", folder)
        return data.shifted(images, self.shifts) if self.shifts else images

    def load(self, split: str, folder: str | Path | None = None) -> Tensor:
        """What the flow is a density of, in a split, from what ships or from the user's folder: uint8 for images."""
        examples = self._examples(split, folder)
        return examples if isinstance(examples, Tensor) else examples[0]

    def context(self, split: str, folder: str | Path | None = None) -> Tensor | None:
        """What is given for each of them, in the same order; None for a flow that is given nothing."""
        examples = self._examples(split, folder)
        return None if isinstance(examples, Tensor) else examples[1]

    def _examples(self, split: str, folder: str | Path | None) -> Tensor | tuple[Tensor, Tensor]:
        if self.folder and folder is None:
            raise ValueError(f"recipe {self.name!r}: expected a folder with {self.folder}; nothing is downloaded")
        return self.examples(split, folder) if self.folder else self.examples(split)


def _digits(split: str) -> Tensor:
    return data.digits(split).images


def _mnist5k(split: str) -> Tensor:
    return data.mnist5k(split).images


def _photos(split: str) -> Tensor:
    return data.photo_patches(split, size=32)


def _photo_pairs(split: str, scale: int) -> tuple[Tensor, Tensor]:
    """Patches of 16 x 16 small pixels beside what they were reduced from: overlapping to learn from, else disjoint."""
    return data.photo_pairs(split, 16 * scale, scale, stride=4 * scale if split == "train" else None)


def _faces(split: str) -> tuple[Tensor, Tensor]:
    return data.faces(split, 40_000 if split == "train" else 1000)


def _mnist(split: str, folder: str | Path) -> Tensor:
    return data.mnist(folder, split).images


def _cifar10(split: str, folder: str | Path) -> Tensor:
    return data.cifar10(folder, split).images


def _standardised(bins: int, shape: tuple[int, int, int]) -> list[Bijection]:
    """Dequantized images as rows of numbers, each pixel with mean 0 and deviation 1; NICE's paper whitens."""
    return [Dequantize(bins), Flatten(shape), ActNorm(math.prod(shape))]


DIGIT, MNIST, PHOTO = (1, 8, 8), (1, 28, 28), (3, 32, 32)
FEW = {"steps": 2000, "batch_size": 64, "lr": 1e-3}  # 1397 digits are soon known by heart: small steps


def _srflow(shape: Sequence[int] | None = None, *, scale: int) -> Flow:
    return models.srflow(shape or (3, 16 * scale, 16 * scale), scale, steps=6, hidden=32)


def _sr_regression(shape: Sequence[int] | None = None, *, scale: int) -> Flow:
    """As many parameters as the flow of that scale has."""
    blocks = {4: 7, 2: 4}[scale]
    return models.sr_regression(shape or (3, 16 * scale, 16 * scale), scale, hidden=64, features=64, blocks=blocks)


def _edits(flow: Flow) -> dict[str, float]:
    return edit_figures(flow, n=50)


def _upscaling(flow: Flow, build: Callable[..., Flow], scale: int, temperatures: Sequence[float]) -> dict[str, float]:
    return upscale_figures(_upscaler(flow, partial(build, scale=scale), scale), temperatures)


def _upscaler(flow: Flow, build: Callable[..., Flow], scale: int) -> Upscaler:
    """For SRFlow, whose latents leave level by level, and for the network, whose latent is one image."""
    return Upscaler(build, flow, scale, levels=scale.bit_length() if build.func is _srflow else 0)


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
        # photographs, given with 4 x 4 or 2 x 2 times fewer pixels: a flow, and a network for the L1 error of its size
        *(
            Recipe(
                f"{model}-{scale}x",
                partial(_photo_pairs, scale=scale),
                partial(build, scale=scale),
                steps=6000 if scale == 4 else 4000,  # less is left open by twice as many pixels
                batch_size=64 // scale**2,  # as many pixels in a batch
                lr=lr,
                figures=partial(_upscaling, build=build, scale=scale, temperatures=temperatures),
            )
            for scale in (4, 2)
            for model, build, lr, temperatures in (
                ("srflow", _srflow, 2e-3, (0.0, 0.8)),
                ("l1", _sr_regression, 1e-3, (0.0,)),
            )
        ),
        # latents of the generator of faces, given the attributes of what it draws
        Recipe("styleflow-faces", _faces, models.styleflow, steps=3000, batch_size=256, lr=5e-3, figures=_edits),
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
    return _upscaler(flow, recipe(name).build, scale)


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
