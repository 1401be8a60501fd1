"""Masks: which part of x a coupling keeps and which it moves, as two tensors rather than zeros and ones.

(kept, moved) = mask.split(x),  x = mask.merge(kept, moved): a permutation, so its log-det is zero.
Chapters 3 (vectors) and 6 (images).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from nf_course.reshape import channels_to_pixels, pixels_to_channels

__all__ = ["Alternating", "Checkerboard", "Halves", "IndexMask", "Mask"]


class Mask:
    """The common part of all masks: `split` and `merge` undo each other, `flipped` lets the two parts swap roles.

    In the papers' notation a mask b is 1 where x is copied (kept) and 0 where it is transformed (moved).
    """

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, ...) -> (kept, moved)."""
        raise NotImplementedError

    def merge(self, kept: Tensor, moved: Tensor) -> Tensor:
        """(kept, moved) -> (N, ...), each number back in the place it came from."""
        raise NotImplementedError

    def flipped(self) -> Mask:
        """The same partition with the roles of the two parts exchanged."""
        return Flipped(self)

    def as_bool(self, *shape: int) -> Tensor:
        """True where an input of this shape is kept.

        >>> Halves().as_bool(5).tolist()
        [True, True, False, False, False]
        >>> Checkerboard().as_bool(1, 2, 4).int().tolist()
        [[[1, 0, 1, 0], [0, 1, 0, 1]]]
        """
        place = torch.arange(torch.Size(shape).numel()).view(1, *shape)
        kept, _ = self.split(place.double())
        return torch.isin(place[0], kept.long().contiguous())


@dataclass(frozen=True)
class Flipped(Mask):
    """`mask` with kept and moved exchanged."""

    mask: Mask

    def split(self, x):
        kept, moved = self.mask.split(x)
        return moved, kept

    def merge(self, kept, moved):
        return self.mask.merge(moved, kept)

    def flipped(self):
        return self.mask


@dataclass(frozen=True)
class Halves(Mask):
    """Keeps the first D // 2 features (or channels), moves the rest. Both parts are views: nothing is copied."""

    def split(self, x):
        d = _at_least_two(x, "Halves") // 2
        return x[:, :d], x[:, d:]

    def merge(self, kept, moved):
        return torch.cat((kept, moved), 1)


@dataclass(frozen=True)
class Alternating(Mask):
    """Keeps features 0, 2, 4, ... and moves 1, 3, 5, ...; `merge` interleaves them again (`cat` would not)."""

    def split(self, x):
        _at_least_two(x, "Alternating")
        return x[:, 0::2], x[:, 1::2]

    def merge(self, kept, moved):
        x = kept.new_empty(len(kept), kept.shape[1] + moved.shape[1], *kept.shape[2:])  # (N, D, ...)
        x[:, 0::2] = kept
        x[:, 1::2] = moved
        return x


@dataclass(frozen=True)
class Checkerboard(Mask):
    """Keeps the pixels of an image whose row + column is even. Each part is (N, 2C, H/2, W/2).

    In each 2 x 2 square the kept pixels are 0 and 3 of (0, 1 / 2, 3), the order of `Squeeze`.
    """

    def split(self, x):
        if x.ndim != 4 or x.shape[2] % 2 or x.shape[3] % 2:
            raise ValueError(f"Checkerboard: expected (N, C, H, W) with H and W even, got {tuple(x.shape)}")
        squares = pixels_to_channels(x).unflatten(1, (-1, 4))  # (N, C, 4, H/2, W/2)
        return squares[:, :, 0::3].flatten(1, 2), squares[:, :, 1:3].flatten(1, 2)

    def merge(self, kept, moved):
        kept, moved = kept.unflatten(1, (-1, 2)), moved.unflatten(1, (-1, 2))  # (N, C, 2, H/2, W/2)
        squares = torch.cat((kept[:, :, :1], moved, kept[:, :, 1:]), 2)  # (N, C, 4, H/2, W/2)
        return channels_to_pixels(squares.flatten(1, 2))


@dataclass(frozen=True)
class IndexMask(Mask):
    """Any mask over features, given as booleans: True keeps. Slower than the others, since it gathers by index.

    >>> kept, moved = IndexMask((True, False, False, True)).split(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    >>> kept.tolist(), moved.tolist()
    ([[1.0, 4.0]], [[2.0, 3.0]])
    """

    keep: Sequence[bool]

    def __post_init__(self) -> None:
        if any(k not in (0, 1) for k in self.keep):
            raise ValueError(f"IndexMask: expected True or False for each feature, got {self.keep}")
        keep = tuple(bool(k) for k in self.keep)
        if all(keep) or not any(keep):
            raise ValueError(f"IndexMask: expected some features kept and some moved, got {keep}")
        object.__setattr__(self, "keep", keep)

    def flipped(self):
        return IndexMask([not keep for keep in self.keep])

    def split(self, x):
        if x.shape[1] != len(self.keep):
            raise ValueError(f"IndexMask: expected {len(self.keep)} features, got shape {tuple(x.shape)}")
        kept, moved, _ = _indices(self.keep, x.device)
        return x[:, kept], x[:, moved]

    def merge(self, kept, moved):
        *_, home = _indices(self.keep, kept.device)
        return torch.cat((kept, moved), 1)[:, home]


@lru_cache(maxsize=256)
def _indices(keep: tuple[bool, ...], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    with torch.inference_mode(False):  # what is remembered here may be used in training later
        mask = torch.tensor(keep)
        kept, moved = mask.nonzero()[:, 0], (~mask).nonzero()[:, 0]
        home = torch.cat((kept, moved)).argsort()
        return kept.to(device), moved.to(device), home.to(device)


def _at_least_two(x: Tensor, who: str) -> int:
    if x.shape[1] < 2:
        raise ValueError(f"{who}: expected at least 2 features, one to keep and one to move, got {tuple(x.shape)}")
    return x.shape[1]
