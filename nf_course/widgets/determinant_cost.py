"""DeterminantCost: what a learned linear map costs in a training step, against its size and the number of positions.

The curves are measurements that the page hands over; the sliders read them off between the sizes measured. Chapter 7.
"""

from math import inf

import traitlets

from nf_course.widgets.base import Figure

__all__ = ["DeterminantCost"]


class DeterminantCost(Figure):
    """Measured seconds against the number of channels C, on logarithmic axes, with a slider for C.

    `sizes` are the C measured; `slogdet`, `sum`, `multiply` and `product` the seconds for each of them: the
    log-determinant of W by a factorisation, the same as a sum of log|s|, the product of the factors L (U + diag(s)),
    and W x at `rows` positions.

    >>> two = [1e-6, 2e-6]
    >>> DeterminantCost(sizes=[4, 8], slogdet=two, sum=two, multiply=two, product=two, rows=256).rows
    256
    """

    script = "determinant_cost.js"
    sizes = traitlets.List(traitlets.Int()).tag(sync=True)
    slogdet = traitlets.List(traitlets.Float()).tag(sync=True)
    sum = traitlets.List(traitlets.Float()).tag(sync=True)
    multiply = traitlets.List(traitlets.Float()).tag(sync=True)
    product = traitlets.List(traitlets.Float()).tag(sync=True)
    rows = traitlets.Int(256).tag(sync=True)
    caption = traitlets.Unicode(
        "Move C. At the left end every call costs its overhead and nothing else; at the right end the cubic curves "
        "run away. Then move the number of positions, N for vectors and N·H·W for images: with many, the product W x "
        "is what you pay for, whichever way the determinant is found."
    ).tag(sync=True)

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        for name in ("slogdet", "sum", "multiply", "product"):
            if len(getattr(self, name)) != len(self.sizes):
                raise ValueError(f"DeterminantCost: expected {len(self.sizes)} seconds of {name}, one for each size")
            if not all(0 < seconds < inf for seconds in getattr(self, name)):
                raise ValueError(f"DeterminantCost: expected seconds above 0, for logarithmic axes, in {name}")
        if len(self.sizes) < 2 or sorted(set(self.sizes)) != self.sizes:
            raise ValueError(f"DeterminantCost: expected at least two increasing sizes, got {self.sizes}")
