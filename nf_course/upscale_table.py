"""upscale_table: nearest, bicubic, the L1 network and SRFlow at several temperatures, side by side.

One row each, by `score`, on the same photographs;  nf-course measure upscaling prints it.
Chapter 11.
"""

from __future__ import annotations

from collections.abc import Sequence

from nf_course import data
from nf_course.recipes import upscaler
from nf_course.resize import enlarge
from nf_course.upscale_scores import UpscaleRow, held_out_photos, nearest, score

__all__ = ["upscale_table"]


def upscale_table(
    scale: int = 4,
    temperatures: Sequence[float] = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0),
    samples: int = 2,
    size: int | None = None,
    split: str = "test",
    seed: int = 0,
) -> list[UpscaleRow]:
    """The rows for nearest, bicubic, the L1 network and SRFlow at each temperature, all on the same photographs.

    `size` looks only at a square in the middle of each. Cost: about two seconds for each photograph and sample.
    Errors: `ValueError` for a size that 4 does not divide, that has no room for textures, or that no photograph has.
    """
    largest = min(side for photo in data.photos(split).values() for side in photo.shape[1:]) // 4 * 4
    if size is not None and (size % 4 or not 32 <= size <= largest):
        raise ValueError(f"upscaling: expected a size that 4 divides, 32 to {largest}, got {size}")
    pictures, flow, network = held_out_photos(scale, split, size), upscaler(scale), upscaler(scale, "l1")
    rows = [
        score("nearest", pictures, lambda c: nearest(c, scale), scale),
        score("bicubic", pictures, lambda c: enlarge(c[None], scale).clamp(0, 1), scale),
        score("L1 network", pictures, lambda c: network(c, temperature=0), scale),
    ]
    for t in temperatures:
        draw = lambda c, t=t: flow(c, t, samples if t else 1, seed)  # noqa: E731
        rows.append(score("SRFlow", pictures, draw, scale, t))
    return rows
