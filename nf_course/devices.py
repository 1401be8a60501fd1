"""device() and setting(): the same notebook on a laptop's CPU, a GPU or a Mac, with the size that fits each.

NF_COURSE_DEVICE=cpu|cuda|mps in the environment forces the choice.
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

    Errors: `ValueError` for another name, `RuntimeError` where the forced device is absent: never a silent CPU.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    forced = os.environ.get("NF_COURSE_DEVICE", "").strip().lower()
    if not forced:
        return torch.device(next(name for name, present in available.items() if present))
    if forced not in available:
        raise ValueError(f"NF_COURSE_DEVICE: expected cpu, cuda or mps, got {forced!r}")
    if not available[forced]:
        raise RuntimeError(f"NF_COURSE_DEVICE={forced}, but PyTorch {torch.__version__} finds no such device here")
    return torch.device(forced)


def setting(cpu: T, gpu: T) -> T:
    """`cpu` where two cores should do, `gpu` where there is more: widths, steps, sample counts.

    >>> setting(cpu=1, gpu=2) == (1 if device().type == "cpu" else 2)
    True
    """
    return cpu if device().type == "cpu" else gpu
