r"""Weights, measures and prices of 53 920 diamonds: a real table that breaks a model until it is prepared.

Four things are wrong with the raw table, and each is a lesson. Every number was *rounded*, so the data are a
lattice of points: a flow can put a spike on each and its likelihood grows without bound. Weights pile up just
above round numbers. Carat and price span orders of magnitude. And six rows hold slips of the keyboard.
:func:`diamonds` mends them:

1. clip y to at most 11 mm, and z to between 2 and 7 mm (six rows change);
2. add uniform noise as wide as one rounding step: each lattice point fills its cell (dequantization);
3. take the logarithm of carat and price;
4. subtract the mean and divide by the standard deviation *of the training rows*.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nf_course.data._files import read, split_rows

NAMES = ("carat", "depth", "table", "price", "x", "y", "z")
UNITS = ("carat", "%", "%", "US dollar", "mm", "mm", "mm")
GRADES = {  # each from worst, 0, to best
    "cut": ("Fair", "Good", "Very Good", "Premium", "Ideal"),
    "color": ("J", "I", "H", "G", "F", "E", "D"),
    "clarity": ("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"),
}
STEP = (0.01, 0.1, 1.0, 1.0, 0.01, 0.01, 0.01)  # what each column was rounded to
LOG = (True, False, False, True, False, False, False)
CLIP = {5: (None, 11.0), 6: (2.0, 7.0)}  # column: (lowest, highest), mm
ROWS, VALID, TEST = 53920, 5392, 5392


@dataclass(frozen=True)
class Diamonds:
    """One split of the diamonds.

    Attributes:
        x: shape ``(n, 7)``, float32: what a flow is trained on.
        grades: shape ``(n, 3)``, int64: cut, colour and clarity, each counted from worst (0) to best (4, 6,
            7).
        names: the 7 columns of ``x``.
        units: the unit of each in the original table.
        grade_names: for each grade its values in words, worst first.
        log: shape ``(7,)``, bool: the columns whose logarithm was taken.
        mean, std: shape ``(7,)``: of the training rows, after the logarithm.
    """

    x: Tensor
    grades: Tensor
    mean: Tensor
    std: Tensor
    log: Tensor
    names: tuple[str, ...] = NAMES
    units: tuple[str, ...] = UNITS
    grade_names: tuple[tuple[str, tuple[str, ...]], ...] = tuple(GRADES.items())

    def __len__(self) -> int:
        return len(self.x)

    @property
    def context(self) -> Tensor:
        """The grades as context of a conditional flow: shape ``(n, 3)``, float32, each scaled to [-1, 1]."""
        best = torch.tensor([len(values) - 1 for _, values in self.grade_names])
        return 2 * self.grades / best - 1

    def undo(self, x: Tensor) -> Tensor:
        """Back to original units: standardised rows ``(n, 7)``, data or samples, to carat, %, dollars, mm.

        >>> data = diamonds("train")
        >>> data.undo(data.x[:1]).shape
        torch.Size([1, 7])
        """
        v = x * self.std.to(x) + self.mean.to(x)
        log = self.log.to(x.device)  # the inner `where` spares a raw price from exp
        return torch.where(log, torch.where(log, v, 0.0).exp(), v)

    def ladj(self, x: Tensor) -> Tensor:
        r"""log|det| of the standardisation at each row, for likelihoods in original units: shape ``(n,)``.

        With :math:`u` the original row and :math:`x(u)` the standardised one, both logarithm and division are
        column by column, so the Jacobian is diagonal and

        .. math:: \log p(u) = \log p(x) + \log\left|\det \frac{\partial x}{\partial u}\right|,\qquad
                  \log\left|\det \frac{\partial x}{\partial u}\right|
                  = -\sum_j \log \text{std}_j - \sum_{j \in \log} \log u_j .

        >>> data = diamonds("valid")
        >>> data.ladj(data.x).shape
        torch.Size([5392])
        """
        log_u = (x * self.std.to(x) + self.mean.to(x))[:, self.log.to(x.device)]
        return -self.std.to(x).log().sum() - log_u.sum(dim=1)


def diamonds(split: str = "train", noise: bool = True, clip: bool = True, raw: bool = False) -> Diamonds:
    """Prices, measures and grades of diamonds: 43 136 rows to train on, 5392 to validate, 5392 to test.

    Args:
        split: ``"train"``, ``"valid"`` or ``"test"``; a fixed permutation of the rows.
        noise: False leaves out the noise (step 2 above): the likelihood of a flow then runs away. Try it.
        clip: False leaves in the outliers: two or three points then stretch every scale.
        raw: True returns the table as it was published, with none of the four steps.

    Returns:
        :class:`Diamonds`: ``x`` (n, 7), ``grades`` (n, 3), ``context`` (n, 3), ``undo(x)`` and ``ladj(x)``.

    The noise has its own fixed seed: the same call gives the same numbers on every machine.

    >>> train, valid = diamonds("train"), diamonds("valid")
    >>> train.x.shape, valid.x.shape, train.grades.shape
    (torch.Size([43136, 7]), torch.Size([5392, 7]), torch.Size([43136, 3]))
    >>> bool(train.x.mean(dim=0).abs().max() < 1e-4), bool((train.x.std(dim=0) - 1).abs().max() < 1e-3)
    (True, True)
    >>> diamonds("test", raw=True).x[0, :4]  # carat, depth, table, price
    tensor(...)

    Source: ``diamonds`` of ggplot2 (H. Wickham), as ``diamonds.csv`` of plotnine, MIT; the 20 rows with a
    length of 0 were left out. Credits in NOTICE. Chapters 2, 3 and 10.
    """
    arrays = read("diamonds.npz", x=((ROWS, 7), "f"), grades=((ROWS, 3), "u"))
    rows = {name: split_rows(ROWS, VALID, TEST, name, seed=0).numpy() for name in ("train", split)}
    grades = torch.from_numpy(arrays["grades"][rows[split]]).long()
    if raw:
        x = torch.from_numpy(arrays["x"][rows[split]])
        return Diamonds(x, grades, torch.zeros(7), torch.ones(7), torch.zeros(7, dtype=torch.bool))

    table = arrays["x"].astype(np.float64)
    if clip:  # before the noise: after it, the clipped rows would all sit at one value again
        for column, (low, high) in CLIP.items():
            table[:, column] = table[:, column].clip(low, high)
    if noise:
        table += np.array(STEP) * (np.random.default_rng(1).random(table.shape) - 0.5)
    log = np.array(LOG)
    table[:, log] = np.log(table[:, log])
    mean, std = table[rows["train"]].mean(axis=0), table[rows["train"]].std(axis=0)
    x = torch.from_numpy((table[rows[split]] - mean) / std).float()
    return Diamonds(x, grades, torch.from_numpy(mean), torch.from_numpy(std), torch.from_numpy(log))
