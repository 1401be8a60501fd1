"""Numbers as a reader expects them: what `num` of common.js writes, so that a figure's words agree with its script's.

Used by every figure that describes itself.
"""

import math
from decimal import ROUND_HALF_UP, Context, Decimal

__all__ = ["number"]


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus sign, and no minus before a zero; halves are rounded away from 0, as in JavaScript.

    >>> number(-1.5), number(-0.001), number(0.125), number(2, 0)
    ('−1.50', '0.00', '0.13', '2')
    """
    value = float(value)
    if math.isinf(value):
        text = "-Infinity" if value < 0 else "Infinity"
    elif abs(value) >= 1e21:  # from here on JavaScript, too, writes powers of ten
        text = repr(value)
    else:
        text = str(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, Context(prec=60)))
    return text.removeprefix("-") if not text.strip("-0.") else text.replace("-", "−")
