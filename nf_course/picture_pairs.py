"""picture_pairs: pictures of stretched furniture, each beside its cloud and its code, for a C-Flow between the two.

picture = depth_image(stretched cloud, camera(turn, tilt)),  code ~ q(s | stretched cloud).
Chapter 13.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nf_course import data
from nf_course.models.pointflow import PointFlow, stretched
from nf_course.render import camera, depth_image

__all__ = ["PicturePairs", "picture_pairs"]

TURN, TILT = 60.0, 20.0  # degrees: pictures to learn from are taken from TURN to either side, from TILT above
VIEWS = {"train": 40, "valid": 8, "test": 8}  # pictures of each shape
SEEDS = {"train": 0, "valid": 1, "test": 2}
POINTS = 512  # of a cloud, for its code
CHUNK = 32  # clouds at once: what an encoder makes of them then stays in the processor's cache


@dataclass(frozen=True)
class PicturePairs:
    """Pictures (n, 1, 32, 32), clouds (n, P, 3) and codes (n, K) of the same shapes; `turn`, (n,), is the camera's.

    `shape`, (n,), says which of the split's shapes each is of.
    """

    pictures: Tensor
    clouds: Tensor
    codes: Tensor
    turn: Tensor
    shape: Tensor


@torch.no_grad()
def picture_pairs(
    model: PointFlow,
    split: str,
    views: int | None = None,
    turn: tuple[float, float] = (-TURN, TURN),
    tilt: float = TILT,
    points: int = POINTS,
) -> PicturePairs:
    """Pictures of every shape of a split from cameras of chance, and what `model` makes of the shapes.

    To train on, shapes are stretched anew for each picture, and codes are draws of q(s | X); to measure, shapes are as
    they are and codes are means. The camera turns uniformly within `turn` degrees (0: in front). The same each time.
    Cost: some 0.3 ms a picture.

    >>> from nf_course import models
    >>> _ = torch.manual_seed(0)
    >>> pairs = picture_pairs(models.pointflow(code=4), "valid", views=2)
    >>> pairs.pictures.shape, pairs.clouds.shape, pairs.codes.shape
    (torch.Size([24, 1, 32, 32]), torch.Size([24, 512, 3]), torch.Size([24, 4]))
    """
    shapes = data.furniture(split).points
    views = VIEWS[split] if views is None else views
    low, high = turn
    parts: list[list[Tensor]] = [[], [], [], []]
    with torch.random.fork_rng([]):
        torch.manual_seed(SEEDS[split])
        for _ in range(views):
            clouds = stretched(shapes) if split == "train" else shapes
            turns = low + (high - low) * torch.rand(len(shapes))
            pictures = depth_image(clouds, camera(turns, tilt))
            clouds = clouds[:, :points]
            few = [model.posterior(some) for some in clouds[:, :POINTS].split(CHUNK)]
            mean, deviation = map(torch.cat, zip(*few))
            codes = mean + deviation * torch.randn_like(mean) if split == "train" else mean
            for part, more in zip(parts, (pictures, clouds, codes, turns)):
                part.append(more)
    return PicturePairs(*map(torch.cat, parts), torch.arange(len(shapes)).repeat(views))
