r"""Old Faithful: how long 272 eruptions of a geyser lasted, and how long the next one took to come.

The smallest real table with two islands in it: a short eruption is followed by a short wait, a long one by a long
wait, and little is seen between. Durations were noted in whole seconds, waits in whole minutes. As with
:func:`nf_course.data.diamonds`, each number gets uniform noise as wide as its rounding step, then the mean of the
training rows is subtracted and their standard deviation divided out.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nf_course.data._files import read, split_rows

NAMES = ("eruption", "waiting")
STEP = (1 / 60, 1.0)  # minutes: what each column was rounded to
ROWS, VALID, TEST = 272, 50, 50


@dataclass(frozen=True)
class Faithful:
    """One split of the eruptions.

    Attributes:
        x: shape ``(n, 2)``, float32: what a flow is trained on.
        mean, std: shape ``(2,)``: of the training rows, in minutes.
        names: the two columns of ``x``: the eruption's length, and the wait until the next one.
    """

    x: Tensor
    mean: Tensor
    std: Tensor
    names: tuple[str, str] = NAMES

    def __len__(self) -> int:
        return len(self.x)

    def undo(self, x: Tensor) -> Tensor:
        """Back to minutes: standardised rows ``(n, 2)``, data or samples.

        >>> data = faithful("train")
        >>> data.undo(data.x[:5]).shape
        torch.Size([5, 2])
        """
        return x * self.std.to(x) + self.mean.to(x)

    def ladj(self, x: Tensor) -> Tensor:
        r"""log|det| of the standardisation, for likelihoods per square minute: shape ``(n,)``, the same for each row.

        .. math:: \log p(u) = \log p(x) - \sum_j \log \text{std}_j

        >>> faithful("test").ladj(faithful("test").x).shape
        torch.Size([50])
        """
        return -self.std.to(x).log().sum().expand(len(x))


def faithful(split: str = "train", noise: bool = True, raw: bool = False) -> Faithful:
    """Eruptions of the geyser Old Faithful, in Yellowstone: 172 rows to train on, 50 to validate, 50 to test.

    Args:
        split: ``"train"``, ``"valid"`` or ``"test"``; a fixed permutation of the rows.
        noise: False leaves out the noise: the rows then lie on a lattice, and the likelihood of a flow runs away.
        raw: True returns minutes as they were published, without noise.

    Returns:
        :class:`Faithful`: ``x`` (n, 2), ``undo(x)`` and ``ladj(x)``.

    The noise has its own fixed seed: the same call gives the same numbers on every machine.

    >>> train, test = faithful("train"), faithful("test")
    >>> train.x.shape, test.x.shape
    (torch.Size([172, 2]), torch.Size([50, 2]))
    >>> bool(train.x.mean(dim=0).abs().max() < 1e-4), bool((train.x.std(dim=0) - 1).abs().max() < 0.01)
    (True, True)

    Source: A. Azzalini and A. W. Bowman (1990), *A look at some data on the Old Faithful geyser*, Applied Statistics
    39, as ``faithful.csv`` of plotnine, MIT. Credits in NOTICE. Chapter 9.
    """
    arrays = read("faithful.npz", minutes=((ROWS, 2), "f"))
    rows = {name: split_rows(ROWS, VALID, TEST, name, seed=0).numpy() for name in ("train", split)}
    if raw:
        return Faithful(torch.from_numpy(arrays["minutes"][rows[split]]), torch.zeros(2), torch.ones(2))
    table = arrays["minutes"].astype(np.float64)
    if noise:
        table += np.array(STEP) * (np.random.default_rng(1).random(table.shape) - 0.5)
    mean, std = table[rows["train"]].mean(axis=0), table[rows["train"]].std(axis=0)
    x = torch.from_numpy((table[rows[split]] - mean) / std).float()
    return Faithful(x, torch.from_numpy(mean), torch.from_numpy(std))
