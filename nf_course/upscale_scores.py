"""score: one row of figures for a way of enlarging pictures, on photographs held out.

PSNR and SSIM against the photograph, PSNR of the picture reduced again against what was given, texture, diversity.
Chapter 11.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nf_course import data
from nf_course.data.photo_pairs import reduced
from nf_course.quality import diversity, psnr, ssim, texture_distance
from nf_course.resize import reduce
from nf_course.upscale import Upscaler

__all__ = ["UpscaleRow", "held_out_photos", "nearest", "score", "upscale_figures"]


@dataclass(frozen=True)
class UpscaleRow:
    """Means over the photographs; `again` is the PSNR in dB of the picture reduced again against the one given."""

    method: str
    temperature: float | None
    psnr: float
    ssim: float
    again: float
    texture: float
    diversity: float  # levels of 255 between samples; 0 for a method that gives one picture


def held_out_photos(scale: int, split: str = "test", size: int | None = None) -> list[tuple[Tensor, Tensor]]:
    """The photographs of a split, cut to what `scale` and 4 divide, and the same reduced: (truth, given), 0 to 1.

    With `size`, only the square of so many pixels in the middle of each.

    >>> [(tuple(truth.shape), tuple(given.shape)) for truth, given in held_out_photos(4, size=128)]
    [((3, 128, 128), (3, 32, 32)), ((3, 128, 128), (3, 32, 32))]
    """
    pairs = []
    for photo in data.photos(split).values():
        height, width = (side // (4 * scale) * (4 * scale) if size is None else size for side in photo.shape[1:])
        top, left = (photo.shape[1] - height) // 2, (photo.shape[2] - width) // 2
        photo = photo[:, top : top + height, left : left + width]
        pairs.append((photo / 255, reduced(photo, scale)))
    return pairs


def score(
    method: str,
    pictures: Sequence[tuple[Tensor, Tensor]],
    enlarge_: Callable[[Tensor], Tensor],
    scale: int,
    temperature: float | None = None,
) -> UpscaleRow:
    """One row of the table: `enlarge_(given)`, (3, h, w) -> (samples, 3, scale h, scale w), on (truth, given) pairs."""
    rows = []
    for truth, given in pictures:
        found = enlarge_(given)  # (S, 3, H, W)
        truth, given = (x.expand(len(found), -1, -1, -1) for x in (truth, given))
        spread = 255 * diversity(found[:, None]).item() if len(found) > 1 else 0.0
        figures = (psnr(found, truth), ssim(found, truth), psnr(reduce(found, scale), given))
        rows.append([*(f.mean() for f in figures), texture_distance(found, truth).mean(), torch.tensor(spread)])
    return UpscaleRow(method, temperature, *torch.tensor(rows).mean(0).tolist())


def nearest(given: Tensor, scale: int) -> Tensor:
    """Each pixel as a square: (3, h, w) -> (1, 3, scale h, scale w)."""
    return given[None].repeat_interleave(scale, 2).repeat_interleave(scale, 3)


def upscale_figures(upscaler: Upscaler, temperatures: Sequence[float], size: int = 192) -> dict[str, float]:
    """What the card of a trained model says about its pictures: the middle of each test photograph, `size` pixels.

    For each temperature the PSNR, that of the picture reduced again, and the distance of textures.
    """
    found, pictures = {}, held_out_photos(upscaler.scale, size=size)
    for t in temperatures:
        row = score("", pictures, lambda c, t=t: upscaler(c, t), upscaler.scale, t)
        found |= {f"{name} at {t}": round(getattr(row, name), 4) for name in ("psnr", "again", "texture")}
    return found
