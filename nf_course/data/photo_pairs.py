"""Patches of the photographs beside the same patches with fewer pixels: what super-resolution learns from."""

from typing import NamedTuple

import torch
from torch import Tensor

from nf_course.data.photos import SHORTEST, photos
from nf_course.resize import reduce


class PhotoPairs(NamedTuple):
    """`high` (n, 3, size, size), uint8, and `low` (n, 3, size/scale, size/scale), float, multiples of 1/255."""

    high: Tensor
    low: Tensor


def photo_pairs(split: str = "train", size: int = 32, scale: int = 4, stride: int | None = None) -> PhotoPairs:
    """Square patches of the photographs, each with the same place in the photograph reduced by `scale`.

    Each photograph is reduced as a whole and rounded to 256 levels, as a small picture in a file is, and then both
    are cut at the same places: the small patch has seen what lies around it, as in use.

    Args:
        split: ``"train"``, ``"valid"`` or ``"test"``: which photographs, see :func:`photos`.
        size: side of the large patches in pixels, a multiple of `scale`.
        scale: how many times fewer pixels the small ones have, each way.
        stride: pixels from one patch to the next, a multiple of `scale`; by default `size`: none overlap. With a
            smaller one there are more, and each is turned or mirrored, one of eight ways, always the same way.

    >>> high, low = photo_pairs("test", size=32, scale=4)
    >>> high.shape, low.shape, high.dtype
    (torch.Size([560, 3, 32, 32]), torch.Size([560, 3, 8, 8]), torch.uint8)

    Source, licences and credits: as for :func:`photos`. Chapter 11.
    """
    overlap, stride = stride is not None, size if stride is None else stride
    for name, value in (("scale", scale), ("size", size), ("stride", stride)):
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= SHORTEST:
            raise ValueError(f"{name} should be a whole number from 1 to {SHORTEST}, got {value!r}")
    if size % scale or stride % scale:
        raise ValueError(f"size and stride should be multiples of the scale, {scale}, got {size} and {stride}")
    high, low = [], []
    for photo in photos(split).values():
        rows, columns = (side // scale * scale for side in photo.shape[1:])
        photo = photo[:, :rows, :columns]
        high.append(_patches(photo, size, stride))
        low.append(_patches(reduced(photo, scale), size // scale, stride // scale))
    pairs = PhotoPairs(torch.cat(high), torch.cat(low))
    return _turned(pairs) if overlap else pairs


def reduced(photo: Tensor, scale: int) -> Tensor:
    """A photograph (3, H, W), uint8, with `scale` times fewer pixels each way: (3, H/scale, W/scale), 0 to 1."""
    return reduce(photo[None] / 255, scale)[0].mul(255).round().clamp(0, 255).div(255)


def _patches(photo: Tensor, size: int, stride: int) -> Tensor:
    cut = photo.unfold(1, size, stride).unfold(2, size, stride)  # (3, rows, columns, size, size)
    return cut.permute(1, 2, 0, 3, 4).reshape(-1, 3, size, size)


def _turned(pairs: PhotoPairs) -> PhotoPairs:
    way = torch.randint(8, (len(pairs.high),), generator=torch.Generator().manual_seed(0), device="cpu")
    for k in range(1, 8):
        rows = (way == k).nonzero()[:, 0]
        for x in pairs:
            turned = x[rows].rot90(k % 4, (2, 3))
            x[rows] = turned.flip(3) if k >= 4 else turned
    return pairs
