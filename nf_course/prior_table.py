r"""prior_table: no prior, L2, total variation, a normal density and a flow on the same tasks, each at its best weight.

The weight with the best mean score on validation data is taken;  then test data, once.  nf-course measure priors.
Chapter 16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nf_course.prior_tasks import TASKS, restoration_task
from nf_course.restorer import WEIGHTS, Restorer

__all__ = ["PriorRow", "prior_table"]


class PriorRow(NamedTuple):
    """One line of the table; `start` is where a flow's search began; `valid` and `test` are mean scores, in `unit`."""

    task: str
    prior: str
    start: str
    weight: float | None
    valid: float
    test: float
    unit: str


def prior_table(
    tasks: Sequence[str] = TASKS,
    valid: int = 6,
    test: int = 12,
    poses: int = 40,
    seed: int = 0,
    grid: Mapping[str, Sequence[float]] = WEIGHTS,
) -> list[PriorRow]:
    """Every prior on every task: its weight from `valid` pictures (or `poses` frames), its score on `test` others.

    The tasks are those of `restoration_task`. Scores: PSNR in dB, more is better, or mm, less is better. Errors:
    `ValueError` for an unknown task, `MapDiverged` where a search runs away. Cost: with the defaults about 90 s on one
    core, most of it the flow of MNIST: some 4 ms for each picture, weight, start and step.

    >>> for row in prior_table(["digits: holes"], valid=8, test=16, grid=WEIGHTS | {"flow": (1.0,)}):
    ...     print(f"{row.prior:7}", row.test > 16.5)
    none    False
    L2      False
    TV      False
    normal  True
    flow    True
    """
    rows = []
    for name in tasks:
        kind = name.partition(": ")[0]
        first = restoration_task(name, "valid", poses if kind == "poses" else valid, seed)
        then = restoration_task(name, "test", poses if kind == "poses" else test, seed + 1)
        restorer = Restorer(kind)
        for prior, scores in restorer.tune(first, grid).items():
            best = (first.sign * scores).max() * first.sign
            start = restorer.start if prior == "flow" else ""
            score = then.score(restorer(then, prior)[0]).mean()
            rows.append(PriorRow(name, prior, start, restorer.weight.get(prior), best.item(), score.item(), first.unit))
    return rows
