"""Right or wrong, and by how much: results compared in NumPy, on the CPU, in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["NUMBERS", "PLAIN", "TOLERANCE", "arrays", "difference", "explain", "readable", "worst"]

PLAIN = (Tensor, nn.Parameter)  # exactly these: a subclass may say anything about itself
NUMBERS = (int, float, np.float64, np.float32, np.int64, np.int32)  # these do where one number is wanted

# An entry is right within 1e-5 * (1 + |expected|). Everything is computed in float64, so a right answer is off by 1e-13
# or, if it takes a constant in float32, by 1e-7; the nearest typical mistake is off by more than 1e-4 (tested).
TOLERANCE = 1e-5


def arrays(value: Any) -> tuple[np.ndarray, ...] | None:
    """A tensor, a number, or a tuple of them, as NumPy arrays; None for anything else."""
    items = value if isinstance(value, (tuple, list)) else (value,)
    if not items:
        return None
    found = []
    for item in items:
        if type(item) in PLAIN and readable(item) and not item.is_complex():
            found.append(item.detach().to("cpu", torch.float64).resolve_neg().numpy())
        elif type(item) in NUMBERS:
            found.append(np.asarray(_float(item)))
        else:
            return None
    return tuple(found)


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:  # an int that no float reaches
        return math.inf if number > 0 else -math.inf


def readable(tensor: Tensor) -> bool:
    """An ordinary, dense tensor with numbers in it."""
    return tensor.layout == torch.strided and tensor.device.type != "meta" and not tensor.is_quantized


def difference(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """Entry by entry, in units of the tolerance: 1 is just right. Infinity where only one of them is finite."""
    with np.errstate(all="ignore"):
        ratio = np.abs(got - want) / (TOLERANCE * (1 + np.abs(want)))
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    return np.where(same, 0.0, np.where(np.isfinite(ratio), ratio, math.inf))


def worst(got: tuple[np.ndarray, ...] | None, want: tuple[np.ndarray, ...] | None) -> float:
    """The largest difference of two results; infinity where their shapes differ or one is no result."""
    if got is None or want is None or len(got) != len(want):
        return math.inf
    if any(g.shape != w.shape for g, w in zip(got, want, strict=True)):
        return math.inf
    return max((float(difference(g, w).max(initial=0.0)) for g, w in zip(got, want, strict=True)), default=0.0)


def explain(got: np.ndarray, want: np.ndarray) -> tuple[str, str, str]:
    """(expected, got, remark) for the first wrong entry; the remark says what all wrong entries have in common."""
    wrong = difference(got, want) > 1
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = _place(first)
    rows = wrong.any(axis=tuple(range(1, wrong.ndim))) if wrong.ndim else wrong
    count = f"{int(rows.sum())} of {len(rows)} rows" if wrong.ndim and len(rows) > 1 else ""
    pattern = _pattern(got, want)
    remark = ": ".join(part for part in (count, pattern) if part)
    shown = [f"{value:.4f}" for value in (want[first], got[first])]
    if shown[0] == shown[1]:  # "expected 0.1234, got 0.1234" would help nobody
        shown = [f"{value:.9g}" for value in (want[first], got[first])]
    return shown[0] + place, shown[1], remark


def _place(index: tuple[int, ...]) -> str:
    if not index:
        return ""
    return f" for row {index[0]}" if len(index) == 1 else f" at [{', '.join(map(str, index))}]"


def _pattern(got: np.ndarray, want: np.ndarray) -> str:
    """What a wrong result has in common with the right one, in a few words."""
    if want.size < 2:
        return "same size, other sign" if want.size and _close(got, -want) else ""
    if _close(got, -want):
        return "same size, other sign"
    with np.errstate(all="ignore"):
        ratio, offset = got / want, got - want
    if np.isfinite(ratio).all() and _close(ratio, np.full_like(ratio, ratio.flat[0])):
        return _times(float(ratio.flat[0]))
    if np.isfinite(offset).all() and _close(offset, np.full_like(offset, offset.flat[0])):
        return f"all off by {offset.flat[0]:+.4g}"
    if _close(got, np.full_like(got, got.flat[0])):
        return "the same number everywhere"
    if _close(np.sort(got, axis=None), np.sort(want, axis=None)):
        return "the right numbers in the wrong places"
    return ""


def _times(ratio: float) -> str:
    if abs(ratio) > 1.001:
        return f"all {ratio:.4g} times too large" if ratio > 0 else f"all {ratio:.4g} times the right number"
    if abs(ratio) > 0.999:
        return "all nearly right" if ratio > 0 else "nearly the same size, other sign"
    return f"all {ratio:.4g} times the right number" if ratio else "all zero"


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((difference(a, b) <= 1).all())
