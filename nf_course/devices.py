"""device() and setting(): the same notebook on a laptop's CPU, a GPU or a Mac, with the size that fits each.

NF_COURSE_DEVICE=cpu|cuda|mps in the environment forces the choice; under torchrun each process has its own GPU.
Chapter 0.
"""

from __future__ import annotations

import os
from typing import TypeVar

import torch

__all__ = ["device", "setting"]

T = TypeVar("T")


def device() -> torch.device:
    """The device to compute on: NF_COURSE_DEVICE if set, otherwise CUDA, then MPS, then the CPU.

    Of several processes that torchrun started, each has the CUDA device that LOCAL_RANK counts.
    Errors: `ValueError` for another name, `RuntimeError` where the forced device is absent, or there are more
    processes than CUDA devices: never a silent CPU.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    forced = os.environ.get("NF_COURSE_DEVICE", "").strip().lower()
    if not forced:
        return _of_this_process(next(name for name, present in available.items() if present))
    if forced not in available:
        raise ValueError(f"NF_COURSE_DEVICE: expected cpu, cuda or mps, got {forced!r}")
    if not available[forced]:
        raise RuntimeError(f"NF_COURSE_DEVICE={forced}, but PyTorch {torch.__version__} finds no such device here")
    return _of_this_process(forced)


def _of_this_process(name: str) -> torch.device:
    if name != "cuda" or "LOCAL_RANK" not in os.environ:
        return torch.device(name)
    local, present = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if local >= present:
        raise RuntimeError(
            f"expected a CUDA device for each process, got {present} for process {local} (from 0) here; "
            f"use --nproc-per-node={present}, or NF_COURSE_DEVICE=cpu"
        )
    return torch.device("cuda", local)


def setting(cpu: T, gpu: T) -> T:
    """`cpu` where two cores should do, `gpu` where there is more: widths, steps, sample counts.

    >>> setting(cpu=1, gpu=2) == (1 if device().type == "cpu" else 2)
    True
    """
    return cpu if device().type == "cpu" else gpu
