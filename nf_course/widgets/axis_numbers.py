"""Numbers as an axis shows them: with commas between thousands, and round ones for its ticks.

Used by ConditionalDensity.
"""

from __future__ import annotations

import math

from nf_course.widgets.words import number

__all__ = ["round_ticks", "written"]


def written(value: float, digits: int = 0) -> str:
    """A number with commas between thousands.

    >>> written(2822.4), written(-1234567.891, 2)
    ('2,822', '−1,234,567.89')
    """
    whole, point, rest = number(value, digits).partition(".")
    sign = whole[: len(whole) - len(whole.lstrip("−"))]
    return f"{sign}{int(whole.lstrip('−')):,}{point}{rest}"


def round_ticks(low: float, high: float, log: bool) -> list[tuple[float, str]]:
    """Round numbers from low to high: (place on the grid, label)."""
    if log:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        values = [m * 10.0**d for d in decades for m in ((1, 2, 5) if high / low < 2000 else (1,))]
        return [(math.log(v), f"{v:,.10g}") for v in values if low <= v <= high]
    raw = (high - low) / 6
    unit = 10.0 ** math.floor(math.log10(raw))
    step = unit * next(m for m in (1, 2, 5, 10) if m * unit >= 0.999 * raw)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(step * i, written(step * i, digits)) for i in range(first, last + 1)]
