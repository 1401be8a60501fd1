"""Recipes of things in space: clouds of furniture, poses of a body, and pictures of clouds.

Each says which model, on which shapes or poses, for how long.
Chapters 13 to 16.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nf_course import data, models
from nf_course.data.poses import facing
from nf_course.models.picture_shapes import PictureShapes
from nf_course.models.pointflow import PointFlow, matching_loss, stretched_nll
from nf_course.picture_pairs import picture_pairs
from nf_course.pose_variations import varied
from nf_course.posing import random_cameras, seen_by
from nf_course.recipe import TRAINED, Recipe
from nf_course.weights import load_weights

__all__ = ["SPACE"]

NOISE = 0.01  # metres, on the joints of which a density is learned
SEEDS = {"train": 0, "valid": 1, "test": 2}


def _bodies(split: str) -> Tensor:
    """Joints (n, 16, 3); to train on, 30 variations of each frame and of its mirror image, half of them leaning."""
    frames = data.poses(split)
    if split != "train":
        return frames.joints
    return torch.cat(
        [
            varied(side, 15, seed, lean=lean)
            for seed, lean in ((0, 0.0), (1, 30.0))
            for side in (frames, frames.mirrored())
        ]
    )


def _depths(split: str) -> tuple[Tensor, Tensor]:
    """Depths (n, 15) and flat poses (n, 30), each frame from cameras of chance: one to train, four to measure."""
    joints = _bodies(split).repeat(1 if split == "train" else 4, 1, 1)
    flat, depths = seen_by(random_cameras(len(joints), seed=SEEDS[split]), joints)
    return depths, flat


def _noisy_poses(split: str) -> Tensor:
    """Joints about the root as rows (n, 45), the hips along x, with normal noise."""
    joints = facing(_bodies(split), data.poses(split).names)[:, 1:].flatten(1)
    return joints + NOISE * torch.randn(joints.shape, generator=torch.Generator().manual_seed(SEEDS[split]))


def _clouds(split: str) -> Tensor:
    """Each shape as clouds of 256 points that have none in common, eight to train, two to measure: (8 n, 256, 3)."""
    many = 8 if split == "train" else 2
    return data.furniture(split, 256 * many).points.unflatten(1, (many, 256)).flatten(0, 1)


def _codes_of_couplings(flow: PointFlow) -> None:
    """Encoder and density of codes as the PointFlow of couplings has them, and fixed."""
    other = trained_points()
    for part, like in ((flow.encoder, other.encoder), (flow.prior, other.prior)):
        part.load_state_dict(like.state_dict())
        part.requires_grad_(False)


def _pairs(split: str) -> tuple[Tensor, Tensor]:
    """Codes of stretched shapes (n, 32) and a picture of each (n, 1, 32, 32), from the front half: `picture_pairs`."""
    pairs = picture_pairs(trained_points(), split)
    return pairs.codes, pairs.pictures


def _code_of_pictures(model: PictureShapes) -> None:
    model.code.fit(_pairs("train")[1])


def _both_directions(model: PictureShapes, code: Tensor, picture: Tensor) -> Tensor:
    return model.loss(code, picture)


def trained_points() -> PointFlow:
    """The PointFlow of couplings with the weights that ship."""
    return load_weights(models.pointflow(), TRAINED / "pointflow-couplings.safetensors")


SPACE = (
    # clouds of furniture
    Recipe("pointflow-couplings", _clouds, models.pointflow, steps=8000, batch_size=16, lr=2e-3, loss=stretched_nll),
    Recipe(
        "pointflow-continuous",
        _clouds,
        models.continuous_pointflow,
        steps=8000,
        batch_size=16,
        lr=2e-3,
        begin=_codes_of_couplings,
        loss=matching_loss,
    ),
    # pictures and shapes
    Recipe(
        "cflow-furniture",
        _pairs,
        models.picture_shapes,
        steps=1500,  # 180 shapes are soon known by heart
        batch_size=128,
        lr=1e-3,
        begin=_code_of_pictures,
        loss=_both_directions,
    ),
    # poses of a body
    Recipe("poseflow", _depths, models.poseflow, steps=8000, batch_size=256, lr=2e-3),
    Recipe("pose-regression", _depths, models.depth_regression, steps=8000, batch_size=256, lr=2e-3),
    Recipe("pose-prior", _noisy_poses, models.pose_prior, steps=8000, batch_size=256, lr=2e-3),
)
