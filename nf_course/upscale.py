"""Upscaler: SRFlow over pictures of any size, in overlapping tiles that share one field of noise.

x = decode(temperature * z; c), z ~ N(0, I) drawn once for the whole picture;  a tile decodes its part of z and c.
Chapter 11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from nf_course.expect import expect_finite, expect_shape
from nf_course.flow import Flow
from nf_course.latents import join_parts, part_shapes

__all__ = ["Upscaler"]


class Upscaler:
    r"""Enlarges pictures by `scale`, with samples of p(x | c) from a convolutional flow such as `models.srflow`.

    `build(shape)` gives the flow for images of `shape` (C, H, W); all its weights must be the same at every size, and
    those of `flow`, built for any one of them, are used. A picture is decoded in tiles of `tile` small pixels; each
    sees `margin` more on every side, which are cut off afterwards, and all take their latents from one field, so that
    neighbours agree where they meet, as far as what a network sees beyond its margin is worth nothing.

    Shapes: c (3, h, w), 0 to 1, of any size from `least` on -> (samples, 3, scale h, scale w), 0 to 1.
    Cost: a decode of every tile with its margin, for each sample; memory as for one tile.
    Errors: `ValueError` for another shape, values outside 0 to 1, a picture that is too small.

    >>> from functools import partial
    >>> from nf_course import models
    >>> _ = torch.manual_seed(0)
    >>> build = partial(models.srflow, scale=4, steps=1, hidden=8, features=8, blocks=1)
    >>> upscale = Upscaler(build, build((3, 32, 32)), scale=4, levels=3, tile=16, margin=4)
    >>> upscale(torch.rand(3, 21, 30), temperature=0.5, samples=2).shape
    torch.Size([2, 3, 84, 120])
    """

    def __init__(
        self,
        build: Callable[[Sequence[int]], Flow],
        flow: Flow,
        scale: int,
        levels: int,
        tile: int = 48,
        margin: int = 8,
        least: int = 8,
    ) -> None:
        self.scale, self.levels, self.tile, self.margin, self.least = scale, levels, tile, margin, least
        self.unit = max(1, 2**levels // scale)  # small pixels that the coarsest level takes together
        if tile % self.unit or margin % self.unit or tile < 1 or margin < 0:
            raise ValueError(f"Upscaler: expected tile and margin as multiples of {self.unit}, got {tile} and {margin}")
        state, weight = flow.state_dict(), next(flow.parameters())
        self.device, self.dtype = weight.device, weight.dtype

        @cache
        def flow_for(shape: tuple[int, int, int]) -> Flow:
            with torch.random.fork_rng([]):
                other = build(shape)
            other.load_state_dict(state, assign=True)  # shares the weights
            return other.to(self.device).eval()

        self._flow_for = flow_for

    @torch.no_grad()
    def __call__(self, picture: Tensor, temperature: float = 0.8, samples: int = 1, seed: int = 0) -> Tensor:
        """`samples` pictures, of which any two differ in what c does not say; the same for the same seed."""
        self._check(picture)
        height, width = picture.shape[1:]
        low = F.pad(picture[None].to(self.device, self.dtype), self._to_units(height, width), mode="replicate")
        rows, columns = low.shape[2:]
        shapes = part_shapes((3, self.scale * rows, self.scale * columns), self.levels)
        chance = torch.Generator().manual_seed(seed)
        out = torch.empty(samples, 3, self.scale * rows, self.scale * columns)
        for sample in out:
            fields = [temperature * torch.randn(1, *shape, generator=chance) for shape in shapes]
            for inner, outer in self._tiles(rows, columns):
                z = join_parts([self._cut(field, outer, rows) for field in fields]).to(self.device, self.dtype)
                c = self._cut(low, outer, rows)
                flow = self._flow_for((3, self.scale * c.shape[2], self.scale * c.shape[3]))
                x, _ = flow.bijection.decode(z, c)  # (1, 3, scale h, scale w), 0 to 255
                (top, bottom, left, right), (first, _, first_column, _) = inner, outer
                s = self.scale
                kept = x[0, :, s * (top - first) :, s * (left - first_column) :]
                kept = kept[:, : s * (bottom - top), : s * (right - left)]
                sample[:, s * top : s * bottom, s * left : s * right] = kept.cpu() / 255
        return out[:, :, : self.scale * height, : self.scale * width]

    def _check(self, picture: Tensor) -> None:
        if not isinstance(picture, Tensor) or picture.ndim != 3 or picture.shape[0] != 3:
            got = tuple(picture.shape) if isinstance(picture, Tensor) else type(picture).__name__
            raise ValueError(f"Upscaler: expected a picture (3, h, w), got {got}")
        expect_shape(picture[None], (3, None, None), "Upscaler")
        expect_finite(picture, "Upscaler")
        if min(picture.shape[1:]) < self.least:
            raise ValueError(
                f"Upscaler: expected a picture of at least {self.least} x {self.least} pixels, "
                f"got {picture.shape[1]} x {picture.shape[2]}"
            )
        low, high = picture.min().item(), picture.max().item()
        if low < 0 or high > 1:
            raise ValueError(f"Upscaler: expected values from 0 to 1, got {low:.3g} to {high:.3g}; divide by 255")

    def _to_units(self, height: int, width: int) -> tuple[int, int, int, int]:
        return 0, -width % self.unit, 0, -height % self.unit

    def _tiles(self, rows: int, columns: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Tiles (top, bottom, left, right), without and with their margins, in small pixels."""
        for top in range(0, rows, self.tile):
            for left in range(0, columns, self.tile):
                bottom, right = min(top + self.tile, rows), min(left + self.tile, columns)
                m = self.margin
                outer = max(0, top - m), min(rows, bottom + m), max(0, left - m), min(columns, right + m)
                yield (top, bottom, left, right), outer

    @staticmethod
    def _cut(field: Tensor, tile: tuple[int, ...], rows: int) -> Tensor:
        """The part of a field (1, c, H', W') over a tile of small pixels, of which the picture has `rows` rows."""
        top, bottom, left, right = (edge * field.shape[2] // rows for edge in tile)
        return field[:, :, top:bottom, left:right]
