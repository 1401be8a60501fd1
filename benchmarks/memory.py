"""What a training step holds in memory: kept for the backward pass, and the most that is alive at one time.

kept: every tensor that autograd saves, each storage once, without parameters and data. peak: all tensors that the step
makes, forward and backward, counted while they live.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["kept_mib", "peak_mib"]

MIB = 2**20


def kept_mib(loss: Callable[[], Tensor], own: list[Tensor]) -> float:
    """MiB that autograd keeps between `loss()` and its backward pass; `own` are tensors that are there anyway."""
    there, kept = {tensor.untyped_storage().data_ptr() for tensor in own}, {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in there:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = loss()  # alive until the sum is taken, so that no address is used twice
        total = sum(kept.values())
    del result
    return round(total / MIB, 3)


class _Alive(TorchDispatchMode):
    """Counts the bytes of new tensors while they live."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.peak = 0
        self.seen: dict[int, None] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        before = {t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in before and storage._cdata not in self.seen:
                    self._add(storage)
        self.peak = max(self.peak, self.bytes)
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        self.seen[key] = None
        self.bytes += size

        def gone() -> None:
            self.bytes -= size
            self.seen.pop(key, None)

        weakref.finalize(storage, gone)


def peak_mib(step: Callable[[], None]) -> float:
    """MiB alive at the worst moment of `step()`, of what it makes itself."""
    alive = _Alive()
    with alive:
        step()
    return round(alive.peak / MIB, 3)
