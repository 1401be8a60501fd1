"""The one check that multi-scale models share: every level halves height and width.

H and W must be multiples of 2^levels.
Chapters 6 and 8.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["expect_levels"]


def expect_levels(shape: Sequence[int], levels: int, who: str) -> tuple[int, int, int]:
    """(C, H, W), or a `ValueError` that says which sizes and how many levels would do.

    >>> expect_levels((1, 28, 28), 3, "glow")
    Traceback (most recent call last):
        ...
    ValueError: glow: expected H and W to be multiples of 8 for 3 levels, got 28 x 28; ...
    """
    shape = tuple(shape)
    if len(shape) != 3 or any(not isinstance(size, int) or size < 1 for size in shape):
        raise ValueError(f"{who}: expected the shape of one image, (C, H, W), got {shape}")
    if not isinstance(levels, int) or levels < 1:
        raise ValueError(f"{who}: expected a whole number of levels, at least 1, got {levels}")
    channels, height, width = shape
    unit = 2**levels
    if height % unit or width % unit:
        less = [size // unit * unit for size in (height, width)]
        more = [-(-size // unit) * unit for size in (height, width)]
        sizes = " or ".join(f"{h} x {w}" for h, w in (less, more) if h and w)
        fewer = next((n for n in range(levels - 1, 0, -1) if height % 2**n == 0 and width % 2**n == 0), None)
        plural = "" if levels == 1 else "s"
        hint = f", or {fewer} level{'' if fewer == 1 else 's'}" if fewer else ""
        raise ValueError(
            f"{who}: expected H and W to be multiples of {unit} for {levels} level{plural}, "
            f"got {height} x {width}; {sizes} would do{hint}"
        )
    return channels, height, width
