r"""RestorationTask: something of which too little was seen, with its data term, its truth and what an answer is worth.

y = A x + sigma * noise,  A = 1 (noise), a mask (holes), a blur;  an answer is scored in dB (PSNR) or in mm (joints).
Chapter 16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from nf_course import data
from nf_course.data.poses import facing
from nf_course.devices import device
from nf_course.posing import joint_error
from nf_course.quality import psnr
from nf_course.restoration import blur, blurred, masked, noisy

__all__ = ["TASKS", "RestorationTask", "restoration_task", "whole_pose"]

SIGMA = {"noise": 0.2, "holes": 0.05, "blur": 0.05}  # of the noise on pixels, whose range is 1
BINS = {"digits": 17, "mnist": 256, "photos": 256}
WIDTH = {"digits": 0.8, "mnist": 1.5, "photos": 1.5}  # of the blur, in pixels
HOLE = {"digits": slice(2, 6), "mnist": slice(10, 18), "photos": slice(12, 20)}  # rows and columns that were not seen
PHOTO_NOISE, JOINT_NOISE = 0.1, 0.03  # JOINT_NOISE in metres
SEEN_JOINTS = ("head", "left_wrist", "right_wrist", "left_ankle", "right_ankle")
TASKS = ("mnist: noise", "mnist: holes", "mnist: blur", "photos: noise", "poses: joints")


@dataclass(frozen=True)
class RestorationTask:
    """`seen` is what is known of `truth`, (N, ...) each; `start` is what was seen, with the mean wherever nothing was.

    `inside`: the interval of pixels, None for joints. `mask` is 1 where something was seen; `width` is that of a blur.
    """

    name: str
    truth: Tensor
    seen: Tensor
    sigma: float
    mean: Tensor
    mask: Tensor | None = None
    width: float | None = None
    inside: tuple[float, float] | None = (0.0, 1.0)

    @property
    def start(self) -> Tensor:
        """The answer of whoever assumes nothing: what was seen, in the holes the mean."""
        start = self.seen if self.mask is None else torch.where(self.mask.bool(), self.seen, self.mean)
        return start if self.inside is None else start.clamp(*self.inside)

    def forward(self, x: Tensor) -> Tensor:
        """A x: what would be seen of x without noise."""
        if self.width is not None:
            return blur(x, self.width)
        return x if self.mask is None else self.mask * x

    def data_term(self, repeats: int = 1) -> Callable[[Tensor], Tensor]:
        """-log p(y | x) up to a constant, for x that holds all rows `repeats` times, such as for several weights."""
        y = self.seen.repeat(repeats, *[1] * (self.seen.ndim - 1))
        if self.width is not None:
            return blurred(y, self.width, self.sigma)
        return noisy(y, self.sigma) if self.mask is None else masked(y, self.mask, self.sigma)

    def score(self, x: Tensor) -> Tensor:
        """What each answer is worth, (N, ...) -> (N,): PSNR in dB, or, of joints, the mean distance in mm."""
        if self.inside is None:
            return joint_error(whole_pose(x), whole_pose(self.truth))
        return psnr(x.clamp(*self.inside), self.truth)

    @property
    def sign(self) -> int:
        """1 where a larger score is better, -1 where a smaller one is."""
        return -1 if self.unit == "mm" else 1

    @property
    def unit(self) -> str:
        """dB, of which more is better, or mm, of which less is."""
        return "mm" if self.inside is None else "dB"

    def rows(self, rows: slice | list[int]) -> RestorationTask:
        """The same task with some of its pictures."""
        return replace(self, truth=self.truth[rows], seen=self.seen[rows])


def restoration_task(name: str, split: str, n: int, seed: int = 0) -> RestorationTask:
    """The first n digits of a split, or n patches of photographs or frames of poses from all over it, made worse.

    `name` is "digits" (8 x 8), "mnist" or "photos", with "noise", "holes" or "blur"; or "poses: joints": five joints
    with 3 cm of noise. The same for the same seed. Pixels are the middles of their grey levels' bins, (x + 1/2) / bins.
    Errors: `ValueError` for another name.

    >>> task = restoration_task("digits: holes", "valid", 3)
    >>> task.seen.shape, int(task.mask.sum()), task.score(task.start).shape
    (torch.Size([3, 1, 8, 8]), 48, torch.Size([3]))
    """
    kind, _, what = name.partition(": ")
    if name == "poses: joints":
        truth, mean, mask = _poses(split, n)
        parts = {"sigma": JOINT_NOISE, "mask": mask, "inside": None}
    elif kind in BINS and what in SIGMA:
        truth, mean = _pictures(kind, split, n)
        mask = torch.ones_like(mean)
        mask[:, HOLE[kind], HOLE[kind]] = 0
        parts = {
            "sigma": PHOTO_NOISE if (kind, what) == ("photos", "noise") else SIGMA[what],
            "mask": mask if what == "holes" else None,
            "width": WIDTH[kind] if what == "blur" else None,
        }
    else:
        kinds = ", ".join(f"{kind}: {what}" for kind in BINS for what in SIGMA)
        raise ValueError(f"restoration_task: expected one of {kinds}, poses: joints, got {name!r}")
    task = RestorationTask(name, truth, truth, mean=mean, **parts)
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(seed)).to(truth)
    seen = task.forward(truth) + task.sigma * (noise if task.mask is None else task.mask * noise)
    return replace(task, seen=seen)


def whole_pose(rows: Tensor) -> Tensor:
    """Joints (N, 16, 3) with the root at 0, of rows (N, 45) without it.

    >>> whole_pose(torch.ones(2, 45)).sum((1, 2)).tolist()
    [45.0, 45.0]
    """
    joints = rows.unflatten(1, (-1, 3))
    return torch.cat((torch.zeros_like(joints[:, :1]), joints), 1)


def _pictures(kind: str, split: str, n: int) -> tuple[Tensor, Tensor]:
    """n pictures, pixels 0 to 1, and the mean of the training pictures."""
    load = {"digits": data.digits, "mnist": data.mnist5k}.get(kind)
    counts = {s: data.photo_patches(s) if load is None else load(s).images for s in ("train", split)}
    few = counts[split]
    rows = torch.linspace(0, len(few) - 1, n).long() if load is None else torch.arange(n)
    values = [(images.to(device()).float() + 0.5) / BINS[kind] for images in (few[rows], counts["train"])]
    return values[0], values[1].mean(0)


def _poses(split: str, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """n frames as rows (n, 45) with the hips along x, the mean pose (both sides alike), and the mask of joints seen."""
    frames, train = data.poses(split), data.poses("train")
    rows = torch.linspace(0, len(frames) - 1, n).long()
    truth = facing(frames.joints[rows], frames.names)
    both = torch.cat((train.joints, train.mirrored().joints))
    mask = torch.tensor([float(name in SEEN_JOINTS) for name in frames.names])[1:].repeat_interleave(3)
    return tuple(part.to(device()) for part in (truth[:, 1:].flatten(1), both[:, 1:].flatten(1).mean(0), mask))
