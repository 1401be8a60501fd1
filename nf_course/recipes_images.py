"""Recipes of images: digits, MNIST, photographs, super-resolution; and of the latents of faces.

Each says which model, on which images, for how long.
Chapters 4, 6, 8, 11 and 12.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from torch import Tensor

from nf_course import data, models
from nf_course.actnorm import ActNorm
from nf_course.bijection import Bijection
from nf_course.dequantize import Dequantize, Logit
from nf_course.edit_measures import edit_figures
from nf_course.flow import Flow
from nf_course.recipe import Recipe
from nf_course.reshape import Flatten
from nf_course.upscale import Upscaler
from nf_course.upscale_scores import upscale_figures

__all__ = ["IMAGES", "upscaler_of"]


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
    return upscale_figures(upscaler_of(flow, partial(build, scale=scale), scale), temperatures)


def upscaler_of(flow: Flow, build: Callable[..., Flow], scale: int) -> Upscaler:
    """For SRFlow, whose latents leave level by level, and for the network, whose latent is one image."""
    return Upscaler(build, flow, scale, levels=scale.bit_length() if build.func is _srflow else 0)


IMAGES = (
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
