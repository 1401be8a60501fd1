"""One call of an answer, and everything that is to be known about it afterwards.

`LocalAnswer` calls functions of this process. Another answer, say one that asks a worker elsewhere, only has to turn a
`Case` into an `Outcome` as well; every test in `verdict.py` looks at outcomes and at nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from nf_course.grading import guard
from nf_course.grading.blame import LearnerError, blame
from nf_course.grading.borrowed import nothing_borrowed
from nf_course.grading.exercise import Case
from nf_course.grading.parts import map_tensors, tensors_in

__all__ = ["Answer", "LocalAnswer", "Outcome"]

SEED = 0x5EED  # before each call: an answer that draws has the numbers of the mistake that draws, in any process


@dataclass
class Outcome:
    """What came of a call: a value or an error, and what else happened."""

    value: Any = None
    error: LearnerError | None = None
    seconds: float = 0.0
    inputs_changed: tuple[int, ...] = ()  # places of the arguments that were changed
    state_changed: tuple[str, ...] = ()
    # of torch, where they were asked for: how often each ran, and how many numbers came out of it
    operators: dict[str, tuple[int, int]] = field(default_factory=dict)
    gradients: tuple[Tensor | None, ...] | None = None  # None: the value carries none


class Answer(Protocol):
    """Anything that can be asked for the outcome of a case."""

    def __call__(
        self, case: Case, *, limit: float, watch: bool = False, gradient: GradientOf | None = None
    ) -> Outcome: ...


@dataclass(frozen=True)
class GradientOf:
    """A request: the gradient of sum(weights * value), over all outputs, with respect to these arguments."""

    arguments: tuple[int, ...]
    weights: tuple[Tensor, ...]


class LocalAnswer:
    """Functions of this process. Each call gets copies of the arguments, and global state is put back after it."""

    def __init__(self, functions: tuple[Callable, ...]) -> None:
        self.functions = functions

    def __call__(self, case, *, limit=10.0, watch=False, gradient=None) -> Outcome:
        args, leaves = _copies(case, gradient)
        originals = [[t.clone() for t in tensors_in(arg)] for arg in case.args]
        outcome, watcher = Outcome(), _Watcher() if watch else None
        found = guard.snapshot()
        torch.default_generator.manual_seed(SEED)
        before, started = guard.snapshot(), time.monotonic()
        try:
            with guard.quiet(), torch.enable_grad(), guard.time_limit(limit):
                with nothing_borrowed(), watcher or nullcontext():
                    outcome.value = self.functions[case.function](*args)
                if not torch.is_grad_enabled():
                    outcome.state_changed += ("torch's grad mode",)
                if gradient is not None:
                    with torch.enable_grad():  # whatever the call did to it
                        outcome.gradients = _gradients(outcome.value, leaves, gradient)
        except BaseException as error:  # SystemExit too: a learner's function must not end the kernel
            outcome.error = blame(error, self.functions[case.function])
        outcome.seconds = time.monotonic() - started
        outcome.state_changed += tuple(guard.changed_since(before))
        guard.restore(found)
        if gradient is None:
            outcome.inputs_changed = tuple(
                place
                for place, (arg, original) in enumerate(zip(args, originals, strict=True))
                if not _unchanged(tensors_in(arg), original)
            )
        if watcher is not None:
            outcome.operators = watcher.seen
        return outcome


class _Watcher(TorchDispatchMode):
    """Counts the runs of every operator of torch, by name, and the numbers that come out of them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, tuple[int, int]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # otherwise the first call imports all of torch.compile, which takes seconds

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result, name = func(*args, **(kwargs or {})), func.name().removeprefix("aten::")
        runs, numbers = self.seen.get(name, (0, 0))
        self.seen[name] = runs + 1, numbers + (result.numel() if isinstance(result, Tensor) else 0)
        return result


def _copies(case: Case, gradient: GradientOf | None) -> tuple[list[Any], list[Tensor]]:
    """Fresh arguments; where a gradient is asked for, non-leaf copies of leaves, so that writing to them is allowed."""
    args, leaves = [], []
    for place, arg in enumerate(case.args):
        if gradient is None or place not in gradient.arguments:
            args.append(map_tensors(torch.clone, arg))
            continue

        def leaf(tensor: Tensor) -> Tensor:
            if not tensor.is_floating_point():
                return tensor.clone()
            leaves.append(tensor.clone().requires_grad_())
            return leaves[-1].clone()

        args.append(map_tensors(leaf, arg))
    return args, leaves


def _gradients(value: Any, leaves: list[Tensor], gradient: GradientOf) -> tuple[Tensor | None, ...] | None:
    outputs = value if isinstance(value, (tuple, list)) else (value,)
    total = sum(
        (weight * output).sum()
        for output, weight in zip(outputs, gradient.weights, strict=False)
        if isinstance(output, Tensor) and output.requires_grad
    )
    if not isinstance(total, Tensor):
        return None
    return torch.autograd.grad(total, leaves, allow_unused=True)


def _unchanged(now: list[Tensor], before: list[Tensor]) -> bool:
    """Compared in NumPy, so that an answer that patches `torch.equal` deceives only itself."""
    return len(now) == len(before) and all(  # an answer may have emptied a list
        a.shape == b.shape and a.dtype == b.dtype and bool((a.detach().cpu().numpy() == b.cpu().numpy()).all())
        for a, b in zip(now, before, strict=True)
    )
